"""A cycle: judged, remembered, rendered; and when the next one comes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec
import orjson
import pytest

from restream.domain.camera.camera import RejectedRow
from restream.domain.judgement.availability import Span, Timeline
from restream.domain.judgement.flaws import Thresholds
from restream.domain.judgement.sight import ServiceStanding, Sight
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.status import CameraStatus, Subject
from restream.domain.judgement.verdict import NOT_JUDGED, Health, Verdict
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase, State
from restream.domain.news.alert import AlertRules
from restream.domain.news.component import Component, ComponentState
from restream.domain.news.event import ComponentChange
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.mediamtx import PathObservation, ServerView
from restream.interfaces.documents import rendering as rendering_module
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.rendering import Renderer, Rendering
from restream.interfaces.documents.status import ServiceFacts
from restream.supervisor.components import Components
from restream.supervisor.loops import Loops
from restream.supervisor.outlets.alert_watch import AlertWatch
from restream.supervisor.picture import assessor
from restream.supervisor.picture.assessor import Assessor
from restream.supervisor.picture.cycle import Cycle, Scene
from tests.support.openapi import conforms
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


@pytest.mark.parametrize("draining", [False, True])
def test_a_fleet_that_is_drained_is_no_outage(draining: bool, caplog: pytest.LogCaptureFixture) -> None:
    desk, alerts = Desk(), AlertWatch([], Components(), AlertRules(collect_s=0.0))
    stopping = RUNNING._replace(phase=Phase.STOPPING, stop_cause=Cause.STALLED)
    for at in range(0, 300, 2):
        # A long drain: one after the other has ended, some did nothing any more before.
        left = [status(n, RUNNING if at < 20 else stopping if n % 2 else BROKEN) for n in range(at // 50, 10)]
        named = {each.camera.id: each for each in left}
        server, drains = received(*range(10), at=at), draining and at >= 20
        reports = dict(
            desk.assessor.assess(named, {DEFAULT_SERVER: server}, at, 1000.0 + at, standing=ServiceStanding(drains))
        )
        snapshot_ = Snapshot(at, 1000.0 + at, at, reports, servers={DEFAULT_SERVER: server}, draining=drains)
        alerts.publish(Rendering(snapshot_, {}))
    assert ("alert: down" in caplog.text, bool(desk.changes)) == (not draining, not draining)


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


def test_a_camera_that_is_disabled_keeps_what_was_known_of_it() -> None:
    earlier = Timeline((Span(500.0, Health.HEALTHY),))
    for late in (False, True):
        desk, row = Desk(), replace(camera(1), enabled=False)
        if late:
            desk.assess([row], 0)
        desk.assessor.restore({"1": earlier}, 600.0)
        # What is archived is that of its report: an empty one would take the place of what there is.
        spans = desk.assess([row], 1)["1"].timeline.spans
        assert [span.health for span in spans] == [Health.HEALTHY, Health.UNKNOWN, Health.DISABLED]


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
async def test_an_earlier_life_is_kept_until_the_table_is_known_and_only_for_its_cameras() -> None:
    earlier = Timeline((Span(500.0, Health.DOWN),))
    scene = Scene()
    taken: list[Snapshot] = []

    async def publish(snapshot: Snapshot) -> None:
        taken.append(snapshot)

    assessor = Assessor(Thresholds(), lambda _: None)
    assessor.restore({"1": earlier, "9": earlier}, 600.0)
    cycle = Cycle(lambda: scene, assessor, publish, lambda _: None, servers=1, longest_s=2.0)
    async with Loops() as services:
        services.start("cycle", cycle.run)
        for ids in ((), (1,), (1, 9)):
            scene = Scene({str(n): status(n, BROKEN) for n in ids}, table_read=bool(ids))
            await asyncio.sleep(2)
    assert [each.table_read for each in taken[-2:]] == [True, True]
    first = {camera_id: report.timeline.spans[0].health for camera_id, report in taken[-1].reports.items()}
    assert first == {"1": Health.UNKNOWN, "9": Health.DOWN}


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


def snapshot(generation: int, subjects: dict[int, State], count: int = 1) -> Snapshot:
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


def plain(document: Any) -> Any:
    return orjson.loads(msgspec.json.encode(document))


# -- one camera's defect ---------------------------------------------------------------------------------------------


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_camera_that_cannot_be_judged_is_unknown_and_the_others_are_judged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk()
    both = [status(1, RUNNING), status(2, RUNNING)]
    before = desk.assess(both, 0)
    real = assessor.judge

    def judge(sight: Sight) -> Verdict:
        if sight.status.camera.id == "1":
            raise ZeroDivisionError
        return real(sight)

    monkeypatch.setattr(assessor, "judge", judge)
    for at in (10, 20):
        found = desk.assess(both, at)
        assert list(found) == ["1", "2"]
        assert (found["1"].verdict, found["1"].judged_since) == (NOT_JUDGED, 10)
        assert found["1"].stream is before["1"].stream
        assert found["1"].timeline.spans[-1].health is Health.UNKNOWN
        assert found["2"].verdict.health is Health.HEALTHY
    assert len(errors(caplog)) == 1 and "camera 1 cannot be judged" in errors(caplog)[0]
    monkeypatch.undo()
    assert desk.assess(both, 30)["1"].verdict.health is Health.HEALTHY
    monkeypatch.setattr(assessor, "judge", judge)
    desk.assess(both, 40)
    assert len(errors(caplog)) == 2, "it is told again once it had worked"
    assert desk.changes == []


def test_a_camera_that_could_never_be_judged_is_there_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assessor, "judge_row", lambda _: 1 / 0)
    found = Desk().assess([camera(1, enabled=False), status(2, RUNNING)], 0)
    assert (found["1"].verdict, found["2"].verdict.health) == (NOT_JUDGED, Health.HEALTHY)


async def test_a_camera_that_cannot_be_shown_keeps_its_document_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    renderer = Renderer(ServiceFacts("node", "1", "i", 0.0, 2.0))
    real = rendering_module.renewed

    def renewed(taken: Snapshot, report: Report, *others: Any) -> CameraDocument:
        if isinstance(report.subject, CameraStatus) and report.subject.camera.id in broken:
            raise ZeroDivisionError
        return real(taken, report, *others)

    broken: set[str] = set()
    monkeypatch.setattr(rendering_module, "renewed", renewed)
    good = await renderer.render(snapshot(1, {1: RUNNING, 2: RUNNING}))
    broken.add("1")
    first = await renderer.render(snapshot(2, {1: BROKEN, 2: BROKEN, 3: RUNNING}))
    second = await renderer.render(snapshot(3, {1: BROKEN, 2: BROKEN, 3: RUNNING}))
    for each in (first, second):
        assert (each.cameras["1"].phase, each.cameras["1"].name) == ("running", good.cameras["1"].name)
        verdict = each.cameras["1"].verdict
        assert (verdict.health, verdict.reasons[0].code) == ("unknown", "internal")
        assert orjson.loads(each.encoded["1"]) == msgspec.json.decode(msgspec.json.encode(each.cameras["1"]))
        assert (each.cameras["2"].phase, each.cameras["3"].phase) == ("backoff", "running")
        conforms(plain(each.cameras["1"]), "Camera")
    assert second.changed_since(2) == []
    assert len(errors(caplog)) == 1 and "camera 1 cannot be shown" in errors(caplog)[0]
    broken.clear()
    again = await renderer.render(snapshot(4, {1: BROKEN, 2: BROKEN, 3: RUNNING}))
    assert again.cameras["1"].phase == "backoff" and again.cameras["1"].verdict.health == "down"
    assert again.changed_since(3) == ["1"]


async def test_a_camera_that_could_never_be_shown_is_listed_all_the_same() -> None:
    renderer = Renderer(ServiceFacts("node", "1", "i", 0.0, 2.0))
    taken = snapshot(1, {1: RUNNING, 2: RUNNING})
    # Text that no JSON can hold.
    hostile = taken.reports["1"]._replace(subject=replace(status(1, RUNNING), camera=replace(camera(1), name="\ud800")))
    shown = await renderer.render(replace(taken, reports={**taken.reports, "1": hostile}))
    assert list(shown.cameras) == ["1", "2"]
    conforms(plain(shown.cameras["1"]), "Camera")
    assert shown.status.health == {"unknown": 1, "healthy": 1}
    assert [each["id"] for each in orjson.loads(shown.documents().snapshot or b"")["cameras"]] == ["1", "2"]
