"""How long after a fault pictures flow again at the media server, by engine, and for what stands beside them."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import psutil

from bench.alternative import Alternative
from bench.alternatives import alternatives
from bench.interruptions import Interruptions, spread
from bench.outside import Outside
from bench.stage import Server
from restream.demo.behaviours.behaviour import Behaviour, ConnectionRecord, Visit
from restream.demo.cameras import Fault, SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.rtsp import Request

_LOOK_S = 0.05
_APART_S = 1.0
"""One camera after the other: a fleet's start is another benchmark."""


def add_arguments(commands: Any) -> None:
    parser = commands.add_parser("recovery", help=__doc__)
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--stable", type=float, default=31.0, metavar="S", help="quiet before each fault")
    everybody = ["loops", "datarhei", "restream", "relay", "pull", "server", "go2rtc"]
    parser.add_argument("--only", nargs="+", default=everybody, metavar="NAME")
    parser.set_defaults(measure=measure)


@dataclass(frozen=True, slots=True)
class LeavesHanging(Behaviour):
    """Nothing these clients ask is answered."""

    clients: tuple[ConnectionRecord, ...]

    def answer(self, request: Request, visit: Visit) -> bytes | None:
        """Silence for them."""
        del request
        return b"" if any(client is visit.record for client in self.clients) else None


@dataclass(slots=True)
class Scene:
    """One alternative with its cameras, and the faults that can befall them."""

    alternative: Alternative
    cameras: Sequence[SimulatedCamera]
    outside: Outside
    server: Server
    serving: contextlib.AsyncExitStack

    def by_carrier(self) -> list[Sequence[int]]:
        """Those whom one process carries share its fate."""
        carried: defaultdict[psutil.Process | None, list[int]] = defaultdict(list)
        for number in self.numbers():
            carried[self.alternative.carrier(self.outside, number)].append(number)
        carried.pop(None, None)
        return list(carried.values())

    def singly(self) -> list[Sequence[int]]:
        """Each by itself."""
        return [(number,) for number in self.numbers()]

    def together(self) -> list[Sequence[int]]:
        """All at once."""
        return [self.numbers()]

    def numbers(self) -> range:
        """Of all cameras."""
        return range(1, len(self.cameras) + 1)

    async def kill(self, number: int) -> None:
        """`kill -9` of the process that carries a camera."""
        carrier = self.alternative.carrier(self.outside, number)
        assert carrier is not None
        carrier.kill()

    async def drop(self, number: int) -> None:
        """The camera closes the connection."""
        await self.cameras[number - 1].set_fault(Fault.DROP)

    async def freeze(self, number: int) -> None:
        """The connections stay and nothing comes on them, no answer either; whoever connects anew is served."""
        camera = self.cameras[number - 1]
        frozen = tuple(camera.sessions)
        for session in frozen:
            session.playback = None
        camera.behaviours = (LeavesHanging(tuple(session.record for session in frozen)),)

    async def restart(self, _: int) -> None:
        """The media server ends and is started again at once."""
        ports = [urlsplit(url).port or 0 for url in (self.server.rtsp_url, self.server.api_url)]
        await self.serving.aclose()
        urls = [camera.url() for camera in self.cameras]
        await self.serving.enter_async_context(self.alternative.serving(urls, *ports))


_Injection = Callable[[Scene, int], Coroutine[Any, Any, None]]
FAULTS: tuple[tuple[str, _Injection, Callable[[Scene], list[Sequence[int]]]], ...] = (
    ("killed", Scene.kill, Scene.by_carrier),
    ("dropped", Scene.drop, Scene.singly),
    ("frozen", Scene.freeze, Scene.singly),
    ("server restarted", Scene.restart, Scene.together),
)


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """One after the other, each with fresh cameras and a fresh server; median and worst, seconds."""
    found: dict[str, Any] = {}
    names = [name for name, _, _ in FAULTS]
    sys.stdout.write(f"{'':20}" + "".join(f"{name:>20}" for name in names) + "\n")
    with tempfile.TemporaryDirectory(prefix="restream-bench-") as directory:
        for each in alternatives(options.only, directory):
            result = found[each.name] = await _measure(each, options)
            sys.stdout.write(f"{each.name:20}" + "".join(f"{_told(result[name]):>20}" for name in names) + "\n")
            sys.stdout.flush()
    return found


def _told(result: dict[str, Any] | None) -> str:
    """The process that carries a camera is the media server itself for some: they have no such fault."""
    if result is None:
        return "–"
    never = f", {result['never']} never" if result["never"] else ""
    return f"{result['p50']} / {result['worst']}{never}"


async def _measure(alternative: Alternative, options: argparse.Namespace) -> dict[str, Any]:
    async with contextlib.AsyncExitStack() as stack:
        cameras = [await stack.enter_async_context(SimulatedCamera(Clip.load("h264"))) for _ in range(options.cameras)]
        urls = [camera.url() for camera in cameras]
        serving = contextlib.AsyncExitStack()
        stack.push_async_exit(serving)
        server = await serving.enter_async_context(alternative.serving(urls))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        outside = alternative.outside(server, session)
        await stack.enter_async_context(alternative.running(server, urls))
        await outside.until_flowing(range(1, options.cameras + 1))
        scene = Scene(alternative, cameras, outside, server, serving)
        interruptions = Interruptions(outside, _LOOK_S)
        await stack.enter_async_context(interruptions.watched())
        result: dict[str, Any] = {}
        for name, inject, groups in FAULTS:
            await asyncio.sleep(options.stable)
            result[name] = await _meet(scene, interruptions, inject, groups(scene))
        return result


async def _meet(
    scene: Scene, interruptions: Interruptions, inject: _Injection, groups: Sequence[Sequence[int]]
) -> dict[str, Any] | None:
    async with asyncio.TaskGroup() as tasks:
        waiting: list[asyncio.Task[float | None]] = []
        for group in groups:
            since = time.monotonic()
            tasks.create_task(inject(scene, group[0]))
            waiting += [tasks.create_task(interruptions.back(f"cam{number}", since)) for number in group]
            await asyncio.sleep(_APART_S)
    return spread([each.result() for each in waiting]) if waiting else None
