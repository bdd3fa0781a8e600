"""The other nodes of a fleet by script, in a process of their own: what they tell of their cameras, through Redis.

It reads from its standard input where, and the documents of each node's cameras, two of each; one is told, and in each
interval of a share of the cameras the other one. It serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from restream.adapters.stores.redis_sink import RedisSink
from restream.domain.camera.secret import Secret
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.values import encode
from restream.ports.outlets import Documents

_EXPIRE_S = 10.0
_LINE_BYTES = 1 << 26


class PeerScript(msgspec.Struct):
    """What they do."""

    redis_url: str
    interval_s: float
    changing: float
    """Share of the cameras."""
    cameras: Mapping[str, Mapping[str, tuple[str, str]]]
    """By node and camera id, two documents."""


def peer_cameras(
    templates: Sequence[CameraDocument], node: str, numbers: Iterator[int] | range
) -> Mapping[str, tuple[str, str]]:
    """Documents of cameras of these numbers, made after two others."""
    return {
        str(number): tuple(
            encode(
                replace(each, id=str(number), name=f"Camera {number}, north gate", node=node, path=f"cam{number}")
            ).decode()
            for each in templates
        )
        for number in numbers
    }  # type: ignore[return-value]


@contextlib.asynccontextmanager
async def scripted_peers(script: PeerScript) -> AsyncIterator[None]:
    """Run them; they have told once when the block begins."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.scripted_peers", stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(msgspec.json.encode(script) + b"\n")
        await process.stdin.drain()
        await process.stdout.readline()
        yield
    finally:
        process.stdin.close()
        await process.wait()


class _Peer:
    """One node."""

    def __init__(self, name: str, script: PeerScript) -> None:
        self._sink = RedisSink(Secret(script.redis_url), "", name, _EXPIRE_S)
        self._name = name
        self._bodies = {key: (first.encode(), other.encode()) for key, (first, other) in script.cameras[name].items()}
        self._told = {key: first for key, (first, _) in self._bodies.items()}
        self._count = round(len(self._bodies) * script.changing)
        self._random = random.Random(name)
        self._generation = 0

    async def tell(self) -> None:
        """One cycle."""
        self._generation += 1
        for key in self._random.sample(sorted(self._bodies), self._count):
            first, other = self._bodies[key]
            self._told[key] = other if self._told[key] is first else first
        about: Mapping[str, Any] = {"format": 1, "instance": self._name, "generation": self._generation}
        whole = b'{"cameras":[%s]}' % b",".join(self._told.values())
        await self._sink.write(
            Documents(b"[]", whole, dict(self._told), generation=self._generation, about=msgspec.json.encode(about))
        )


async def _tell(script: PeerScript) -> None:
    peers = [_Peer(name, script) for name in script.cameras]
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    while not ended.done():
        for peer in peers:
            await peer.tell()
        sys.stdout.write(json.dumps("told") + "\n")
        sys.stdout.flush()
        await asyncio.wait({ended}, timeout=script.interval_s)


if __name__ == "__main__":
    asyncio.run(_tell(msgspec.json.decode(sys.stdin.readline(), type=PeerScript)))
