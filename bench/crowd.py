"""A thousand small cameras through the relay: their start, and what they cost while a few of them always fail."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import aiohttp
import asyncpg
import psutil

from bench.alternatives import alternatives
from bench.churn import Churn, Ledger
from bench.groups import GROUPS, OURS, Cost, Groups
from bench.interruptions import Interruptions, spread
from bench.outside import Outside
from bench.small_cameras import small_cameras
from bench.stage import fill, media_server, service_environment, start_service
from restream.demo.embedded import embedded_postgres, embedded_redis, free_port
from restream.service.interpreter import raise_file_limit

_START_LIMIT_S = 600.0
_LOOK_S = 0.25
_SETTLE_S = 35.0
"""A camera that fails later than 30 s after its start is tried again at once."""
_WHOLE = 0.98
"""Of the cameras: while fewer are there, less is carried, and what is measured is another fleet."""
_FOLLOW_S = 1.0


def add_arguments(commands: Any) -> None:
    parser = commands.add_parser("crowd", help=__doc__)
    parser.add_argument("--cameras", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--churn", type=float, default=3.0, metavar="N", help="deeds a second")
    parser.add_argument("--kill-every", type=float, default=180.0, metavar="S", help="one worker each time")
    parser.add_argument("--sample", type=float, default=10.0, metavar="S", help="how often to weigh")
    parser.add_argument("--clip", default="h264_small")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="RESTREAM_… for the service")
    parser.set_defaults(measure=measure)


@dataclass(frozen=True, slots=True)
class Weighing:
    """One stretch of time."""

    at_s: float
    costs: dict[str, Cost]
    available: int
    flowing: int
    restarts: int
    """So far."""

    @property
    def ours(self) -> Cost:
        """Service and workers."""
        ours = [self.costs[group] for group in OURS]
        return Cost(sum(each.cpu_percent for each in ours), sum(each.pss_mib for each in ours))

    def __str__(self) -> str:
        told = " ".join(f"{name} {cost.cpu_percent:.0f}%/{cost.pss_mib:.0f}M" for name, cost in self.costs.items())
        return f"{self.at_s:6.0f} s  {told}  available {self.available} flowing {self.flowing} left {self.restarts}"


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Start all of them at once, let them rest, then churn and weigh."""
    if not alternatives(["server"], ""):
        raise SystemExit("this needs a real MediaMTX")
    raise_file_limit()
    async with contextlib.AsyncExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="restream-bench-"))
        cameras = await stack.enter_async_context(small_cameras(options.cameras, options.clip))
        server = await stack.enter_async_context(media_server())
        dsn = await stack.enter_async_context(embedded_postgres())
        redis_url = await stack.enter_async_context(embedded_redis())
        await fill(dsn, cameras.urls())
        port = free_port()
        environment = {
            **service_environment(server, dsn, port, directory),
            "RESTREAM_REDIS__URL": redis_url,
            "RESTREAM_CAMERAS__ENGINE": "relay",
            **dict(item.split("=", 1) for item in options.set),
        }
        session = await stack.enter_async_context(aiohttp.ClientSession())
        outside = Outside(server, session)
        began = time.monotonic()
        service = await start_service(environment)
        stack.push_async_callback(_stopped, service)
        groups = Groups(service.pid)
        result = await _cold_start(outside, options.cameras, began)
        _tell({**result, "cpu_percent_while_starting": _rounded(groups.weigh())})
        interruptions = Interruptions(outside, _LOOK_S)
        await stack.enter_async_context(interruptions.watched())
        await asyncio.sleep(_SETTLE_S)
        connection = await asyncpg.connect(dsn.reveal())
        stack.push_async_callback(connection.close)
        ledger = Ledger()
        churn = Churn(cameras, connection, psutil.Process(service.pid), interruptions, ledger)
        following = Following(f"http://127.0.0.1:{port}", session, ledger)
        await following.follow(told=False)
        groups.weigh()
        churning = asyncio.create_task(
            churn.run(options.churn, options.kill_every, time.monotonic() + 60 * options.minutes)
        )
        weighings = await _weighings(churning, groups, interruptions, outside, following, options.sample)
        summary = _summary(weighings, ledger, options.cameras)
        _tell({**summary, "deeds": dict(churn.done)})
    return {**result, **summary, "deeds": dict(churn.done), "weighings": list(map(asdict, weighings))}


