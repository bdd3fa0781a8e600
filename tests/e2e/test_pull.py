"""Cameras that a real media server fetches itself, at our word: what comes, what is lost, and how often it logs in."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from restream.demo.behaviours.table import BEHAVIOURS
from restream.demo.cameras import Fault
from restream.demo.mediamtx import find_mediamtx
from tests.conftest import needs
from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.fetching_site import TOKEN, Site, site
from tests.support.servers import paths
from tests.support.service import running_service

pytestmark = pytest.mark.usefixtures("ffmpeg")


@pytest.fixture(autouse=True)
def _has_mediamtx(request: pytest.FixtureRequest) -> None:
    needs(request.config, find_mediamtx(), "MediaMTX")


async def test_all_kinds_come_up_and_nothing_of_ours_runs_for_them(
    tmp_path: Path, dsn: str, add_camera: AddCamera
) -> None:
    cameras = [
        await add_camera(1, "h264_aac"),
        await add_camera(2, "h265"),
        await add_camera(3, behaviours=BEHAVIOURS["sha256_only"]),
        await add_camera(4, options='{"path": "cam/west/a.b-1"}'),
    ]
    async with site(tmp_path, dsn) as found:
        await found.service.reach({str(number): "healthy" for number in (1, 2, 3, 4)})
        assert not await found.service.pids()
        assert [child.name() for child in found.service.children() if "ffmpeg" in child.name()] == []
        assert await found.received("cam/west/a.b-1") > 0
        camera: dict[str, Any] = await found.service.camera("1")
        assert camera["command"][0] == "DESCRIBE" and "***" in camera["command_stdin"]
        assert [each.most_connections for each in cameras] == [1, 1, 1, 1]
        # What we hold a path with is nobody who watches.
        assert {each["readers"] for each in (await found.service.cameras()).values()} == {0}


async def test_a_wrong_password_is_told_and_tried_no_more_often_than_is_allowed(
    tmp_path: Path, dsn: str, add_camera: AddCamera
) -> None:
    wrong = await add_camera(1, password="wrong")
    async with site(tmp_path, dsn) as found:
        await found.service.reach({"1": "held"})
        camera = await found.service.camera("1")
        assert "401" in camera["detail"]
        assert camera["verdict"]["reasons"][0]["code"] == "auth_failed"

        # A viewer asks: the media server is told why, and never reaches the camera.
        async with asyncio.timeout(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", int(found.server.rtsp_url.rpartition(":")[2]))
            writer.write(f"DESCRIBE {found.server.rtsp_url}/cam1 RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
            answer = await reader.read(100)
            writer.close()
        assert answer.startswith(b"RTSP/1.0 400")
        assert "503 (held: the camera refuses the login or password)" in found.log
        assert (wrong.auth_failures_total, wrong.most_connections) == (1, 1)


async def test_a_password_that_changes_while_it_runs(
    tmp_path: Path, dsn: str, add_camera: AddCamera, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    camera = await add_camera(1)
    async with site(tmp_path, dsn) as found:
        await found.service.reach({"1": "healthy"})
        await found.service.stable()
        camera.password = "changed"
        camera.fault = Fault.DROP
        await found.service.reach({"1": "held"})
        # The media server's one try, and ours that asks why.
        assert camera.auth_failures_total <= 2
        await database.execute("UPDATE cameras SET password = 'changed' WHERE id = 1")
        await found.service.reach({"1": "healthy"}, 20)
        assert camera.auth_failures_total <= 2 and camera.most_connections == 1


async def test_what_cameras_do(tmp_path: Path, dsn: str, add_camera: AddCamera) -> None:
    dropping, freezing = await add_camera(1), await add_camera(2)
    async with site(tmp_path, dsn) as found:
        await found.service.reach({"1": "healthy", "2": "healthy"})
        await found.service.stable()
        began = time.monotonic()
        freezing.fault = Fault.FREEZE
        await found.service.reach({"2": "down"}, 8)
        assert (await found.service.camera("2"))["verdict"]["reasons"][0]["code"] == "stalled"
        assert time.monotonic() - began < 8
        freezing.fault = Fault.NONE
        await found.service.reach({"2": "healthy"}, 20)
        before = dropping.connections_total
        dropping.fault = Fault.DROP
        await found.service.reach({"1": "healthy"}, 10)
        await eventually(lambda: dropping.connections_total > before, 5)
        assert (dropping.most_connections, freezing.most_connections) == (1, 1)


async def test_a_camera_that_is_away_and_comes_back(tmp_path: Path, dsn: str, add_camera: AddCamera) -> None:
    camera = await add_camera(1)
    async with site(tmp_path, dsn) as found:
        await found.service.reach({"1": "healthy"})
        await camera.stop()
        await found.service.reach({"1": "down"}, 15)
        assert (await found.service.camera("1"))["verdict"]["fault"] == "camera"
        await camera.start()
        await found.service.reach({"1": "healthy"}, 20)


async def test_a_media_server_that_restarts(tmp_path: Path, dsn: str, add_camera: AddCamera) -> None:
    cameras = [await add_camera(number) for number in (1, 2, 3)]
    healthy = dict.fromkeys("123", "healthy")
    async with site(tmp_path, dsn) as found:
        await found.service.reach(healthy)
        await found.service.stable()
        await found.server.stop()
        await found.service.component("mediamtx", "down")
        for camera in (await found.service.cameras()).values():
            assert camera["verdict"]["fault"] == "media_server", camera["verdict"]
        describes = [camera.describes_total for camera in cameras]
        await found.server.start()
        await found.service.reach(healthy, 20)
        # Nobody asked the cameras why the media server was away.
        assert [camera.describes_total - before for camera, before in zip(cameras, describes, strict=True)] == [1] * 3


async def test_a_row_that_changes(
    tmp_path: Path, dsn: str, add_camera: AddCamera, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    first, other = await add_camera(1), await add_camera(2, enabled=False)
    async with site(tmp_path, dsn) as found:
        await found.service.reach({"1": "healthy", "2": "disabled"})
        # Somebody watches all the time: that keeps no camera that is not wanted any more.
        url = f"{found.server.rtsp_url}/cam1"
        watching = await asyncio.create_subprocess_exec(
            "ffmpeg", "-nostdin", "-loglevel", "quiet", "-rtsp_transport", "tcp", "-i", url, "-f", "null", "-"
        )
        await eventually(lambda: readers(found), 15)
        await database.execute("UPDATE cameras SET link = $1 WHERE id = 1", f"127.0.0.1:{other.port}")
        await eventually(lambda: other.open_connections == 1 and first.open_connections == 0, 10)
        await found.service.reach({"1": "healthy"}, 15)
        await database.execute("UPDATE cameras SET enabled = false WHERE id = 1")
        await eventually(lambda: other.open_connections == 0, 5)
        await found.service.reach({"1": "disabled"}, 5)
        await watching.wait()
        assert (first.most_connections, other.most_connections) == (1, 1)


async def readers(found: Site) -> bool:
    return len((await paths(found.server)).get("cam1", {}).get("readers", [])) > 1


async def test_a_service_that_ends_leaves_no_camera_behind(tmp_path: Path, dsn: str, add_camera: AddCamera) -> None:
    cameras = [await add_camera(number) for number in (1, 2, 3)]
    async with site(tmp_path, dsn) as found:
        await found.service.reach(dict.fromkeys("123", "healthy"))
        assert await found.service.stop() == 0
        assert [camera.open_connections for camera in cameras] == [0, 0, 0]


async def test_a_camera_that_the_media_server_cannot_set_up_is_told_in_its_own_words(
    tmp_path: Path, dsn: str, add_camera: AddCamera
) -> None:
    refusals = {
        "setup_453": ("busy", "453"),
        "describe_503": ("busy", "503"),
        "tcp_answered_as_udp": ("transport_refused", "Transport"),
    }
    cameras = [await add_camera(number, behaviours=BEHAVIOURS[name]) for number, name in enumerate(refusals, 1)]
    hangs = await add_camera(4)
    hangs.fault = Fault.HANG_SETUP
    async with site(tmp_path, dsn) as found:
        await found.service.reach({"1": "down", "2": "down", "3": "down"}, 20)
        for number, (code, words) in enumerate(refusals.values(), 1):

            async def told(number: int = number, code: str = code, words: str = words) -> bool:
                camera = await found.service.camera(str(number))
                return camera["verdict"]["reasons"][0]["code"] == code and words in camera["detail"]

            await eventually(told, 20, f"{number}: {code}")
        await found.service.reach({"4": "down"}, 20)
        assert [each.most_connections for each in (*cameras, hangs)] == [1] * 4


async def test_a_service_that_was_killed_finds_its_remnants(tmp_path: Path, dsn: str, add_camera: AddCamera) -> None:
    camera = await add_camera(1)
    (tmp_path / "again").mkdir()
    async with site(tmp_path, dsn) as found:
        await found.service.reach({"1": "healthy"})
        found.service.process.kill()
        await found.service.process.wait()
        port = (await found.told()).split(TOKEN)[0].rpartition("127.0.0.1:")[2].rstrip("/")
        overrides = {
            "PG_DSN": dsn,
            "RESTREAM_CAMERAS__ENGINE": "pull",
            "RESTREAM_PULL__PORT": port,
            "RESTREAM_PULL__TOKEN": TOKEN,
        }
        assert camera.open_connections == 1
        async with running_service(tmp_path / "again", server=found.server, overrides=overrides) as again:
            await again.reach({"1": "healthy"})
            assert "it was there already: let go first" in (await again.camera("1"))["stderr_tail"]
            # The look of the new one came beside the remnant of the old one.
            assert (camera.most_connections, camera.open_connections) == (2, 1)
