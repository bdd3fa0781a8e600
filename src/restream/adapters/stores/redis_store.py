"""Redis: the latest picture, and what outlives the service. All keys are here.

Keys of the picture expire, so a dead service never looks alive; events and availability stay.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from restream.adapters.stores.stored_records import decode_event, decode_moment, decode_timeline, encode_timeline
from restream.domain.camera.secret import Secret, mask_exact, mask_patterns, spellings
from restream.domain.judgement.availability import KEPT_S
from restream.ports import Documents, EventRecord, Records, SinkError

STREAMS_KEY = "mediamtx:streams:latest"
"""The classic JSON array."""
SNAPSHOT_KEY = "restream:snapshot"
"""JSON: components and all cameras of one cycle."""
CAMERAS_KEY = "restream:cameras"
"""Hash: camera id → JSON."""
HOST_KEY = "restream:host:latest"
"""JSON: the newest sample of the host."""
CHANGES_CHANNEL = "restream:changes"
"""A JSON array of the camera ids that changed in a cycle."""
EVENTS_KEY = "restream:events"
"""Stream: field `event`, the JSON of `GET /api/events`."""
AVAILABILITY_KEY = "restream:availability"
"""Hash: camera id → JSON of its last 24 h."""
WATCHED_KEY = "restream:watched_until"
"""Unix time (s) of the last cycle that was archived."""

_TIMEOUT_S = 5.0
_MOST_EVENTS = 10_000
_RESTORED_EVENTS = 1000


class _Connection:
    """One client; every trouble with it is a SinkError without the password."""

    def __init__(self, url: Secret, prefix: str) -> None:
        self._secrets = spellings(urlsplit(url.reveal()).password or "")
        self.prefix = prefix
        self.redis: Redis = Redis.from_url(
            url.reveal(), socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, client_name="restream"
        )

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Pipeline]:
        """A MULTI to fill and to execute."""
        async with self.translated(), self.redis.pipeline(transaction=True) as pipe:
            yield pipe

    @contextlib.asynccontextmanager
    async def translated(self) -> AsyncIterator[None]:
        task = asyncio.current_task()
        asked = task.cancelling() if task else 0
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                yield
        except (RedisError, OSError, TimeoutError) as error:
            text = " ".join(str(error).split()) or type(error).__name__
            raise SinkError(mask_patterns(mask_exact(text, self._secrets))) from None
        finally:
            # The library sends within asyncio.wait_for, which until Python 3.12 loses a cancellation that comes as it
            # ends: whoever waits for this task would wait for ever.
            if task and task.cancelling() > asked:
                raise asyncio.CancelledError

    async def close(self) -> None:
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await self.redis.aclose()


class RedisSink:
    """Writes each cycle in one MULTI; keys live for `expire_s` seconds."""

    name = "redis"

    def __init__(self, url: Secret, prefix: str, expire_s: float) -> None:
        self._connection = _Connection(url, prefix)
        self._prefix = prefix
        self._expire_ms = int(expire_s * 1000)
        self._written: dict[str, bytes] = {}

    async def write(self, documents: Documents) -> None:
        written, self._written = self._written, {}
        if not await self._replace(documents, written):
            # It was lost: Redis restarted, or it expired while this process was stopped.
            await self._replace(documents, {})
        self._written = dict(documents.cameras)

    async def _replace(self, documents: Documents, written: Mapping[str, bytes]) -> bool:
        """Store what differs from `written`; whether the hash of cameras is whole then."""
        async with self._connection.transaction() as pipe:
            pipe.set(self._prefix + STREAMS_KEY, documents.streams, px=self._expire_ms)
            if documents.host is not None:
                pipe.set(self._prefix + HOST_KEY, documents.host, px=self._expire_ms)
            if documents.snapshot is not None:
                self._add_cameras(pipe, documents.snapshot, documents.cameras, written)
            *_, count = await pipe.execute()
        return documents.snapshot is None or count == len(documents.cameras)

    def _add_cameras(
        self, pipe: Pipeline, snapshot: bytes, cameras: Mapping[str, bytes], written: Mapping[str, bytes]
    ) -> None:
        changed = {key: body for key, body in cameras.items() if written.get(key) != body}
        removed = [key for key in written if key not in cameras]
        cameras_key = self._prefix + CAMERAS_KEY
        pipe.set(self._prefix + SNAPSHOT_KEY, snapshot, px=self._expire_ms)
        if not written:
            # After a restart or an outage the hash may hold what is no more.
            pipe.delete(cameras_key)
        if changed:
            pipe.hset(cameras_key, mapping=dict(changed.items()))
        if removed:
            pipe.hdel(cameras_key, *removed)
        pipe.pexpire(cameras_key, self._expire_ms)
        if changed or removed:
            pipe.publish(self._prefix + CHANGES_CHANNEL, msgspec.json.encode([*changed, *removed]))
        pipe.hlen(cameras_key)

    async def close(self) -> None:
        await self._connection.close()


class RedisArchive:
    """Events and availability. `event` is what events are read back as."""

    name = "redis"

    def __init__(self, url: Secret, prefix: str, event: type[EventRecord]) -> None:
        self._connection = _Connection(url, prefix)
        self._event = event
        self._events_key = prefix + EVENTS_KEY
        self._availability_key = prefix + AVAILABILITY_KEY
        self._watched_key = prefix + WATCHED_KEY

    async def load(self) -> Records:
        redis = self._connection.redis
        async with self._connection.translated():
            # The library types every answer as bytes or text; this client decodes nothing.
            entries: Any = await redis.xrevrange(self._events_key, count=_RESTORED_EVENTS)
            timelines: Any = await redis.hgetall(self._availability_key)
            until: Any = await redis.get(self._watched_key)
        now = time.time()
        told = [(fields or {}).get(b"event", b"") for _, fields in reversed(entries)]
        events = {event.id: event for body in told if (event := decode_event(body, now, self._event)) is not None}
        found = {key.decode(errors="replace"): decode_timeline(body, now) for key, body in timelines.items()}
        kept = {key: timeline for key, timeline in found.items() if timeline}
        return Records([events[event_id] for event_id in sorted(events)], kept, decode_moment(until, now))

    async def save(self, records: Records, removed: Collection[str]) -> int:
        async with self._connection.transaction() as pipe:
            for event in records.events:
                fields = {"event": msgspec.json.encode(event)}
                pipe.xadd(self._events_key, fields, maxlen=_MOST_EVENTS, approximate=True)  # type: ignore[arg-type]
            if records.timelines:
                mapping = {camera_id: encode_timeline(timeline) for camera_id, timeline in records.timelines.items()}
                pipe.hset(self._availability_key, mapping=mapping)  # type: ignore[arg-type]
            if removed:
                pipe.hdel(self._availability_key, *removed)
            pipe.set(self._watched_key, f"{records.watched_until:.3f}")
            pipe.pexpire(self._availability_key, int(7 * KEPT_S * 1000))
            pipe.hlen(self._availability_key)
            *_, kept = await pipe.execute()
        return int(kept)

    async def close(self) -> None:
        await self._connection.close()
