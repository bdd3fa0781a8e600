"""A life of many nodes that share many cameras, in virtual time: who publishes, what is away for how long.

The code of leases and placement is the real one; database, media server and cameras are models.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.support.fleet_world import FleetWorld, SimNode

from restream.domain.fleet.fencing import Fence, PathSeen, Witnessed
from restream.domain.fleet.node import FleetNode, Holding, NodeName, NodeTraits
from restream.domain.fleet.placement import Placement, Wish
from restream.domain.fleet.share import Pace, Share, View


def add_arguments(commands: Any) -> None:
    parser = commands.add_parser("fleet_life", help=__doc__)
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--cameras", type=int, default=100_000)
    parser.add_argument("--fence", type=Fence, default=Fence.SERVER, choices=list(Fence))
    parser.add_argument("--seed", type=int, default=1)
    parser.set_defaults(measure=measure)


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The whole story; seconds are virtual."""
    costs = decide_ms(options.nodes, options.cameras)
    _say(f"a decision, ms of CPU: {costs}")
    story = await asyncio.to_thread(live, options.nodes, options.cameras, options.fence, options.seed, _say)
    return {"decide_ms": costs, **story}


def decide_ms(nodes: int, cameras: int) -> dict[str, float]:
    """What a heartbeat's decision costs one node, in milliseconds of CPU."""
    wishes = {f"{number}": Wish(f"{number}") for number in range(cameras)}
    fleet = {NodeName(f"m{number}"): FleetNode(NodeName(f"m{number}"), "1", 9.0) for number in range(nodes)}
    me, placement = NodeName("m0"), Placement()
    share, found = Share(Fence.SERVER, Pace(), placement), dict[str, float]()

    def decide(what: str, others: dict[NodeName, FleetNode], holdings: dict[str, Holding]) -> None:
        began = time.process_time()
        share.decide(
            View(me, {**fleet, **others}, holdings),
            wishes,
            lost=frozenset(),
            witness=lambda _: PathSeen(Witnessed.SILENT),
            moves=2,
            now=0.0,
        )
        found[what] = round(1e3 * (time.process_time() - began), 1)

    decide("the first", {}, {})
    mine = {key: Holding(key, me, 1) for key in placement.belonging(me)}
    for what, others in (
        ("nothing changed", {}),
        ("another is full", {NodeName("m1"): FleetNode(NodeName("m1"), "1", 9.0, traits=NodeTraits(room=0))}),
        ("no longer full", {}),
        ("another joins", {NodeName("new"): FleetNode(NodeName("new"), "1", 9.0)}),
    ):
        decide(what, others, mine)
    return found


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def live(nodes: int, cameras: int, fence: Fence, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
    """One chapter after another; each tells what it cost, and ends when its trouble is over."""
    world = FleetWorld(nodes, cameras, fence, seed)
    chapters: list[dict[str, Any]] = []
    for name, seconds, happens in CHAPTERS:
        began, rows, transactions = time.process_time(), world.rows.rows, world.rows.transactions
        world.recovered.clear()
        world.moves.clear()
        world.collisions.clear()
        happens(world)
        world.run(world.now + seconds)
        chapter = {
            "chapter": name,
            "down_s": {why: _spread(values) for why, values in sorted(world.recovered.items())},
            "still_down": sum(why != "moved" for _, why in world.down.values()),
            "moves": dict(world.moves),
            "collisions": dict(world.collisions),
            "transactions_per_s": round((world.rows.transactions - transactions) / seconds, 1),
            "rows_per_s": round((world.rows.rows - rows) / seconds),
            "cpu_s": round(time.process_time() - began, 1),
        }
        chapters.append(chapter)
        say(" ".join(f"{key}={value}" for key, value in chapter.items()))
    return {"fence": fence, "nodes": nodes, "cameras": cameras, "seed": seed, "chapters": chapters}


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    p50, p99 = (ordered[int(part * (len(ordered) - 1))] for part in (0.5, 0.99))
    return {"cameras": len(ordered), "p50": round(p50, 1), "p99": round(p99, 1), "max": round(ordered[-1], 1)}


def _some(world: FleetWorld, part: float) -> list[SimNode]:
    living = world.living()
    return world.random.sample(living, max(1, int(part * len(living))))


def _drops(world: FleetWorld, seconds: float) -> None:
    """Cameras close now and then: one of a hundred in a minute."""
    keys = list(world.down) + list(world.flows)
    for _ in range(int(len(keys) * seconds / 6000)):
        key = world.random.choice(keys)
        world.at(world.now + world.random.uniform(0, seconds), lambda key=key: world.drop(key))  # type: ignore[misc]


def _nothing(world: FleetWorld) -> None:
    """Cameras are taken, and started."""


def _hosts_die(world: FleetWorld) -> None:
    for node in _some(world, 0.03):
        world.die(node, host=True)


def _services_are_killed(world: FleetWorld) -> None:
    for node in _some(world, 0.03):
        world.die(node, host=False)
        world.at(world.now + 2.0, lambda name=node.name: world.join(name))  # type: ignore[misc]


def _nodes_join(world: FleetWorld) -> None:
    world.join("new")


def _nodes_freeze(world: FleetWorld) -> None:
    for node in _some(world, 0.03):
        node.frozen_until = world.now + 40.0
    _drops(world, 60)


def _cut_from_database(world: FleetWorld) -> None:
    for node in _some(world, 0.03):
        node.without_database_until = world.now + 60.0
    _drops(world, 80)


def _cut_from_server(world: FleetWorld) -> None:
    for node in _some(world, 0.02):
        world.cut_from_server(node, 40.0)


def _drain(world: FleetWorld) -> None:
    world.rows.drain(_some(world, 0.01)[0].name, draining=True)


def _rolling_restart(world: FleetWorld) -> None:
    for number, node in enumerate(_some(world, 0.1)):
        moment = world.now + 8.0 * number
        world.at(moment, lambda node=node: world.leave(node))  # type: ignore[misc]
        world.at(moment + 5.0, lambda name=node.name: world.join(name))  # type: ignore[misc]


def _database_away(world: FleetWorld) -> None:
    world.away_until = world.now + 300.0
    _drops(world, 300)


def _clock_is_set(world: FleetWorld) -> None:
    for number, seconds in enumerate((3600.0, -7200.0, 9.0)):
        world.at(world.now + 10.0 * number, lambda by=seconds: _set_by(world, by))  # type: ignore[misc]


def _set_by(world: FleetWorld, seconds: float) -> None:
    world.offset_s += seconds


CHAPTERS: tuple[tuple[str, float, Callable[[FleetWorld], None]], ...] = (
    ("cold start", 60, _nothing),
    ("steady", 30, _nothing),
    ("hosts die", 60, _hosts_die),
    ("a node joins", 60, _nodes_join),
    ("services killed, started again", 45, _services_are_killed),
    ("nodes frozen for 40 s", 75, _nodes_freeze),
    ("nodes cut from the database for 60 s", 90, _cut_from_database),
    ("nodes cut from the media server for 40 s", 60, _cut_from_server),
    ("a node is drained", 90, _drain),
    ("rolling restart", 120, _rolling_restart),
    ("database away for 300 s", 345, _database_away),
    ("database's clock set", 60, _clock_is_set),
)
