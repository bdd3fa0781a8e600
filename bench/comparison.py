"""This service against shell loops and systemd units, judged from outside: by the media server and the cameras."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bench.alternative import Alternative
from bench.alternatives import alternatives
from bench.fleet import simulated_cameras
from bench.machine import weigh
from bench.outside import Outside
from restream.demo.cameras import Fault, SimulatedCamera
from restream.demo.clips import Clip

_STABLE_S = 31.0
_FROZEN_S = 40.0
_SERVER_AWAY_S = 30.0
_FAULTS = _LOCKED = 5
_LOCKED_S = 60.0
_PASSWORD = "hunter22-bench"


def add_arguments(commands: Any) -> None:
    parser = commands.add_parser("comparison", help=__doc__)
    parser.add_argument("--cameras", type=int, default=100)
    parser.add_argument("--window", type=float, default=30.0, metavar="S", help="how long to measure steady running")
    parser.add_argument("--only", nargs="+", default=["restream", "loops", "systemd"], metavar="NAME")
    parser.set_defaults(measure=measure)


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """One after the other, each with fresh cameras and a fresh server."""
    with tempfile.TemporaryDirectory(prefix="restream-bench-") as directory:
        found = {each.name: await _measure(each, options) for each in alternatives(options.only, directory)}
    for figure in next(iter(found.values())):
        values = "".join(f"{result[figure]!s:>22}" for result in found.values())
        sys.stdout.write(f"{figure:40}{values}\n")
    sys.stdout.write(f"{'':40}" + "".join(f"{name:>22}" for name in found) + "\n")
    return found


async def _measure(alternative: Alternative, options: argparse.Namespace) -> dict[str, Any]:
    async with contextlib.AsyncExitStack() as stack:
        serving = contextlib.AsyncExitStack()
        stack.push_async_exit(serving)
        faulty = [
            await stack.enter_async_context(SimulatedCamera(Clip.load("h264"), login="viewer", password=_PASSWORD))
            for _ in range(_FAULTS)
        ]
        others = await stack.enter_async_context(simulated_cameras(options.cameras - _FAULTS, "h264"))
        urls = [*(each.url() for each in faulty), *others]
        server = await serving.enter_async_context(alternative.serving(urls))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        outside = alternative.outside(server, session)
        await stack.enter_async_context(alternative.running(server, urls))
        everybody = range(1, options.cameras + 1)
        result: dict[str, Any] = {"all_flowing_s": await outside.until_flowing(everybody)}
        await asyncio.sleep(_STABLE_S)
        result |= await _cost(alternative, options.window)
        result["camera_password_in_ps"] = _PASSWORD in " ".join(outside.ffmpeg(1).cmdline())
        result |= await _faults(outside, faulty)
        ports = [urlsplit(url).port or 0 for url in (server.rtsp_url, server.api_url)]
        await serving.aclose()
        await asyncio.sleep(_SERVER_AWAY_S)
        await stack.enter_async_context(alternative.serving(urls, *ports))
        result["server_back_all_flowing_s"] = await outside.until_flowing(set(everybody) - {_LOCKED})
        return result


async def _cost(alternative: Alternative, window_s: float) -> dict[str, Any]:
    supervisors = alternative.supervisors()
    before = weigh(supervisors)
    await asyncio.sleep(window_s)
    after = weigh(supervisors)
    return {
        "supervising_processes": len(supervisors),
        "supervision_cpu_percent_of_a_core": round(100 * (after.cpu_s - before.cpu_s) / window_s, 2),
        "supervision_pss_mib": round(after.pss_mib, 1),
    }


async def _faults(outside: Outside, cameras: list[SimulatedCamera]) -> dict[str, Any]:
    _, dropped, frozen, _, locked = cameras

    async def freeze() -> None:
        await frozen.set_fault(Fault.FREEZE)
        await asyncio.sleep(_FROZEN_S)
        await frozen.set_fault(Fault.NONE)

    async def suspend() -> None:
        outside.ffmpeg(4).suspend()
        await outside.until_quiet(4)

    async def kill() -> None:
        os.kill(outside.ffmpeg(1).pid, signal.SIGKILL)
        await outside.until_quiet(1)

    faults: list[tuple[str, int, Callable[[], Awaitable[None]]]] = [
        ("ffmpeg_killed_flowing_s", 1, kill),
        ("connection_dropped_flowing_s", 2, lambda: dropped.set_fault(Fault.DROP)),
        ("thawed_after_40_s_flowing_s", 3, freeze),
        ("ffmpeg_suspended_flowing_s", 4, suspend),
    ]
    result: dict[str, Any] = {}
    for name, number, inject in faults:
        await inject()
        result[name] = await outside.until_flowing([number])
    with contextlib.suppress(RuntimeError):
        outside.ffmpeg(4).resume()
    locked.password = "changed"
    await locked.set_fault(Fault.DROP)
    await asyncio.sleep(_LOCKED_S)
    result[f"wrong_password_tries_in_{_LOCKED_S:.0f}_s"] = locked.auth_failures_total
    return result
