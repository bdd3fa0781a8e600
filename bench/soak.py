"""Endurance: does the service stay as light and as quick as it was, while cameras are restarted and rows change?"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import os
import re
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import psutil

from bench.chart import Panel, chart
from bench.fleet import probe_beside, simulated_cameras, until_running
from bench.machine import MIB
from bench.stage import fill, media_server, service_environment, start_service
from restream.demo.embedded import embedded_postgres, free_port
from restream.domain.camera.secret import Secret

_CHURN_EVERY_S = 1.0
_ASK_EVERY_S = 0.2
_SAMPLES = 360
_LEAST_SAMPLE_S = 5.0


def add_arguments(commands: Any) -> None:
    parser = commands.add_parser("soak", help=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--cameras", type=int, default=100)
    parser.add_argument("--ffmpeg", default="ffmpeg", metavar="PATH")
    parser.add_argument("--picture", type=Path, metavar="FILE.svg", help="also draw the samples")
    parser.set_defaults(measure=measure)


@dataclass(frozen=True, slots=True)
class Sample:
    """The service over one stretch of time, and what it held at its end."""

    at_s: float
    rss_mib: float
    descriptors: int
    threads: int
    tasks: int
    api_p50_ms: float
    api_p99_ms: float
    cycle_ms: float
    """Mean duration of a cycle."""
    cpu_percent: float
    """Of one core."""
    running: int
    """Cameras."""


class Churn:
    """Once a second one camera after the other meets one of these."""

    def __init__(self, url: str, session: aiohttp.ClientSession, dsn: Secret, cameras: int) -> None:
        self._url, self._session, self._dsn, self._cameras = url, session, dsn, cameras
        self.done = 0

    async def run(self) -> None:
        connection = await asyncpg.connect(self._dsn.reveal())
        deeds: Sequence[Callable[[int], Awaitable[object]]] = (
            self._restart,
            lambda n: connection.execute("UPDATE cameras SET name = name || '.' WHERE id = $1", n),
            self._kill,
            lambda n: connection.execute("UPDATE cameras SET enabled = NOT enabled WHERE id = $1", n),
            lambda n: connection.execute("UPDATE cameras SET rtsp_url = rtsp_url || '/' WHERE id = $1", n),
            lambda _: connection.execute("UPDATE cameras SET enabled = true WHERE NOT enabled"),
        )
        try:
            for deed, number in zip(itertools.cycle(deeds), itertools.cycle(range(1, self._cameras + 1)), strict=False):
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    await deed(number)
                self.done += 1
                await asyncio.sleep(_CHURN_EVERY_S)
        finally:
            connection.terminate()

    async def _restart(self, number: int) -> None:
        async with self._session.post(f"{self._url}/api/cameras/{number}/restart"):
            pass

    async def _kill(self, number: int) -> None:
        async with self._session.get(f"{self._url}/api/cameras/{number}") as response:
            pid = (await response.json()).get("pid")
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Sampler:
    """Asks the API all the time, as a front end does, and weighs the service now and then."""

    def __init__(self, pid: int, url: str, session: aiohttp.ClientSession) -> None:
        self._process = psutil.Process(pid)
        self._url, self._session = url, session
        self._began = time.monotonic()
        self._cycles = self._cycle_s = 0.0
        self._cpu_s = 0.0
        self.latencies_ms: list[float] = []

    async def sample(self, seconds: float) -> Sample:
        began, latencies = time.monotonic(), []
        while time.monotonic() - began < seconds:
            asked = time.monotonic()
            async with self._session.get(f"{self._url}/api/cameras") as response:
                await response.read()
            latencies.append(1000 * (time.monotonic() - asked))
            await asyncio.sleep(_ASK_EVERY_S)
        self.latencies_ms += latencies
        metrics = await self._metrics()
        count, total_s = metrics["restream_cycle_seconds_count"], metrics["restream_cycle_seconds_sum"]
        cycle_ms = 1000 * (total_s - self._cycle_s) / max(1.0, count - self._cycles)
        self._cycles, self._cycle_s = count, total_s
        times = self._process.cpu_times()
        cpu_s, self._cpu_s = times.user + times.system - self._cpu_s, times.user + times.system
        now = time.monotonic()
        async with self._session.get(f"{self._url}/api/status") as response:
            running = (await response.json())["phase"].get("running", 0)
        return Sample(
            at_s=round(now - self._began, 1),
            rss_mib=round(self._process.memory_info().rss / MIB, 1),
            descriptors=self._process.num_fds(),
            threads=self._process.num_threads(),
            tasks=int(metrics["restream_tasks"]),
            api_p50_ms=round(statistics.median(latencies), 2),
            api_p99_ms=round(_percentile(latencies, 0.99), 2),
            cycle_ms=round(cycle_ms, 2),
            cpu_percent=round(100 * cpu_s / (now - began), 1),
            running=running,
        )

    async def _metrics(self) -> dict[str, float]:
        async with self._session.get(f"{self._url}/metrics") as response:
            text = await response.text()
        return {name: float(value) for name, value in re.findall(r"^(restream_[a-z_]+) (\S+)$", text, re.M)}


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Warm up, then churn and sample for so many minutes."""
    async with contextlib.AsyncExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="restream-bench-"))
        server = await stack.enter_async_context(media_server())
        dsn = await stack.enter_async_context(embedded_postgres())
        await fill(dsn, await stack.enter_async_context(simulated_cameras(options.cameras, "h264")))
        port = free_port()
        environment = {
            **service_environment(server, dsn, port, directory),
            "RESTREAM_FFMPEG__BINARY": options.ffmpeg,
            "RESTREAM_FFMPEG__PROBE_BINARY": probe_beside(options.ffmpeg),
            "RESTREAM_METRICS__PORT": "",
        }
        session = await stack.enter_async_context(aiohttp.ClientSession())
        service = await start_service(environment)
        url = f"http://127.0.0.1:{port}"
        churn = Churn(url, session, dsn, options.cameras)
        sampler = Sampler(service.pid, url, session)
        try:
            await until_running(port, options.cameras, time.monotonic())
            churning = asyncio.create_task(churn.run())
            samples = await _samples(sampler, options.minutes * 60, churning)
        finally:
            with contextlib.suppress(ProcessLookupError):
                service.send_signal(signal.SIGTERM)
            await service.wait()
    if options.picture:
        title = f"{options.cameras} cameras on {server.name}, one of them disturbed every second"
        options.picture.write_text(chart(title, _panels(samples)), encoding="utf-8")
    summary = _summary(samples, sampler.latencies_ms)
    for key, value in summary.items():
        sys.stdout.write(f"{key:34} {value}\n")
    return {
        "server": server.name,
        "cameras": options.cameras,
        "minutes": options.minutes,
        "disturbed": churn.done,
        **summary,
        "samples": list(map(asdict, samples)),
    }


