"""Redis: what the cameras of a node send, so that its next start need not ask them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from restream.adapters.stores import redis_keys as keys
from restream.adapters.stores.redis_connection import Connection, hold_types, tell_replaced
from restream.domain.camera.secret import Secret
from restream.domain.known_media import KnownMedia
from restream.domain.server.trust import SYSTEM, Trust

logger = logging.getLogger(__name__)

_KEPT_MS = 7 * 24 * 3600 * 1000
_MAX_BYTES = 4096
_MAX_NUMBER = 1_000_000
_MAX_TEXT = 64


class RedisMedia:
    """One hash a node: camera id → JSON, forgotten a week after it last changed."""

    name = "redis"

    def __init__(self, url: Secret, prefix: str, node: str, trust: Trust = SYSTEM) -> None:
        self._connection = Connection(url, trust)
        self._key = keys.own_key(prefix, node, keys.OWN_MEDIA)

    async def load(self) -> Mapping[str, KnownMedia]:
        """What was kept, by camera id; others may write there, so what cannot be is left out. Raises SinkError."""
        redis = self._connection.redis
        async with self._connection.translated():
            tell_replaced(await hold_types(redis, {self._key: "hash"}))
            found: Any = await redis.hgetall(self._key)
        known = {key.decode(errors="replace"): _decoded(body) for key, body in found.items()}
        kept = {camera_id: each for camera_id, each in known.items() if each is not None}
        if left := len(known) - len(kept):
            logger.warning("redis: what %d cameras send is not understood, they are probed", left)
        return kept

    async def save(self, changed: Mapping[str, KnownMedia], removed: Collection[str]) -> None:
        """Replace what changed, forget what is removed. Raises SinkError."""
        async with self._connection.transaction() as pipe:
            hold_types(pipe, {self._key: "hash"})
            if changed:
                mapping = {key: msgspec.json.encode(each) for key, each in changed.items()}
                pipe.hset(self._key, mapping=mapping)  # type: ignore[arg-type]
            if removed:
                pipe.hdel(self._key, *removed)
            pipe.pexpire(self._key, _KEPT_MS)
            gone, *_ = await pipe.execute()
        tell_replaced(gone)

    async def close(self) -> None:
        """Never raises."""
        await self._connection.close()


def _decoded(body: bytes) -> KnownMedia | None:
    if len(body) > _MAX_BYTES:
        return None
    try:
        known = msgspec.json.decode(body, type=KnownMedia)
    except (ValueError, RecursionError):
        return None
    return known if _plausible(msgspec.to_builtins(known)) else None


def _plausible(value: object) -> bool:
    """Some of it becomes words of a command line: it must look like what a probe gives."""
    match value:
        case dict():
            return all(map(_plausible, value.values()))
        case list() | tuple():
            return all(map(_plausible, value))
        case str():
            return len(value) <= _MAX_TEXT and value.isprintable()
        case int() | float():
            return 0 <= value <= _MAX_NUMBER
    return True
