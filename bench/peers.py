"""What else fetches or supervises cameras: MediaMTX by itself, go2rtc, datarhei core."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import psutil

from bench.alternative import Alternative
from bench.bare import RETRY_S, relay
from bench.outside import Arrival, Outside
from bench.stage import Server
from restream.demo.embedded import free_port

_START_LIMIT_S = 30.0
_RETRY_S = 0.1
_QUIET: Mapping[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)


class FetchingServer(Alternative):
    """The media server alone: its configuration has one path with a `source` for every camera."""

    name = "MediaMTX alone"
    needs = ("mediamtx",)
    path: Mapping[str, object] = {"rtspTransport": "tcp"}

    @contextlib.asynccontextmanager
    async def serving(self, urls: Sequence[str], rtsp_port: int = 0, api_port: int = 0) -> AsyncIterator[Server]:
        """It begins to fetch when it starts."""
        self.began = time.monotonic()
        async with super().serving(urls, rtsp_port, api_port) as server:
            yield server

    def paths(self, urls: Sequence[str]) -> Mapping[str, object]:
        """All cameras."""
        return {f"cam{number}": {"source": url, **self.path} for number, url in enumerate(urls, 1)}

    def carrier(self, outside: Outside, number: int) -> psutil.Process | None:
        """None: the media server fetches."""
        del outside, number
        return None


class AskedServer(FetchingServer):
    """The same on demand: each path is asked for once by RTSP (DESCRIBE), as the engine `pull` asks, and stays.

    From then on MediaMTX prepares its packets for readers by RTSP, whether there is one or not (1.20.1,
    `internal/stream/stream.go`, RTSPStream).
    """

    name = "MediaMTX alone, on demand"
    path = MappingProxyType({**FetchingServer.path, "sourceOnDemand": True, "sourceOnDemandCloseAfter": "1h"})

    @contextlib.asynccontextmanager
    async def running(self, server: Server, urls: Sequence[str]) -> AsyncIterator[None]:
        """Ask for all of them, one after the other."""
        for number in range(1, len(urls) + 1):
            await _ask_for(f"{server.rtsp_url}/cam{number}")
        yield


async def _ask_for(url: str) -> None:
    ends, address = time.monotonic() + _START_LIMIT_S, urlsplit(url)
    while time.monotonic() < ends:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        status = await reader.readline()
        writer.close()
        if b" 200 " in status:
            return
        await asyncio.sleep(_RETRY_S)
    raise RuntimeError(f"{url} is not available within {_START_LIMIT_S:.0f} s")


class Go2rtcOutside(Outside):
    """go2rtc as its own API shows it."""

    async def received(self) -> Mapping[str, Arrival]:
        """Every stream that has had media from its camera."""
        try:
            async with self._session.get(f"{self._server.api_url}/api/streams") as response:
                streams = await response.json()
        except aiohttp.ClientError:
            return {}
        producers = ((name, each) for name, stream in streams.items() for each in stream["producers"] or ())
        return {
            name: Arrival(str(producer["id"]), producer["bytes_recv"])
            for name, producer in producers
            if producer.get("bytes_recv")
        }


class Go2rtc(Alternative):
    """go2rtc restreams by itself: no media server beside it. `preload` (from 1.9.11 on) holds cameras without readers.

    Only what this needs of it runs: its API and RTSP, on loopback.
    """

    name = "go2rtc"
    needs = ("go2rtc",)

    @contextlib.asynccontextmanager
    async def serving(self, urls: Sequence[str], rtsp_port: int = 0, api_port: int = 0) -> AsyncIterator[Server]:
        """It begins to fetch a second after it has started."""
        rtsp_port, api_port = rtsp_port or free_port(), api_port or free_port()
        document = {
            "app": {"modules": ["api", "rtsp"]},
            "api": {"listen": f"127.0.0.1:{api_port}"},
            "rtsp": {"listen": f"127.0.0.1:{rtsp_port}"},
            "log": {"level": "error"},
            "streams": {f"cam{number}": url for number, url in enumerate(urls, 1)},
            "preload": {f"cam{number}": "video&audio" for number in range(1, len(urls) + 1)},
        }
        self.began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="restream-go2rtc-") as directory:
            config = Path(directory) / "go2rtc.yaml"
            config.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
            process = await asyncio.create_subprocess_exec("go2rtc", "-config", str(config), cwd=directory, **_QUIET)
            try:
                api_url = f"http://127.0.0.1:{api_port}"
                await _until_answering(f"{api_url}/api/streams")
                yield Server(self.name, f"rtsp://127.0.0.1:{rtsp_port}", api_url)
            finally:
                process.kill()
                await process.wait()

    def outside(self, server: Server, session: aiohttp.ClientSession) -> Outside:
        """Its API is another one."""
        return Go2rtcOutside(server, session)

    def carrier(self, outside: Outside, number: int) -> psutil.Process | None:
        """None: it is the media server."""
        del outside, number
        return None


class Datarhei(Alternative):
    """datarhei core: a process for every camera, made over its API, with the options that its own page gives them."""

    name = "datarhei core"
    needs = ("core", "ffmpeg")

    def __init__(self) -> None:
        self._pid = 0

    @contextlib.asynccontextmanager
    async def running(self, server: Server, urls: Sequence[str]) -> AsyncIterator[None]:
        """On loopback, and asking nobody outside for its address or for updates."""
        port = free_port()
        with tempfile.TemporaryDirectory(prefix="restream-datarhei-") as directory:
            (Path(directory) / "mime.types").touch()
            environment = {
                **os.environ,
                "CORE_ADDRESS": f"127.0.0.1:{port}",
                "CORE_UPDATE_CHECK": "false",
                "CORE_HOST_AUTO": "false",
                "CORE_DB_DIR": f"{directory}/config",
                "CORE_STORAGE_DISK_DIR": f"{directory}/data",
                "CORE_LOG_LEVEL": "error",
            }
            self.began = time.monotonic()
            core = await asyncio.create_subprocess_exec(
                "core", cwd=directory, env=environment, start_new_session=True, **_QUIET
            )
            self._pid = core.pid
            try:
                await _until_answering(f"http://127.0.0.1:{port}/api")
                await self._add(f"http://127.0.0.1:{port}/api/v3/process", server, urls)
                yield
            finally:
                # It knows SIGINT only; its ffmpegs may be in groups of their own.
                children = psutil.Process(core.pid).children(recursive=True)
                core.send_signal(signal.SIGINT)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(core.wait(), _START_LIMIT_S)
                for each in children:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        each.kill()
                if core.returncode is None:
                    core.kill()
                    await core.wait()

    async def _add(self, url: str, server: Server, urls: Sequence[str]) -> None:
        async with aiohttp.ClientSession() as session:
            for number, camera in enumerate(urls, 1):
                command = relay(camera, f"{server.rtsp_url}/cam{number}")
                position = command.index("-i")
                opening = command.index("-rtsp_transport")
                process = {
                    "id": f"cam{number}",
                    "reference": f"cam{number}",
                    # Its page writes `level+info`, which suits its own build: progress of a stock ffmpeg is then not
                    # known to it (`[info] frame=`), and everything is stale after 30 s.
                    "options": ["-loglevel", "info", "-err_detect", "ignore_err"],
                    "input": [{"id": "in", "address": camera, "options": command[opening:position]}],
                    "output": [{"id": "out", "address": command[-1], "options": command[position + 2 : -1]}],
                    "autostart": True,
                    "reconnect": True,
                    "reconnect_delay_seconds": RETRY_S,
                    "stale_timeout_seconds": 30,
                }
                async with session.post(url, json=process) as response:
                    response.raise_for_status()

    def supervisors(self) -> list[psutil.Process]:
        """Core itself."""
        return [psutil.Process(self._pid)]


async def _until_answering(url: str) -> None:
    ends = time.monotonic() + _START_LIMIT_S
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < ends:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(url) as response:
                    await response.read()
                    return
            await asyncio.sleep(0.02)
    raise RuntimeError(f"{url} does not answer within {_START_LIMIT_S:.0f} s")
