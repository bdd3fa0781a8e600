"""Nodes that share a table of cameras: real keepers and fleets over tables in memory, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from restream.domain.admission.queue import StartLimits
from restream.domain.camera.camera import Camera
from restream.domain.engine import ProbeFailure
from restream.domain.fleet.fencing import ALONE_AFTER_S, Fence
from restream.domain.fleet.node import NodeName, NodeTraits
from restream.domain.fleet.share import Pace
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase
from restream.domain.news.component import ComponentState
from restream.domain.server.identity import DEFAULT_SERVER
from restream.supervisor.cameras.admission import Admission
from restream.supervisor.cameras.fleet import Fleet
from restream.supervisor.components import Components
from restream.supervisor.loops import Loops
from restream.supervisor.nodes.share_keeper import COMPONENT, ShareKeeper
from restream.supervisor.nodes.witness import PathWatch
from restream.supervisor.picture.observer import Observer
from tests.support.leases import LeaseRows, MemoryLeases
from tests.unit.fakes import FakeEngine, FakeServer, Listener, Stage, camera, now, virtual

CAMERAS = tuple(camera(number) for number in range(1, 13))
PLAIN = NodeTraits()


class Node:
    """One service: its fleet, its observer, its keeper; its publishers are those of the common engine."""

    def __init__(self, site: Site, name: str, traits: NodeTraits) -> None:
        self.site, self.name = site, name
        self.stage = Stage()
        self.stage.publisher = site.engine
        self.components = Components()
        self.table = MemoryLeases(site.rows)
        self.limits = StartLimits(8, 8, 8)
        self.stage.admission = Admission(self.limits, self.permits)
        self.stage.use(self.stage.prober)
        self.fleet: Fleet = self.stage.supervisor
        self.observer = Observer(DEFAULT_SERVER, site.server, Components(), (self.fleet,), Listener(), interval_s=2)
        self.keeper = ShareKeeper(
            self.table,
            NodeName(name),
            f"life of {name}",
            self.fleet,
            self.components,
            paths=PathWatch(lambda: {DEFAULT_SERVER: self.observer.picture}, lambda _: 12.0, 6.0),
            traits=lambda cameras: NodeTraits(cameras, traits.room, traits.weight, traits.sites),
            calm=lambda: True,
            fetches=lambda _: False,
            heartbeat_s=3,
            ttl_s=9,
            fence=site.fence,
            stopping_s=1,
            pace=Pace(moves_per_minute=600),
        )
        self.loops = Loops()

    def permits(self, camera_id: str) -> bool:
        return self.keeper.may_start(camera_id)

    def begin(self) -> None:
        self.loops.start("observer", self.observer.run)
        self.loops.start("nodes", self.keeper.run)
        self.keeper.want(list(self.site.cameras))

    async def die(self) -> None:
        """Its host is gone, with all that it published."""
        await self.loops.stop()
        await self.fleet.drain()

    async def end(self) -> None:
        await self.die()
        await self.keeper.leave()

    @property
    def running(self) -> set[str]:
        return {key for key, each in self.fleet.statuses.items() if each.state.phase is Phase.RUNNING}


class Site:
    """Nodes, a media server that all see, and the tables."""

    def __init__(self, fence: Fence) -> None:
        self.fence = fence
        self.engine = FakeEngine()
        self.server = FakeServer(self.engine)
        self.rows = LeaseRows(now)
        self.cameras: tuple[Camera, ...] = CAMERAS
        self.nodes: dict[str, Node] = {}

    def join(self, name: str, traits: NodeTraits = PLAIN) -> Node:
        node = self.nodes[name] = Node(self, name, traits)
        node.begin()
        return node

    async def whole(self, limit_s: float, *names: str) -> float:
        """Wait until every camera runs once, on these nodes; how long that took."""
        began = now()
        while True:
            running = [key for name in names for key in self.nodes[name].running]
            if sorted(running) == sorted(each.id for each in self.cameras):
                assert self.engine.most_per_path == 1
                return now() - began
            assert now() - began < limit_s, {name: self.nodes[name].running for name in names}
            await asyncio.sleep(0.5)

    def published(self) -> set[str]:
        return {each.plan.camera_id for each in self.engine.live}


@asynccontextmanager
async def shared(*names: str, fence: Fence = Fence.SERVER) -> AsyncIterator[Site]:
    site = Site(fence)
    for name in names:
        site.join(name)
    try:
        await site.whole(60, *names)
        yield site
    finally:
        for node in site.nodes.values():
            await node.loops.stop()


BOTH = pytest.mark.parametrize("fence", list(Fence))


@BOTH
@virtual
async def test_three_nodes_have_each_camera_once(fence: Fence) -> None:
    async with shared("a", "b", "c", fence=fence) as site:
        assert all(1 <= len(node.running) <= 9 for node in site.nodes.values())
        starts = len(site.engine.starts)
        await asyncio.sleep(300)
        assert len(site.engine.starts) == starts
        assert site.engine.most_per_path == 1


@BOTH
@virtual
async def test_cameras_of_a_node_that_dies_run_elsewhere_soon(fence: Fence) -> None:
    async with shared("a", "b", "c", fence=fence) as site:
        untouched = {name: dict.fromkeys(site.nodes[name].running) for name in ("b", "c")}
        await site.nodes["a"].die()
        assert await site.whole(60, "b", "c") <= 15 + 3
        for name, keys in untouched.items():
            assert keys.keys() <= site.nodes[name].running
        assert [state for node in "bc" if (state := site.nodes[node].components.state("node:a")) is ComponentState.DOWN]


@BOTH
@virtual
async def test_a_node_that_ends_gives_its_cameras_away_at_once(fence: Fence) -> None:
    async with shared("a", "b", "c", fence=fence) as site:
        await site.nodes["a"].end()
        assert await site.whole(60, "b", "c") <= 6


@virtual
async def test_a_database_that_is_away_stops_no_stream() -> None:
    async with shared("a", "b", "c") as site:
        starts = len(site.engine.starts)
        for node in site.nodes.values():
            node.table.away = True
        await asyncio.sleep(300)
        assert (len(site.engine.starts), site.published()) == (starts, {each.id for each in CAMERAS})
        assert site.nodes["a"].components.state(COMPONENT) is ComponentState.DOWN
        # A camera that breaks meanwhile comes back all the same.
        site.engine.of("7").end(exit_code=1)
        await asyncio.sleep(60)
        assert "7" in site.published()
        for node in site.nodes.values():
            node.table.away = False
        await asyncio.sleep(60)
        assert (len(site.engine.starts), site.engine.most_per_path) == (starts + 1, 1)


@virtual
async def test_by_time_publishers_are_gone_before_the_lease_is() -> None:
    async with shared("a", "b", fence=Fence.TIME) as site:
        alone = site.nodes["a"]
        before = set(alone.running)
        alone.table.away = True
        await site.whole(30, "b")
        assert not alone.running
        alone.table.away = False
        await asyncio.sleep(120)
        assert await site.whole(1, "a", "b") == 0
        assert alone.running == before


@virtual
async def test_what_still_flows_is_left_to_a_node_that_lost_the_database() -> None:
    async with shared("a", "b", "c") as site:
        cut = site.nodes["a"]
        had = set(cut.running)
        cut.table.away = True
        await asyncio.sleep(120)
        assert cut.running == had
        # One of them breaks: whoever has it then, it is one.
        broken = min(had)
        site.engine.of(broken).end(exit_code=1)
        await asyncio.sleep(60)
        assert broken in site.nodes["b"].running | site.nodes["c"].running
        starts = site.engine.starts_of(broken)
        cut.table.away = False
        # What it had is its own again, and what is not it lets be.
        await asyncio.sleep(30)
        await site.whole(1, "a", "b", "c")
        assert site.engine.starts_of(broken) <= starts + 1


@virtual
async def test_a_name_belongs_to_the_service_that_took_it_last() -> None:
    async with shared("a", "b") as site:
        first = site.nodes["a"]
        had = set(first.running)
        second = site.join("a")
        second.keeper._instance = "another life"
        await site.whole(60, "a", "b")
        assert not first.fleet.statuses
        assert second.running == had
        assert "another service calls itself a" in first.components.all[COMPONENT].detail
        await first.loops.stop()


@virtual
async def test_a_node_that_is_drained_gives_everything_away_and_takes_nothing() -> None:
    async with shared("a", "b", "c") as site:
        await site.nodes["b"].table.drain(NodeName("a"), draining=True)
        await site.whole(60, "b", "c")
        assert not site.nodes["a"].fleet.statuses
        await site.nodes["b"].table.drain(NodeName("a"), draining=False)
        await asyncio.sleep(120)
        assert site.nodes["a"].running
        await site.whole(30, "a", "b", "c")


@virtual
async def test_a_node_that_joins_draws_only_what_it_wins() -> None:
    async with shared("a", "b") as site:
        before = {name: set(site.nodes[name].running) for name in "ab"}
        site.join("c")
        await asyncio.sleep(120)
        await site.whole(30, "a", "b", "c")
        for name in "ab":
            assert site.nodes[name].running <= before[name]
        assert site.nodes["c"].running


@virtual
async def test_rows_that_come_and_go() -> None:
    async with shared("a", "b") as site:
        site.cameras = CAMERAS[5:]
        for node in site.nodes.values():
            node.keeper.want(list(site.cameras))
        await site.whole(20, "a", "b")
        assert site.published() == {each.id for each in site.cameras}
        await asyncio.sleep(20)
        assert set(site.rows.assignments) == {each.id for each in site.cameras}
        site.cameras = CAMERAS
        for node in site.nodes.values():
            node.keeper.want(list(site.cameras))
        await site.whole(20, "a", "b")


@virtual
async def test_a_row_names_its_node_and_its_site() -> None:
    pinned, near = camera(1, options={"node": "a"}), camera(2, options={"site": "harbour"})
    site = Site(Fence.SERVER)
    site.cameras = (pinned, near, *CAMERAS[2:])
    site.join("a")
    site.join("b", NodeTraits(sites=frozenset({"harbour"})))
    await site.whole(60, "a", "b")
    assert "1" in site.nodes["a"].running and "2" in site.nodes["b"].running
    await site.nodes["a"].die()
    await asyncio.sleep(60)
    assert "1" not in site.published() and "2" in site.published()
    for node in site.nodes.values():
        await node.loops.stop()


@virtual
async def test_whoever_tells_of_lost_nodes_no_more_forgets_what_it_knew() -> None:
    async with shared("a", "b", "c") as site:
        await site.nodes["c"].die()
        await asyncio.sleep(30)
        [teller] = [site.nodes[name] for name in "ab" if "node:c" in site.nodes[name].components.all]
        assert teller.components.state("node:c") is ComponentState.DOWN
        teller.table.away = True
        await asyncio.sleep(30)
        teller.table.away = False
        await asyncio.sleep(30)
        assert "node:c" not in teller.components.all


@virtual
async def test_a_path_that_was_silent_once_is_not_taken_to_have_been_so_since() -> None:
    async with shared("a", "b") as site:
        # Both have found paths silent as they started what c has now.
        site.join("c")
        await asyncio.sleep(25)
        had = set(site.nodes["c"].running)
        assert had
        await site.nodes["c"].die()
        assert await site.whole(60, "a", "b") <= 9 + 2 * 3 + 3


@virtual
async def test_who_waits_for_paths_of_a_lost_node_looks_more_often() -> None:
    async with shared("a", "b", "c") as site:

        async def beats() -> int:
            before = site.rows.nodes["a"].renewals
            await asyncio.sleep(12)
            return int(site.rows.nodes["a"].renewals - before)

        assert await beats() <= 5
        # Its service stands still; what it publishes does not.
        await site.nodes["c"].loops.stop()
        await asyncio.sleep(12)
        assert await beats() >= 10
        # A service may stand still for ever.
        await asyncio.sleep(12)
        assert await beats() <= 5
        await site.nodes["c"].fleet.drain()
        await site.whole(10, "a", "b")


@virtual
async def test_what_breaks_while_the_database_is_away_is_left_to_others_for_a_while() -> None:
    async with shared("a", "b") as site:
        for node in site.nodes.values():
            node.table.away = True
        await asyncio.sleep(60)
        # Before, with and after a sweep over the media server.
        for each in CAMERAS:
            site.engine.of(each.id).end(exit_code=1)
            await asyncio.sleep(0.3)
        await asyncio.sleep(ALONE_AFTER_S - 5)
        assert not site.published()
        await asyncio.sleep(30)
        assert site.published() == {each.id for each in CAMERAS}


@virtual
async def test_a_node_that_ends_as_it_should_is_not_told_as_lost() -> None:
    async with shared("a", "b", "c") as site:
        await site.nodes["c"].end()
        await asyncio.sleep(60)
        told = [each for name in "ab" for each in site.nodes[name].components.all.values()]
        assert {each.state for each in told} == {ComponentState.UP}
        assert "node:c" not in {each.name for each in told}


@virtual
async def test_a_node_that_loses_its_lease_while_it_probes_starts_nothing() -> None:
    async with shared("a", "b") as site:
        cut = site.nodes["a"]
        broken = min(cut.running)
        cut.stage.prober.takes_s = 9
        cut.table.away = True
        site.engine.of(broken).end(exit_code=1)
        await asyncio.sleep(30)
        assert broken in site.nodes["b"].running
        assert site.engine.most_per_path == 1


@virtual
async def test_what_a_lost_node_starts_alone_is_left_to_it_until_it_is_back() -> None:
    async with shared("a", "b") as site:
        alone, taker = site.nodes["a"], site.nodes["b"]
        broken = min(alone.running)
        # It is the taker's before it flows again; when the taker could start it, it flows.
        answers, host = taker.stage.prober.answers, camera(int(broken)).source.host
        answers[host] = ProbeFailure(Cause.REFUSED, "")
        alone.table.away = True
        await asyncio.sleep(12)
        site.engine.of(broken).end(exit_code=1)
        await asyncio.sleep(45)
        assert broken in alone.running and taker.table.rows.assignments[broken].node == "b"
        del answers[host]
        await asyncio.sleep(90)
        assert broken in alone.running and site.engine.most_per_path == 1
        alone.table.away = False
        await site.whole(60, "a", "b")
