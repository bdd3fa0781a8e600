"""Cameras that a real media server fetches itself, at our word: what comes, what is lost, and how often it logs in."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import asyncpg
import pytest
import yaml

from restream.demo.behaviours.table import BEHAVIOURS
from restream.demo.cameras import Fault
from restream.demo.embedded import free_port
from restream.demo.mediamtx import find_mediamtx
from tests.conftest import needs
from tests.e2e.conftest import PASSWORD, AddCamera
from tests.support.eventually import eventually
from tests.support.servers import RealMediamtx, fetched, paths
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.usefixtures("ffmpeg")

TOKEN = "t0ken-of-the-directory"


class Site:
    """A media server that fetches, the service beside it, and all that the server wrote and told."""

    def __init__(self, server: RealMediamtx, service: RunningService, log: Path) -> None:
        self.server, self.service, self._log = server, service, log

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8")

    async def told(self) -> str:
        """What the server's API tells to whoever may use it."""
        lists = ("paths/list", "config/paths/list", "rtspsessions/list", "rtspconns/list", "config/global/get")
        async with aiohttp.ClientSession() as session:
            answers = [await (await session.get(f"{self.server.api_url}/v3/{name}")).text() for name in lists]
        return "".join(answers)

    async def received(self, path: str) -> int:
        found: int = (await paths(self.server)).get(path, {}).get("inboundBytes", 0)
        return found


@contextlib.asynccontextmanager
async def site(
    tmp_path: Path,
    dsn: str,
    overrides: Mapping[str, str] | None = None,
    paths: dict[str, object] | None = None,
    keys: Mapping[str, object] | None = None,
) -> AsyncIterator[Site]:
    """`keys` are of mediamtx.yml."""
    port, log = free_port(), tmp_path / "mediamtx.log"
    others: dict[str, object] = {
        "paths": fetched(port, token=f"{TOKEN}/") if paths is None else paths,
        "logLevel": "info",
        "logDestinations": ["file"],
        "logFile": str(log),
        **(keys or {}),
    }
    server = RealMediamtx(others)
    await server.start()
    config = tmp_path / "restream.yml"
    config.write_text(yaml.safe_dump({"pull": {"port": port, "token": TOKEN}}), encoding="utf-8")
    settings = {"PG_DSN": dsn, "RESTREAM_CAMERAS__ENGINE": "pull", **(overrides or {})}
    try:
        async with running_service(tmp_path, "--config", str(config), server=server, overrides=settings) as service:
            found = Site(server, service, log)
            yield found
            said = found.log + await found.told() + service.log
            assert PASSWORD not in said and quote(PASSWORD, safe="") not in said
    finally:
        await server.stop()


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


async def test_where_reading_needs_a_user(tmp_path: Path, dsn: str, add_camera: AddCamera) -> None:
    await add_camera(1)
    users = [
        {"user": "viewer", "pass": "v1ewer-w0rd", "permissions": [{"action": "read"}]},
        {"user": "any", "ips": ["127.0.0.1"], "permissions": [{"action": "api"}]},
    ]
    for user, health in (("", "down"), ("viewer", "healthy")):
        reader = {"RESTREAM_MEDIAMTX__READ_USER": user, "RESTREAM_MEDIAMTX__READ_PASSWORD": user and "v1ewer-w0rd"}
        async with site(tmp_path, dsn, reader, keys={"authInternalUsers": users}) as found:
            await found.service.reach({"1": health})
            told = await found.service.camera("1")
            assert ("reading needs a user (mediamtx.read_user" in told["detail"]) is (health == "down")
            assert "v1ewer" not in found.log + found.service.log


async def test_the_directory_stays_where_it_is_while_the_service_runs(
    tmp_path: Path, dsn: str, add_camera: AddCamera
) -> None:
    camera = await add_camera(1)
    async with site(tmp_path, dsn) as found:
        await found.service.reach({"1": "healthy"})
        (tmp_path / "restream.yml").write_text(yaml.safe_dump({"pull": {"port": free_port()}}), encoding="utf-8")
        found.service.process.send_signal(signal.SIGHUP)
        await eventually(lambda: "configuration re-read" in found.service.log, 10)
        assert "pull: the change takes effect at the next restart" in found.service.log
        await found.service.cycles(4)
        told = await found.service.camera("1")
        assert (told["phase"], told["restarts"], camera.most_connections) == ("running", 0, 1)


