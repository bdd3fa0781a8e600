"""For each fault the right health, side and reason, on both media servers; and outages that change nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from restream.demo.cameras import Fault, SimulatedCamera
from restream.demo.sink_faults import SinkFault
from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.gate import Gate
from tests.support.servers import RealMediamtx, StandIn, TestServer
from tests.support.service import RunningService, running_service
from tests.support.verdicts import HEALTHY, PATIENT, tells

pytestmark = pytest.mark.usefixtures("ffmpeg")


async def test_faults_of_cameras_and_publishers(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer
) -> None:
    from_the_start = {
        1: (Fault.REFUSE, ("down", "camera", "refused")),
        2: (Fault.SILENT, ("down", "camera", "timeout")),
        3: (Fault.UNAUTHORIZED, ("down", "config", "auth_failed")),
        4: (Fault.NOT_FOUND, ("down", "config", "not_found")),
    }
    later = {5: Fault.FREEZE, 6: Fault.DROP, 7: Fault.NONE, 8: Fault.NONE, 9: Fault.NONE}
    cameras: dict[int, SimulatedCamera] = {number: await add_camera(number) for number in (*from_the_start, *later)}
    for number, (fault, _) in from_the_start.items():
        await cameras[number].set_fault(fault)
    overrides = {"PG_DSN": dsn, **PATIENT, "RESTREAM_ADMISSION__MAX_STARTING_PER_HOST": ""}
    async with running_service(tmp_path, server=media_server, overrides=overrides) as service:
        await tells(service, {str(number): HEALTHY for number in later})
        for number, fault in later.items():
            await cameras[number].set_fault(fault)
        pids = await service.pids()
        os.kill(pids["7"], signal.SIGKILL)
        os.kill(pids["8"], signal.SIGSTOP)
        expected = {str(number): told for number, (_, told) in from_the_start.items()} | {
            "5": ("down", "camera", "stalled"),
            "6": ("down", "camera", "source_ended"),
            "7": ("down", "publisher", "killed"),
            "8": ("down", "publisher", "suspended"),
            "9": HEALTHY,
        }
        await tells(service, expected)
        status = await service.get("/api/status")
        assert status["fault"] == {"camera": 4, "config": 2, "publisher": 2, "none": 1}
        assert all(camera["verdict"]["hint"] for camera in (await service.get("/api/cameras"))[:8])


async def test_a_conflict_names_the_other_publisher(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer
) -> None:
    camera = await add_camera(1)
    async with running_service(tmp_path, server=media_server, overrides={"PG_DSN": dsn, **PATIENT}) as service:
        await tells(service, {"1": HEALTHY})
        foreign = await asyncio.create_subprocess_exec(
            *("ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", camera.url(), "-c", "copy"),
            *("-f", "rtsp", "-rtsp_transport", "tcp", f"{media_server.rtsp_url}/cam1"),
            stdin=asyncio.subprocess.DEVNULL,
        )
        try:
            await tells(service, {"1": ("down", "media_server", "server_conflict")})
            (reason,) = (await service.cameras())["1"]["verdict"]["reasons"]
            assert reason["address"].startswith("127.0.0.1:")
        finally:
            foreign.kill()
            await foreign.wait()


async def test_a_server_that_refuses(tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: StandIn) -> None:
    await add_camera(1)
    assert stand_in.server is not None
    stand_in.server.fault = SinkFault.REFUSE_401
    async with running_service(tmp_path, server=stand_in, overrides={"PG_DSN": dsn, **PATIENT}) as service:
        await tells(service, {"1": ("down", "media_server", "server_refused")})


async def test_a_real_server_that_refuses(
    tmp_path: Path, dsn: str, add_camera: AddCamera, mediamtx: RealMediamtx
) -> None:
    """The demo's configuration lets anybody publish; this one wants a user that nobody told us."""
    await add_camera(1)
    users = [
        {"user": "publisher", "pass": "secret", "permissions": [{"action": "publish"}]},
        {"user": "any", "permissions": [{"action": "api"}, {"action": "read"}]},
    ]
    guarded = RealMediamtx({"authInternalUsers": users})
    await guarded.start()
    try:
        async with running_service(tmp_path, server=guarded, overrides={"PG_DSN": dsn, **PATIENT}) as service:
            await tells(service, {"1": ("down", "media_server", "server_refused")})
    finally:
        await guarded.stop()


async def test_a_server_that_goes_and_comes_is_one_event_and_nobodys_fault(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer
) -> None:
    for number in (1, 2, 3):
        await add_camera(number)
    everybody = {str(number): HEALTHY for number in (1, 2, 3)}
    async with running_service(tmp_path, server=media_server, overrides={"PG_DSN": dsn}) as service:
        await tells(service, everybody)
        since = (await service.get("/api/events"))[-1]["id"]
        await media_server.stop()
        await tells(service, dict.fromkeys(everybody, ("down", "media_server", "server_down")))
        await media_server.start()
        await tells(service, everybody)
        # A restart too short for any sweep to miss it.
        before = await service.pids()
        await media_server.stop()
        await media_server.start()

        async def all_replaced() -> bool:
            now = await service.pids()
            return now.keys() == before.keys() and not set(now.values()) & set(before.values())

        await eventually(all_replaced, 40, "every publisher is replaced")
        await tells(service, everybody)
        events = await service.get(f"/api/events?since={since}")
        assert {event["kind"] for event in events} == {"component"}, events
        assert {event["name"] for event in events} == {"mediamtx"}
        assert all(camera["failures"] <= 2 for camera in (await service.cameras()).values())


