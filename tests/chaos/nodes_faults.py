"""What can befall several nodes and what they share. Each fault says what of it may rightly be blamed, and on whom."""

from __future__ import annotations

import random
import signal
from collections.abc import AsyncIterator, Callable, Sequence

from restream.demo.embedded import free_port
from tests.chaos.node import ChaosNode
from tests.chaos.nodes_world import JOINER, NODES, NodesWorld
from tests.chaos.schedule import Befall, Fault
from tests.chaos.servers import Database, MediaServer, Redis
from tests.chaos.site_faults import CAMERA_FAULTS, TABLE_FAULTS, dies, hangs, once, some
from tests.support.gate import Gate

_LONG_S = (14.0, 30.0)
"""Longer than a lease, and than any media server waits for a publisher."""

Gates = Callable[[ChaosNode, random.Random], Sequence[Gate]]


def ended(number: signal.Signals, *, at_once: bool = True) -> Befall[NodesWorld]:
    """A node ends, and is started again: soon, or when the round is over."""

    async def befall(world: NodesWorld, rng: random.Random) -> AsyncIterator[None]:
        async with world.victim(rng) as node:
            await node.end(number)
            if not at_once:
                world.later.append(node)
        yield
        if at_once:
            async with node.busy:
                if node.service is None:
                    await node.start()

    return befall


def suspended(*, whole: bool) -> Befall[NodesWorld]:
    """A node stands still, with all its children or the service alone; then it goes on."""

    async def befall(world: NodesWorld, rng: random.Random) -> AsyncIterator[None]:
        # What it has stands still as well, and is told of late by whoever wakes.
        for side in ("publisher", "camera", "media_server"):
            world.suspect(side)
        async with world.victim(rng) as node:
            stopped = node.suspend(whole=whole)
            yield
            node.resume(stopped)
            node.answers = True

    return befall


def cut_off(gates: Gates, *sides: str) -> Befall[NodesWorld]:
    """A node does not reach something: its connections are cut, and new ones refused."""

    async def befall(world: NodesWorld, rng: random.Random) -> AsyncIterator[None]:
        for side in sides:
            world.suspect(side)
        async with world.victim(rng) as node:
            shut = gates(node, rng)
            for gate in shut:
                await gate.shut()
            yield
            for gate in shut:
                await gate.open()

    return befall


def hung(gates: Gates, *sides: str) -> Befall[NodesWorld]:
    """A node gets no answer: connections stay, and nothing comes through."""

    async def befall(world: NodesWorld, rng: random.Random) -> AsyncIterator[None]:
        for side in sides:
            world.suspect(side)
        async with world.victim(rng) as node:
            frozen = gates(node, rng)
            for gate in frozen:
                gate.freeze()
            yield
            for gate in frozen:
                gate.thaw()

    return befall


def _any_server(world: NodesWorld, rng: random.Random) -> MediaServer:
    return world.servers[rng.choice(sorted(world.servers))]


def _redis(world: NodesWorld, _: random.Random) -> Redis:
    return world.redis


def _database(world: NodesWorld, _: random.Random) -> Database:
    return world.database


async def _slow_database(world: NodesWorld, rng: random.Random) -> AsyncIterator[None]:
    async with world.victim(rng) as node:
        node.to_database.delay_s = rng.uniform(0.2, 0.8)
        yield
        node.to_database.delay_s = 0.0


async def _database_restarts(world: NodesWorld, _: random.Random) -> None:
    await world.database.rest()
    await world.database.serve()


async def _database_crashes(world: NodesWorld, _: random.Random) -> AsyncIterator[None]:
    await world.database.rest(signal.SIGKILL)
    yield
    await world.database.serve()


async def _database_fails_over(world: NodesWorld, _: random.Random) -> None:
    """It goes on at another address, with all that was committed."""
    await world.database.rest(signal.SIGKILL)
    await world.database.serve(free_port())


async def _backend_crashes(world: NodesWorld, _: random.Random) -> None:
    world.database.crash()


async def _rolling_restart(world: NodesWorld, _: random.Random) -> None:
    for name in NODES:
        node = world.nodes[name]
        async with node.busy:
            if node.service is not None:
                await node.end()
                await node.start()


async def _replaced(world: NodesWorld, rng: random.Random) -> None:
    """By its next version, which is the same."""
    async with world.victim(rng) as node:
        await node.replace()


async def _clock_is_set(world: NodesWorld, rng: random.Random) -> AsyncIterator[None]:
    async with world.victim(rng) as node:
        node.clock.set(rng.choice((-86_400, -3600, -5, 5, 3600, 86_400)))
        yield
        node.clock.set(0)


