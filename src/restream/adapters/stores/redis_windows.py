"""Redis: maintenance windows, where there is no table for them in PostgreSQL."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import msgspec

from restream.adapters.stores import redis_keys as keys
from restream.adapters.stores.redis_connection import Connection, hold_types, tell_replaced
from restream.domain.camera.secret import Secret
from restream.domain.maintenance.window import MaintenanceWindow
from restream.domain.server.trust import SYSTEM, Trust

logger = logging.getLogger(__name__)

_MAX_BYTES = 1 << 18


class RedisWindows:
    """One hash for all nodes: id → JSON."""

    name = "redis"

    def __init__(self, url: Secret, prefix: str, trust: Trust = SYSTEM) -> None:
        self._connection = Connection(url, trust)
        self._key = prefix + keys.MAINTENANCE_KEY

    async def exists(self) -> bool:
        """Redis has a place for everything. Raises SinkError."""
        async with self._connection.translated():
            await self._connection.redis.ping()
        return True

    async def load(self, since: float) -> Sequence[MaintenanceWindow]:
        """Raises SinkError."""
        redis = self._connection.redis
        async with self._connection.translated():
            tell_replaced(await hold_types(redis, {self._key: "hash"}))
            bodies: Any = await redis.hgetall(self._key)
        found = {key: window for key, body in bodies.items() if (window := _decoded(body)) is not None}
        over = [key for key, each in found.items() if min(each.end or since + 1, each.ended or since + 1) <= since]
        if over:
            async with self._connection.translated():
                await redis.hdel(self._key, *over)
        kept = [each for key, each in found.items() if key not in over]
        return sorted(kept, key=lambda each: (each.made, each.id))

    async def put(self, window: MaintenanceWindow) -> None:
        """Raises SinkError."""
        async with self._connection.transaction() as pipe:
            hold_types(pipe, {self._key: "hash"})
            pipe.hset(self._key, window.id, msgspec.json.encode(window))
            gone, *_ = await pipe.execute()
        tell_replaced(gone)

    async def close(self) -> None:
        """Never raises."""
        await self._connection.close()


def _decoded(body: bytes) -> MaintenanceWindow | None:
    if len(body) > _MAX_BYTES:
        return None
    try:
        return msgspec.json.decode(body, type=MaintenanceWindow)
    except (ValueError, RecursionError):
        logger.debug("redis: a maintenance window is not understood")
        return None
