"""Upgrades without a cut: the service is replaced while its streams flow, and then killed."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from bench.fleet import simulated_cameras, until_running
from bench.outside import Outside
from bench.stage import fill, media_server, service_environment, start_service
from restream.demo.embedded import embedded_postgres, free_port

_SETTLE_S = 10.0
_ANSWERS_WITHIN_S = 60.0


def add_arguments(commands: Any) -> None:
    parser = commands.add_parser("handover", help=__doc__)
    parser.add_argument("--cameras", type=int, default=200)
    parser.add_argument("--upgrades", type=int, default=3)
    parser.add_argument("--engine", default="ffmpeg")
    parser.add_argument(
        "--chaos",
        action="store_true",
        help="meanwhile PostgreSQL hangs and every tenth ffmpeg is killed; before, a broken version is asked for",
    )
    parser.set_defaults(measure=measure)


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Replace it some times, then kill it; what the media server saw of that."""
    async with contextlib.AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="restream-bench-")))
        server = await stack.enter_async_context(media_server())
        dsn = await stack.enter_async_context(embedded_postgres())
        urls = await stack.enter_async_context(simulated_cameras(options.cameras, "h264"))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        await fill(dsn, urls)
        port = free_port()
        environment = service_environment(server, dsn, port, str(directory))
        trouble = _Trouble(directory)
        environment |= {"RESTREAM_CAMERAS__ENGINE": options.engine, "RESTREAM_CONFIG": str(trouble.configuration)}
        service = await start_service(environment)
        try:
            await until_running(port, options.cameras, time.monotonic())
            _look_first()
            result = await _replace(service, Outside(server, session), session, port, options, trouble)
        finally:
            if service.returncode is None:
                service.kill()
                await service.wait()
    for key, value in result.items():
        sys.stdout.write(f"{key:44} {value}\n")
    return result


def _look_first() -> None:
    """Whoever measures must not wait for what is measured; nothing is started from here on."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)


class _Trouble:
    """What is broken while the service is replaced."""

    def __init__(self, directory: Path) -> None:
        self.configuration = directory / "restream.yml"
        self.configuration.write_text("{}", encoding="utf-8")
        self._log = directory / "restream.log"
        self.killed = set[int]()
        self.hit = set[str]()
        """Paths that lost their publisher: they are not counted."""

    async def refuse(self, service: asyncio.subprocess.Process) -> None:
        """A next version that does not start is asked for."""
        refused = self._refused()
        self.configuration.write_text("no_such_section: {}", encoding="utf-8")
        service.send_signal(signal.SIGUSR2)
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            while self._refused() == refused:
                await asyncio.sleep(0.1)
        self.configuration.write_text("{}", encoding="utf-8")

    def _refused(self) -> int:
        return self._log.read_text(encoding="utf-8").count("the service is not replaced")

    @contextlib.asynccontextmanager
    async def of(self, service: asyncio.subprocess.Process, chaos: bool) -> AsyncIterator[None]:
        """PostgreSQL hangs, and ffmpegs die, where there is to be chaos."""
        if not chaos:
            yield
            return
        await asyncio.to_thread(self._database, signal.SIGSTOP)
        await asyncio.to_thread(self._kill, service)
        try:
            yield
        finally:
            await asyncio.to_thread(self._database, signal.SIGCONT)

    def _kill(self, service: asyncio.subprocess.Process) -> None:
        """Every tenth of the ffmpegs that run: each time those of the same paths."""
        children = psutil.Process(service.pid).children()
        running = {each.cmdline()[-1].rpartition("/")[2]: each for each in children if each.name() == "ffmpeg"}
        self.hit = self.hit or set(sorted(running)[::10])
        for path in self.hit & running.keys():
            self.killed.add(running[path].pid)
            running[path].kill()

    def _database(self, number: signal.Signals) -> None:
        """All processes of PostgreSQL get a signal."""
        for each in psutil.Process().children(recursive=True):
            if each.name() == "postgres":
                each.send_signal(number)


@dataclass
class _Seen:
    """What the media server showed in one stretch of time."""

    silence_s: float = 0.0
    """The longest time over which no byte of some path came: from the look that showed its last one to the last that
    showed no other. What lies between two looks is nobody's.
    """
    looks_s: float = 0.0
    """The longest time between two looks: silences are known that well."""
    publishers: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Ids by path."""