async def _samples(sampler: Sampler, seconds: float, churning: asyncio.Task[None]) -> list[Sample]:
    every_s = max(_LEAST_SAMPLE_S, seconds / _SAMPLES)
    samples: list[Sample] = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if churning.done():
            churning.result()
        samples.append(await sampler.sample(every_s))
    churning.cancel()
    await asyncio.gather(churning, return_exceptions=True)
    # The first stretch counts from the start of the process.
    return samples[1:]


def _summary(samples: Sequence[Sample], latencies_ms: Sequence[float]) -> dict[str, Any]:
    """Medians of the first and the last sixth: a leak is the difference between them."""
    share = max(1, len(samples) // 6)
    summary: dict[str, Any] = {}
    for name in ("rss_mib", "descriptors", "threads", "tasks", "api_p50_ms", "cycle_ms", "cpu_percent", "running"):
        first, last = (
            statistics.median(getattr(sample, name) for sample in part) for part in (samples[:share], samples[-share:])
        )
        summary[name] = {"first": round(first, 2), "last": round(last, 2)}
    p50, p99 = statistics.median(latencies_ms), _percentile(latencies_ms, 0.99)
    return {**summary, "api_ms": {"p50": round(p50, 2), "p99": round(p99, 2)}}


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _panels(samples: Sequence[Sample]) -> list[Panel]:
    def line(name: str) -> list[tuple[float, float]]:
        return [(sample.at_s / 60, getattr(sample, name)) for sample in samples]

    return [
        Panel("resident memory, MiB", [line("rss_mib")]),
        Panel("file descriptors", [line("descriptors")]),
        Panel("asyncio tasks; threads", [line("tasks"), line("threads")]),
        Panel("GET /api/cameras, ms: p50, p99", [line("api_p50_ms"), line("api_p99_ms")]),
        Panel("duration of a cycle, ms", [line("cycle_ms")]),
        Panel("cameras running", [line("running")]),
    ]
