"""An upgrade without interruption: the prototype of `bench/reexec.py` replaces itself while its streams flow."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from bench.fleet import simulated_cameras
from bench.outside import Outside
from bench.stage import media_server

_SETTLE_S = 10.0
_LIVES = 3


def add_arguments(commands: Any) -> None:
    parser = commands.add_parser("handover", help=__doc__)
    parser.add_argument("--cameras", type=int, default=50)
    parser.set_defaults(measure=measure)


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Replace it twice, then kill it; then once more, with a next version that ends at once."""
    async with contextlib.AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="restream-bench-")))
        server = await stack.enter_async_context(media_server())
        urls = await stack.enter_async_context(simulated_cameras(options.cameras, "h264"))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        outside = Outside(server, session)
        commands = [_relay(url, f"{server.rtsp_url}/cam{number}") for number, url in enumerate(urls, 1)]
        (directory / "commands.json").write_text(json.dumps(commands), encoding="utf-8")
        result: dict[str, Any] = {"cameras": options.cameras}
        for ending in (signal.SIGKILL, signal.SIGUSR1):
            result |= await _lives(outside, directory / "commands.json", range(1, options.cameras + 1), ending)
    for key, value in result.items():
        sys.stdout.write(f"{key:44} {value}\n")
    return result


def _relay(url: str, target: str) -> list[str]:
    reporting = ("-nostdin", "-loglevel", "warning", "-nostats", "-progress", "pipe:1", "-stats_period", "1")
    copying = ("-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp")
    return ["ffmpeg", *reporting, "-rtsp_transport", "tcp", "-i", url, *copying, target]


async def _lives(outside: Outside, commands: Path, cameras: range, ending: signal.Signals) -> dict[str, Any]:
    arguments = (sys.executable, "-m", "bench.reexec", str(commands))
    process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE, limit=1 << 20)
    assert process.stdout is not None
    first = json.loads(await process.stdout.readline())
    await outside.until_flowing(cameras)
    await asyncio.sleep(_SETTLE_S)
    undisturbed_s, publishers = await _longest_silence(outside, _SETTLE_S)
    lives, silences = [first], []
    for _ in range(_LIVES - 1):
        watching = asyncio.create_task(_longest_silence(outside, _SETTLE_S))
        await asyncio.sleep(_SETTLE_S / 4)
        process.send_signal(signal.SIGHUP)
        lives.append(json.loads(await process.stdout.readline()))
        silence_s, seen = await watching
        silences.append(silence_s)
        publishers |= seen
    children = [psutil.Process(pid) for pid in first["pids"]]
    process.send_signal(ending)
    await process.wait()
    left = psutil.wait_procs(children, timeout=5)[1]
    if ending is signal.SIGUSR1:
        return {"left_when_the_next_version_ends_at_once": len(left)}
    return {
        "same_children_in_every_life": all(life["pids"] == first["pids"] for life in lives),
        "publishers_seen_by_the_server": len(publishers),
        "not_followed_for_s": [life["following_s"] for life in lives[1:]],
        "longest_silence_undisturbed_s": undisturbed_s,
        "longest_silence_while_replaced_s": max(silences),
        "left_after_kill_9": len(left),
    }


async def _longest_silence(outside: Outside, seconds: float) -> tuple[float, set[str]]:
    """The longest time without a new byte of one camera at the server, and the ids of all publishers."""
    ends = time.monotonic() + seconds
    moved: dict[str, tuple[int, float]] = {}
    longest_s, publishers = 0.0, set()
    while (now := time.monotonic()) < ends:
        for path, (publisher, count) in (await outside.received()).items():
            publishers.add(publisher)
            before, since = moved.get(path, (-1, now))
            longest_s = max(longest_s, now - since)
            if count != before:
                moved[path] = (count, now)
        await asyncio.sleep(0.05)
    return round(longest_s, 2), publishers
