"""Ways in and out: UDP from the camera, SRT to the server, a codec that changes, the plain form, another ffmpeg."""

from __future__ import annotations

import os
from pathlib import Path

import asyncpg
import pytest

from restream.demo.cameras import Fault
from tests.e2e.conftest import PASSWORD, AddCamera
from tests.support.eventually import eventually
from tests.support.servers import RealMediamtx, TestServer, paths, tracks
from tests.support.service import running_service

pytestmark = pytest.mark.usefixtures("ffmpeg")
Database = asyncpg.Connection


async def test_udp_from_the_camera(
    tmp_path: Path, dsn: str, database: Database, add_camera: AddCamera, media_server: TestServer
) -> None:
    await add_camera(1, "h264_aac", options='{"rtsp_transport": "udp"}')
    async with running_service(tmp_path, server=media_server, overrides={"PG_DSN": dsn}) as service:
        await service.reach({"1": "healthy"})
        service.look_at_processes()
        assert not [word for word in service.seen if "%40%3A" in word or PASSWORD in word]
        assert (await tracks(media_server))["cam1"] == ["H264", "MPEG-4 Audio"]


async def test_srt_to_the_server_converts_what_mpegts_cannot_carry(
    tmp_path: Path, dsn: str, database: Database, add_camera: AddCamera, mediamtx: RealMediamtx
) -> None:
    await add_camera(1, "h264_pcma")
    await add_camera(2, "h265", options='{"publish": "rtsp"}')
    overrides = {
        "PG_DSN": dsn,
        "RESTREAM_MEDIAMTX__PUBLISH": "srt",
        "RESTREAM_MEDIAMTX__SRT_URL": f"srt://127.0.0.1:{mediamtx.srt_port}",
    }
    async with running_service(tmp_path, server=mediamtx, overrides=overrides) as service:
        await service.reach({"1": "healthy", "2": "healthy"})

        async def published() -> bool:
            seen = await paths(mediamtx)
            return (
                seen["cam1"]["tracks"] == ["H264", "MPEG-4 Audio"]
                and seen["cam1"]["source"]["type"] == "srtConn"
                and seen["cam2"]["source"]["type"] == "rtspSession"
            )

        await eventually(published, 30)
        camera = await service.get("/api/cameras/1")
        assert any("converted to AAC" in reason for reason in camera["command_reasons"])


async def test_codec_change_keeps_the_password_hidden_and_ends_well(
    tmp_path: Path, dsn: str, database: Database, add_camera: AddCamera, stand_in: TestServer
) -> None:
    camera = await add_camera(1, "h264_aac")
    async with running_service(tmp_path, server=stand_in, overrides={"PG_DSN": dsn}) as service:
        await service.reach({"1": "healthy"})
        await camera.set_fault(Fault.CODEC_CHANGE)
        service.look_at_processes()
        # A camera that changes its codec closes its sessions sooner or later.
        camera_id, pid = "1", (await service.pids())["1"]
        os.kill(pid, 9)

        async def replaced() -> bool:
            return (await service.pids()).get(camera_id, pid) != pid

        await eventually(replaced, 30)

        async def republished() -> bool:
            return (await tracks(stand_in)).get("cam1", [""])[0] == "H265"

        await eventually(republished, 30)
        tail = repr(await service.get("/api/cameras/1"))
        assert "%40%3A" not in tail + service.log + "".join(service.seen)


async def test_plain_form_is_a_setting(
    tmp_path: Path, dsn: str, database: Database, add_camera: AddCamera, stand_in: TestServer
) -> None:
    await add_camera(1)
    overrides = {"PG_DSN": dsn, "RESTREAM_FFMPEG__SOURCE": "argv"}
    async with running_service(tmp_path, server=stand_in, overrides=overrides) as service:
        await service.reach({"1": "healthy"})
        command = (await service.get("/api/cameras/1"))["command"]
        assert any(word.startswith("rtsp://admin:***@") for word in command)
        assert "%40%3A" not in repr(command)


async def test_refused_publisher_is_the_media_server_s_side(
    tmp_path: Path, dsn: str, database: Database, add_camera: AddCamera, mediamtx: RealMediamtx
) -> None:
    await add_camera(1, options='{"path": "taken/by/nobody"}')
    overrides = {
        "PG_DSN": dsn,
        "RESTREAM_MEDIAMTX__PUBLISH_USER": "somebody",
        "RESTREAM_MEDIAMTX__PUBLISH_PASSWORD": "wr0ng-publish",
        "RESTREAM_RESTART__BASE_S": "30",
        "RESTREAM_RESTART__MAX_S": "30",
    }
    strict = RealMediamtx(
        {
            "authInternalUsers": [
                {"user": "publisher", "pass": "right", "permissions": []},
                {"user": "any", "ips": ["127.0.0.1"], "permissions": [{"action": "api"}]},
            ]
        }
    )
    await strict.start()
    try:
        async with running_service(tmp_path, server=strict, overrides=overrides) as service:
            camera = (await service.reach({"1": "backoff"}))["1"]
            assert camera["verdict"]["fault"] == "media_server"
            assert camera["verdict"]["reasons"][0]["code"] == "server_refused"
            assert "wr0ng-publish" not in service.log + repr(await service.get("/api/cameras/1"))
    finally:
        await strict.stop()
