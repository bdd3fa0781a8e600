"""Cameras that a real media server fetches: what its configuration must say, and who watches."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
import yaml

from restream.demo.embedded import free_port
from restream.demo.mediamtx import find_mediamtx
from tests.conftest import needs
from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.fetching_site import TOKEN, site, viewer

pytestmark = pytest.mark.usefixtures("ffmpeg")


@pytest.fixture(autouse=True)
def _has_mediamtx(request: pytest.FixtureRequest) -> None:
    needs(request.config, find_mediamtx(), "MediaMTX")


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
