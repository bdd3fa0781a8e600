"""The ring of events, and what an outage of the media server does to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from types import MappingProxyType

import pytest

from restream.domain.judgement.availability import Span, Timeline
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.verdict import Health, Verdict, judge_row
from restream.domain.life.cause import Cause, Side
from restream.domain.life.lifecycle import Phase
from restream.domain.news.component import ComponentState
from restream.domain.news.event import ComponentChange, Event, HealthChange, ServerRestart, Transition
from restream.domain.server.identity import DEFAULT_SERVER
from restream.interfaces.documents.events import event
from restream.interfaces.documents.rendering import Rendering
from restream.interfaces.documents.status import ServiceFacts, status
from restream.ports.outlets import EventRecord, Records, SinkError
from restream.supervisor.loops import Loops
from restream.supervisor.outlets.archivist import Archivist
from restream.supervisor.picture.history import History
from tests.unit.fakes import camera, settle, virtual

UP, DOWN = ComponentState.UP, ComponentState.DOWN


def transition(at: float, camera: int, after: Phase, cause: Cause | None = None) -> Transition:
    return Transition(at, str(camera), "", Phase.RUNNING, after, cause, "", None)


def server(at: float, after: ComponentState) -> ComponentChange:
    return ComponentChange(at, "mediamtx", UP if after is DOWN else DOWN, after, "", DEFAULT_SERVER)


def told(*events: Event, settled_at: float = 1e6) -> list[tuple[str, str | None, str]]:
    history = History(event)
    for each in events:
        history.settle(each.at)
        history.happened(each)
    history.settle(settled_at)
    return [(each.kind, each.camera, each.after) for each in history.after(0)]


def test_an_outage_of_the_media_server_is_one_event_for_any_number_of_cameras() -> None:
    cut_off = [transition(1, camera, Phase.BACKOFF, Cause.SERVER_GONE) for camera in range(50)]
    waiting = [transition(1.2, camera, Phase.WAITING, Cause.SERVER_GONE) for camera in range(50)]
    health = [
        HealthChange(1.3, str(camera), "", Health.HEALTHY, Verdict(Health.DOWN, Side.MEDIA_SERVER))
        for camera in range(50)
    ]
    back = [
        each
        for camera in range(50)
        for each in (
            transition(9, camera, Phase.STARTING, Cause.SERVER_GONE),
            HealthChange(9.5, str(camera), "", Health.DOWN, Verdict(Health.HEALTHY, Side.NONE)),
            transition(10, camera, Phase.RUNNING),
        )
    ]
    events = [*cut_off, server(1.1, DOWN), *waiting, *health, server(8, UP), *back]
    assert told(*events) == [("component", None, "down"), ("component", None, "up")]


def test_a_restart_between_two_sweeps_is_one_event() -> None:
    cut_off = [transition(1, camera, Phase.BACKOFF, Cause.SERVER_GONE) for camera in range(50)]
    back = [transition(4, camera, Phase.RUNNING) for camera in range(50)]
    assert told(*cut_off, ServerRestart(2, "restarted"), *back) == [("component", None, "restarted")]


def test_one_stream_that_the_server_cuts_off_is_told_once_the_server_is_known_to_be_innocent() -> None:
    cut_off = transition(1, 7, Phase.BACKOFF, Cause.SERVER_GONE)
    assert told(cut_off, settled_at=3) == []
    assert told(cut_off, settled_at=20) == [("camera", "7", "backoff")]


def test_another_failure_on_the_way_back_is_news() -> None:
    events = [
        transition(1, 7, Phase.BACKOFF, Cause.SERVER_GONE),
        server(2, DOWN),
        server(8, UP),
        transition(9, 7, Phase.BACKOFF, Cause.REFUSED),
        transition(20, 7, Phase.RUNNING),
    ]
    expected = [("component", None, "down"), ("component", None, "up"), ("camera", "7", "backoff")]
    assert told(*events) == [*expected, ("camera", "7", "running")]


def test_ids_rise_whatever_the_clock_does() -> None:
    history = History(event)
    for at in (100.0, 100.0, 50.0, 200.0):
        history.happened(transition(at, 1, Phase.RUNNING))
    ids = [each.id for each in history.after(0)]
    assert ids == [100_000, 100_001, 100_002, 200_000]
    assert [each.id for each in history.after(100_001)] == ids[2:]


def test_events_are_found_by_camera_and_kind_and_the_newest_win() -> None:
    history = History(event)
    for at in range(10):
        history.happened(transition(float(at), at % 2, Phase.RUNNING))
    history.happened(server(20, DOWN))
    assert {each.camera for each in history.after(0, camera_id="1")} == {"1"}
    assert [each.name for each in history.after(0, kind="component")] == ["mediamtx"]
    assert [each.id for each in history.after(0, limit=2)] == [9000, 20_000]


def test_events_of_an_earlier_life_come_first() -> None:
    history = History(event)
    history.happened(transition(100, 1, Phase.RUNNING))
    older = [event(5, transition(0.005, 1, Phase.HELD)), event(10**9, server(1, UP))]
    history.restore(older)
    assert [each.id for each in history.after(0)] == [5, 100_000]


def test_ids_rise_after_a_life_whose_clock_was_ahead() -> None:
    history = History(event)
    history.restore([event(200_000, server(200, UP))])
    history.happened(transition(100, 1, Phase.RUNNING))
    assert [each.id for each in history.after(0)] == [200_000, 200_001]


def test_a_clock_that_is_set_back_keeps_no_event_back() -> None:
    assert told(transition(1000, 7, Phase.BACKOFF, Cause.SERVER_GONE), settled_at=10) == [("camera", "7", "backoff")]


def rendering(snapshot: Snapshot) -> Rendering:
    return Rendering(snapshot, status(ServiceFacts("site-a", "1", "i", 0.0, 2.0), snapshot, ()))


class Shelf:
    """An archive that keeps what it is given."""

    name = "shelf"

    def __init__(self, *events: EventRecord, earlier: Mapping[str, Timeline] = MappingProxyType({})) -> None:
        self.events = list(events)
        self.timelines = dict(earlier)
        self.error = False

    async def load(self) -> Records:
        return Records(list(self.events), dict(self.timelines), 0.0)

    async def save(self, records: Records, removed: Collection[str]) -> int:
        if self.error:
            raise SinkError("away")
        self.events += records.events
        self.timelines |= records.timelines
        for camera_id in removed:
            self.timelines.pop(camera_id, None)
        return len(self.timelines)

    async def close(self) -> None:
        """Nothing is held open."""


@virtual
async def test_events_are_kept_after_a_life_whose_clock_was_ahead() -> None:
    shelf, history = Shelf(event(10**9, server(10**6, UP))), History(event)
    archivist = Archivist(shelf, history, lambda *_: None)
    history.happened(transition(100, 1, Phase.RUNNING))
    async with Loops() as services:
        services.start("archive", archivist.run)
        archivist.publish(rendering(Snapshot(1, 100.0, 0.0)))
        await settle()
        history.happened(transition(101, 1, Phase.RUNNING))
        archivist.publish(rendering(Snapshot(2, 101.0, 1.0)))
        await settle()
    assert [each.id for each in shelf.events] == [10**9, 100_000, 101_000]


@virtual
async def test_timelines_that_an_archive_lost_are_kept_again() -> None:
    shelf, report = Shelf(), Report(camera(1), judge_row(camera(1)), 0.0)
    archivist = Archivist(shelf, History(event), lambda *_: None)
    async with Loops() as services:
        services.start("archive", archivist.run)
        for generation in range(4):
            archivist.publish(rendering(Snapshot(generation, 100.0 + generation, 0.0, {"1": report, "2": report})))
            await settle()
            assert len(shelf.timelines) == (2 if generation != 1 else 0)
            if generation == 0:
                shelf.timelines.clear()
    assert set(shelf.timelines) == {"1", "2"}


@virtual
async def test_cameras_that_were_deleted_meanwhile_are_forgotten_once_the_table_is_known() -> None:
    shelf = Shelf(earlier={"1": Timeline((Span(1.0, Health.DOWN),)), "9": Timeline((Span(1.0, Health.DOWN),))})
    report = Report(camera(1), judge_row(camera(1)), 0.0)
    archivist = Archivist(shelf, History(event), lambda *_: None)
    async with Loops() as services:
        services.start("archive", archivist.run)
        for generation in range(3):
            archivist.publish(rendering(Snapshot(generation, 100.0, 0.0)))
            await settle()
            assert set(shelf.timelines) == {"1", "9"}
        shelf.error = True
        archivist.publish(rendering(Snapshot(4, 101.0, 1.0, {"1": report}, table_read=True)))
        await settle()
        shelf.error = False
        archivist.publish(rendering(Snapshot(5, 102.0, 2.0, {"1": report}, table_read=True)))
        await asyncio.sleep(10)
        assert set(shelf.timelines) == {"1"}


@virtual
async def test_an_archive_that_refuses_is_one_line_each_time_that_it_begins_to(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shelf = Shelf()
    archivist = Archivist(shelf, History(event), lambda *_: None)
    async with Loops() as services:
        services.start("archive", archivist.run)
        for generation in range(20):
            shelf.error = generation % 10 < 5
            archivist.publish(rendering(Snapshot(generation, 100.0, 0.0)))
            await asyncio.sleep(10)
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told == ["shelf: what happens is not kept for now: away"] * 2


def test_what_an_outage_did_to_a_camera_is_forgotten_when_it_leaves() -> None:
    history = History(event)
    history.happened(server(1, DOWN))
    for number in range(50):
        history.happened(transition(1, number, Phase.BACKOFF, Cause.SERVER_GONE))
        history.happened(
            HealthChange(2, str(number), "", Health.HEALTHY, Verdict(Health.DOWN, Side.MEDIA_SERVER)),
        )
    history.keep_only({"7"})
    assert (history._cut_off, history._away) == ({"7"}, {"7"})
    history.happened(server(8, UP))
    history.happened(transition(9, 7, Phase.RUNNING))
    history.happened(transition(9, 8, Phase.RUNNING))
    assert [each.camera for each in history.after(0)] == [None, None, "8"]
