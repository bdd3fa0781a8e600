"""What a media server has received, judged from outside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import aiohttp
import msgspec
import psutil

from bench.stage import Server

LIMIT_S = 90.0
NEVER = f"not within {LIMIT_S:.0f} s"


class Arrival(NamedTuple):
    """Who sends on a path, and how many bytes have come from there."""

    source: str
    received_bytes: int


class _Source(msgspec.Struct):
    type: str = ""
    id: str = ""


class _Path(msgspec.Struct, rename="camel"):
    name: str
    ready: bool
    bytes_received: int
    source: _Source | None = None


class _Paths(msgspec.Struct):
    items: list[_Path]


_DECODER = msgspec.json.Decoder(_Paths)


class Outside:
    """A media server as anybody sees it who asks."""

    def __init__(self, server: Server, session: aiohttp.ClientSession) -> None:
        self._server = server
        self._session = session

    async def received(self) -> Mapping[str, Arrival]:
        """Every path with media; empty while the server is away."""
        try:
            async with self._session.get(f"{self._server.api_url}/v3/paths/list?itemsPerPage=10000") as response:
                items = _DECODER.decode(await response.read()).items
        except aiohttp.ClientError:
            return {}
        ready = [(item.name, item.source, item.bytes_received) for item in items if item.ready]
        return {name: Arrival(source.id, count) for name, source, count in ready if source}

    async def available(self) -> int:
        """How many cameras can be watched."""
        return len(await self.received())

    async def until_available(self, cameras: int) -> None:
        """Until so many can."""
        while await self.available() < cameras:
            await asyncio.sleep(0.2)

    async def until_flowing(self, numbers: Iterable[int]) -> float | str:
        """Seconds until all these cameras' bytes move again; every publisher counts from when it is first seen."""
        began, first, missing = time.monotonic(), dict[str, Arrival](), {f"cam{number}" for number in numbers}
        while time.monotonic() - began < LIMIT_S:
            found = await self.received()
            for path in sorted(missing & found.keys()):
                before = first.setdefault(path, found[path])
                if found[path].source != before.source:
                    first[path] = found[path]
                elif found[path].received_bytes > before.received_bytes:
                    missing.remove(path)
            if not missing:
                return round(time.monotonic() - began, 1)
            await asyncio.sleep(0.1)
        return NEVER

    async def until_quiet(self, number: int) -> None:
        """Until this camera's path is gone or its bytes stand still."""
        path, before = f"cam{number}", None
        while (now := (await self.received()).get(path)) is not None and now != before:
            before = now
            await asyncio.sleep(0.5)

    def ffmpeg(self, number: int) -> psutil.Process:
        """Who publishes a camera."""
        target = f"{self._server.rtsp_url}/cam{number}"
        for process in psutil.process_iter(["name", "cmdline"]):
            if process.info["name"] == "ffmpeg" and process.info["cmdline"][-1:] == [target]:
                return process
        raise RuntimeError(f"nobody publishes {target}")