async def _replace(
    service: asyncio.subprocess.Process,
    outside: Outside,
    session: aiohttp.ClientSession,
    port: int,
    options: argparse.Namespace,
    trouble: _Trouble,
) -> dict[str, Any]:
    async def watched(deed: Callable[[], Awaitable[None]]) -> _Seen:
        """What is seen from a moment before it until a moment after."""
        over, seen = asyncio.Event(), _Seen()
        watching = asyncio.create_task(_watch(outside, over, trouble.hit, seen))
        await asyncio.sleep(_SETTLE_S / 4)
        await deed()
        await asyncio.sleep(_SETTLE_S / 4)
        over.set()
        await watching
        await until_running(port, options.cameras, time.monotonic())
        return seen

    away: list[float] = []

    async def replaced() -> None:
        before = await _instance(session, port)
        if options.chaos:
            await trouble.refuse(service)
        async with trouble.of(service, options.chaos):
            service.send_signal(signal.SIGUSR2)
            away.append(await _until_replaced(session, port, before))

    async def not_replaced() -> None:
        """The same trouble, as long as a replacement takes."""
        async with trouble.of(service, options.chaos):
            await asyncio.sleep(max(_SETTLE_S, *away) if away else _SETTLE_S)

    await asyncio.sleep(_SETTLE_S)
    children = psutil.Process(service.pid).children()
    undisturbed, upgrades = [await watched(not_replaced)], list[_Seen]()
    for _ in range(options.upgrades):
        upgrades.append(await watched(replaced))
        undisturbed.append(await watched(not_replaced))
    left_alone = {child.pid for child in children} - trouble.killed
    same = {child.pid for child in psutil.Process(service.pid).children()} >= left_alone
    children = psutil.Process(service.pid).children()
    service.kill()
    await service.wait()
    left = psutil.wait_procs(children, timeout=5)[1]
    publishers = defaultdict[str, set[str]](set)
    for seen in (*undisturbed, *upgrades):
        for path, ids in seen.publishers.items():
            publishers[path] |= ids
    lives = [ids for path, ids in publishers.items() if path not in trouble.hit]
    return {
        "cameras": options.cameras,
        "same_children_in_every_life": same,
        "paths_whose_publisher_was_killed": len(trouble.hit),
        "other_paths": len(lives),
        "of_these_without_a_new_publisher": sum(len(ids) == 1 for ids in lives),
        "from_the_signal_to_an_answer_s": away,
        "longest_silences_not_replaced_s": [seen.silence_s for seen in undisturbed],
        "longest_silences_while_replaced_s": [seen.silence_s for seen in upgrades],
        "looked_at_least_every_s": max(seen.looks_s for seen in (*undisturbed, *upgrades)),
        "left_after_kill_9": len(left),
        "load_average": [round(each, 1) for each in os.getloadavg()],
    }


async def _instance(session: aiohttp.ClientSession, port: int) -> str:
    async with session.get(f"http://127.0.0.1:{port}/api/status") as response:
        return str((await response.json())["instance"])


async def _until_replaced(session: aiohttp.ClientSession, port: int, before: str) -> float:
    began = time.monotonic()
    async with asyncio.timeout(_ANSWERS_WITHIN_S):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                if await _instance(session, port) != before:
                    return round(time.monotonic() - began, 2)
            await asyncio.sleep(0.05)


async def _watch(outside: Outside, over: asyncio.Event, but: Collection[str], seen: _Seen) -> None:
    """Look until it is over; `but` those paths that lose their publisher meanwhile, whose bytes are not followed."""
    moved: dict[str, tuple[int, float]] = {}
    looked_at = time.monotonic()
    while not over.is_set():
        received, now = await outside.received(), time.monotonic()
        seen.looks_s, looked_at = max(seen.looks_s, round(now - looked_at, 2)), now
        for path, (publisher, count) in received.items():
            seen.publishers[path].add(publisher)
            before, since = moved.get(path, (-1, now))
            if count != before:
                moved[path] = (count, now)
            elif path not in but:
                seen.silence_s = max(seen.silence_s, round(now - since, 2))
        await asyncio.sleep(0.05)
