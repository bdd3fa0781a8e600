"""A fleet with real ffmpeg processes: how long until all publish, and what supervisor and ffmpegs cost."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from bench.machine import Weight, weigh
from bench.stage import fill, media_server, service_environment, start_service
from restream.demo.embedded import embedded_postgres, free_port

_WARM_UP_S = 5.0
_START_LIMIT_S = 900.0
_EVERYWHERE = "0.0.0.0"


def add_arguments(commands: Any) -> None:
    parser = commands.add_parser("fleet", help=__doc__)
    parser.add_argument("--cameras", type=int, default=200)
    parser.add_argument("--clip", default="h264")
    parser.add_argument("--ffmpeg", default="ffmpeg", metavar="PATH", help="the build to measure")
    parser.add_argument("--ffprobe", default=None, metavar="PATH", help="default: beside --ffmpeg, else on PATH")
    parser.add_argument("--window", type=float, default=30.0, metavar="S", help="how long to measure steady running")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="RESTREAM_… for the service")
    parser.set_defaults(measure=measure)


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Start everything, wait until all cameras run, weigh, and stop."""
    async with contextlib.AsyncExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="restream-bench-"))
        server = await stack.enter_async_context(media_server())
        dsn = await stack.enter_async_context(embedded_postgres())
        urls = await stack.enter_async_context(simulated_cameras(options.cameras, options.clip))
        await fill(dsn, urls)
        port = free_port()
        environment = {
            **service_environment(server, dsn, port, directory),
            "RESTREAM_FFMPEG__BINARY": options.ffmpeg,
            "RESTREAM_FFMPEG__PROBE_BINARY": options.ffprobe or probe_beside(options.ffmpeg),
            **dict(item.split("=", 1) for item in options.set),
        }
        version = await _version(options.ffmpeg)
        began = time.monotonic()
        service = await start_service(environment)
        try:
            result = await _watch(service.pid, port, options.cameras, options.window, began)
        finally:
            stopping = time.monotonic()
            with contextlib.suppress(ProcessLookupError):
                service.send_signal(signal.SIGTERM)
            await service.wait()
        result = {"ffmpeg": version, "server": server.name, **result, "stop_s": round(time.monotonic() - stopping, 2)}
    for key, value in result.items():
        sys.stdout.write(f"{key:34} {value}\n")
    return result


async def _watch(pid: int, port: int, cameras: int, window_s: float, began: float) -> dict[str, Any]:
    service = psutil.Process(pid)
    times = await until_running(port, cameras, began)
    starting = weigh([service])
    children_at_start = _cpu_of_ended_children(service)
    await asyncio.sleep(_WARM_UP_S)
    ffmpegs = service.children(recursive=True)
    before, before_ffmpegs, clock = weigh([service]), weigh(ffmpegs), time.monotonic()
    await asyncio.sleep(window_s)
    after, after_ffmpegs, elapsed_s = weigh([service]), weigh(ffmpegs), time.monotonic() - clock
    return {
        "cameras": cameras,
        "half_running_s": times["half"],
        "all_running_s": times["all"],
        "service_cpu_until_running_s": round(starting.cpu_s, 2),
        "probes_cpu_until_running_s": round(children_at_start, 1),
        "service_cpu_percent_of_a_core": _percent(before, after, elapsed_s),
        "service_rss_mib": round(after.rss_mib, 1),
        "ffmpegs": len(ffmpegs),
        "ffmpegs_cpu_percent_of_a_core": _percent(before_ffmpegs, after_ffmpegs, elapsed_s),
        "ffmpegs_pss_mib": round(after_ffmpegs.pss_mib),
        "ffmpegs_rss_mib_each": round(after_ffmpegs.rss_mib / max(1, len(ffmpegs)), 1),
    }


def _percent(before: Weight, after: Weight, elapsed_s: float) -> float:
    return round(100 * (after.cpu_s - before.cpu_s) / elapsed_s, 2)


def _cpu_of_ended_children(service: psutil.Process) -> float:
    times = service.cpu_times()
    return float(times.children_user + times.children_system)


async def until_running(port: int, cameras: int, began: float) -> dict[str, float]:
    times: dict[str, float] = {}
    async with aiohttp.ClientSession() as session:
        while time.monotonic() - began < _START_LIMIT_S:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"http://127.0.0.1:{port}/api/status") as response:
                    running = (await response.json())["phase"].get("running", 0)
                elapsed_s = round(time.monotonic() - began, 1)
                if running >= cameras / 2:
                    times.setdefault("half", elapsed_s)
                if running >= cameras:
                    return {**times, "all": elapsed_s}
            await asyncio.sleep(0.5)
    raise RuntimeError(f"not all cameras run after {_START_LIMIT_S:.0f} s")


@contextlib.asynccontextmanager
async def simulated_cameras(
    count: int, clip: str, addresses: int = 1, behaviours: Sequence[str] = ()
) -> AsyncIterator[list[str]]:
    """Simulated cameras in a process of their own: they do not weigh on the service. `addresses`: of loopback."""
    where = ("--host", _EVERYWHERE, "--port-base", "0")
    arguments = ("-m", "restream.demo.cameras", "--count", str(count), *where, "--clip", clip)
    arguments += tuple(word for name in behaviours for word in ("--behaviour", name))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, limit=1 << 22, start_new_session=True
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    try:
        found = enumerate(json.loads(line.removeprefix("READY")))
        yield [url.replace(_EVERYWHERE, f"127.0.0.{1 + number % addresses}") for number, url in found]
    finally:
        process.terminate()
        await process.wait()


def probe_beside(ffmpeg: str) -> str:
    candidate = Path(ffmpeg).with_name(Path(ffmpeg).name.replace("ffmpeg", "ffprobe"))
    return str(candidate) if candidate.is_file() else shutil.which("ffprobe") or "ffprobe"


async def _version(ffmpeg: str) -> str:
    process = await asyncio.create_subprocess_exec(ffmpeg, "-version", stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return output.decode().splitlines()[0].removeprefix("ffmpeg version ").partition(" Copyright")[0]
