"""The service as a subprocess, judged from outside."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from restream.demo.embedded import free_port
from tests.support.eventually import HopelessError, eventually
from tests.support.servers import TestServer

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "srvc_restream.py"
OF_THE_CHECKOUT = (sys.executable, str(PROGRAM))

# Short limits, so that a test sees in seconds what takes a camera a minute.
QUICK = {
    "RESTREAM_FFMPEG__PROBE_TIMEOUT_S": "4",
    "RESTREAM_FFMPEG__CONNECT_TIMEOUT_S": "8",
    "RESTREAM_FFMPEG__STALL_TIMEOUT_S": "3",
    "RESTREAM_RESTART__BASE_S": "1",
    "RESTREAM_RESTART__MAX_S": "2",
    "RESTREAM_RESTART__STABLE_AFTER_S": "2",
    "RESTREAM_MEDIAMTX__INTERVAL_S": "0.5",
}


def environment(overrides: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without any setting of the service, plus `overrides`."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("RESTREAM_", "PG_DSN"))}
    return {**inherited, **overrides}


def settings_of(tmp_path: Path, port: int, server: TestServer | None) -> dict[str, str]:
    """A service on `port` that touches nothing outside `tmp_path` and knows no other store."""
    settings = {
        "RESTREAM_HTTP__PORT": str(port),
        "LOGS_DIRECTORY": str(tmp_path / "log"),
        "RESTREAM_JSON_FILE__PATH": str(tmp_path / "streams.json"),
        "RESTREAM_REDIS__URL": "",
        "RESTREAM_METRICS__PORT": "",
        **QUICK,
    }
    if server is not None:
        settings |= {"RESTREAM_MEDIAMTX__API_URL": server.api_url, "RESTREAM_MEDIAMTX__RTSP_URL": server.rtsp_url}
    return settings


class RunningService:
    """One running service and what can be seen of it."""

    def __init__(self, process: asyncio.subprocess.Process, base_url: str, log: Path) -> None:
        self.process = process
        self.base_url = base_url
        self._log = log
        self.seen: set[str] = set()
        """Everything that processes showed in their command lines and environments."""

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    async def get(self, path: str) -> Any:
        async with aiohttp.ClientSession() as session, session.get(self.base_url + path) as response:
            return await response.json()

    async def instance(self) -> str:
        """Which life of the service answers; empty: none does."""
        try:
            return str((await self.get("/api/status"))["instance"])
        except (OSError, TimeoutError, aiohttp.ClientError):
            return ""

    async def replaced(self, timeout_s: float = 60) -> None:
        """Have its next version, which is the same, take over, and wait until that answers."""
        before = await eventually(self.instance, timeout_s)
        self.process.send_signal(signal.SIGUSR2)

        async def done() -> bool:
            return await self.instance() not in ("", before)

        await eventually(done, timeout_s, "the next version answers")

    async def camera(self, camera_id: str) -> dict[str, Any]:
        """Everything that is known of a camera."""
        found: dict[str, Any] = await self.get(f"/api/cameras/{camera_id}")
        return found

    async def cameras(self) -> dict[str, dict[str, Any]]:
        return {camera["id"]: camera for camera in await self.get("/api/cameras")}

    async def pids(self) -> dict[str, int]:
        """ffmpeg's pid per running camera, as the API tells it."""
        found = {}
        for camera_id in await self.cameras():
            camera = await self.get(f"/api/cameras/{camera_id}")
            if camera["phase"] == "running" and camera["pid"] is not None:
                found[camera_id] = camera["pid"]
        return found

    async def reach(self, wanted: Mapping[str, str], timeout_s: float = 40) -> dict[str, dict[str, Any]]:
        """Wait until each camera has the health (or phase) that is wanted of it."""

        async def reached() -> dict[str, dict[str, Any]]:
            cameras = await self.cameras()
            states = {key: (camera["verdict"]["health"], camera["phase"]) for key, camera in cameras.items()}
            missing = {key: states.get(key) for key, want in wanted.items() if want not in states.get(key, ())}
            assert not missing, f"{missing}"
            return cameras

        return await eventually(reached, timeout_s, f"cameras reach {wanted}")

    async def component(self, name: str, state: str, timeout_s: float = 30) -> None:
        async def reached() -> bool:
            return bool((await self.get("/api/status"))["components"].get(name, {}).get("state") == state)

        await eventually(reached, timeout_s, f"{name} is {state}")

    async def cycles(self, count: int, timeout_s: float = 30) -> None:
        """Let so many cycles begin and end: what they would have done, they have done."""
        # One more: the cycle that is under way began earlier.
        last = (await self.get("/api/status"))["generation"] + count + 1

        async def over() -> bool:
            return bool((await self.get("/api/status"))["generation"] >= last)

        await eventually(over, timeout_s, f"{count} cycles")

    async def stable(self, timeout_s: float = 30) -> None:
        """Wait until every publisher runs for as long as QUICK calls stable."""
        enough = timedelta(seconds=float(QUICK["RESTREAM_RESTART__STABLE_AFTER_S"]))

        async def reached() -> bool:
            cameras = (await self.cameras()).values()
            assert {camera["phase"] for camera in cameras} == {"running"}
            youngest = max(datetime.fromisoformat(camera["since"]) for camera in cameras)
            return datetime.now(UTC) - youngest > enough

        await eventually(reached, timeout_s, "every run is stable")

    def children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def look_at_processes(self) -> None:
        """Remember what `ps axeww` would show now."""
        for process in self.children():
            with contextlib.suppress(psutil.Error):
                words = process.cmdline()
                # Between fork and exec a child still shows what its parent is.
                if str(PROGRAM) in words:
                    continue
                self.seen.update(words)
                self.seen.update(f"{key}={value}" for key, value in process.environ().items())

    async def stop(self, number: signal.Signals = signal.SIGTERM, timeout_s: float = 20) -> int:
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), timeout_s)


