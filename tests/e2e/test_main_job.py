"""The main job, seen from outside: rows in, watched streams out."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import asyncpg
import psutil
import pytest

from restream.demo.cameras import Fault
from tests.e2e.conftest import PASSWORD, AddCamera
from tests.support.eventually import eventually
from tests.support.servers import TestServer, tracks
from tests.support.service import ffprobe, running_service

pytestmark = pytest.mark.usefixtures("ffmpeg")
Database = asyncpg.Connection


async def test_every_clip_is_republished_with_its_codecs(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer
) -> None:
    clips = {1: "h264_aac", 2: "h264", 3: "h264_pcma", 4: "h265"}
    for number, clip in clips.items():
        await add_camera(number, clip)
    async with running_service(tmp_path, server=media_server, overrides={"PG_DSN": dsn}) as service:
        await service.reach({str(number): "healthy" for number in clips})
        seen = await tracks(media_server)
        assert seen["cam1"] == ["H264", "MPEG-4 Audio"]
        assert seen["cam2"] == ["H264"]
        assert seen["cam3"] == ["H264", "G711"]
        assert seen["cam4"] == ["H265"]
        assert await ffprobe(f"{media_server.rtsp_url}/cam1") == ["h264", "aac"]
        children = service.children()
        assert len(children) == 4
        assert await service.stop() == 0
        assert not [child for child in children if child.is_running()]
        assert "all publishers have ended" in service.log


async def test_killed_ffmpeg_returns_and_its_siblings_do_not_notice(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer
) -> None:
    for number in (1, 2):
        await add_camera(number)
    async with running_service(tmp_path, server=media_server, overrides={"PG_DSN": dsn}) as service:
        await service.reach({"1": "healthy", "2": "healthy"})
        await service.stable()
        before = await service.pids()
        os.kill(before["1"], signal.SIGKILL)

        async def replaced() -> bool:
            return (await service.pids()).get("1", before["1"]) != before["1"]

        await eventually(replaced, 15)
        after = await service.pids()
        assert after["2"] == before["2"]
        assert (await service.cameras())["1"]["restarts"] == 1
        assert "killed" in service.log


async def test_frozen_camera_is_noticed_and_returns_when_it_thaws(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer
) -> None:
    frozen = await add_camera(1)
    await add_camera(2)
    async with running_service(tmp_path, server=media_server, overrides={"PG_DSN": dsn}) as service:
        await service.reach({"1": "healthy", "2": "healthy"})
        sibling = (await service.pids())["2"]
        await frozen.set_fault(Fault.FREEZE)
        cameras = await service.reach({"1": "down", "2": "healthy"})
        assert cameras["1"]["verdict"]["fault"] == "camera"
        assert "stalled" in service.log
        await frozen.set_fault(Fault.NONE)
        await service.reach({"1": "healthy"})
        assert (await service.pids())["2"] == sibling


@pytest.mark.parametrize(
    ("fault", "cause", "side", "phase"),
    [
        (Fault.REFUSE, "refused", "camera", "backoff"),
        (Fault.SILENT, "timeout", "camera", "backoff"),
        (Fault.UNAUTHORIZED, "auth_failed", "config", "held"),
        (Fault.NOT_FOUND, "not_found", "config", "backoff"),
        (Fault.UDP_ONLY, "transport_refused", "config", "backoff"),
        (Fault.NO_PACKETS, "no_media", "camera", "backoff"),
        (Fault.SERVER_ERROR, "busy", "camera", "backoff"),
        # Of ffmpeg 8: source_ended; 5.1 does not say.
        (Fault.GARBAGE, "not_rtsp", "config", "backoff"),
    ],
)
async def test_faults_of_a_camera_are_told_apart(
    tmp_path: Path,
    dsn: str,
    add_camera: AddCamera,
    stand_in: TestServer,
    fault: Fault,
    cause: str,
    side: str,
    phase: str,
) -> None:
    camera = await add_camera(1)
    await camera.set_fault(fault)
    # Long enough in backoff to be looked at.
    overrides = {"PG_DSN": dsn, "RESTREAM_RESTART__BASE_S": "30", "RESTREAM_RESTART__MAX_S": "30"}
    async with running_service(tmp_path, server=stand_in, overrides=overrides) as service:
        found = (await service.reach({"1": phase}))["1"]
        assert found["verdict"]["health"] == "down"
        assert [reason["code"] for reason in found["verdict"]["reasons"]] == [cause]
        assert found["verdict"]["fault"] == side
        assert found["verdict"]["hint"]


async def test_dropped_connection_restarts_at_once_without_a_new_probe(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer
) -> None:
    camera = await add_camera(1)
    async with running_service(tmp_path, server=media_server, overrides={"PG_DSN": dsn}) as service:
        await service.reach({"1": "healthy"})
        await service.stable()
        looked = camera.describes_total
        pid = (await service.pids())["1"]
        await camera.set_fault(Fault.DROP)

        async def replaced() -> bool:
            return (await service.pids()).get("1", pid) != pid

        await eventually(replaced, 20)
        # The connection of the new ffmpeg alone: an unauthenticated try and an authenticated one at most.
        assert camera.describes_total - looked <= 2
        assert "source_ended" in service.log


async def test_media_server_outage_blames_no_camera(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer
) -> None:
    for number in (1, 2, 3):
        await add_camera(number)
    wanted = {"1": "healthy", "2": "healthy", "3": "healthy"}
    async with running_service(tmp_path, server=media_server, overrides={"PG_DSN": dsn}) as service:
        await service.reach(wanted)
        await media_server.stop()
        await service.component("mediamtx", "down")
        cameras = await service.reach({"1": "waiting", "2": "waiting", "3": "waiting"})
        assert {camera["verdict"]["fault"] for camera in cameras.values()} == {"media_server"}
        assert {camera["failures"] for camera in cameras.values()} == {0}
        await media_server.start()
        await service.reach(wanted)


async def test_killed_service_leaves_no_ffmpeg(
    tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: TestServer
) -> None:
    for number in (1, 2, 3):
        await add_camera(number)
    async with running_service(tmp_path, server=stand_in, overrides={"PG_DSN": dsn}) as service:
        await service.reach({"1": "healthy", "2": "healthy", "3": "healthy"})
        children = service.children()
        assert len(children) == 3
        await service.stop(signal.SIGKILL)
        assert psutil.wait_procs(children, timeout=10)[1] == []


async def test_silent_audio_does_not_keep_a_camera_down(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer
) -> None:
    camera = await add_camera(1, "h264_aac", options='{"audio": "aac"}')
    await camera.set_fault(Fault.SILENT_AUDIO)
    async with running_service(tmp_path, server=media_server, overrides={"PG_DSN": dsn}) as service:
        cameras = await service.reach({"1": "degraded"}, 60)
        assert [reason["code"] for reason in cameras["1"]["verdict"]["reasons"]] == ["audio_missing"]

        async def published() -> bool:
            return (await tracks(media_server)).get("cam1") is not None

        await eventually(published, 20)


async def test_interrupt_ends_the_service_like_sigterm(
    tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: TestServer
) -> None:
    await add_camera(1)
    async with running_service(tmp_path, server=stand_in, overrides={"PG_DSN": dsn}) as service:
        await service.reach({"1": "healthy"})
        assert await service.stop(signal.SIGINT) == 0


async def test_password_is_nowhere_to_be_seen(
    tmp_path: Path, dsn: str, database: Database, add_camera: AddCamera, stand_in: TestServer
) -> None:
    types = ("COMMON", "DAHUA", "HIKVISION", "HIKVISIONDS", "HIKVISIONCH1", "VEI", "other")
    cameras = [await add_camera(number, camera_type=kind, channel=1) for number, kind in enumerate(types, 1)]
    wrong = await add_camera(9, password="wrong-" + PASSWORD, camera_type="DAHUA")
    async with running_service(tmp_path, server=stand_in, overrides={"PG_DSN": dsn}) as service:
        wanted = {str(number): "healthy" for number in range(1, len(types) + 1)}
        watching = asyncio.create_task(_watch(service.look_at_processes))
        try:
            await service.reach({**wanted, "9": "held"})
        finally:
            watching.cancel()
        for camera in cameras:
            assert camera.open_connections == 1
        assert wrong.auth_failures_total > 0
        documents = [await service.get("/api/cameras"), await service.get("/api/status")]
        documents += [await service.get(f"/api/cameras/{number}") for number in [*range(1, 8), 9]]
        haystacks = {"log": service.log, "HTTP": repr(documents), "processes": "\n".join(service.seen)}
        assert "pipe:0" in haystacks["processes"]
        for place, text in haystacks.items():
            for needle in (PASSWORD, "%40%3A", "wrong-"):
                assert needle not in text, f"the password shows in {place}"


async def _watch(look: object) -> None:
    while True:
        look()  # type: ignore[operator]
        await asyncio.sleep(0.02)