async def _drained(world: NodesWorld, rng: random.Random) -> AsyncIterator[None]:
    name = rng.choice(NODES)
    await world.drain(name, draining=True)
    yield
    await world.drain(name, draining=False)


async def _joined(world: NodesWorld, rng: random.Random) -> AsyncIterator[None]:
    node = world.nodes[JOINER]
    async with node.busy:
        await node.start()
        yield
        await node.end(rng.choice((signal.SIGTERM, signal.SIGKILL)))


async def _pinned(world: NodesWorld, rng: random.Random) -> AsyncIterator[None]:
    """Rows come to name one node, which may be dead or none at all."""
    victims, pin = some(world, rng), rng.choice((*NODES, JOINER))
    await world.sql(
        "UPDATE cameras SET options = options || jsonb_build_object('node', $2::text) WHERE id = ANY($1)", victims, pin
    )
    yield
    await world.sql("UPDATE cameras SET options = options - 'node' WHERE id = ANY($1) AND $2", victims, True)


def _to_database(node: ChaosNode, _: random.Random) -> Sequence[Gate]:
    return (node.to_database,)


def _to_redis(node: ChaosNode, _: random.Random) -> Sequence[Gate]:
    return (node.to_redis,)


def _to_server(node: ChaosNode, rng: random.Random) -> Sequence[Gate]:
    return node.to_servers[rng.choice(sorted(node.to_servers))]


def _to_api(node: ChaosNode, rng: random.Random) -> Sequence[Gate]:
    return _to_server(node, rng)[1:]


NODE_FAULTS: Sequence[Fault[NodesWorld]] = (
    *CAMERA_FAULTS[:4],
    Fault("a node is killed", 2, ended(signal.SIGKILL)),
    Fault("a node is killed for the round", 2, ended(signal.SIGKILL, at_once=False)),
    Fault("a node is stopped", 1, ended(signal.SIGTERM)),
    Fault("a node is stopped for the round", 1, ended(signal.SIGTERM, at_once=False)),
    Fault("a host is suspended", 1, suspended(whole=True)),
    Fault("a host is suspended for long", 1, suspended(whole=True), lasts_s=_LONG_S),
    Fault("a service is suspended", 1, suspended(whole=False)),
    Fault("a service is suspended for long", 1, suspended(whole=False), lasts_s=_LONG_S),
    Fault("a node is replaced", 2, once(_replaced)),
    Fault("a node does not reach PostgreSQL", 2, cut_off(_to_database), lasts_s=(2.0, 12.0)),
    Fault("a node gets no answer of PostgreSQL", 1, hung(_to_database), lasts_s=(2.0, 12.0)),
    Fault("a node does not reach Redis", 1, cut_off(_to_redis)),
    Fault("a node does not reach a media server", 1, cut_off(_to_server, "media_server", "publisher", "camera")),
    Fault("a node gets no answer of a media server", 1, hung(_to_server, "media_server", "publisher", "camera")),
    Fault("a node does not reach the API of a media server", 1, cut_off(_to_api, "media_server")),
    Fault("a node's way to PostgreSQL is slow", 1, _slow_database),
    Fault("a node's clock is set", 1, _clock_is_set),
    Fault("PostgreSQL restarts", 1, once(_database_restarts), "database"),
    Fault("PostgreSQL is killed, and away", 1, _database_crashes, "database"),
    Fault("a backend of PostgreSQL crashes", 1, once(_backend_crashes), "database"),
    Fault("PostgreSQL fails over", 1, once(_database_fails_over), "database"),
    Fault("PostgreSQL hangs", 1, hangs(_database), "database"),
    Fault("Redis restarts empty", 1, dies(_redis), "redis"),
    Fault("Redis hangs", 1, hangs(_redis), "redis"),
    Fault("a media server restarts", 1, dies(_any_server, "media_server"), "server"),
    Fault("a media server is killed", 1, dies(_any_server, "media_server", signal.SIGKILL), "server"),
    Fault("a media server hangs", 1, hangs(_any_server, "media_server"), "server"),
    Fault("all nodes are restarted in turn", 1, once(_rolling_restart)),
    Fault("a node is drained", 1, _drained, "drain", lasts_s=(2.0, 8.0)),
    Fault("a node joins", 1, _joined, lasts_s=(2.0, 8.0)),
    *TABLE_FAULTS,
    Fault("rows are pinned to a node", 2, _pinned, "pins"),
)