@contextlib.asynccontextmanager
async def running_service(
    tmp_path: Path,
    *arguments: str,
    server: TestServer | None = None,
    overrides: Mapping[str, str] | None = None,
    program: Sequence[str] = OF_THE_CHECKOUT,
    folder: Path | None = None,
) -> AsyncIterator[RunningService]:
    """Start the service; afterwards no child of it may be left, and nothing it showed may hold a credential.

    `program` is another installation of it, `folder` its working directory.
    """
    port = int((overrides or {}).get("RESTREAM_HTTP__PORT", free_port()))
    settings = settings_of(tmp_path, port, server)
    log = tmp_path / "console.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *program,
            *arguments,
            cwd=folder,
            env=environment(settings | dict(overrides or {})),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    service = RunningService(process, f"http://127.0.0.1:{port}", log)

    async def answers() -> bool:
        if process.returncode is not None:
            raise HopelessError(f"it ended with {process.returncode}:\n{service.log}")
        try:
            return bool(await service.get("/livez"))
        except (aiohttp.ClientError, OSError):
            return False

    children: list[psutil.Process] = []
    try:
        await eventually(answers, 30, "the service answers")
        yield service
        children = service.children()
    finally:
        children = children or service.children()
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), 20)
            except TimeoutError:
                process.kill()
                await process.wait()
    left = psutil.wait_procs(children, timeout=10)[1]
    assert not left, f"children outlive the service: {left}"


async def command(
    *arguments: str,
    overrides: Mapping[str, str] | None = None,
    stdin: str = "",
    program: Sequence[str] = OF_THE_CHECKOUT,
    folder: Path | None = None,
) -> tuple[int, str, str]:
    """Run one command of the program to its end: exit code, standard output, standard error.

    It asks no service but one that `overrides` name: whoever has the default port is none of ours.
    """
    process = await asyncio.create_subprocess_exec(
        *program,
        *arguments,
        cwd=folder,
        env=environment({"RESTREAM_HTTP__PORT": str(free_port()), **(overrides or {})}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
    return process.returncode or 0, output.decode(), errors.decode()


async def ffprobe(url: str) -> list[str]:
    """Codecs of a stream, as an outside player sees them; empty when it does not play."""
    process = await asyncio.create_subprocess_exec(
        *("ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-timeout", "5000000"),
        *("-show_entries", "stream=codec_name", "-of", "csv=p=0", url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    return output.decode().split()
