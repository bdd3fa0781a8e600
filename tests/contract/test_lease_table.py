"""The port `LeaseTable`: in memory, in PostgreSQL, and in PostgreSQL behind a pooler in transaction mode."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import asyncpg
import pytest

from restream.adapters.postgres_leases import PostgresLeases
from restream.config.places import ROOT
from restream.domain.camera.secret import Secret
from restream.domain.fleet.node import NOBODY, Holding, NodeName, NodeTraits, Sighting
from restream.domain.fleet.share import Decision, View
from restream.ports.nodes import LeaseTable
from tests.conftest import needs
from tests.support.leases import LeaseRows, MemoryLeases
from tests.support.pooler import pooled

SCHEMA = (ROOT / "etc" / "schema_nodes.sql").read_text(encoding="utf-8")
A, B, C = (NodeName(name) for name in "abc")
TTL_S = 30.0


class Held(NamedTuple):
    """Who has a camera, as the rows say."""

    node: NodeName
    epoch: int


@dataclass
class Node:
    """One life of a service, with a connection of its own."""

    table: LeaseTable
    name: NodeName
    instance: str = "1"

    async def beat(self, traits: NodeTraits | None = None, ttl_s: float = TTL_S) -> View:
        view = await self.try_to_beat(traits, ttl_s)
        assert view is not None
        return view

    async def try_to_beat(self, traits: NodeTraits | None = None, ttl_s: float = TTL_S) -> View | None:
        return await self.table.beat(self.name, self.instance, traits or NodeTraits(), ttl_s)

    async def take(self, *cameras: str, lost: frozenset[Sighting] = frozenset()) -> frozenset[str]:
        return await self.settle(Decision(take=cameras, lost=lost))

    async def settle(self, decision: Decision) -> frozenset[str]:
        return await self.table.settle(self.name, self.instance, decision)

    async def leave(self) -> None:
        await self.table.leave(self.name, self.instance)


@dataclass
class Case:
    """The tables, and what happens to them from the other side."""

    open: Callable[[], LeaseTable]
    set_expiry: Callable[[NodeName, float], Awaitable[None]]
    """In seconds from now; nothing is renewed by it."""
    rows: Callable[[], Awaitable[Mapping[str, Held]]]
    opened: list[LeaseTable] = field(default_factory=list)

    async def node(self, name: NodeName, instance: str = "1") -> Node:
        """One that has beaten."""
        self.opened.append(self.open())
        node = Node(self.opened[-1], name, instance)
        await node.beat()
        return node

    async def expire(self, name: NodeName) -> None:
        await self.set_expiry(name, -1.0)


def _memory() -> Case:
    rows = LeaseRows(time.monotonic)

    async def set_expiry(name: NodeName, seconds: float) -> None:
        rows.nodes[name] = replace(rows.nodes[name], expires_at=time.monotonic() + seconds)

    async def held() -> Mapping[str, Held]:
        return {key: Held(each.node, each.epoch) for key, each in rows.assignments.items()}

    return Case(lambda: MemoryLeases(rows), set_expiry, held)


def _postgres(dsn: str, admin: asyncpg.Connection[asyncpg.Record]) -> Case:
    async def set_expiry(name: NodeName, seconds: float) -> None:
        moment = "clock_timestamp() + make_interval(secs => $2)"
        await admin.execute(f"UPDATE restream_node SET expires_at = {moment} WHERE name = $1", name, seconds)

    async def held() -> Mapping[str, Held]:
        rows = await admin.fetch("SELECT * FROM restream_assignment")
        return {row["camera_id"]: Held(NodeName(row["node"] or NOBODY), row["epoch"]) for row in rows}

    return Case(lambda: PostgresLeases(Secret(dsn)), set_expiry, held)


@pytest.fixture(params=["memory", "postgres", "pooler"])
def case(request: pytest.FixtureRequest) -> Case:
    found = _memory() if request.param == "memory" else request.getfixturevalue(f"{request.param}_case")
    assert isinstance(found, Case)
    return found


@pytest.fixture
async def admin(dsn: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(dsn)
    await connection.execute(SCHEMA)
    yield connection
    await connection.close()


@pytest.fixture
async def postgres_case(dsn: str, admin: asyncpg.Connection[asyncpg.Record]) -> AsyncIterator[Case]:
    case = _postgres(dsn, admin)
    yield case
    await asyncio.gather(*(table.close() for table in case.opened))


@pytest.fixture
async def pooler_case(
    request: pytest.FixtureRequest, dsn: str, admin: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[Case]:
    needs(request.config, shutil.which("pgbouncer"), "pgbouncer")
    async with pooled(dsn) as through:
        case = _postgres(through, admin)
        yield case
        await asyncio.gather(*(table.close() for table in case.opened))


async def lost(case: Case, node: Node, watcher: Node) -> frozenset[Sighting]:
    """What `watcher` has seen of a node whose lease has expired."""
    await case.expire(node.name)
    return frozenset({(await watcher.beat()).nodes[node.name].sighting})


async def test_a_node_sees_itself_and_what_it_told(case: Case) -> None:
    a = await case.node(A)
    told = NodeTraits(3, 5, 2.5, frozenset({"hall", "Tür"}), "1.2", {"url": "http://h", "deep": {"a": [1]}})
    view = await a.beat(told, 20.0)
    me = view.nodes[A]
    assert (view.me, view.leads, view.holdings, me.traits, me.instance, me.ttl_s) == (A, True, {}, told, "1", 20.0)
    assert 15 < me.expires_in_s <= 20 and not me.draining


async def test_every_beat_is_another_renewal_in_all_lives(case: Case) -> None:
    a = await case.node(A)
    first = (await a.beat()).nodes[A].renewals
    assert (await a.beat()).nodes[A].renewals == first + 1
    again = await case.node(A, "2")
    assert (await again.beat()).nodes[A].renewals == first + 3


async def test_a_new_camera_goes_to_one(case: Case) -> None:
    a, b = await case.node(A), await case.node(B)
    assert await a.take("1", "2") == {"1", "2"}
    assert await b.take("2", "3") == {"3"}
    assert await a.take("1") == frozenset(), "what is ours is not taken again"
    assert {key: held.node for key, held in (await case.rows()).items()} == {"1": A, "2": A, "3": B}
    assert (await a.beat()).mine == {"1", "2"} and (await b.beat()).mine == {"3"}
    assert (await a.beat()).holdings.keys() == {"1", "2"}, "what others have that live is not read"


async def test_what_a_lost_node_had_is_taken_with_a_higher_epoch(case: Case) -> None:
    a, b = await case.node(A), await case.node(B)
    await a.take("1", "2")
    before = await case.rows()
    seen = await lost(case, a, b)
    view = await b.beat()
    assert {key: held.node for key, held in view.holdings.items()} == {"1": A, "2": A} and not view.nodes[A].alive
    assert await b.take("1", lost=seen) == {"1"}
    after = await case.rows()
    assert after["1"].node == B and after["1"].epoch > before["1"].epoch and after["2"] == before["2"]
    assert (await a.beat()).mine == {"2"}


async def test_who_has_renewed_since_keeps_all(case: Case) -> None:
    a, b = await case.node(A), await case.node(B)
    await a.take("1")
    seen = await lost(case, a, b)
    await a.beat()
    await case.expire(A)
    assert await b.take("1", lost=seen) == frozenset()
    assert (await a.beat()).mine == {"1"}


async def test_no_clock_takes_a_camera(case: Case) -> None:
    a, b = await case.node(A), await case.node(B)
    await a.take("1")
    await case.expire(A)
    assert await b.take("1") == frozenset()


async def test_a_node_without_a_lease_takes_nothing_and_may_give_back(case: Case) -> None:
    a = await case.node(A)
    await a.take("1")
    view = await a.beat()
    await case.expire(A)
    assert await a.settle(Decision(("2",), (view.holdings["1"],))) == frozenset()
    assert {key: held.node for key, held in (await case.rows()).items()} == {"1": NOBODY}


async def test_the_name_belongs_to_the_last_life_that_began(case: Case) -> None:
    old = await case.node(A)
    await old.take("1")
    view = await old.beat()
    new = await case.node(A, "2")
    assert (await new.beat()).mine == {"1"}
    assert await old.try_to_beat() is None
    assert await old.settle(Decision(("2",), (view.holdings["1"],), ())) == frozenset()
    await old.leave()
    assert (await new.beat()).mine == {"1"}
    assert await old.try_to_beat() is None


async def test_what_is_given_back_is_anybodys(case: Case) -> None:
    a, b = await case.node(A), await case.node(B)
    await a.take("1", "2")
    had = (await a.beat()).holdings["1"]
    await a.settle(Decision(give_back=(had,)))
    assert (await b.beat()).holdings["1"].node == NOBODY
    assert await b.take("1", "2") == {"1"}
    assert (await case.rows())["1"].epoch > had.epoch


@pytest.mark.parametrize("what", ["give_back", "forget"])
async def test_only_ours_of_the_epoch_that_was_seen_is_let_go(case: Case, what: str) -> None:
    a, b = await case.node(A), await case.node(B)
    await a.take("1")
    had = (await a.beat()).holdings["1"]
    for foreign in (Decision(**{what: (had,)}), Decision(**{what: (had._replace(node=B),)})):
        await b.settle(foreign)
    assert (await case.rows())["1"].node == A
    await a.settle(Decision(give_back=(had,)))
    await a.take("1")
    await a.settle(Decision(**{what: (had,)}))
    assert (await case.rows())["1"].node == A, "a statement that arrives late changes nothing"


async def test_what_is_forgotten_has_no_row_and_comes_again_with_a_higher_epoch(case: Case) -> None:
    a = await case.node(A)
    await a.take("1", "2")
    had = (await a.beat()).holdings["1"]
    await a.settle(Decision(forget=(had, Holding("none", A, 1))))
    assert (await case.rows()).keys() == {"2"}
    assert await a.take("1") == {"1"}
    assert (await case.rows())["1"].epoch > had.epoch


async def test_a_drained_node_is_told_and_stays_drained_in_its_next_life(case: Case) -> None:
    a, b = await case.node(A), await case.node(B)
    assert await b.table.drain(A, draining=True)
    assert (await a.beat()).nodes[A].draining and (await b.beat()).nodes[A].draining
    assert not (await b.beat()).nodes[B].draining
    again = await case.node(A, "2")
    assert (await again.beat()).nodes[A].draining
    assert await a.table.drain(A, draining=False)
    assert not (await again.beat()).nodes[A].draining
    assert not await a.table.drain(NodeName("nobody"), draining=True)


async def test_who_leaves_gives_everything_back_at_once(case: Case) -> None:
    a, b = await case.node(A), await case.node(B)
    await a.take("1", "2")
    await a.leave()
    view = await b.beat()
    assert not view.nodes[A].alive and {held.node for held in view.holdings.values()} == {NOBODY}
    assert await b.take("1", "2") == {"1", "2"}


async def test_one_leads_and_another_when_it_is_gone(case: Case) -> None:
    a, b = await case.node(A), await case.node(B)
    assert (await a.beat()).leads and not (await b.beat()).leads
    await case.expire(A)
    assert (await b.beat()).leads
    assert not (await a.beat()).leads, "who comes back does not lead again"
    await b.leave()
    assert (await a.beat()).leads


async def test_a_lease_that_ends_too_late_is_shortened(case: Case) -> None:
    """A clock was set back."""
    a, b = await case.node(A), await case.node(B)
    seen = (await a.beat()).nodes[A].sighting
    await case.set_expiry(A, 3600.0)
    node = (await b.beat()).nodes[A]
    assert TTL_S - 5 < node.expires_in_s <= TTL_S and node.sighting == seen


async def test_closing_twice_is_harmless_and_a_closed_table_opens_again(case: Case) -> None:
    a = await case.node(A)
    for _ in range(2):
        await a.table.close()
    assert (await a.beat()).nodes[A].alive


async def test_of_many_who_take_the_same_at_once_each_camera_goes_to_one(case: Case) -> None:
    nodes = [await case.node(NodeName(f"n{number}")) for number in range(5)]
    cameras = [f"{number}" for number in range(60)]
    chance = random.Random(1)
    for _ in range(4):
        wanted = [chance.sample(cameras, 40) for _ in nodes]
        taken = await asyncio.gather(*(node.take(*each) for node, each in zip(nodes, wanted, strict=True)))
        rows = await case.rows()
        for node, each in zip(nodes, taken, strict=True):
            assert each == {key for key in each if rows[key].node == node.name}
        assert sum(map(len, taken)) == len(frozenset().union(*taken))
        assert frozenset().union(*taken) >= frozenset().union(*wanted), "a new camera that was asked for is had"
        for node in nodes:
            await node.settle(Decision(forget=tuple((await node.beat()).holdings.values())))
        assert not await case.rows()


async def test_a_crowd_never_shares_a_camera_and_epochs_only_rise(case: Case) -> None:
    """Beats, deaths and takeovers of three at once; a death is told to the others as it was seen."""
    nodes = [await case.node(name) for name in (A, B, C)]
    cameras = [f"{number}" for number in range(12)]
    chance = random.Random(2)
    epochs: dict[str, int] = {}
    moved = 0

    async def live(node: Node) -> tuple[frozenset[str], frozenset[str]]:
        view = await node.beat()
        dead = frozenset(each.sighting for each in view.nodes.values() if not each.alive)
        give = tuple(held for held in view.holdings.values() if held.node == node.name and chance.random() < 0.2)
        taken = await node.settle(Decision(tuple(chance.sample(cameras, 8)), give, (), dead))
        return (view.mine - {each.camera_id for each in give}) | taken, taken

    for _ in range(15):
        dying = chance.choice(nodes)
        await case.expire(dying.name)
        living = [node for node in nodes if node is not dying]
        had = dict(zip([n.name for n in living], await asyncio.gather(*map(live, living)), strict=True))
        rows = await case.rows()
        for name, (has, taken) in had.items():
            assert {rows[key].node for key in has} <= {name}
            moved += len(taken)
        for key, held in rows.items():
            assert held.epoch >= epochs.get(key, 0)
            epochs[key] = held.epoch
        assert (await dying.beat()).mine == {key for key, held in rows.items() if held.node == dying.name}
    assert moved > 40
