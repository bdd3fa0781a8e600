"""Redis: what outlives the service."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from typing import Any

import msgspec

from restream.adapters.stores import redis_keys as keys
from restream.adapters.stores.redis_connection import Connection, hold_types, script, tell_replaced
from restream.adapters.stores.stored_records import decode_event, decode_moment, decode_timeline, encode_timeline
from restream.domain.camera.secret import Secret
from restream.domain.judgement.availability import KEPT_S
from restream.domain.server.trust import SYSTEM, Trust
from restream.ports.outlets import EventRecord, Records

logger = logging.getLogger(__name__)

_FORGET = script("redis_forget")
_MOST_EVENTS = 10_000
_RESTORED_EVENTS = 1000
_KEPT_MS = int(7 * KEPT_S * 1000)


class RedisArchive:
    """Events and availability. All nodes add to the same stream and hash; each reads back its own, as `event`."""

    name = "redis"

    def __init__(self, url: Secret, prefix: str, node: str, event: type[EventRecord], trust: Trust = SYSTEM) -> None:
        self._connection = Connection(url, trust)
        self._node = node
        self._event = event
        self._nodes_key = prefix + keys.NODES_KEY
        self._node_keys = prefix + keys.NODE_KEYS
        self._events_key = prefix + keys.EVENTS_KEY
        self._availability_key = prefix + keys.AVAILABILITY_KEY
        self._watched_key = prefix + keys.WATCHED_KEY
        self._own_watched_key = keys.own_key(prefix, node, keys.OWN_WATCHED)
        self._types = {
            self._events_key: "stream",
            self._availability_key: "hash",
            self._nodes_key: "zset",
            self._watched_key: "string",
            self._own_watched_key: "string",
        }
        self._saved = False

    async def load(self) -> Records:
        """What was kept. What cannot be read of it is left out, with one line of how much. Raises SinkError."""
        redis = self._connection.redis
        now = time.time()
        async with self._connection.translated():
            tell_replaced(await hold_types(redis, self._types))
            events = await self._events(now)
            timelines: Any = await redis.hgetall(self._availability_key)
            until: Any = await redis.get(self._own_watched_key)
            if until is None and not await self._peers():
                # Kept before nodes had names, or under another one.
                until = await redis.get(self._watched_key)
        found = {key.decode(errors="replace"): decode_timeline(body, now) for key, body in timelines.items()}
        kept = {key: timeline for key, timeline in found.items() if timeline is not None}
        _tell(len(found) - len(kept), "the availability of {} cameras begins anew")
        moment = decode_moment(until, now)
        _tell(until is not None and not moment, "until when it was watched is not known")
        return Records([events[event_id] for event_id in sorted(events)], kept, moment)

    async def _events(self, now: float) -> dict[int, EventRecord]:
        """The newest events of this node, and those from before nodes had names, by id."""
        events: dict[int, EventRecord] = {}
        unread = 0
        before = "+"
        for _ in range(_MOST_EVENTS // _RESTORED_EVENTS + 2):
            page: Any = await self._connection.redis.xrevrange(self._events_key, max=before, count=_RESTORED_EVENTS)
            for _, fields in page:
                event = decode_event((fields or {}).get(b"event", b""), now, self._event)
                unread += event is None
                if event is not None and event.node in ("", self._node):
                    # The newest comes first, and wins.
                    own = msgspec.structs.replace(event, node=self._node)  # type: ignore[type-var]
                    events.setdefault(event.id, own)
            if len(page) < _RESTORED_EVENTS or len(events) >= _RESTORED_EVENTS:
                break
            before = page[-1][0].decode()
        _tell(unread, "{} events are left out")
        return dict(list(events.items())[:_RESTORED_EVENTS])

    async def _peers(self) -> bool:
        """Whether other nodes write to this Redis."""
        seconds, _ = await self._connection.redis.time()
        living: Any = await self._connection.redis.zrangebyscore(self._nodes_key, seconds * 1000, "+inf")
        return bool(set(living) - {self._node.encode()})

    async def save(self, records: Records, removed: Collection[str]) -> int:
        async with self._connection.transaction() as pipe:
            # Half of a transaction is carried out where a key is of another type: its events would be there twice.
            hold_types(pipe, self._types)
            pipe.exists(self._own_watched_key)
            for event in records.events:
                fields = {"event": msgspec.json.encode(event)}
                pipe.xadd(self._events_key, fields, maxlen=_MOST_EVENTS, approximate=True)  # type: ignore[arg-type]
            if records.timelines:
                mapping = {camera_id: encode_timeline(timeline) for camera_id, timeline in records.timelines.items()}
                pipe.hset(self._availability_key, mapping=mapping)  # type: ignore[arg-type]
            if removed:
                pipe.eval(_FORGET, 2, self._availability_key, self._nodes_key, self._node_keys, self._node, *removed)
            for key in (self._watched_key, self._own_watched_key):
                pipe.set(key, f"{records.watched_until:.3f}")
            for key in (self._availability_key, self._own_watched_key):
                pipe.pexpire(key, _KEPT_MS)
            pipe.hlen(self._availability_key)
            gone, there, *_, kept = await pipe.execute()
        tell_replaced(gone)
        # Of a hash that others fill as well, the count alone does not tell what was lost.
        lost, self._saved = self._saved and not there, True
        return 0 if lost else int(kept)

    async def close(self) -> None:
        await self._connection.close()


def _tell(count: int, what: str) -> None:
    """One line where something was left out."""
    if count:
        why = "not understood, or of a time to come: another version, another clock or somebody else wrote it"
        logger.warning("redis: %s: %s", what.format(count), why)
