"""Cameras of a media server that is lost: where they are published meanwhile, and when they return."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.config.settings import load_settings
from restream.domain.camera.camera import Camera
from restream.domain.fleet.fencing import Witnessed
from restream.domain.server.failover import Failover, FailoverPolicy, Standing
from restream.domain.server.flow import Flow, ServerPicture, Stream
from restream.domain.server.identity import ServerId
from restream.domain.server.mediamtx import PathObservation
from restream.service.from_settings import failover_policy
from restream.supervisor.cameras.failover_keeper import FailoverKeeper
from restream.supervisor.loops import Loops
from restream.supervisor.nodes.witness import PathWatch
from tests.unit.fakes import Listener, camera, virtual

A, B, C = map(ServerId, ("default", "east", "west"))
POOL = frozenset({A, B, C})
POLICY = FailoverPolicy(POOL, after_s=30, returns_per_minute=30)
HOMES = {str(number): (A, B, C)[number % 3] for number in range(300)}
OF_A = {key for key, home in HOMES.items() if home == A}


def standings(*down: ServerId, since: float = 0.0) -> dict[ServerId, Standing]:
    return {server: Standing(server not in down, since) for server in POOL}


def away(
    now: float, states: Mapping[ServerId, Standing], before: Mapping[str, ServerId] | None = None, returns: int = 0
) -> dict[str, ServerId]:
    return Failover(POLICY, states, now).away(HOMES, before or {}, returns=returns)


def test_a_short_outage_moves_nothing() -> None:
    assert away(29.9, standings(A)) == {}


def test_cameras_of_a_lost_server_spread_over_the_others_and_no_others_move() -> None:
    found = away(30, standings(A))
    assert found.keys() == OF_A
    shares = [sum(at == server for at in found.values()) for server in (B, C)]
    assert sum(shares) == 100 and min(shares) > 30


def test_a_further_loss_moves_only_that_servers() -> None:
    first = away(30, standings(A))
    second = away(130, {**standings(A), B: Standing(False, 100.0)}, first)
    assert set(second.values()) == {C}
    assert second.keys() == OF_A | {key for key, home in HOMES.items() if home == B}
    assert all(second[key] == C for key, at in first.items() if at == C)


def test_without_another_server_that_is_up_everybody_waits() -> None:
    assert away(100, standings(A, B, C)) == {}
    assert away(100, {A: Standing(False, 0.0)}) == {}


def test_who_is_away_returns_at_its_pace_once_home_has_been_up_for_long() -> None:
    gone = away(30, standings(A))
    back = standings(since=100.0)
    assert away(129, back, gone, returns=7) == gone
    assert len(away(130, back, gone, returns=7)) == len(gone) - 7
    assert away(130, back, gone, returns=0) == gone


def test_who_loses_its_refuge_goes_home_at_once_where_that_is_up() -> None:
    gone = away(30, standings(A))
    states = {A: Standing(True, 99.0), B: Standing(False, 0.0), C: Standing(True, 0.0)}
    found = away(100, states, gone)
    assert {key for key, at in gone.items() if at == C} == {key for key, at in found.items() if HOMES[key] == A}


STATES = st.fixed_dictionaries(
    {}, optional={each: st.builds(Standing, st.booleans(), st.floats(0, 100)) for each in POOL}
)


@given(st.lists(st.tuples(STATES, st.integers(0, 100)), max_size=6))
def test_nobody_moves_without_need(life: list[tuple[dict[ServerId, Standing], int]]) -> None:
    before: dict[str, ServerId] = {}
    for states, returns in life:
        now = 100.0
        after = away(now, states, before, returns)
        lost = {server for server, each in states.items() if not each.up and now - each.since >= 30}
        up = {server for server, each in states.items() if each.up}
        returned = 0
        for key, home in HOMES.items():
            old, new = before.get(key, home), after.get(key, home)
            assert new in POOL
            assert after.get(key) != home
            if old != new:
                assert new in up
                assert old in lost or new == home
                returned += old not in lost
            elif old in lost:
                assert not up
        assert returned <= returns
        before = after


# -- between the table and the fleet -----------------------------------------------------------------------------------


def cameras(count: int = 60) -> list[Camera]:
    return [replace(camera(number), server=(A, B, C)[number % 3]) for number in range(1, count + 1)]


class World:
    def __init__(self, policy: FailoverPolicy) -> None:
        self.fleet = Listener()
        self.keeper = FailoverKeeper(policy, self.fleet)

    def at(self, server: ServerId) -> set[str]:
        return {each.id for each in self.fleet.readings[-1] if each.server == server}


@asynccontextmanager
async def followed(policy: FailoverPolicy = POLICY) -> AsyncIterator[World]:
    world = World(policy)
    async with Loops() as loops:
        loops.start("failover", world.keeper.run)
        for server in POOL:
            world.keeper.server_changed(server, True)
        world.keeper.want(cameras())
        await asyncio.sleep(1)
        yield world


@virtual
async def test_a_lost_server_and_its_return() -> None:
    async with followed() as world:
        had = world.at(A)
        world.keeper.server_changed(A, False)
        await asyncio.sleep(29)
        assert len(world.fleet.readings) == 1
        await asyncio.sleep(2)
        assert not world.at(A)
        assert world.at(B) | world.at(C) == {each.id for each in cameras()}
        readings = len(world.fleet.readings)
        world.keeper.server_changed(A, True)
        await asyncio.sleep(29)
        assert len(world.fleet.readings) == readings
        await asyncio.sleep(2)
        assert world.at(A) == had
        await asyncio.sleep(600)
        assert len(world.fleet.readings) == readings + 1


@virtual
async def test_returns_are_paced_and_a_flapping_server_gets_none() -> None:
    async with followed(replace(POLICY, returns_per_minute=8)) as world:
        world.keeper.server_changed(A, False)
        await asyncio.sleep(31)
        for _ in range(10):
            world.keeper.server_changed(A, True)
            await asyncio.sleep(20)
            world.keeper.server_changed(A, False)
            await asyncio.sleep(20)
        assert not world.at(A)
        world.keeper.server_changed(A, True)
        await asyncio.sleep(31)
        for expected in (8, 16, 20, 20):
            assert len(world.at(A)) == expected
            # A reading of the table in between lets nobody return sooner.
            world.keeper.want(cameras())
            assert len(world.at(A)) == expected
            await asyncio.sleep(60)


@virtual
async def test_with_no_pace_they_stay() -> None:
    async with followed(replace(POLICY, returns_per_minute=0)) as world:
        world.keeper.server_changed(A, False)
        await asyncio.sleep(31)
        world.keeper.server_changed(A, True)
        await asyncio.sleep(3600)
        assert not world.at(A)


@virtual
async def test_rows_and_policies_that_change_meanwhile() -> None:
    async with followed() as world:
        world.keeper.server_changed(A, False)
        await asyncio.sleep(31)
        (moved, *_) = sorted(each.id for each in cameras() if each.server == A)
        # Its path turns up on another server: the two must never meet.
        (other, *_) = (each for each in cameras() if each.server == B)
        path = next(each.path for each in cameras() if each.id == moved)
        world.keeper.want([*(each for each in cameras() if each.id != other.id), replace(other, path=path)])
        assert world.at(A) == {moved}
        world.keeper.want([each for each in cameras() if each.id != moved])
        assert not world.at(A)
        world.keeper.adopt(replace(POLICY, pool=frozenset({A, B})))
        assert not world.at(A) and world.at(C) == {each.id for each in cameras() if each.server == C}
        world.keeper.adopt(FailoverPolicy())
        assert len(world.at(A)) == 19


# -- who is asked whether a camera is published ------------------------------------------------------------------------


def picture(path: str, *, live: bool) -> ServerPicture:
    stream = Stream(
        PathObservation(path, available=live, source_type="rtspSession", inbound_bytes=1), Flow(1, 100.0, 100.0)
    )
    return ServerPicture({path: stream}, observed_at=100.0, asked_at=100.0, fresh_since=50.0)


@pytest.mark.parametrize(
    ("live_at", "unseen", "seen"),
    [
        ((), (), Witnessed.SILENT),
        ((A,), (), Witnessed.SERVED),
        ((B,), (), Witnessed.SERVED),
        ((B,), (A,), Witnessed.SERVED),
        ((), (A,), Witnessed.UNSEEN),
        ((), (B,), Witnessed.SILENT),
    ],
)
def test_a_camera_is_silent_where_no_server_has_it(
    live_at: tuple[ServerId, ...], unseen: tuple[ServerId, ...], seen: Witnessed
) -> None:
    which = replace(camera(1), server=C, places=(A, B, C))
    pictures = {server: picture(which.path, live=server in live_at) for server in POOL - set(unseen)}
    assert PathWatch(lambda: pictures, lambda _: 12.0, 6.0).see(which, 101.0).witnessed is seen


@virtual
async def test_who_may_move_says_where_it_may_be() -> None:
    async with followed(replace(POLICY, pool=frozenset({A, B}))) as world:
        assert {(each.server, each.places) for each in world.fleet.readings[-1]} == {(A, (A, B)), (B, (B, A)), (C, ())}


# -- configuration -----------------------------------------------------------------------------------------------------

EAST = '{api_url: "http://10.1.0.2:9997", rtsp_url: "rtsp://10.1.0.2:8554"'


@pytest.mark.parametrize(
    ("mediamtx", "pool"),
    [
        (f"{{servers: {{east: {EAST}}}}}}}", set()),
        (f"{{on_server_loss: move, servers: {{east: {EAST}}}}}}}", {A, B}),
        (f"{{on_server_loss: move, servers: {{east: {EAST}, on_server_loss: wait}}}}}}", {A}),
        (f"{{servers: {{east: {EAST}, on_server_loss: move}}}}}}", {B}),
    ],
)
def test_which_servers_give_and_take(tmp_path: Path, mediamtx: str, pool: set[ServerId]) -> None:
    path = tmp_path / "restream.yml"
    path.write_text(f"mediamtx: {mediamtx}\n", encoding="utf-8")
    assert failover_policy(load_settings(path)) == FailoverPolicy(frozenset(pool), 30, 30)
