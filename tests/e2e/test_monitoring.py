"""What the service tells about the media server: the classic array everywhere, and stores that come and go."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from restream.demo.embedded import embedded_redis, free_port
from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.servers import TestServer
from tests.support.service import command, running_service

pytestmark = pytest.mark.usefixtures("ffmpeg")
Database = asyncpg.Connection
FIELDS = {"name", "sourceType", "tracks", "bytesReceived", "readers", "rtt", "recvRateMbps", "linkCapacityMbps"}


async def test_the_classic_array_is_the_same_everywhere_and_has_foreign_paths_too(
    tmp_path: Path, dsn: str, redis_url: str, add_camera: AddCamera, media_server: TestServer
) -> None:
    camera = await add_camera(1, "h264_aac")
    foreign = await asyncio.create_subprocess_exec(
        *("ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", camera.url(), "-c", "copy"),
        *("-f", "rtsp", "-rtsp_transport", "tcp", f"{media_server.rtsp_url}/foreign"),
        stdin=asyncio.subprocess.DEVNULL,
    )
    client = Redis.from_url(redis_url)
    overrides = {"PG_DSN": dsn, "RESTREAM_REDIS__URL": redis_url}
    try:
        async with running_service(tmp_path, server=media_server, overrides=overrides) as service:
            await service.reach({"1": "healthy"})

            async def everywhere() -> bool:
                stored = json.loads(await client.get("mediamtx:streams:latest") or "[]")
                written = json.loads((tmp_path / "streams.json").read_bytes())
                told = await service.get("/api/streams/latest")
                for streams in (stored, written, told):
                    by_name = {stream["name"]: stream for stream in streams}
                    assert set(by_name) == {"cam1", "foreign"}
                    assert all(set(stream) == FIELDS for stream in streams)
                    assert by_name["cam1"]["sourceType"] == "rtspSession"
                    assert by_name["cam1"]["tracks"] == ["H264", "MPEG-4 Audio"]
                    assert by_name["cam1"]["bytesReceived"] > 0
                    assert by_name["cam1"]["rtt"] is None
                return True

            await eventually(everywhere, 20)
            streams = {stream["name"]: stream for stream in (await service.get("/api/streams"))["streams"]}
            assert (streams["cam1"]["camera"], streams["foreign"]["managed"]) == ("1", False)
            assert streams["cam1"]["publisher"]["remote_address"].startswith("127.0.0.1:")

            async def rated() -> bool:
                return ((await service.cameras())["1"]["bitrate_bps"] or 0) > 0

            await eventually(rated, 20)
            overrides |= {
                "RESTREAM_MEDIAMTX__API_URL": media_server.api_url,
                "RESTREAM_JSON_FILE__PATH": str(tmp_path / "once.json"),
            }
            code, output, _ = await command("--once", overrides=overrides)
            assert code == 0
            assert {stream["name"] for stream in json.loads(output)} == {"cam1", "foreign"}
            assert json.loads((tmp_path / "once.json").read_bytes()) == json.loads(output)
    finally:
        foreign.terminate()
        await foreign.wait()
        await client.aclose()


async def test_once_fails_when_nobody_answers(tmp_path: Path) -> None:
    nowhere = {
        "RESTREAM_MEDIAMTX__API_URL": f"http://127.0.0.1:{free_port()}",
        "RESTREAM_MEDIAMTX__RTSP_URL": f"rtsp://127.0.0.1:{free_port()}",
        "RESTREAM_REDIS__URL": "",
    }
    code, output, errors = await command("--once", overrides=nowhere)
    assert (code, output) == (1, "")
    assert len(errors.splitlines()) == 1


async def test_redis_that_goes_changes_nothing_but_its_state(
    tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: TestServer
) -> None:
    await add_camera(1)
    port = free_port()
    overrides = {"PG_DSN": dsn, "RESTREAM_REDIS__URL": f"redis://:hunter22@127.0.0.1:{port}/0"}
    async with running_service(tmp_path, server=stand_in, overrides=overrides) as service:
        await service.reach({"1": "healthy"})
        await service.component("redis", "down")
        pid = (await service.pids())["1"]
        assert "hunter22" not in service.log + repr(await service.get("/api/status"))
        # Without a password of its own this Redis refuses one that nobody asked for: it answers, and is down still.
        async with embedded_redis(port):
            client = Redis.from_url(f"redis://127.0.0.1:{port}/0")
            await client.config_set("requirepass", "hunter22")
            await service.component("redis", "up", 60)
            await client.aclose()
        await service.component("redis", "down")
        assert (await service.pids())["1"] == pid
        assert await service.stop() == 0


async def test_lists_are_filtered_and_events_are_told(
    tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: TestServer
) -> None:
    await add_camera(1)
    await add_camera(2, password="wrong")
    async with running_service(tmp_path, server=stand_in, overrides={"PG_DSN": dsn}) as service:
        await service.reach({"1": "healthy", "2": "held"})
        assert [camera["id"] for camera in await service.get("/api/cameras?health=down")] == ["2"]
        assert "sort" in (await service.get("/api/cameras?sort=colour"))["error"]
        events = await service.get("/api/events?camera=2")
        assert [event["after"] for event in events] == ["probing", "held"]
        assert (events[-1]["cause"], events[-1]["side"]) == ("auth_failed", "config")
        assert await service.get(f"/api/events?since={events[-1]['id']}&camera=2") == []
