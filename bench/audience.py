"""Those who ask the service, in a process of their own: one that times answers, and many that listen to `/ws`.

    python -m bench.audience ask URL --header NAME:VALUE --times 30
    python -m bench.audience listen URL --clients 500      # until standard input ends

Each prints one JSON document; times are milliseconds, moments are those of CLOCK_MONOTONIC (one for all processes).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import re
import sys
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from restream.service.interpreter import raise_file_limit

_GENERATION = re.compile(r'"generation":(\d+)')
# A fleet's pages do not all open in the same millisecond; the first picture of 5,000 cameras is 3 MB.
_AT_ONCE = 8


def _ask(url: str, headers: Mapping[str, str], times: int, pause_s: float) -> dict[str, Any]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    took_ms, status, size = [], 0, 0
    etag = ""
    for _ in range(times):
        sent = {name: value.replace("LAST", etag) for name, value in headers.items()}
        began = time.perf_counter()
        connection.request("GET", f"{parts.path}?{parts.query}", headers=sent)
        response = connection.getresponse()
        size = len(response.read())
        took_ms.append((time.perf_counter() - began) * 1000)
        status, etag = response.status, response.headers.get("ETag", etag)
        time.sleep(pause_s)
    return {"status": status, "bytes": size, "took_ms": took_ms[1:]}


async def _listen(url: str, clients: int) -> dict[str, Any]:
    arrivals: dict[int, list[float]] = {}
    seen = {"messages": 0, "bytes": 0, "snapshots": 0, "lost": 0}
    connecting = asyncio.Semaphore(_AT_ONCE)
    ready = asyncio.Event()
    listening = 0

    async def listen(session: aiohttp.ClientSession) -> None:
        nonlocal listening
        async with contextlib.AsyncExitStack() as stack:
            async with connecting:
                socket = await stack.enter_async_context(session.ws_connect(url, max_msg_size=0))
                first = await socket.receive_str()
                seen["snapshots"] += first.startswith('{"type":"snapshot"')
            listening += 1
            if listening == clients:
                ready.set()
            async for message in socket:
                at = time.monotonic()
                seen["messages"] += 1
                seen["bytes"] += len(message.data)
                found = _GENERATION.search(message.data, 0, 200)
                arrivals.setdefault(int(found[1]) if found else -1, []).append(at)
            seen["lost"] += 1

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout()) as http_:
        tasks = [asyncio.create_task(listen(http_)) for _ in range(clients)]
        await ready.wait()
        sys.stdout.write("READY\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    last = {generation: [len(each), max(each)] for generation, each in arrivals.items()}
    return {**seen, "arrivals": last}


@contextlib.asynccontextmanager
async def listeners(url: str, clients: int) -> AsyncIterator[dict[str, Any]]:
    """Many WebSocket clients; the dictionary is filled with what they saw when the block ends."""
    process = await _start("listen", url, "--clients", str(clients))
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()
    seen: dict[str, Any] = {}
    try:
        yield seen
    finally:
        process.stdin.close()
        seen |= json.loads(await process.stdout.read())
        await process.wait()


async def ask(url: str, times: int, headers: Mapping[str, str], pause_s: float = 0.05) -> dict[str, Any]:
    """Ask one after the other over one connection; `LAST` in a header is the last answer's ETag."""
    flags = [part for item in headers.items() for part in ("--header", ":".join(item))]
    process = await _start("ask", url, "--times", str(times), "--pause", str(pause_s), *flags)
    output, _ = await process.communicate()
    return dict(json.loads(output))


async def _start(*arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "bench.audience", *arguments)
    return await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=1 << 24)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("ask", "listen"))
    parser.add_argument("url")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--pause", type=float, default=0.05)
    parser.add_argument("--header", action="append", default=[])
    options = parser.parse_args()
    raise_file_limit()
    if options.what == "listen":
        result = asyncio.run(_listen(options.url, options.clients))
    else:
        headers = dict(item.split(":", 1) for item in options.header)
        result = _ask(options.url, headers, options.times, options.pause)
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    _main()
