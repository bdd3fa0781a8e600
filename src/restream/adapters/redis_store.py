"""The latest picture in Redis. All keys are here; snapshot keys expire, so a dead service never looks alive."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import orjson
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from restream.domain.secret import Secret, mask_exact, mask_patterns, spellings
from restream.ports import Documents, SinkError

STREAMS_KEY = "mediamtx:streams:latest"
"""The classic JSON array."""
SNAPSHOT_KEY = "restream:snapshot"
"""JSON: status and all cameras of one cycle."""
CAMERAS_KEY = "restream:cameras"
"""Hash: camera id → JSON."""
CHANGES_CHANNEL = "restream:changes"
"""A JSON array of the camera ids that changed in a cycle."""

_TIMEOUT_S = 5.0


class RedisSink:
    """Writes each cycle in one MULTI; keys live for `expire_s` seconds."""

    name = "redis"

    def __init__(self, url: Secret, prefix: str, expire_s: float) -> None:
        self._secrets = spellings(urlsplit(url.reveal()).password or "")
        self._prefix = prefix
        self._expire_ms = int(expire_s * 1000)
        self._written: dict[str, bytes] = {}
        self._redis: Redis = Redis.from_url(
            url.reveal(), socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, client_name="restream"
        )

    async def write(self, documents: Documents) -> None:
        changed = {key: body for key, body in documents.cameras.items() if self._written.get(key) != body}
        removed = [key for key in self._written if key not in documents.cameras]
        try:
            async with asyncio.timeout(_TIMEOUT_S), self._redis.pipeline(transaction=True) as pipe:
                pipe.set(self._prefix + STREAMS_KEY, documents.streams, px=self._expire_ms)
                if documents.snapshot is not None:
                    self._add_cameras(pipe, documents.snapshot, changed, removed)
                await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            self._written = {}
            text = " ".join(str(error).split()) or type(error).__name__
            raise SinkError(mask_patterns(mask_exact(text, self._secrets))) from None
        self._written = dict(documents.cameras)

    def _add_cameras(
        self, pipe: Pipeline, snapshot: bytes, changed: Mapping[str, bytes], removed: Sequence[str]
    ) -> None:
        cameras_key = self._prefix + CAMERAS_KEY
        pipe.set(self._prefix + SNAPSHOT_KEY, snapshot, px=self._expire_ms)
        if not self._written:
            # After a restart or an outage the hash may hold what is no more.
            pipe.delete(cameras_key)
        if changed:
            pipe.hset(cameras_key, mapping=dict(changed.items()))
        if removed:
            pipe.hdel(cameras_key, *removed)
        pipe.pexpire(cameras_key, self._expire_ms)
        if changed or removed:
            pipe.publish(self._prefix + CHANGES_CHANNEL, orjson.dumps([*changed, *removed]))

    async def close(self) -> None:
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await self._redis.aclose()
