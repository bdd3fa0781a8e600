"""A fleet from nothing: how long until it is available at the media server, and how the machine bears it.

This service at its defaults, and restarted when it knows its cameras, beside shell loops and a supervisor that
respawns, in turn, judged by the media server.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from bench.alternative import Alternative
from bench.alternatives import alternatives
from bench.fleet import simulated_cameras
from bench.outside import Outside
from bench.restreams import Restream
from bench.stages import loop_lag, shares

_LIMIT_S = 300.0
_LOOK_S = 0.2
_ASK_S = 0.1
_REST_S = 5.0


def add_arguments(commands: Any) -> None:
    parser = commands.add_parser("cold-start", help=__doc__)
    parser.add_argument("--cameras", type=int, default=100)
    parser.add_argument("--addresses", type=int, default=1, help="which the cameras are spread over: 1 is one NVR")
    parser.add_argument("--clip", default="h264")
    parser.add_argument("--rounds", type=int, default=2, help="how often, in turn")
    parser.add_argument("--only", nargs="+", default=["restream", "restarted", "loops", "respawn"], metavar="NAME")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="RESTREAM_… for the service")
    parser.set_defaults(measure=measure)


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All of them in turn, each with fresh cameras and a fresh server."""
    found: dict[str, Any] = {}
    for number in range(1, options.rounds + 1):
        with tempfile.TemporaryDirectory(prefix="restream-bench-") as directory:
            settings = dict(item.split("=", 1) for item in options.set)
            for each in alternatives(options.only, directory, settings):
                await asyncio.sleep(_REST_S)
                result = found[f"{each.name}, {number}"] = await _measure(each, options)
                sys.stdout.write(f"{each.name}, {number}: " + ", ".join(f"{k} {v}" for k, v in result.items()) + "\n")
                sys.stdout.flush()
    return found


async def _measure(alternative: Alternative, options: argparse.Namespace) -> dict[str, Any]:
    async with contextlib.AsyncExitStack() as stack:
        cameras = simulated_cameras(options.cameras, options.clip, options.addresses)
        urls = await stack.enter_async_context(cameras)
        lags_ms: list[float] = []
        await stack.enter_async_context(loop_lag(lags_ms))
        server = await stack.enter_async_context(alternative.serving(urls))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        answers_ms: list[float] = []
        runnable: list[int] = []
        # Watched from before the first start: making a hundred loops takes longer than a look.
        outside = alternative.outside(server, session)
        available = asyncio.create_task(_availability(alternative, outside, options.cameras, runnable))
        await stack.enter_async_context(alternative.running(server, urls))
        async with _asking(alternative, session, answers_ms):
            times = await available
        began = alternative.began
        answers = shares(answers_ms) if answers_ms else {"p50": None, "p99": None, "max": None}
        return {
            "half_available_s": round(times["half"] - began, 1),
            "all_available_s": round(times["all"] - began, 1),
            "api_p50_ms": answers["p50"],
            "api_p99_ms": answers["p99"],
            "most_runnable": max(runnable),
            "machine_lag_p99_ms": shares(lags_ms)["p99"],
        }


async def _availability(
    alternative: Alternative, outside: Outside, cameras: int, runnable: list[int]
) -> dict[str, float]:
    """When half and all of the cameras were there (monotonic, s); meanwhile, how many tasks wanted a processor."""
    times: dict[str, float] = {}
    looked_since = time.monotonic()
    while time.monotonic() - looked_since < _LIMIT_S:
        if not alternative.began:
            await asyncio.sleep(_LOOK_S)
            continue
        ready = await outside.available()
        runnable.append(int(Path("/proc/loadavg").read_text(encoding="utf-8").split()[3].partition("/")[0]))
        if ready >= cameras / 2:
            times.setdefault("half", time.monotonic())
        if ready >= cameras:
            return {**times, "all": time.monotonic()}
        await asyncio.sleep(_LOOK_S)
    raise RuntimeError(f"not all cameras are available after {_LIMIT_S:.0f} s")


@contextlib.asynccontextmanager
async def _asking(
    alternative: Alternative, session: aiohttp.ClientSession, answers_ms: list[float]
) -> AsyncIterator[None]:
    """Ask the service for its cameras again and again; the alternatives have nothing to ask."""
    if not isinstance(alternative, Restream):
        yield
        return

    async def ask() -> None:
        while True:
            asked = time.perf_counter()
            # Nobody listens at first.
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{alternative.api_url}/api/cameras") as response:
                    await response.read()
                answers_ms.append(1000 * (time.perf_counter() - asked))
            await asyncio.sleep(_ASK_S)

    asking = asyncio.create_task(ask())
    try:
        yield
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