async def test_outages_of_everything_else_change_nothing_but_its_state(
    tmp_path: Path, dsn: str, redis_url: str, add_camera: AddCamera, media_server: TestServer, outage_s: float
) -> None:
    for number in (1, 2):
        await add_camera(number)
    wanted = {"1": HEALTHY, "2": HEALTHY}
    postgres = urlsplit(dsn)
    async with Gate(postgres.port or 5432) as database_gate, Gate(urlsplit(redis_url).port or 6379) as redis_gate:
        overrides = {
            "PG_DSN": postgres._replace(netloc=f"{postgres.username}@127.0.0.1:{database_gate.port}").geturl(),
            "RESTREAM_REDIS__URL": f"redis://127.0.0.1:{redis_gate.port}/0",
            "RESTREAM_DATABASE__POLL_S": "1",
        }
        async with running_service(tmp_path, server=media_server, overrides=overrides) as service:
            await tells(service, wanted)
            await service.component("redis", "up")
            pids = await service.pids()
            for gates in ([database_gate], [redis_gate], [database_gate, redis_gate]):
                await _outage(service, gates, outage_s)
                # Current within two cycles of the default interval, with some patience for a busy machine.
                await service.component("database", "up", 10)
                await service.component("redis", "up", 10)
                assert await service.pids() == pids
                await tells(service, wanted)
            await media_server.stop()
            await _outage(service, [database_gate, redis_gate], outage_s)
            await media_server.start()
            await tells(service, wanted)
            await service.component("database", "up", 10)
            await service.component("redis", "up", 10)
            await _current(service, f"redis://127.0.0.1:{redis_gate.port}/0")


async def _outage(service: RunningService, gates: list[Gate], seconds: float) -> None:
    for gate in gates:
        await gate.shut()
    ends = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < ends:
        await service.cycles(1, 10)
    for gate in gates:
        await gate.open()


async def _current(service: RunningService, redis_url: str) -> None:
    """Redis has what the API tells."""
    async with Redis.from_url(redis_url, decode_responses=True) as client:

        async def same() -> bool:
            stored = await client.hgetall("restream:cameras")
            assert set(stored) == set(await service.cameras())
            assert 0 < await client.pttl("restream:cameras") <= 2500
            return True

        await eventually(same, 20)


async def test_events_and_availability_outlive_the_service(
    tmp_path: Path, dsn: str, redis_url: str, add_camera: AddCamera, stand_in: TestServer, database: Any
) -> None:
    await database.execute((Path(__file__).parents[2] / "etc" / "schema_events.sql").read_text(encoding="utf-8"))
    await add_camera(1, password="wrong")
    overrides = {"PG_DSN": dsn, "RESTREAM_REDIS__URL": redis_url}
    for life in ("first", "second"):
        (tmp_path / life).mkdir()
    async with running_service(tmp_path / "first", server=stand_in, overrides=overrides) as service:
        await tells(service, {"1": ("down", "config", "auth_failed")})
        held = (await service.get("/api/events?camera=1"))[-1]

        async def stored() -> bool:
            return bool(await database.fetchval("SELECT count(*) FROM restream_event WHERE id = $1", held["id"]))

        await eventually(stored, 20)
        async with Redis.from_url(redis_url) as client:

            async def archived() -> bool:
                return await client.hexists("restream:availability", "1") and await client.xlen("restream:events") > 0

            await eventually(archived, 20)
    async with running_service(tmp_path / "second", server=stand_in, overrides=overrides) as service:
        await tells(service, {"1": ("down", "config", "auth_failed")})

        async def remembered() -> bool:
            assert held in await service.get("/api/events?camera=1&limit=1000")
            healths = [span["health"] for span in (await service.get("/api/cameras/1"))["timeline"]]
            # What came before the first verdict may have been too short to be seen.
            assert healths[healths.index("down") :] == ["down", "unknown", "down"]
            return True

        await eventually(remembered, 20)
        events = await service.get("/api/events?limit=1000")
        assert [event["id"] for event in events] == sorted({event["id"] for event in events})


async def test_srt_is_measured_and_a_stalled_but_living_connection_is_caught(
    tmp_path: Path, dsn: str, add_camera: AddCamera, mediamtx: RealMediamtx
) -> None:
    camera = await add_camera(1)
    overrides = {
        "PG_DSN": dsn,
        **PATIENT,
        "RESTREAM_MEDIAMTX__PUBLISH": "srt",
        "RESTREAM_MEDIAMTX__SRT_URL": f"srt://127.0.0.1:{mediamtx.srt_port}",
    }
    async with running_service(tmp_path, server=mediamtx, overrides=overrides) as service:
        await tells(service, {"1": HEALTHY})

        async def measured() -> bool:
            found = await service.get("/api/cameras/1")
            assert found["rtt_ms"] is not None
            assert found["loss_ratio"] == 0
            assert found["bitrate_bps"] > 0
            assert found["server"]["srt"]["latency_ms"] > 0
            (stream,) = await service.get("/api/streams/latest")
            assert stream["recvRateMbps"] is not None
            return True

        await eventually(measured, 30)
        # libsrt keeps the connection alive by itself: the server shows the path for ever.
        await camera.set_fault(Fault.FREEZE)
        await tells(service, {"1": ("down", "camera", "stalled")})
