"""One fleet over two media servers: what happens to one is nothing to the cameras of the other."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from restream.demo.mediamtx import find_mediamtx
from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.servers import RealMediamtx, StandIn, TestServer, paths, tracks
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.usefixtures("ffmpeg")
WEST, EAST = ("1", "2"), ("3", "4")


@pytest.fixture(params=["stand-in", "mediamtx"])
async def two_servers(request: pytest.FixtureRequest) -> AsyncIterator[tuple[TestServer, TestServer]]:
    if request.param == "mediamtx" and find_mediamtx() is None:
        pytest.skip("no mediamtx on PATH or in MEDIAMTX_BIN")
    kind = RealMediamtx if request.param == "mediamtx" else StandIn
    both = (kind(), kind())
    async with contextlib.AsyncExitStack() as stack:
        for server in both:
            await server.start()
            stack.push_async_callback(server.stop)
        yield both


@pytest.fixture
async def overrides(dsn: str, add_camera: AddCamera, two_servers: tuple[TestServer, TestServer]) -> dict[str, str]:
    """Cameras 1 and 2 by their site, 3 and 4 by default; 4 names its server."""
    _, west = two_servers
    await add_camera(1, site="West")
    await add_camera(2, site="West")
    await add_camera(3, site="East")
    await add_camera(4, site="West", options='{"server": "default"}')
    servers = {"west": {"api_url": west.api_url, "rtsp_url": west.rtsp_url, "sites": ["West"]}}
    return {"PG_DSN": dsn, "RESTREAM_MEDIAMTX__SERVERS": json.dumps(servers)}


@pytest.fixture
async def service(
    tmp_path: Path, overrides: dict[str, str], two_servers: tuple[TestServer, TestServer]
) -> AsyncIterator[RunningService]:
    async with running_service(tmp_path, server=two_servers[0], overrides=overrides) as running:
        yield running


async def test_an_outage_of_one_server_touches_no_camera_of_the_other(
    service: RunningService, two_servers: tuple[TestServer, TestServer]
) -> None:
    default, west = two_servers
    await service.reach(dict.fromkeys((*WEST, *EAST), "healthy"))
    assert (set(await tracks(default)), set(await tracks(west))) == ({"cam3", "cam4"}, {"cam1", "cam2"})
    before = await service.pids()
    generation = (await service.get("/api/status"))["generation"]
    last_event = (await service.get("/api/events"))[-1]["id"]

    await west.stop()
    await service.component("mediamtx:west", "down")
    cameras = await service.reach(dict.fromkeys(WEST, "waiting"))
    assert {cameras[key]["verdict"]["fault"] for key in WEST} == {"media_server"}
    await service.cycles(6)
    cameras = await service.cameras()
    assert {cameras[key]["verdict"]["health"] for key in EAST} == {"healthy"}
    after = await service.pids()
    assert {key: after[key] for key in EAST} == {key: before[key] for key in EAST}
    status = await service.get("/api/status")
    assert status["generation"] > generation
    assert status["components"]["mediamtx"]["state"] == "up"

    await west.start()
    await service.reach(dict.fromkeys(WEST, "healthy"))
    assert {key: (await service.pids())[key] for key in EAST} == {key: before[key] for key in EAST}
    happened = [each for each in await service.get("/api/events") if each["id"] > last_event]
    # The outage is one event of its server, and of no camera.
    assert {each["name"] for each in happened} == {"mediamtx:west"}, happened


async def test_the_same_path_may_be_on_both_servers_and_players_and_streams_follow(
    service: RunningService, two_servers: tuple[TestServer, TestServer], database: object
) -> None:
    default, west = two_servers
    await service.reach(dict.fromkeys((*WEST, *EAST), "healthy"))
    # Camera 2 is told to use the path of camera 3: on its own server nobody else does.
    options = json.dumps({"path": "cam3"})
    await database.execute("UPDATE cameras SET options = $1::jsonb WHERE id = 2", options)  # type: ignore[attr-defined]
    await service.reach(dict.fromkeys((*WEST, *EAST), "healthy"))

    async def both() -> bool:
        return "cam3" in await tracks(default) and "cam3" in await tracks(west) and "cam2" not in await paths(west)

    await eventually(both, 20)
    assert (await service.get("/api/cameras/2"))["players"]["rtsp"] == f"{west.rtsp_url}/cam3"
    assert (await service.get("/api/cameras/3"))["players"]["rtsp"] == f"{default.rtsp_url}/cam3"
    await service.cycles(2)
    owners = {(each["name"], each["camera"]) for each in (await service.get("/api/streams"))["streams"]}
    assert {("cam3", "2"), ("cam3", "3")} <= owners
    assert sorted(each["name"] for each in await service.get("/api/streams/latest")).count("cam3") == 2


async def test_cameras_of_a_lost_server_are_published_at_the_other_and_return(
    tmp_path: Path, overrides: dict[str, str], two_servers: tuple[TestServer, TestServer]
) -> None:
    default, west = two_servers
    moving = {"RESTREAM_MEDIAMTX__ON_SERVER_LOSS": "move", "RESTREAM_MEDIAMTX__MOVE_AFTER_S": "5"}
    async with running_service(tmp_path, server=default, overrides={**overrides, **moving}) as service:
        await service.reach(dict.fromkeys((*WEST, *EAST), "healthy"))
        before = await service.pids()
        await west.stop()
        await service.component("mediamtx:west", "down")

        async def all_at_default() -> bool:
            return set(await tracks(default)) == {"cam1", "cam2", "cam3", "cam4"}

        await eventually(all_at_default, 40)
        await service.reach(dict.fromkeys((*WEST, *EAST), "healthy"))
        assert {key: (await service.pids())[key] for key in EAST} == {key: before[key] for key in EAST}
        players = (await service.get("/api/cameras/1"))["players"]
        assert players["rtsp"] == f"{default.rtsp_url}/cam1"

        await west.start()

        async def at_home() -> bool:
            return set(await tracks(west)) == {"cam1", "cam2"} and set(await tracks(default)) == {"cam3", "cam4"}

        await eventually(at_home, 40)
        await service.reach(dict.fromkeys((*WEST, *EAST), "healthy"))
        assert {key: (await service.pids())[key] for key in EAST} == {key: before[key] for key in EAST}
        assert (await service.get("/api/cameras/1"))["players"]["rtsp"] == f"{west.rtsp_url}/cam1"
