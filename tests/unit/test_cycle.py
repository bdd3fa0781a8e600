"""A cycle: judged, remembered, rendered; and when the next one comes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson

from restream.domain.camera.camera import RejectedRow
from restream.domain.judgement.availability import Span, Timeline
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.status import CameraStatus, Subject
from restream.domain.judgement.verdict import Health, Thresholds
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase, State
from restream.domain.news.component import Component, ComponentState
from restream.domain.news.event import ComponentChange
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.mediamtx import PathObservation, ServerView
from restream.interfaces.documents.rendering import Renderer
from restream.interfaces.documents.status import ServiceFacts
from restream.supervisor.loops import Loops
from restream.supervisor.picture.assessor import Assessor
from restream.supervisor.picture.cycle import Cycle, Scene
from tests.unit.fakes import Listener, camera, virtual

RUNNING = State(Phase.RUNNING, 0.0, running_since=0.0, unpublished_since=None)
BROKEN = State(Phase.BACKOFF, 0.0, deadline=20.0, cause=Cause.REFUSED, last_cause=Cause.REFUSED, unpublished_since=0.0)


def status(camera_id: int, state: State) -> CameraStatus:
    return CameraStatus(camera(camera_id), state, None, None)


def received(*ids: int, at: float = 10.0, count: int = 1000) -> ServerPicture:
    paths = {f"cam{n}": PathObservation(f"cam{n}", True, "rtspSession", "s", inbound_bytes=count) for n in ids}
    return ServerPicture().swept(ServerView(paths=paths), at)


class Desk:
    """An assessor, and what it said."""

    def __init__(self) -> None:
        listener = Listener()
        self.changes: list[Any] = listener.events
        self.assessor = Assessor(Thresholds(), listener)

    def assess(self, subjects: Iterable[Subject], at: float, server: ServerPicture | None = None) -> dict[str, Report]:
        named = {each.camera.id if isinstance(each, CameraStatus) else each.id: each for each in subjects}
        return dict(self.assessor.assess(named, {DEFAULT_SERVER: server or received(1, 2)}, at, 1000 + at))


def test_a_verdict_keeps_its_age_as_long_as_it_means_the_same() -> None:
    desk = Desk()
    desk.assess([status(1, RUNNING)], 0)
    assert desk.assess([status(1, RUNNING._replace(since=5.0))], 10)["1"].judged_since == 0
    assert desk.assess([status(1, BROKEN)], 20)["1"].judged_since == 20


def test_a_row_at_rest_keeps_the_moment_it_came_to_rest() -> None:
    desk = Desk()
    rest = [camera(1, enabled=False), RejectedRow("7", "", "link: is empty")]
    desk.assess(rest, 0)
    found = desk.assess(rest, 50)
    assert {report.judged_since for report in found.values()} == {0}


def test_changes_of_health_are_told_and_unknown_time_between_them_is_not() -> None:
    desk = Desk()
    starting = State(Phase.PROBING, 0.0)
    for at, state in enumerate([starting, RUNNING, starting, RUNNING, BROKEN, BROKEN, RUNNING]):
        desk.assess([status(1, state)], float(at))
    assert [(each.before, each.after.health) for each in desk.changes] == [
        (Health.HEALTHY, Health.DOWN),
        (Health.DOWN, Health.HEALTHY),
    ]


def test_restarts_count_by_cause_and_those_of_the_server_or_on_request_are_no_flaw() -> None:
    desk = Desk()
    causes = (Cause.SERVER_GONE, Cause.STOPPED, Cause.STALLED, Cause.STALLED, Cause.SERVER_GONE, Cause.STALLED)
    for restarts, cause in enumerate(causes, 1):
        state = RUNNING._replace(restarts=restarts, last_cause=cause)
        report = desk.assess([status(1, state)], float(restarts))["1"]
    assert dict(report.restarts) == {Cause.SERVER_GONE: 2, Cause.STOPPED: 1, Cause.STALLED: 3}
    assert report.quality.restarts == 3
    assert report.verdict.reasons[0].code == "restarts"


def test_the_publisher_that_ran_before_is_no_intruder_for_a_while() -> None:
    desk = Desk()
    desk.assess([status(1, RUNNING)], 10.0, received(1, at=10.0))
    ended = BROKEN._replace(cause=Cause.SERVER_GONE, unpublished_since=11.0)
    assert desk.assess([status(1, ended)], 13.0, received(1, at=13.0))["1"].verdict.reasons[0].code == "server_gone"
    assert desk.assess([status(1, ended)], 30.0, received(1, at=30.0))["1"].verdict.reasons[0].code == "server_conflict"


def test_what_was_known_in_an_earlier_life_is_taken_up_whenever_it_comes() -> None:
    earlier = Timeline((Span(500.0, Health.DOWN),))
    for late in (False, True):
        desk = Desk()
        if late:
            desk.assess([status(1, RUNNING)], 0)
        desk.assessor.restore({"1": earlier, "9": earlier}, 600.0)
        spans = desk.assess([status(1, RUNNING)], 1)["1"].timeline.spans
        assert [span.health for span in spans] == [Health.DOWN, Health.UNKNOWN, Health.HEALTHY]


def test_a_camera_that_left_is_forgotten() -> None:
    desk = Desk()
    desk.assess([status(1, BROKEN)], 0)
    desk.assess([], 10)
    assert len(desk.assess([status(1, BROKEN)], 20)["1"].timeline.spans) == 1


# -- the rhythm --------------------------------------------------------------------------------------------------------


CHANGE = ComponentChange(0.0, "redis", ComponentState.UP, ComponentState.DOWN, "")


class Beat:
    def __init__(self) -> None:
        self.at: list[float] = []
        self.generations: list[int] = []
        self.work_s = 0.0
        self.cycle = Cycle(
            Scene, Assessor(Thresholds(), Listener()), self._publish, lambda _: None, servers=1, longest_s=2.0
        )

    async def _publish(self, snapshot: Snapshot) -> None:
        self.at.append(round(asyncio.get_running_loop().time() - 1000, 3))
        self.generations.append(snapshot.generation)
        await asyncio.sleep(self.work_s)


@virtual
async def test_without_sweeps_a_cycle_comes_at_the_latest_every_interval() -> None:
    beat = Beat()
    async with Loops() as services:
        services.start("cycle", beat.cycle.run)
        await asyncio.sleep(7)
    assert beat.at == [0, 2, 4, 6]
    assert beat.generations == [1, 2, 3, 4]


@virtual
async def test_a_sweep_is_followed_at_once_and_a_change_after_a_pause() -> None:
    beat = Beat()
    async with Loops() as services:
        services.start("cycle", beat.cycle.run)
        await asyncio.sleep(0.1)
        beat.cycle.observed(DEFAULT_SERVER, ServerPicture())
        await asyncio.sleep(0.05)
        beat.cycle.happened(CHANGE)
        await asyncio.sleep(1)
    assert beat.at == [0, 0.1, 0.4]


@virtual
async def test_changes_never_cost_more_than_a_tenth_of_the_time() -> None:
    beat = Beat()
    beat.work_s = 0.1
    async with Loops() as services:
        services.start("cycle", beat.cycle.run)
        for _ in range(100):
            beat.cycle.happened(CHANGE)
            await asyncio.sleep(0.05)
    assert beat.at == [0, 1, 2, 3, 4]


# -- the rendering -----------------------------------------------------------------------------------------------------


def snapshot(generation: int, subjects: dict[int, State], count: int = 0) -> Snapshot:
    desk = Desk()
    picture = received(*(key for key, state in subjects.items() if state is RUNNING), count=count)
    reports = desk.assess([status(key, state) for key, state in subjects.items()], 10.0, picture)
    reports = {
        key: report._replace(quality=report.quality._replace(bitrate_bps=float(count) or None), judged_since=7.0)
        for key, report in reports.items()
    }
    return Snapshot(generation, 1000.0 + generation, 10.0 + generation, reports, servers={DEFAULT_SERVER: picture})


async def rendered(*snapshots: Snapshot) -> list[Any]:
    renderer = Renderer(ServiceFacts("node", "1", "i", 0.0, 2.0))
    return [await renderer.render(each) for each in snapshots]


async def test_only_what_changed_is_encoded_again() -> None:
    first, second, third = await rendered(
        snapshot(1, {1: RUNNING, 2: RUNNING}),
        snapshot(2, {1: RUNNING, 2: BROKEN}),
        snapshot(3, {1: RUNNING, 2: BROKEN}),
    )
    assert second.encoded["1"] is first.encoded["1"]
    assert second.changed_since(1) == ["2"]
    assert third.changed_since(2) == []
    assert third.changed_since(0) == ["1", "2"]
    assert [each.version for each in (first, second, third)] == [1, 2, 2]
    assert orjson.loads(second.encoded["2"])["phase"] == "backoff"


async def test_a_clock_that_is_set_back_moves_every_moment_with_it() -> None:
    parts = {"redis": Component("redis", ComponentState.UP, 8.0)}
    before = replace(snapshot(1, {1: RUNNING}), components=parts)
    later = replace(before, generation=2, taken_at=before.taken_at - 3600, now=12.0)
    (rendering,) = (await rendered(before, later))[1:]
    moments = [rendering.cameras["1"].since, rendering.cameras["1"].verdict.since]
    moments.append(rendering.status.components["redis"].since)
    assert max(moments) <= rendering.status.time, moments
    assert rendering.status.uptime_s == 12


async def test_a_bitrate_that_trembles_is_no_change_and_one_that_moves_is() -> None:
    renderings = await rendered(
        *(snapshot(n, {1: RUNNING}, count) for n, count in enumerate((1000, 1050, 1090, 1200), 1))
    )
    assert [each.cameras["1"].bitrate_bps for each in renderings] == [1000, 1000, 1000, 1200]


async def test_removals_are_remembered_until_they_return() -> None:
    first, second, third = await rendered(
        snapshot(1, {1: RUNNING, 2: RUNNING}), snapshot(2, {1: RUNNING}), snapshot(3, {1: RUNNING, 2: RUNNING})
    )
    assert first.removed_since(0) == []
    assert second.removed_since(1) == ["2"]
    assert second.removed_since(2) == []
    assert (third.removed_since(1), third.changed_since(2)) == ([], ["2"])


async def test_the_status_counts_every_row() -> None:
    (only,) = await rendered(snapshot(1, {1: RUNNING, 2: BROKEN, 3: BROKEN}))
    assert only.status.cameras == 3
    assert only.status.health == {"healthy": 1, "down": 2}
    assert only.status.fault == {"none": 1, "camera": 2}
    whole = orjson.loads(only.documents().snapshot)
    assert [each["id"] for each in whole["cameras"]] == ["1", "2", "3"]
