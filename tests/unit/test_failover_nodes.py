"""Nodes and media servers that are lost together or one after the other: real keepers and fleets, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from restream.domain.admission.queue import StartLimits
from restream.domain.fleet.fencing import Fence
from restream.domain.fleet.node import NodeName, NodeTraits
from restream.domain.fleet.share import Pace
from restream.domain.life.lifecycle import Phase
from restream.domain.server.failover import FailoverPolicy
from restream.domain.server.identity import ServerId
from restream.domain.server.target import Target
from restream.supervisor.cameras.admission import Admission
from restream.supervisor.cameras.failover_keeper import FailoverKeeper
from restream.supervisor.components import Components
from restream.supervisor.loops import Loops
from restream.supervisor.nodes.share_keeper import ShareKeeper
from restream.supervisor.nodes.witness import PathWatch
from restream.supervisor.picture.observer import Observer
from tests.support.leases import LeaseRows, MemoryLeases
from tests.unit.fakes import FakeEngine, FakePublication, FakeServer, Listener, Stage, camera, now, virtual

A, B = ServerId("default"), ServerId("second")
CAMERAS = [replace(camera(number), server=(A, B)[number % 2]) for number in range(1, 13)]
AT_A = {each.id for each in CAMERAS if each.server == A}
POLICY = FailoverPolicy(frozenset({A, B}), after_s=30, returns_per_minute=600)


class Shown(FakeEngine):
    """What one of the servers has of all that is published."""

    def __init__(self, engine: FakeEngine, server: ServerId) -> None:
        self.engine, self.server = engine, server

    @property
    def live(self) -> list[FakePublication]:
        return [each for each in self.engine.live if each.plan.server == self.server]


class World:
    def __init__(self, fence: Fence) -> None:
        self.fence = fence
        self.engine = FakeEngine()
        self.servers = {server: FakeServer(Shown(self.engine, server)) for server in (A, B)}
        self.rows = LeaseRows(now)
        self.nodes = {name: Node(self, name) for name in ("one", "two")}

    def lose(self, server: ServerId) -> None:
        self.servers[server].up = False
        for publication in Shown(self.engine, server).live:
            publication.end("Connection refused", exit_code=1)

    def running(self) -> dict[str, ServerId]:
        """Cameras that run on a node, and the servers they are at."""
        found: dict[str, ServerId] = {}
        for node in self.nodes.values():
            for key, status in node.fleet.statuses.items():
                if status.state.phase is Phase.RUNNING:
                    assert key not in found
                    found[key] = status.camera.server
        return found

    async def whole(self, limit_s: float, *servers: ServerId) -> float:
        """Until every camera runs at one of these servers; how long that took."""
        began = now()
        while len(running := self.running()) < len(CAMERAS) or not set(running.values()) <= set(servers):
            assert now() - began < limit_s, running
            await asyncio.sleep(0.5)
        assert self.engine.most_per_path == 1
        return now() - began


class Node:
    def __init__(self, world: World, name: str) -> None:
        self.stage = Stage()
        self.stage.publisher = world.engine
        self.stage.admission = Admission(StartLimits(8, 8, 8), self.permits)
        self.stage.use(self.stage.prober)
        self.fleet = self.stage.supervisor
        self.fleet.adopt(
            replace(self.stage.settings, targets={each: Target(server=each) for each in (A, B)}), StartLimits(8, 8, 8)
        )
        self.table = MemoryLeases(world.rows)
        self.followers: list[object] = []
        self.observers = {
            server: Observer(server, way, Components(), self.followers, Listener(), interval_s=2)  # type: ignore[arg-type]
            for server, way in world.servers.items()
        }
        self.keeper = ShareKeeper(
            self.table,
            NodeName(name),
            f"life of {name}",
            self.fleet,
            Components(),
            paths=PathWatch(
                lambda: {server: each.picture for server, each in self.observers.items()}, lambda _: 12.0, 6.0
            ),
            traits=NodeTraits,
            calm=lambda: True,
            fetches=lambda _: False,
            heartbeat_s=3,
            ttl_s=15,
            fence=world.fence,
            stopping_s=1,
            pace=Pace(),
        )
        self.failover = FailoverKeeper(POLICY, self.keeper)
        self.followers += [self.fleet, self.failover]
        self.loops = Loops()
        for key, observer in self.observers.items():
            self.loops.start(key, observer.run)
        self.loops.start("nodes", self.keeper.run)
        self.loops.start("failover", self.failover.run)
        self.failover.want(list(CAMERAS))

    def permits(self, camera_id: str) -> bool:
        return self.keeper.may_start(camera_id)

    async def die(self) -> None:
        await self.loops.stop()
        await self.fleet.drain()


@asynccontextmanager
async def living(fence: Fence) -> AsyncIterator[World]:
    world = World(fence)
    try:
        await world.whole(60, A, B)
        assert {key for key, server in world.running().items() if server == A} == AT_A
        yield world
    finally:
        for node in world.nodes.values():
            await node.loops.stop()


@pytest.mark.parametrize("fence", list(Fence))
@virtual
async def test_a_server_is_lost_and_comes_back(fence: Fence) -> None:
    async with living(fence) as world:
        world.lose(A)
        assert 30 <= await world.whole(60, B) <= 40
        world.servers[A].up = True
        await asyncio.sleep(60)
        assert {key for key, server in world.running().items() if server == A} == AT_A
        await world.whole(1, A, B)


@virtual
async def test_by_time_a_host_with_its_server_is_replaced_by_the_other() -> None:
    async with living(Fence.TIME) as world:
        world.lose(A)
        await world.nodes["one"].die()
        assert await world.whole(90, B) <= 60


@virtual
async def test_by_servers_what_belongs_to_one_that_nobody_sees_waits_for_it() -> None:
    async with living(Fence.SERVER) as world:
        had = set(world.nodes["one"].fleet.statuses)
        world.lose(A)
        await world.whole(60, B)
        await world.nodes["one"].die()
        await asyncio.sleep(300)
        assert world.running().keys() == {each.id for each in CAMERAS} - (had & AT_A)
        assert had & AT_A
        world.servers[A].up = True
        await world.whole(120, A, B)


@virtual
async def test_what_is_served_elsewhere_is_not_taken_from_a_node_that_lost_the_database() -> None:
    async with living(Fence.SERVER) as world:
        world.lose(A)
        await world.whole(60, B)
        had = set(world.nodes["one"].fleet.statuses)
        starts = len(world.engine.starts)
        world.nodes["one"].table.away = True
        # Home is seen again, and silent; its refuge has it until it returns.
        world.servers[A].up = True
        await asyncio.sleep(28)
        assert had <= world.running().keys()
        assert len(world.engine.starts) == starts
        await asyncio.sleep(300)
        await world.whole(1, A, B)