async def test_a_path_entry_that_is_missing_is_told_with_what_to_write(
    tmp_path: Path, dsn: str, add_camera: AddCamera
) -> None:
    camera = await add_camera(1)
    async with site(tmp_path, dsn, paths={"all_others": {}}) as found:
        await found.service.reach({"1": "down"})
        told = await found.service.camera("1")
        assert told["verdict"]["reasons"][0]["code"] == "server_refused"
        assert told["verdict"]["reasons"][0]["why"] == "path_not_fetched"
        assert '"~^(cam.+)$": {source: rtsp://127.0.0.1:' in told["detail"]
        assert "/default/$G1, sourceOnDemand: yes" in told["detail"] and TOKEN not in str(told)
        assert camera.most_connections == 1


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


async def test_where_somebody_publishes_it_says_so(tmp_path: Path, dsn: str, add_camera: AddCamera) -> None:
    await add_camera(1)
    async with site(tmp_path, dsn, paths={"all_others": {}}) as found:
        url = f"{found.server.rtsp_url}/cam1"
        foreign = await asyncio.create_subprocess_exec(
            *("ffmpeg", "-nostdin", "-loglevel", "quiet", "-re", "-f", "lavfi", "-i", "testsrc=size=64x64:rate=5"),
            *("-c:v", "libx264", "-f", "rtsp", "-rtsp_transport", "tcp", url),
        )
        try:

            async def told() -> bool:
                cameras = await found.service.cameras()
                return [each["verdict"]["reasons"][0]["code"] for each in cameras.values()] == ["server_conflict"]

            await eventually(told, 30)
            assert foreign.returncode is None
        finally:
            foreign.kill()
            await foreign.wait()


async def test_on_demand_a_missing_path_entry_is_told_before_somebody_watches(
    tmp_path: Path, dsn: str, add_camera: AddCamera
) -> None:
    await add_camera(1)
    async with site(tmp_path, dsn, {"RESTREAM_CAMERAS__ON_DEMAND": "true"}, paths={"all_others": {}}) as found:
        await found.service.reach({"1": "down"})
        told = await found.service.camera("1")
        assert told["verdict"]["reasons"][0]["why"] == "path_not_fetched" and "sourceOnDemand" in told["detail"]


@contextlib.asynccontextmanager
async def viewer(found: Site, path: str = "cam1") -> AsyncIterator[None]:
    url = f"{found.server.rtsp_url}/{path}"
    watching = await asyncio.create_subprocess_exec(
        "ffmpeg", "-nostdin", "-loglevel", "quiet", "-rtsp_transport", "tcp", "-i", url, "-f", "null", "-"
    )
    try:
        yield
    finally:
        if watching.returncode is None:
            watching.kill()
        await watching.wait()


async def test_on_demand_a_camera_is_fetched_while_somebody_watches(
    tmp_path: Path, dsn: str, add_camera: AddCamera
) -> None:
    camera, always = await add_camera(1), await add_camera(2, options='{"on_demand": false}')
    overrides = {"RESTREAM_CAMERAS__ON_DEMAND": "true", "RESTREAM_PULL__IDLE_S": "2"}
    async with site(tmp_path, dsn, overrides) as found:
        await found.service.reach({"1": "idle", "2": "running"})
        told = (await found.service.camera("1"))["verdict"]
        assert (told["health"], [each["code"] for each in told["reasons"]]) == ("healthy", ["idle"])
        assert (camera.open_connections, always.open_connections) == (0, 1)
        for _ in range(2):
            async with viewer(found):
                await found.service.reach({"1": "running"}, 15)
                await found.service.reach({"1": "healthy"}, 15)
                await asyncio.sleep(4)
                assert camera.open_connections == 1
            await found.service.reach({"1": "idle"}, 15)
            await eventually(lambda: camera.open_connections == 0, 5)
        assert (await found.service.camera("1"))["restarts"] == 0
        # Nobody is kept busy by a camera that fails while it is watched: it waits its turn.
        await camera.stop()
        async with viewer(found):
            await found.service.reach({"1": "down"}, 20)
            assert (await found.service.camera("1"))["verdict"]["reasons"][0]["code"] == "refused"
        await camera.start()
        await found.service.reach({"1": "idle"}, 20)
        assert camera.most_connections == 1
