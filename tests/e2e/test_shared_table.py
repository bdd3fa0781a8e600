"""Several services that share one table of cameras, as processes: each camera has one of them, whatever befalls it."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from restream.config.places import ROOT
from restream.demo.embedded import free_port
from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.servers import TestServer, paths
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.usefixtures("ffmpeg")

CAMERAS = 8
_SETTINGS = {
    "RESTREAM_NODES__HEARTBEAT_S": "0.5",
    "RESTREAM_NODES__TTL_S": "2",
    # The machine of the tests may be busy with others.
    "RESTREAM_NODES__MAX_CPU_PERCENT": "100",
    "RESTREAM_CAMERAS__ENGINE": "relay",
}


class SharedSite:
    """Services by the name of their node, over the same table and the same media server."""

    def __init__(self, directory: Path, dsn: str, server: TestServer) -> None:
        self._directory, self._dsn, self.server = directory, dsn, server
        self.nodes: dict[str, RunningService] = {}
        self.more: dict[str, str] = {}
        """Further settings of services that join."""
        self._stack = contextlib.AsyncExitStack()

    async def join(self, name: str) -> RunningService:
        directory = self._directory / f"{name}-{len(list(self._directory.iterdir()))}"
        directory.mkdir()
        overrides = {**_SETTINGS, "PG_DSN": self._dsn, "RESTREAM_NODES__DSN": self._dsn, "RESTREAM_NODE__NAME": name}
        port = free_port()
        overrides |= {"RESTREAM_HTTP__PORT": str(port), "RESTREAM_NODES__URL": f"http://127.0.0.1:{port}"} | self.more
        running = running_service(directory, server=self.server, overrides=overrides)
        self.nodes[name] = await self._stack.enter_async_context(running)
        return self.nodes[name]

    async def running_on(self, name: str) -> set[str]:
        cameras = await self.nodes[name].cameras()
        return {key for key, each in cameras.items() if each["phase"] == "running" and each["node"] == name}

    async def whole(self, *names: str, limit_s: float = 40) -> float:
        """Wait until every camera runs, each on one of these nodes."""
        began = time.monotonic()

        async def shared() -> bool:
            running = [key for name in names for key in await self.running_on(name)]
            served = {path for path, each in (await paths(self.server)).items() if each["ready"]}
            wanted = [str(number) for number in range(1, CAMERAS + 1)]
            assert sorted(running) == wanted, f"{running}"
            assert served == {f"cam{key}" for key in wanted}
            return True

        await eventually(shared, limit_s, f"every camera runs once on {names}")
        return time.monotonic() - began

    async def balanced(self, *names: str) -> None:
        """Wait until each of these nodes has some."""

        async def each() -> bool:
            return all([await self.running_on(name) for name in names])

        await eventually(each, 60, f"cameras on each of {names}")
        await self.whole(*names)

    async def close(self) -> None:
        await self._stack.aclose()


@pytest.fixture
async def shared_site(
    tmp_path: Path,
    dsn: str,
    add_camera: AddCamera,
    media_server: TestServer,
    database: asyncpg.Connection[asyncpg.Record],
) -> AsyncIterator[SharedSite]:
    await database.execute((ROOT / "etc" / "schema_nodes.sql").read_text("utf-8"))
    for number in range(1, CAMERAS + 1):
        await add_camera(number)
    found = SharedSite(tmp_path, dsn, media_server)
    try:
        yield found
    finally:
        await found.close()
        for table in ("assignment", "node", "duty"):
            await database.execute(f"DROP TABLE restream_{table}")


async def test_a_node_that_is_killed_one_that_ends_and_one_that_joins(shared_site: SharedSite) -> None:
    for name in ("north", "south"):
        await shared_site.join(name)
    await shared_site.balanced("north", "south")

    shared_site.nodes["north"].process.kill()
    await shared_site.nodes["north"].process.wait()
    await shared_site.whole("south")

    await shared_site.join("west")
    await shared_site.balanced("south", "west")
    assert await shared_site.nodes["south"].stop() == 0
    assert await shared_site.whole("west") < 20


async def test_a_node_that_was_suspended_ends_what_is_not_its_own_any_more(shared_site: SharedSite) -> None:
    for name in ("north", "south"):
        await shared_site.join(name)
    await shared_site.balanced("north", "south")
    north = shared_site.nodes["north"]
    for child in north.children():
        child.send_signal(signal.SIGSTOP)
    north.process.send_signal(signal.SIGSTOP)
    # What it published stalls at the media server, which lets go of it.
    await shared_site.whole("south", limit_s=60)
    for child in north.children():
        child.send_signal(signal.SIGCONT)
    north.process.send_signal(signal.SIGCONT)
    woken = time.monotonic()

    async def lets_be() -> bool:
        return not await shared_site.running_on("north") & await shared_site.running_on("south")

    await eventually(lets_be, 5)
    assert time.monotonic() - woken < 5
    await shared_site.whole("north", "south")


async def test_each_node_shows_the_whole_fleet(shared_site: SharedSite, redis_url: str) -> None:
    shared_site.more = {"RESTREAM_REDIS__URL": redis_url}
    north, south = [await shared_site.join(name) for name in ("north", "south")]
    await shared_site.balanced("north", "south")
    everything = {str(number) for number in range(1, CAMERAS + 1)}

    async def owners(node: RunningService) -> dict[str, str]:
        cameras = await node.cameras()
        assert set(cameras) == everything
        assert {each["verdict"]["health"] for each in cameras.values()} == {"healthy"}
        return {key: each["node"] for key, each in cameras.items()}

    async def agree() -> dict[str, str]:
        found = await owners(north)
        assert found == await owners(south)
        return found

    whose = await eventually(agree, 20, "both show the same")
    assert set(whose.values()) == {"north", "south"}
    status = await north.get("/api/status")
    assert (status["cameras"], status["health"]) == (CAMERAS, {"healthy": CAMERAS})
    assert status["nodes"] == {"north": "alive", "south": "alive"}
    assert not [each for each in (await north.get("/api/streams"))["streams"] if not each["managed"]]

    far = next(key for key, node in whose.items() if node == "south")
    assert (await north.camera(far))["row"]["id"] == far
    async with aiohttp.ClientSession() as session, session.post(f"{north.base_url}/api/cameras/{far}/hold") as answer:
        assert answer.status == 202
    await north.reach({far: "disabled"})
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{north.base_url}/api/cameras/{far}/release") as answer,
    ):
        assert answer.status == 202
    await eventually(agree, 20)

    south.process.kill()
    await south.process.wait()

    async def taken_over() -> bool:
        cameras = await north.cameras()
        assert set(cameras) == everything
        told = {(each["id"], each["node"], each["phase"], each["verdict"]["health"]) for each in cameras.values()}
        assert {each[1:3] for each in told} == {("north", "running")}, (
            told,
            (await north.get("/api/nodes"))["nodes"][0],
        )
        return True

    await eventually(taken_over, 40)
    assert (await north.get("/api/status"))["components"]["node:south"]["state"] == "down"
    states = {node["name"]: node["state"] for node in (await north.get("/api/nodes"))["nodes"]}
    assert states == {"north": "alive", "south": "lost"}


async def test_a_node_that_is_replaced_keeps_its_cameras(shared_site: SharedSite) -> None:
    await shared_site.join("a")
    await shared_site.join("b")
    await shared_site.whole("a", "b")
    await shared_site.balanced("a", "b")
    mine = await shared_site.running_on("a")
    sources = {name: path["source"] for name, path in (await paths(shared_site.server)).items()}
    before = (await shared_site.nodes["a"].get("/api/status"))["instance"]
    shared_site.nodes["a"].process.send_signal(signal.SIGUSR2)

    async def is_another() -> bool:
        with contextlib.suppress(aiohttp.ClientError, OSError):
            return (await shared_site.nodes["a"].get("/api/status"))["instance"] != before
        return False

    await eventually(is_another, 30)
    await shared_site.whole("a", "b")
    assert await shared_site.running_on("a") == mine
    assert {name: path["source"] for name, path in (await paths(shared_site.server)).items()} == sources
    assert "calls itself" not in shared_site.nodes["a"].log
