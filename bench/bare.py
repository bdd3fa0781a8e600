"""Bare ffmpegs that somebody restarts: a shell loop or a systemd unit per camera, a supervisor that respawns."""

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
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import psutil

from bench.alternative import Alternative
from bench.stage import Server
from restream.config.places import ROOT

RETRY_S = 5
_UNITS = Path("/run/systemd/system")
_UNIT = "relay-bench@"


def relay(url: str, target: str) -> tuple[str, ...]:
    """The command that such set-ups run; with `-timeout`, without which a silent camera hangs it for ever."""
    opening = ("-nostdin", "-hide_banner", "-loglevel", "warning", "-rtsp_transport", "tcp", "-timeout", "5000000")
    copying = ("-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp")
    return ("ffmpeg", *opening, "-i", url, *copying, target)


class ShellLoops(Alternative):
    """`while true; do ffmpeg …; sleep 5; done` for every camera."""

    name = "shell loops"
    needs = ("ffmpeg",)

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
            self._loops.clear()

    def supervisors(self) -> list[psutil.Process]:
        return [psutil.Process(each.pid) for each in self._loops]


class Respawn(Alternative):
    """One supervisor of bare processes (`bench.respawn`) as general ones are: no admission, no probe, a delay."""

    name = "respawn"
    needs = ("ffmpeg",)

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


class SystemdUnits(Alternative):
    """A template unit with `Restart=always`; needs a systemd to run under."""

    name = "systemd units"

    needs = ("systemctl",)

    def missing(self) -> str:
        """systemd must be the init of this machine (or of this namespace)."""
        is_init = Path("/proc/1/comm").read_text(encoding="utf-8").strip() == "systemd"
        return super().missing() or ("" if is_init else "systemd is not the init here")

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


async def _systemctl(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec("systemctl", *arguments)
    if await process.wait():
        raise RuntimeError(f"systemctl {arguments[0]} failed")
