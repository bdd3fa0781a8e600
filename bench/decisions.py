"""How soon after a fault or a change of a row the service decides, with the default settings, by its own API."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import asyncpg

from bench.stage import fill, media_server, service_environment, start_service
from restream.demo.cameras import Fault, SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.embedded import embedded_postgres, free_port

_CAMERAS = 4
_STABLE_S = 31.0
_LIMIT_S = 90.0
Camera = dict[str, Any]


def add_arguments(commands: Any) -> None:
    parser = commands.add_parser("decisions", help=__doc__)
    parser.set_defaults(measure=measure)


class Fleet:
    """A few cameras under the service, and the faults that can befall them."""

    def __init__(self, port: int, session: aiohttp.ClientSession) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._session = session

    async def camera(self, number: int = 1) -> Camera:
        async with self._session.get(f"{self._url}/api/cameras/{number}") as response:
            return dict(await response.json())

    async def cameras(self) -> list[Camera]:
        async with self._session.get(f"{self._url}/api/cameras") as response:
            return list(await response.json())

    async def moments(self, number: int, phase: str) -> list[float]:
        """When a camera entered a phase (Unix time, s)."""
        async with self._session.get(f"{self._url}/api/events?camera={number}&limit=1000") as response:
            events = await response.json()
        return [datetime.fromisoformat(event["at"]).timestamp() for event in events if event["after"] == phase]

    async def until(self, reached: Callable[[], Awaitable[bool]]) -> float:
        """Seconds until the predicate holds."""
        began = time.monotonic()
        while time.monotonic() - began < _LIMIT_S:
            with contextlib.suppress(aiohttp.ClientError, KeyError):
                if await reached():
                    return round(time.monotonic() - began, 2)
            await asyncio.sleep(0.02)
        raise RuntimeError(f"not within {_LIMIT_S:.0f} s")

    async def until_phase(self, phase: str, number: int = 1) -> float:
        async def reached() -> bool:
            return bool((await self.camera(number))["phase"] == phase)

        return await self.until(reached)

    async def until_all(self, phase: str) -> float:
        async def reached() -> bool:
            phases = {camera["phase"] for camera in await self.cameras()}
            return phases == {phase}

        return await self.until(reached)


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Meet one fault after the other."""
    async with contextlib.AsyncExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="restream-bench-"))
        serving = contextlib.AsyncExitStack()
        stack.push_async_exit(serving)
        server = await serving.enter_async_context(media_server())
        dsn = await stack.enter_async_context(embedded_postgres())
        simulated = [await stack.enter_async_context(SimulatedCamera(Clip.load("h264"))) for _ in range(_CAMERAS)]
        await fill(dsn, [camera.url() for camera in simulated])
        port = free_port()
        service = await start_service(service_environment(server, dsn, port, directory))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        fleet = Fleet(port, session)
        result: dict[str, Any] = {"server": server.name}
        try:
            result["all_running_s"] = await fleet.until_all("running")
            await asyncio.sleep(_STABLE_S)
            result |= await _ffmpeg_killed(fleet)
            result |= await _camera_drops(fleet, simulated[1])
            result |= await _camera_freezes(fleet, simulated[2])
            result |= await _row_changes(fleet, dsn.reveal(), simulated[3])
            await asyncio.sleep(_STABLE_S)
            ports = [urlsplit(url).port or 0 for url in (server.rtsp_url, server.api_url)]
            await serving.aclose()
            result["server_stopped_all_waiting_s"] = await fleet.until_all("waiting")
            await asyncio.sleep(10)
            await stack.enter_async_context(media_server(*ports))
            result["server_back_all_running_s"] = await fleet.until_all("running")
        finally:
            with contextlib.suppress(ProcessLookupError):
                service.send_signal(signal.SIGTERM)
            await service.wait()
    for key, value in result.items():
        sys.stdout.write(f"{key:34} {value}\n")
    return result


async def _ffmpeg_killed(fleet: Fleet) -> dict[str, float]:
    pid = (await fleet.camera(1))["pid"]
    killed_at = time.time()
    os.kill(pid, signal.SIGKILL)

    async def relaunched() -> bool:
        return (await fleet.camera(1))["pid"] not in (pid, None)

    relaunched_s = await fleet.until(relaunched)
    running_s = await fleet.until_phase("running", 1)
    decided_at = min(at for at in await fleet.moments(1, "backoff") if at > killed_at)
    return {
        "ffmpeg_killed_decided_s": round(decided_at - killed_at, 3),
        "ffmpeg_killed_relaunched_s": relaunched_s,
        "ffmpeg_killed_running_s": round(relaunched_s + running_s, 2),
    }


async def _camera_drops(fleet: Fleet, camera: SimulatedCamera) -> dict[str, float]:
    await camera.set_fault(Fault.DROP)
    noticed_s = await fleet.until_phase("backoff", 2)
    return {
        "connection_dropped_noticed_s": noticed_s,
        "connection_dropped_running_s": round(noticed_s + await fleet.until_phase("running", 2), 2),
    }


async def _camera_freezes(fleet: Fleet, camera: SimulatedCamera) -> dict[str, float]:
    await camera.set_fault(Fault.FREEZE)
    noticed_s = await fleet.until_phase("stopping", 3)
    await camera.set_fault(Fault.NONE)
    return {
        "camera_frozen_noticed_s": noticed_s,
        "camera_thawed_running_s": await fleet.until_phase("running", 3),
    }


async def _row_changes(fleet: Fleet, dsn: str, camera: SimulatedCamera) -> dict[str, float]:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("UPDATE cameras SET enabled = false WHERE id = 4")
        disabled_s = await fleet.until_phase("disabled", 4)
        await asyncio.sleep(1)
        enabled_at = time.time()
        await connection.execute("UPDATE cameras SET enabled = true WHERE id = 4")
    finally:
        await connection.close()
    running_s = await fleet.until_phase("running", 4)
    # The API shows one picture per cycle; an event says when it happened.
    decided_at = min(at for at in await fleet.moments(4, "probing") if at > enabled_at)
    return {
        "row_disabled_stopped_s": disabled_s,
        "row_enabled_start_decided_s": round(decided_at - enabled_at, 3),
        "row_enabled_running_s": running_s,
    }
