"""Redis: what the nodes that share a table of cameras have written of theirs (redis_sink.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import msgspec
from redis.exceptions import ResponseError

from restream.adapters.stores import redis_keys as keys
from restream.adapters.stores.redis_connection import Connection
from restream.domain.camera.secret import Secret
from restream.domain.fleet.node import NodeName
from restream.domain.server.trust import SYSTEM, Trust
from restream.ports.nodes import PeerPicture

FORMAT = 1
"""Of what nodes tell one another; another one when a key changes its meaning."""

_MOST_CAMERAS = 50_000
_MOST_ABOUT_BYTES = 64 * 1024
_MOST_CAMERA_BYTES = 16 * 1024
_MOST_GENERATION = 10**15
_MOST_NAME = 64
# Answers are parsed in one go: so many at a time hold nobody up.
_BATCH = 200


class _Head(msgspec.Struct):
    format: int
    instance: str
    generation: int


class _Seen(NamedTuple):
    """As it was answered: by an error where a key is of another type."""

    about: bytes
    changed: list[bytes]
    cameras: int


class RedisPeers:
    """Reads what is new since the look before: cameras that were written in a later generation, whole lists of ids only
    where their number is not what it should be."""

    def __init__(self, url: Secret, prefix: str, trust: Trust = SYSTEM) -> None:
        self._connection = Connection(url, trust)
        self._prefix = prefix
        self._known: Mapping[NodeName, PeerPicture] = {}

    async def look(self, names: Collection[NodeName]) -> Mapping[NodeName, PeerPicture]:
        """Raises SinkError."""
        async with self._connection.translated():
            seen = await self._seen(names)
        found: dict[NodeName, PeerPicture] = {}
        for name, each in seen.items():
            if not each.about:
                continue
            head = _head(each)
            found[name] = head if isinstance(head, PeerPicture) else await self._picture(name, head, each)
        self._known = found
        return found

    async def _seen(self, names: Collection[NodeName]) -> Mapping[NodeName, _Seen]:
        if not names:
            return {}
        async with self._connection.redis.pipeline(transaction=True) as pipe:
            for name in names:
                known = self._known.get(name)
                since = known.generation if known is not None else _MOST_GENERATION
                pipe.getrange(self._key(name, keys.OWN_ABOUT), 0, _MOST_ABOUT_BYTES)
                pipe.zrangebyscore(self._key(name, keys.OWN_CHANGED), f"({since}", "+inf", 0, _MOST_CAMERAS)
                pipe.hlen(self._key(name, keys.OWN_CAMERAS))
            answers = await pipe.execute(raise_on_error=False)
        return {name: _Seen(*answers[at : at + 3]) for at, name in zip(range(0, len(answers), 3), names, strict=True)}

    async def _picture(self, name: NodeName, head: _Head, seen: _Seen) -> PeerPicture:
        known = self._known.get(name)
        same = known is not None and known.instance == head.instance and known.generation <= head.generation
        cameras = dict(known.cameras) if known is not None and same else {}
        if known is not None and same and seen.about == known.about and seen.cameras == len(cameras):
            return known
        await self._read(name, [each.decode(errors="replace") for each in seen.changed] if same else (), cameras)
        if len(cameras) != seen.cameras:
            async with self._connection.translated():
                there: Any = await self._connection.redis.hkeys(self._key(name, keys.OWN_CAMERAS))
            ids = {each.decode(errors="replace") for each in there}
            for gone in cameras.keys() - ids:
                del cameras[gone]
            await self._read(name, ids - cameras.keys(), cameras)
        return PeerPicture(head.instance, head.generation, seen.about, cameras)

    async def _read(self, name: NodeName, ids: Collection[str], cameras: dict[str, bytes]) -> None:
        wanted = list(ids)
        for some in (wanted[at : at + _BATCH] for at in range(0, len(wanted), _BATCH)):
            async with self._connection.translated():
                bodies: Any = await self._connection.redis.hmget(self._key(name, keys.OWN_CAMERAS), some)
            for camera_id, body in zip(some, bodies, strict=True):
                if body is None:
                    cameras.pop(camera_id, None)
                elif cameras.get(camera_id) != body:
                    # One that is too long is there, and cannot be understood.
                    cameras[camera_id] = body if len(body) <= _MOST_CAMERA_BYTES else b""
            await asyncio.sleep(0)

    def _key(self, name: NodeName, what: str) -> str:
        return keys.own_key(self._prefix, name, what)

    async def close(self) -> None:
        """Never raises."""
        await self._connection.close()


def _head(seen: _Seen) -> _Head | PeerPicture:
    """A picture that only tells its problem where the rest cannot be understood."""
    if any(isinstance(each, ResponseError) for each in seen):
        return PeerPicture("", 0, problem="its keys are of other types than this version knows")
    try:
        head = msgspec.json.decode(seen.about, type=_Head)
    except (ValueError, RecursionError):
        return PeerPicture("", 0, problem="what it tells of itself cannot be understood")
    if head.format != FORMAT:
        return PeerPicture("", 0, problem=f"it speaks format {head.format:.6g}, this version {FORMAT}")
    if not 0 <= head.generation < _MOST_GENERATION or len(head.instance) > _MOST_NAME:
        return PeerPicture("", 0, problem="what it tells of itself cannot be understood")
    if seen.cameras > _MOST_CAMERAS:
        return PeerPicture("", 0, problem=f"it tells of more than {_MOST_CAMERAS} cameras")
    return head
