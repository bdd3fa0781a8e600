"""What ways to republish cameras cost: everything that runs for it, the media server too, but not the cameras."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from typing import Any

import aiohttp
import psutil

from bench.alternative import Alternative
from bench.alternatives import alternatives
from bench.fleet import simulated_cameras
from bench.machine import Weight, weigh
from bench.outside import Outside

_LIMIT_S = 300.0
_LOOK_S = 0.1
_REST_S = 5.0
_SETTLE_S = 10.0


def add_arguments(commands: Any) -> None:
    parser = commands.add_parser("engines", help=__doc__)
    parser.add_argument("--cameras", type=int, default=100)
    parser.add_argument("--clip", default="h264")
    parser.add_argument("--behaviour", action="append", default=[], help="of the cameras: constant_4_mbit")
    parser.add_argument("--window", type=float, default=20.0, metavar="S", help="how long to measure steady running")
    everybody = ["loops", "datarhei", "restream", "relay", "pull", "server", "asked", "go2rtc"]
    parser.add_argument("--only", nargs="+", default=everybody, metavar="NAME")
    parser.set_defaults(measure=measure)


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """One after the other, each with fresh cameras and a fresh server."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="restream-bench-") as directory:
        for each in alternatives(options.only, directory):
            await asyncio.sleep(_REST_S)
            result = found[each.name] = await _measure(each, options)
            sys.stdout.write(f"{each.name}: " + ", ".join(f"{k} {v}" for k, v in result.items()) + "\n")
            sys.stdout.flush()
    return found


async def _measure(alternative: Alternative, options: argparse.Namespace) -> dict[str, Any]:
    async with contextlib.AsyncExitStack() as stack:
        cameras = simulated_cameras(options.cameras, options.clip, behaviours=options.behaviour)
        urls = await stack.enter_async_context(cameras)
        uninvolved = set(psutil.Process().children(recursive=True))
        server = await stack.enter_async_context(alternative.serving(urls))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        outside = alternative.outside(server, session)
        await stack.enter_async_context(alternative.running(server, urls))
        available_s = await _all_available(alternative, outside, options.cameras)
        await asyncio.sleep(_SETTLE_S)
        before, began = _weigh(uninvolved), time.monotonic()
        await asyncio.sleep(options.window)
        after, elapsed_s = _weigh(uninvolved), time.monotonic() - began

        def cpu_percent(group: str) -> float:
            return round(100 * (after[group].cpu_s - before[group].cpu_s) / elapsed_s, 2)

        return {
            "all_available_s": round(available_s, 1),
            "cpu_percent_of_a_core": cpu_percent("all"),
            "cpu_of_media_server": cpu_percent("media server"),
            "cpu_of_relay_workers": cpu_percent("relay workers"),
            "pss_mib": round(after["all"].pss_mib, 1),
            "available": await outside.available(),
        }


def _weigh(uninvolved: set[psutil.Process]) -> dict[str, Weight]:
    everything = set(psutil.Process().children(recursive=True)) - uninvolved - _databases()
    servers, workers = set[psutil.Process](), set[psutil.Process]()
    for process in everything:
        with contextlib.suppress(psutil.Error):
            if process.name() == "mediamtx":
                servers.add(process)
            elif "restream.adapters.relay.worker" in process.cmdline():
                workers.add(process)
    return {"all": weigh(everything), "media server": weigh(servers), "relay workers": weigh(workers)}


def _databases() -> set[psutil.Process]:
    """PostgreSQL, which is there for other reasons."""
    found: set[psutil.Process] = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.name().startswith(("postgres", "redis")):
                found.add(process)
    return found


async def _all_available(alternative: Alternative, outside: Outside, cameras: int) -> float:
    while time.monotonic() - alternative.began < _LIMIT_S:
        if await outside.available() >= cameras:
            return time.monotonic() - alternative.began
        await asyncio.sleep(_LOOK_S)
    raise RuntimeError(f"not all cameras are available after {_LIMIT_S:.0f} s")
