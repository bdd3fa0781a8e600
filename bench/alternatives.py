"""What this service stands against: a shell loop or a systemd unit per camera, a supervisor that respawns."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import aiohttp
import psutil
from yarl import URL

from bench.stage import Server, fill, service_environment, start_service
from restream.config.settings import ROOT
from restream.demo.embedded import embedded_postgres, embedded_redis, free_port

RETRY_S = 5
# What cameras send is written every five seconds.
_KEPT_AFTER_S = 10.0
_LOOK_S = 0.2
_UNITS = Path("/run/systemd/system")
_UNIT = "relay-bench@"


def relay(url: str, target: str) -> tuple[str, ...]:
    """The command that such set-ups run; with `-timeout`, without which a silent camera hangs it for ever."""
    opening = ("-nostdin", "-hide_banner", "-loglevel", "warning", "-rtsp_transport", "tcp", "-timeout", "5000000")
    copying = ("-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp")
    return ("ffmpeg", *opening, "-i", url, *copying, target)


class Alternative(Protocol):
    """Keeps cameras 1 … n published as `cam1` … `camn`."""

    name: str
    began: float
    """When it started to start them (monotonic, s); 0: not yet."""

    def running(self, server: Server, urls: Sequence[str]) -> contextlib.AbstractAsyncContextManager[None]:
        """Do so until the block ends."""

    def supervisors(self) -> list[psutil.Process]:
        """The processes that watch, without those that carry media."""


class Restream:
    """This service, with its default settings but for those given (`RESTREAM_…`)."""

    began = 0.0

    def __init__(self, directory: str, settings: Mapping[str, str], name: str = "restream") -> None:
        self.name = name
        self._directory = directory
        self._settings = settings
        self._environment: dict[str, str] = {}
        self._service: asyncio.subprocess.Process | None = None
        self.api_url = ""

    @contextlib.asynccontextmanager
    async def running(self, server: Server, urls: Sequence[str]) -> AsyncIterator[None]:
        async with embedded_postgres() as dsn:
            await fill(dsn, urls)
            port = free_port()
            self.api_url = f"http://127.0.0.1:{port}"
            self._environment = {**service_environment(server, dsn, port, self._directory), **self._settings}
            self.began = time.monotonic()
            await self._start()
            try:
                yield
            finally:
                await self._stop()

    async def _start(self) -> None:
        self._service = await start_service(self._environment)

    async def _stop(self) -> None:
        assert self._service is not None
        with contextlib.suppress(ProcessLookupError):
            self._service.send_signal(signal.SIGTERM)
        await self._service.wait()

    def supervisors(self) -> list[psutil.Process]:
        assert self._service is not None
        return [psutil.Process(self._service.pid)]


class RestartedRestream(Restream):
    """This service once more, after a life in which it came to know the cameras (Redis keeps what they send)."""

    def __init__(self, directory: str, settings: Mapping[str, str]) -> None:
        super().__init__(directory, settings, "restream, restarted")

    @contextlib.asynccontextmanager
    async def running(self, server: Server, urls: Sequence[str]) -> AsyncIterator[None]:
        async with embedded_redis() as redis_url:
            self._settings = {**self._settings, "RESTREAM_REDIS__URL": redis_url}
            async with super().running(server, urls):
                self.began = 0.0
                await _all_available(server, len(urls))
                await asyncio.sleep(_KEPT_AFTER_S)
                await self._stop()
                self.began = time.monotonic()
                await self._start()
                yield


class PullingRestream(Restream):
    """This service, with the media server fetching the cameras where it says."""

    def __init__(self, directory: str, settings: Mapping[str, str]) -> None:
        super().__init__(directory, {**settings, "RESTREAM_CAMERAS__ENGINE": "pull"}, "restream, pull")

    @contextlib.asynccontextmanager
    async def running(self, server: Server, urls: Sequence[str]) -> AsyncIterator[None]:
        port = free_port()
        self._settings = {**self._settings, "RESTREAM_PULL__PORT": str(port)}
        entry = {"source": f"rtsp://127.0.0.1:{port}/default/$G1", "sourceOnDemand": True, "rtspTransport": "tcp"}
        name = quote("~^(cam.+)$", safe="")
        async with aiohttp.ClientSession() as session:
            answer = await session.post(URL(f"{server.api_url}/v3/config/paths/add/{name}", encoded=True), json=entry)
            answer.raise_for_status()
        async with super().running(server, urls):
            yield


class ShellLoops:
    """`while true; do ffmpeg …; sleep 5; done` for every camera."""

    name = "shell loops"
    began = 0.0

    def __init__(self) -> None:
        self._loops: list[asyncio.subprocess.Process] = []

    @contextlib.asynccontextmanager
    async def running(self, server: Server, urls: Sequence[str]) -> AsyncIterator[None]:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.began = time.monotonic()
        for number, url in enumerate(urls, 1):
            command = shlex.join(relay(url, f"{server.rtsp_url}/cam{number}"))
            loop = f"while true; do {command}; sleep {RETRY_S}; done"
            self._loops.append(await asyncio.create_subprocess_exec("sh", "-c", loop, start_new_session=True, **quiet))
        try:
            yield
        finally:
            for each in self._loops:
                os.killpg(each.pid, signal.SIGKILL)
            await asyncio.gather(*(each.wait() for each in self._loops))

    def supervisors(self) -> list[psutil.Process]:
        return [psutil.Process(each.pid) for each in self._loops]


class Respawn:
    """One supervisor of bare processes (`bench.respawn`) as general ones are: no admission, no probe, a delay."""

    name = "respawn"
    began = 0.0

    def __init__(self) -> None:
        self._pid = 0

    @contextlib.asynccontextmanager
    async def running(self, server: Server, urls: Sequence[str]) -> AsyncIterator[None]:
        commands = [relay(url, f"{server.rtsp_url}/cam{number}") for number, url in enumerate(urls, 1)]
        self.began = time.monotonic()
        supervisor = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.respawn"), stdin=subprocess.PIPE, start_new_session=True, cwd=ROOT
        )
        self._pid = supervisor.pid
        try:
            assert supervisor.stdin is not None
            supervisor.stdin.write(json.dumps(commands).encode())
            supervisor.stdin.close()
            yield
        finally:
            os.killpg(supervisor.pid, signal.SIGKILL)
            await supervisor.wait()

    def supervisors(self) -> list[psutil.Process]:
        return [psutil.Process(self._pid)]


class FetchingServer:
    """The media server alone: one path with a `source` for every camera, made over its API."""

    name = "MediaMTX alone"
    began = 0.0

    @contextlib.asynccontextmanager
    async def running(self, server: Server, urls: Sequence[str]) -> AsyncIterator[None]:
        self.began = time.monotonic()
        async with aiohttp.ClientSession() as session:
            for number, url in enumerate(urls, 1):
                path = {"source": url, "rtspTransport": "tcp"}
                answer = await session.post(f"{server.api_url}/v3/config/paths/add/cam{number}", json=path)
                answer.raise_for_status()
        yield

    def supervisors(self) -> list[psutil.Process]:
        return []


class SystemdUnits:
    """A template unit with `Restart=always`; needs a systemd to run under."""

    name = "systemd units"
    began = 0.0

    @staticmethod
    def available() -> bool:
        """Whether systemd is the init of this machine (or of this namespace)."""
        return Path("/proc/1/comm").read_text(encoding="utf-8").strip() == "systemd" and bool(shutil.which("systemctl"))

    @contextlib.asynccontextmanager
    async def running(self, server: Server, urls: Sequence[str]) -> AsyncIterator[None]:
        directory = _UNITS.parent / "relay-bench"
        directory.mkdir(parents=True, exist_ok=True)
        unit = _UNITS / f"{_UNIT}.service"
        command = shlex.join(relay("URL", f"{server.rtsp_url}/cam%i")).replace("URL", "${URL}")
        path = f"Environment=PATH={os.environ['PATH']}\nEnvironmentFile={directory}/%i.env"
        limits = f"Restart=always\nRestartSec={RETRY_S}\nStandardError=null"
        _UNITS.mkdir(parents=True, exist_ok=True)
        unit.write_text(
            f"[Unit]\nStartLimitIntervalSec=0\n[Service]\n{path}\nExecStart={command}\n{limits}\n", encoding="utf-8"
        )
        names = [f"{_UNIT}{number}.service" for number in range(1, len(urls) + 1)]
        for number, url in enumerate(urls, 1):
            (directory / f"{number}.env").write_text(f"URL={url}\n", encoding="utf-8")
        await _systemctl("daemon-reload")
        self.began = time.monotonic()
        await _systemctl("start", *names)
        try:
            yield
        finally:
            await _systemctl("stop", *names)
            unit.unlink()
            shutil.rmtree(directory)

    def supervisors(self) -> list[psutil.Process]:
        return [psutil.Process(1)]


async def available_paths(session: aiohttp.ClientSession, server: Server) -> int:
    """How many paths can be read at a media server."""
    async with session.get(f"{server.api_url}/v3/paths/list?itemsPerPage=10000") as response:
        return sum(bool(item["ready"]) for item in (await response.json())["items"])


async def _all_available(server: Server, cameras: int) -> None:
    async with aiohttp.ClientSession() as session:
        while await available_paths(session, server) < cameras:
            await asyncio.sleep(_LOOK_S)


async def _systemctl(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec("systemctl", *arguments)
    if await process.wait():
        raise RuntimeError(f"systemctl {arguments[0]} failed")


def alternatives(names: Iterable[str], directory: str, settings: Mapping[str, str] = {}) -> list[Alternative]:
    """Those that can run here, in this order; `settings` are the service's."""
    known: dict[str, Alternative] = {
        "restream": Restream(directory, settings),
        "restarted": RestartedRestream(directory, settings),
        "relay": Restream(directory, {**settings, "RESTREAM_CAMERAS__ENGINE": "relay"}, "restream, relay"),
        "pull": PullingRestream(directory, settings),
        "server": FetchingServer(),
        "loops": ShellLoops(),
        "respawn": Respawn(),
        "systemd": SystemdUnits(),
    }
    wanted = [known[name] for name in names]
    if not any(isinstance(each, SystemdUnits) for each in wanted) or SystemdUnits.available():
        return wanted
    sys.stdout.write("systemd is not the init here: its units are left out\n")
    return [each for each in wanted if not isinstance(each, SystemdUnits)]
