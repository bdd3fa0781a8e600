"""The service with the relay: what is promised of cameras and media servers holds without an ffmpeg."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import psutil

from restream.demo.behaviours.media import SendsNo
from restream.demo.behaviours.network import HasWrongClock, LosesPackets
from restream.demo.behaviours.table import BEHAVIOURS
from restream.demo.cameras import Fault
from tests.e2e.conftest import PASSWORD, AddCamera
from tests.support.eventually import eventually
from tests.support.relay_workers import relay_workers
from tests.support.servers import TestServer, paths, tracks
from tests.support.service import RunningService, ffprobe, running_service
from tests.support.verdicts import HEALTHY, tells

RELAY = {"RESTREAM_CAMERAS__ENGINE": "relay"}


def workers(service: RunningService) -> list[psutil.Process]:
    return relay_workers(service.children())


async def untouched(service: RunningService, camera_id: str, before: dict[str, Any]) -> None:
    """A camera runs as it did before."""
    now = (await service.cameras())[camera_id]
    assert (now["since"], now["restarts"]) == (before["since"], before["restarts"])


async def test_every_codec_arrives_without_an_ffmpeg_and_a_password_is_nowhere(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer
) -> None:
    for number, clip in enumerate(("h264_aac", "h264", "h264_pcma", "h265"), 1):
        await add_camera(number, clip)
    await add_camera(5, behaviours=BEHAVIOURS["sha256_only"])
    async with running_service(tmp_path, server=media_server, overrides={"PG_DSN": dsn, **RELAY}) as service:
        service.look_at_processes()
        await service.reach({str(number): "healthy" for number in range(1, 6)})
        service.look_at_processes()
        seen = await tracks(media_server)
        assert [seen[f"cam{number}"] for number in range(1, 6)] == [
            ["H264", "MPEG-4 Audio"],
            ["H264"],
            ["H264", "G711"],
            ["H265"],
            ["H264"],
        ]
        assert await ffprobe(f"{media_server.rtsp_url}/cam1") == ["h264", "aac"]
        assert {child.pid for child in service.children()} == {worker.pid for worker in workers(service)}
        document = await service.get("/api/cameras/1")
        assert document["engine"] == "relay"
        assert document["stderr_tail"]
        (worker,) = workers(service)
        assert await service.stop() == 0
        assert not worker.is_running()
        told = json.dumps(document) + service.log + "".join(service.seen)
        assert PASSWORD not in told


async def test_cameras_over_udp(tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer) -> None:
    udp = '{"rtsp_transport": "udp"}'
    await add_camera(1, "h264_aac", options=udp)
    await add_camera(2, "h264_aac", options='{"rtsp_transport": "auto"}', behaviours=BEHAVIOURS["udp_only"])
    await add_camera(3, options=udp, behaviours=(SendsNo(),))
    await add_camera(4, options=udp, behaviours=(LosesPackets(20),))
    async with running_service(tmp_path, server=media_server, overrides={"PG_DSN": dsn, **RELAY}) as service:
        await service.reach({"1": "healthy", "2": "healthy", "3": "backoff", "4": "degraded"}, 90)
        seen = await tracks(media_server)
        assert seen["cam1"] == seen["cam2"] == ["H264", "MPEG-4 Audio"]
        silent = (await service.cameras())["3"]
        why = silent["verdict"]
        assert (why["reasons"][0]["code"], why["fault"]) == ("no_media", "camera")
        assert "no packet has come over UDP" in silent["detail"] and "options.rtsp_transport: tcp" in why["hint"]
        document = await service.get("/api/cameras/2")
        assert document["command"][:2] == ["relay", "tcp,udp"]
        assert PASSWORD not in json.dumps(document) + service.log


async def test_cameras_fail_and_return_alone(
    tmp_path: Path, dsn: str, add_camera: AddCamera, database: Any, media_server: TestServer
) -> None:
    cameras = {number: await add_camera(number) for number in (1, 2, 3)}
    overrides = {"PG_DSN": dsn, **RELAY, "RESTREAM_FFMPEG__STALL_TIMEOUT_S": "3"}
    async with running_service(tmp_path, server=media_server, overrides=overrides) as service:
        before = await service.reach({"1": "healthy", "2": "healthy", "3": "healthy"})
        await service.stable()
        await cameras[1].set_fault(Fault.FREEZE)
        assert (await service.reach({"1": "down"}))["1"]["verdict"]["fault"] == "camera"
        assert "stalled" in service.log
        await cameras[1].set_fault(Fault.NONE)
        await service.reach({"1": "healthy"})
        await cameras[2].set_fault(Fault.DROP)
        await eventually(lambda: _restarted(service, "2", before), 20, "it is started again")
        await service.reach({"2": "healthy"})
        assert "source_ended" in service.log
        await database.execute("UPDATE cameras SET enabled = false WHERE id = 1")
        await eventually(lambda: _gone(media_server, "cam1"), 10, "it is stopped")
        await database.execute("""UPDATE cameras SET options = '{"engine": "ffmpeg"}' WHERE id = 2""")
        await eventually(lambda: _engine(service, "2", "ffmpeg"), 20, "it is published by ffmpeg")
        await untouched(service, "3", before["3"])
        assert {camera.most_connections for camera in cameras.values()} == {1}


async def _whys(service: RunningService, key: str, whys: list[str]) -> bool:
    return [reason.get("why") for reason in (await service.camera(key))["verdict"]["reasons"]] == whys


async def _restarted(service: RunningService, key: str, before: dict[str, dict[str, Any]]) -> bool:
    return bool((await service.cameras())[key]["restarts"] > before[key]["restarts"])


async def _gone(server: TestServer, path: str) -> bool:
    return path not in await paths(server)


async def _engine(service: RunningService, key: str, engine: str) -> bool:
    camera = await service.camera(key)
    return bool(camera["engine"] == engine and camera["verdict"]["health"] == "healthy")


async def test_an_outage_of_the_media_server_blames_no_camera(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer
) -> None:
    camera = await add_camera(1)
    async with running_service(tmp_path, server=media_server, overrides={"PG_DSN": dsn, **RELAY}) as service:
        await service.reach({"1": "healthy"})
        await media_server.stop()
        found = (await service.reach({"1": "waiting"}))["1"]
        assert (found["verdict"]["fault"], found["failures"]) == ("media_server", 0)
        await media_server.start()
        await service.reach({"1": "healthy"})
        assert camera.most_connections == 1


async def test_a_worker_that_dies_or_hangs_is_replaced(
    tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: TestServer
) -> None:
    for number in (1, 2):
        await add_camera(number)
    async with running_service(tmp_path, server=stand_in, overrides={"PG_DSN": dsn, **RELAY}) as service:
        await service.reach({"1": "healthy", "2": "healthy"})
        await service.stable()
        for number in (signal.SIGKILL, signal.SIGSEGV):
            (worker,) = workers(service)
            os.kill(worker.pid, number)
            await eventually(lambda old=worker: _replaced(service, old), 20, "another worker")
            await tells(service, {"1": HEALTHY, "2": HEALTHY})
        assert "a relay worker has ended" in service.log


async def _replaced(service: RunningService, old: psutil.Process) -> bool:
    return [each.pid for each in workers(service)] not in ([], [old.pid])


async def test_a_service_that_is_killed_leaves_no_worker(
    tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: TestServer
) -> None:
    await add_camera(1)
    async with running_service(tmp_path, server=stand_in, overrides={"PG_DSN": dsn, **RELAY}) as service:
        await service.reach({"1": "healthy"})
        (worker,) = workers(service)
        service.process.kill()
        await service.process.wait()
        assert not psutil.wait_procs([worker], timeout=5)[1]


async def test_auto_takes_ffmpeg_where_sound_must_be_converted(
    tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: TestServer
) -> None:
    await add_camera(1, "h264_pcma", options=json.dumps({"audio": "aac"}))
    await add_camera(2, "h264_pcma")
    overrides = {"PG_DSN": dsn, "RESTREAM_CAMERAS__ENGINE": "auto"}
    async with running_service(tmp_path, server=stand_in, overrides=overrides) as service:
        await service.reach({"1": "healthy", "2": "healthy"})
        assert [(await service.camera(key))["engine"] for key in ("1", "2")] == ["ffmpeg", "relay"]
        seen = await tracks(stand_in)
        assert (seen["cam1"], seen["cam2"]) == (["H264", "MPEG-4 Audio"], ["H264", "G711"])


async def _without(service: RunningService, key: str, code: str) -> bool:
    verdict = (await service.cameras())[key]["verdict"]
    return verdict["health"] != "down" and code not in {reason["code"] for reason in verdict["reasons"]}


async def test_what_the_packets_of_a_camera_tell_is_judged(
    tmp_path: Path, dsn: str, add_camera: AddCamera, media_server: TestServer
) -> None:
    cameras = {number: await add_camera(number, "h264_aac") for number in (1, 2, 4)}
    cameras[3] = await add_camera(3, "h264_aac", behaviours=(SendsNo("audio"), HasWrongClock(-86_400)))
    limits = {"RESTREAM_FFMPEG__STALL_TIMEOUT_S": "4", "RESTREAM_DEGRADED__AUDIO_GONE_S": "5"}
    async with running_service(tmp_path, server=media_server, overrides={"PG_DSN": dsn, **RELAY, **limits}) as service:
        before = await service.reach({"1": "healthy", "2": "healthy", "4": "healthy"})
        assert (await service.camera("1"))["stream"]["video"]["lost"] == 0
        cameras[1].behaviours = (LosesPackets(10),)
        cameras[2].behaviours = (SendsNo("video"),)
        await tells(service, {"1": ("degraded", "network", "camera_loss")})
        lossy = await service.camera("1")
        assert 0.01 < lossy["verdict"]["reasons"][0]["ratio_10s"] < 0.2
        tracks_of = [lossy["stream"][kind] for kind in ("video", "audio") if lossy["stream"][kind] is not None]
        assert sum(track["lost"] for track in tracks_of) > 0 and lossy["stream"]["loss_ratio_10s"] > 0.01
        await eventually(lambda: "nothing but sound arrived for 4 s" in service.log, 20, "no picture is a stall")
        await eventually(
            lambda: _whys(service, "3", ["audio_silent", "clock_behind"]), 30, "no sound, and a wrong clock"
        )
        for camera in cameras.values():
            camera.behaviours = ()
        # A media server that counts damaged frames remembers them for a minute, and says so.
        await eventually(lambda: _without(service, "1", "camera_loss"), 60, "nothing is lost any more")
        await tells(service, {"2": HEALTHY})
        await untouched(service, "1", before["1"])
        await untouched(service, "4", before["4"])
