"""Redis: incidents, where there are no tables for them in PostgreSQL."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from restream.adapters.stores import redis_keys as keys
from restream.adapters.stores.redis_connection import Connection, hold_types, tell_replaced
from restream.domain.camera.secret import Secret
from restream.domain.news.incident import Incident
from restream.domain.server.trust import SYSTEM, Trust
from restream.ports.incidents import AddedEntry

logger = logging.getLogger(__name__)

_MOST_ENDED = 1000
_MAX_BYTES = 1 << 20
T = TypeVar("T")


class RedisIncidents:
    """Two hashes for all nodes: incidents by id, entries by id. The thousand that ended last are kept."""

    name = "redis"

    def __init__(self, url: Secret, prefix: str, trust: Trust = SYSTEM) -> None:
        self._connection = Connection(url, trust)
        self._key, self._entries_key = prefix + keys.INCIDENTS_KEY, prefix + keys.INCIDENT_ENTRIES_KEY
        self._types = {self._key: "hash", self._entries_key: "hash"}

    async def exists(self) -> bool:
        """Redis has a place for everything. Raises SinkError."""
        async with self._connection.translated():
            await self._connection.redis.ping()
        return True

    async def load(self, since: float) -> Sequence[Incident]:
        """Raises SinkError."""
        return [each for each in await self._all() if each.ended is None or each.ended > since]

    async def between(self, since: float, until: float, limit: int) -> Sequence[Incident]:
        """Raises SinkError."""
        found = [each for each in await self._all() if each.began <= until and (each.ended or until) >= since]
        return found[-limit:]

    async def save(self, incidents: Collection[Incident], entries: Collection[AddedEntry]) -> None:
        """Raises SinkError."""
        old = await self._old() if any(each.ended is not None for each in incidents) else []
        async with self._connection.transaction() as pipe:
            hold_types(pipe, self._types)
            for each in incidents:
                pipe.hset(self._key, each.id, msgspec.json.encode(replace(each, entries=())))
            for added in entries:
                pipe.hset(self._entries_key, added.entry.id, msgspec.json.encode(added))
            if old:
                pipe.hdel(self._key, *(each.id for each in old))
            if gone := [entry.id for each in old for entry in each.entries]:
                pipe.hdel(self._entries_key, *gone)
            replaced, *_ = await pipe.execute()
        tell_replaced(replaced)

    async def close(self) -> None:
        """Never raises."""
        await self._connection.close()

    async def _old(self) -> list[Incident]:
        ended = [each for each in await self._all() if each.ended is not None]
        return sorted(ended, key=lambda each: each.ended or 0.0)[:-_MOST_ENDED]

    async def _all(self) -> list[Incident]:
        redis = self._connection.redis
        async with self._connection.translated():
            tell_replaced(await hold_types(redis, self._types))
            bodies: Any = await redis.hvals(self._key)
            added: Any = await redis.hvals(self._entries_key)
        entries: dict[str, list[AddedEntry]] = {}
        for each in _understood(added, AddedEntry):
            entries.setdefault(each.incident, []).append(each)
        found = sorted(_understood(bodies, Incident), key=lambda each: (each.began, each.id))
        return [each.with_entries(tuple(one.entry for one in entries.get(each.id, ()))) for each in found]


def _understood(bodies: Sequence[bytes], kind: type[T]) -> list[T]:
    """Others may write there: what is something else is left out."""
    found: list[T] = []
    for body in bodies:
        if len(body) <= _MAX_BYTES:
            try:
                found.append(msgspec.json.decode(body, type=kind))
            except (ValueError, RecursionError):
                logger.debug("redis: an incident is not understood")
    return found