async def _stopped(service: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        service.terminate()
    await service.wait()


async def _cold_start(outside: Outside, cameras: int, began: float) -> dict[str, float]:
    times: dict[str, float] = {}
    while (elapsed_s := time.monotonic() - began) < _START_LIMIT_S:
        available = await outside.available()
        if available >= cameras / 2:
            times.setdefault("half_available_s", round(elapsed_s, 1))
        if available >= cameras:
            return {**times, "all_available_s": round(elapsed_s, 1)}
        await asyncio.sleep(_LOOK_S)
    raise RuntimeError(f"{available} of {cameras} are available after {_START_LIMIT_S:.0f} s")


class Following:
    """The service's own events."""

    def __init__(self, url: str, session: aiohttp.ClientSession, ledger: Ledger) -> None:
        self._url, self._session, self.ledger = url, session, ledger
        self._last = 0

    async def follow(self, *, told: bool = True) -> None:
        """Hand on what is new; without `told` pass over it."""
        query = {"kind": "camera", "since": str(self._last), "limit": "10000"}
        async with self._session.get(f"{self._url}/api/events", params=query) as response:
            events = await response.json()
        if events:
            self._last = events[-1]["id"]
        if told:
            offset_s = time.monotonic() - time.time()
            self.ledger.follow(events, offset_s, lambda at: datetime.fromisoformat(at).timestamp())


async def _weighings(
    churning: asyncio.Task[None],
    groups: Groups,
    interruptions: Interruptions,
    outside: Outside,
    following: Following,
    every_s: float,
) -> list[Weighing]:
    began, found = time.monotonic(), list[Weighing]()
    while not churning.done():
        ends = time.monotonic() + every_s
        while time.monotonic() < ends and not churning.done():
            await asyncio.wait({churning}, timeout=_FOLLOW_S)
            await following.follow()
        now = time.monotonic()
        available, restarts = await outside.available(), following.ledger.restarts.total()
        flowing = interruptions.flowing()
        found.append(Weighing(round(now - began, 1), groups.weigh(), available, flowing, restarts))
        sys.stdout.write(f"{found[-1]}\n")
        sys.stdout.flush()
    await churning
    return found


def _summary(weighings: Sequence[Weighing], ledger: Ledger, cameras: int) -> dict[str, Any]:
    """The last stretch is what was left of the time, and counts for no cost."""
    stretches = weighings[:-1] or weighings
    whole = [each for each in stretches if each.available >= _WHOLE * cameras]
    times = ledger.times_back()
    return {
        "stretches_with_the_whole_fleet": f"{len(whole)} of {len(stretches)}",
        "mean_cpu_percent_and_pss_mib": _rounded(_mean(whole)) if whole else None,
        "ours_cpu_percent": round(statistics.fmean(each.ours.cpu_percent for each in whole), 1) if whole else None,
        "ours_cpu_percent_most": round(max(each.ours.cpu_percent for each in stretches), 1),
        "ours_pss_mib_most": round(max(each.ours.pss_mib for each in stretches)),
        "slope_mib_per_h": {group: _slope(stretches, group) for group in OURS},
        "least_available": min(each.available for each in stretches),
        "left_running": dict(ledger.restarts),
        "uncaused": ledger.uncaused,
        "back_s": {deed: spread(found) for deed, found in times.items()},
        "back_s_all": spread([each for found in times.values() for each in found]),
    }


def _mean(weighings: Sequence[Weighing]) -> dict[str, Cost]:
    return {
        group: Cost(
            statistics.fmean(each.costs[group].cpu_percent for each in weighings),
            statistics.fmean(each.costs[group].pss_mib for each in weighings),
        )
        for group in GROUPS
    }


def _slope(weighings: Sequence[Weighing], group: str) -> float | None:
    """Of the second half: what a first life fills is no leak."""
    later = weighings[len(weighings) // 2 :]
    if len(later) < 3:
        return None
    moments, memory = [each.at_s for each in later], [each.costs[group].pss_mib for each in later]
    return round(3600 * statistics.linear_regression(moments, memory).slope, 1)


def _rounded(costs: dict[str, Cost]) -> dict[str, tuple[float, int]]:
    return {group: (round(cost.cpu_percent, 1), round(cost.pss_mib)) for group, cost in costs.items()}


def _tell(result: dict[str, Any]) -> None:
    for key, value in result.items():
        sys.stdout.write(f"{key:34} {value}\n")
    sys.stdout.flush()
