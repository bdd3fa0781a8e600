"""Following the table and the media server, with fakes, in virtual time."""

import asyncio
import logging

import pytest

from restream.domain.camera.camera import Camera, RowReader
from restream.domain.life.lifecycle import Phase
from restream.domain.news.component import ComponentState
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.mediamtx import ServerView
from restream.ports.cameras import DatabaseError
from restream.ports.servers import ServerStatus
from restream.supervisor.cameras.registry import Registry
from restream.supervisor.components import Components
from restream.supervisor.loops import Loops
from restream.supervisor.picture.observer import Observer
from tests.unit.fakes import (
    FakeEngine,
    FakeServer,
    FakeTable,
    Listener,
    Stage,
    camera,
    now,
    row,
    settle,
    types,
    virtual,
)

AWAY = DatabaseError("connection refused")


class Desk:
    """A registry over a fake table, and what it said."""

    def __init__(self, *rows: dict[str, object], poll_s: float = 10) -> None:
        self.table = FakeTable(*rows)
        self.components = Components()
        self.listener = Listener()
        self.readings = self.listener.readings
        self.registry = Registry(self.table, RowReader(types()), self.components, self.listener, poll_s=poll_s)

    @property
    def latest(self) -> list[str]:
        return [camera.id for camera in self.readings[-1]]


@virtual
async def test_an_empty_table_is_a_normal_state() -> None:
    desk = Desk()
    async with Loops() as services:
        services.start("registry", desk.registry.run)
        await settle()
        assert desk.readings == [[]]
        assert desk.components.state("database") is ComponentState.UP


@virtual
async def test_a_table_that_could_not_be_read_is_not_known() -> None:
    desk = Desk(row(1))
    desk.table.error = AWAY
    async with Loops() as services:
        services.start("registry", desk.registry.run)
        await asyncio.sleep(30)
        assert not desk.registry.was_read
        desk.table.error = None
        await asyncio.sleep(5)
        assert desk.registry.was_read
        desk.table.error = AWAY
        desk.table.notify()
        await asyncio.sleep(5)
        assert desk.components.state("database") is ComponentState.DOWN
        assert desk.registry.was_read


@virtual
async def test_the_table_is_polled_and_only_changes_are_told() -> None:
    desk = Desk(row(1))
    async with Loops() as services:
        services.start("registry", desk.registry.run)
        await asyncio.sleep(95)
        assert desk.table.reads_total == 10
        assert len(desk.readings) == 1
        desk.table.rows.append(row(2))
        await asyncio.sleep(10)
        assert desk.latest == ["1", "2"]
        assert len(desk.readings) == 2
    assert desk.table.closed


@virtual
async def test_a_notification_is_followed_at_once_and_a_burst_is_one_reading() -> None:
    desk = Desk(row(1))
    async with Loops() as services:
        services.start("registry", desk.registry.run)
        await asyncio.sleep(1)
        desk.table.rows.append(row(2))
        told_at = now()
        for _ in range(500):
            desk.table.notify()
        while len(desk.readings) < 2:
            await asyncio.sleep(0.01)
        assert now() - told_at < 0.2
        await asyncio.sleep(1)
        assert desk.table.reads_total == 2


@virtual
async def test_a_notification_during_a_reading_is_not_lost() -> None:
    desk = Desk(row(1))
    reading = asyncio.Event()
    original = desk.table.read

    async def slow_read() -> object:
        rows = await original()
        if not reading.is_set():
            reading.set()
            await asyncio.sleep(1)
        return rows

    desk.table.read = slow_read  # type: ignore[method-assign,assignment]
    async with Loops() as services:
        services.start("registry", desk.registry.run)
        await reading.wait()
        desk.table.rows.append(row(2))
        desk.table.notify()
        await asyncio.sleep(2)
        assert desk.latest == ["1", "2"]


@virtual
async def test_a_database_that_is_away_never_reads_as_no_cameras() -> None:
    desk = Desk(row(1))
    async with Loops() as services:
        services.start("registry", desk.registry.run)
        await settle()
        desk.table.error = AWAY
        await asyncio.sleep(600)
        assert len(desk.readings) == 1
        assert desk.components.state("database") is ComponentState.DOWN
        assert "streams go on" in desk.components.all["database"].detail
        # Every 2 s, so that changes act soon after it is back.
        assert 240 <= desk.table.connects_total <= 400
        desk.table.error = None
        desk.table.rows.append(row(2))
        await asyncio.sleep(40)
        assert desk.latest == ["1", "2"]
        assert desk.components.state("database") is ComponentState.UP


@virtual
async def test_a_database_error_never_stops_cameras() -> None:
    stage = Stage()
    table = FakeTable(row(1), row(2))
    registry = Registry(table, RowReader(types()), Components(), stage.supervisor, poll_s=10)
    async with Loops() as services:
        services.start("registry", registry.run)
        await asyncio.sleep(5)
        assert [stage.phase(1), stage.phase(2)] == [Phase.RUNNING] * 2
        table.error = AWAY
        await asyncio.sleep(300)
        stage.publisher.of("1").end()
        await asyncio.sleep(5)
        assert [stage.phase(1), stage.phase(2)] == [Phase.RUNNING] * 2
        assert stage.publisher.starts_of("2") == 1


@virtual
async def test_a_defect_in_reading_is_survived(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(row(1))
    async with Loops() as services:
        services.start("registry", desk.registry.run)
        await settle()
        desk.table.error = RuntimeError("a bug")
        await asyncio.sleep(30)
        assert "registry failed and is started again" in caplog.text
        desk.table.error = None
        desk.table.rows.append(row(2))
        await asyncio.sleep(10)
        assert desk.latest == ["1", "2"]


@virtual
async def test_a_reading_that_could_not_be_followed_is_told_again() -> None:
    desk = Desk(row(1))
    told: list[list[Camera]] = []

    class ExplodesOnce:
        def want(self, cameras: list[Camera]) -> None:
            told.append(cameras)
            if len(told) == 1:
                raise RuntimeError("a bug")

    registry = Registry(desk.table, RowReader(types()), Components(), ExplodesOnce(), poll_s=10)
    async with Loops() as services:
        services.start("registry", registry.run)
        await asyncio.sleep(30)
        assert len(told) == 2


@virtual
async def test_a_rejected_row_is_reported_once_and_takes_nobody_with_it(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(row(1), {"id": 2, "link": "no host here"}, row(3, enabled=False), row(3))
    async with Loops() as services:
        services.start("registry", desk.registry.run)
        await asyncio.sleep(1)
        assert desk.latest == ["1", "3"]
        assert desk.registry.rejected["2"].problem.startswith("link: ")
        assert list(desk.registry.disabled) == ["3"]
        desk.table.rows.append(row(4))
        await asyncio.sleep(10)
    assert [record.message for record in caplog.records].count(
        "row 2 is skipped: link: expected a host, host:port or a URL"
    ) == 1


@virtual
async def test_a_repaired_row_is_accepted() -> None:
    desk = Desk({"id": 2, "link": "no host here"})
    async with Loops() as services:
        services.start("registry", desk.registry.run)
        await asyncio.sleep(1)
        desk.table.rows[:] = [row(2)]
        await asyncio.sleep(10)
        assert desk.latest == ["2"]
        assert not desk.registry.rejected


@virtual
async def test_new_templates_are_applied_to_rows_that_did_not_change() -> None:
    desk = Desk(row(1))
    async with Loops() as services:
        services.start("registry", desk.registry.run)
        await asyncio.sleep(1)
        desk.registry.adopt(RowReader(types(), path_template="site/{id}"), 10)
        await asyncio.sleep(1)
        assert [camera.path for camera in desk.readings[-1]] == ["site/1"]


# -- the media server --------------------------------------------------------------------------------------------------


class Watch:
    """An observer over a fake server, and what it said."""

    def __init__(self, *, interval_s: float = 2, answers_after_s: float = 0.0) -> None:
        self.server = FakeServer(FakeEngine())
        self.server.answers_after_s = answers_after_s
        self.components = Components()
        listener = Listener()
        self.changes, self.pictures, self.restarts = listener.changes, listener.pictures, listener.events
        self.observer = Observer(
            DEFAULT_SERVER, self.server, self.components, (listener,), listener, interval_s=interval_s
        )


@virtual
async def test_the_server_is_checked_every_interval() -> None:
    watch = Watch()
    async with Loops() as services:
        services.start("observer", watch.observer.run)
        await asyncio.sleep(19)
        assert watch.server.checks_total == 10
        assert watch.changes == [True]
        assert watch.observer.picture.fresh_since is not None
        assert len(watch.pictures) == 10


@virtual
async def test_one_missed_check_is_a_hiccup_and_two_are_an_outage() -> None:
    watch = Watch()
    async with Loops() as services:
        services.start("observer", watch.observer.run)
        await asyncio.sleep(1)
        watch.server.up = False
        await asyncio.sleep(2)
        watch.server.up = True
        await asyncio.sleep(10)
        assert watch.changes == [True]
        watch.server.up = False
        await asyncio.sleep(4)
        assert watch.changes == [True, False]
        watch.server.up = True
        await asyncio.sleep(2)
        assert watch.changes == [True, False, True]


@virtual
async def test_a_suspicion_is_checked_at_once() -> None:
    watch = Watch(interval_s=60)
    async with Loops() as services:
        services.start("observer", watch.observer.run)
        await asyncio.sleep(1)
        watch.server.up = False
        for _ in range(300):
            watch.observer.suspect()
        await asyncio.sleep(0.2)
        assert watch.changes == [True, False]
        assert watch.server.checks_total == 2


async def suspect_all_the_time(watch: Watch, for_s: float) -> None:
    ends_at = now() + for_s
    while now() < ends_at:
        watch.observer.suspect()
        await asyncio.sleep(0.05)


@virtual
async def test_suspicion_that_goes_on_is_followed_ever_more_rarely() -> None:
    watch = Watch(interval_s=2)
    async with Loops() as services:
        services.start("observer", watch.observer.run)
        await asyncio.sleep(1)
        await suspect_all_the_time(watch, 6)
        assert watch.server.checks_total <= 8
        before = watch.server.checks_total
        await suspect_all_the_time(watch, 60)
        assert 29 <= watch.server.checks_total - before <= 31
        watch.server.up = False
        await suspect_all_the_time(watch, 2.1)
        assert watch.changes == [True, False]


@virtual
async def test_sweeps_on_suspicion_take_a_tenth_of_the_time_at_most() -> None:
    watch = Watch(interval_s=60, answers_after_s=1)
    async with Loops() as services:
        services.start("observer", watch.observer.run)
        await asyncio.sleep(2)
        await suspect_all_the_time(watch, 10)
        assert watch.server.checks_total == 2
        await suspect_all_the_time(watch, 1)
        assert watch.server.checks_total == 3


@virtual
async def test_after_a_calm_a_suspicion_acts_at_once_again() -> None:
    watch = Watch(interval_s=10)
    async with Loops() as services:
        services.start("observer", watch.observer.run)
        await asyncio.sleep(1)
        await suspect_all_the_time(watch, 60)
        await asyncio.sleep(25)
        watch.server.up = False
        watch.observer.suspect()
        await asyncio.sleep(0.2)
        assert watch.changes == [True, False]


@virtual
async def test_another_server_is_looked_at_at_once_whatever_was_suspected() -> None:
    watch, other = Watch(interval_s=60), FakeServer()
    async with Loops() as services:
        services.start("observer", watch.observer.run)
        await asyncio.sleep(1)
        await suspect_all_the_time(watch, 60)
        watch.observer.adopt(other)
        await asyncio.sleep(0.2)
        assert other.checks_total == 1


@virtual
async def test_a_server_that_was_never_there() -> None:
    watch = Watch()
    watch.server.up = False
    async with Loops() as services:
        services.start("observer", watch.observer.run)
        await settle()
        assert watch.changes == [False]
        assert watch.components.state("mediamtx") is ComponentState.DOWN


@virtual
async def test_a_restart_between_two_checks_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch()
    async with Loops() as services:
        services.start("observer", watch.observer.run)
        await asyncio.sleep(1)
        watch.server.status = ServerStatus(True, "MediaMTX", ServerView("v1.20.1", "2026-08-23T00:00:00Z"))
        await asyncio.sleep(10)
    assert caplog.text.count("the media server restarted") == 1
    assert len(watch.restarts) == 1


def watching(server: FakeServer, stage: Stage, interval_s: float = 2) -> Observer:
    stage.observer = Observer(
        DEFAULT_SERVER, server, Components(), (stage.supervisor,), Listener(), interval_s=interval_s
    )
    return stage.observer


@virtual
async def test_an_outage_from_end_to_end() -> None:
    stage = Stage()
    server = FakeServer(stage.publisher)
    observer = watching(server, stage)
    async with Loops() as services:
        services.start("observer", observer.run)
        stage.supervisor.want([])
        await asyncio.sleep(3)
        table = FakeTable(row(1), row(2))
        registry = Registry(table, RowReader(types()), Components(), stage.supervisor, poll_s=10)
        services.start("registry", registry.run)
        await asyncio.sleep(60)
        server.up = False
        for publication in stage.publisher.live:
            publication.end("[error] av_interleaved_write_frame(): Broken pipe", exit_code=1)
        await asyncio.sleep(1)
        assert [stage.phase(1), stage.phase(2)] == [Phase.WAITING] * 2
        await asyncio.sleep(120)
        server.up = True
        await asyncio.sleep(5)
        assert [stage.phase(1), stage.phase(2)] == [Phase.RUNNING] * 2


# -- crash boundaries of services --------------------------------------------------------------------------------------


@virtual
async def test_a_service_that_fails_is_started_again_and_takes_nobody_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runs: list[str] = []

    async def fails() -> None:
        runs.append("fails")
        raise RuntimeError("a bug")

    async def works() -> None:
        while True:
            runs.append("works")
            await asyncio.sleep(1)

    async with Loops() as services:
        services.start("first", fails)
        services.start("second", works)
        await asyncio.sleep(11)
        assert runs.count("fails") == 3
        assert runs.count("works") == 11
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1 and "RuntimeError: a bug" in errors[0] and "Traceback" in errors[0]
    await asyncio.sleep(60)
    assert runs.count("fails") == 3


@virtual
async def test_a_publisher_from_whom_nothing_arrives_is_restarted_and_its_sibling_is_not() -> None:
    stage = Stage()
    server = FakeServer(stage.publisher)
    observer = watching(server, stage)
    async with Loops() as services:
        services.start("observer", observer.run)
        stage.want(camera(1), camera(2))
        await asyncio.sleep(40)
        assert (stage.publisher.starts_of("1"), stage.publisher.starts_of("2")) == (1, 1)
        server.deaf_to = {"cam1"}
        # ffmpeg goes on reporting progress all the while.
        await asyncio.sleep(stage.settings.stall_timeout_s + 5)
        assert (stage.publisher.starts_of("1"), stage.publisher.starts_of("2")) == (2, 1)
        assert Phase.STOPPING in stage.phases_of(1)


@virtual
async def test_another_way_to_the_server_is_taken_at_once() -> None:
    stage = Stage()
    mute, server = FakeServer(stage.publisher), FakeServer(stage.publisher)
    mute.status = ServerStatus(True, "RTSP answers, the API does not")
    observer = watching(mute, stage, interval_s=10)
    async with Loops() as services:
        services.start("observer", observer.run)
        stage.want(camera(1))
        await asyncio.sleep(41)
        assert observer.picture.observed_at is None
        observer.adopt(server)
        await asyncio.sleep(1)
        assert "cam1" in observer.picture.streams and mute.closed and not server.closed
        assert stage.publisher.starts_of("1") == 1
    await observer.close()
    assert server.closed


@virtual
async def test_a_view_that_goes_stale_restarts_nobody() -> None:
    stage = Stage()
    server = FakeServer(stage.publisher)
    observer = watching(server, stage)
    async with Loops() as services:
        services.start("observer", observer.run)
        stage.want(camera(1))
        await asyncio.sleep(40)
        server.status = ServerStatus(True, "RTSP answers, the API does not")
        await asyncio.sleep(120)
        assert stage.publisher.starts_of("1") == 1


@virtual
async def test_a_sweep_that_takes_long_proves_no_silence_while_it_took() -> None:
    """The server hung, or this process was stopped: the counters may be as old as the question."""
    stage = Stage()
    server = FakeServer(stage.publisher)
    observer = watching(server, stage)
    async with Loops() as services:
        services.start("observer", observer.run)
        stage.want(camera(1))
        await asyncio.sleep(41)
        server.deaf_to = {"cam1"}
        await asyncio.sleep(4)
        server.answers_after_s = stage.settings.stall_timeout_s + 5
        await asyncio.sleep(4)
        server.deaf_to, server.answers_after_s = set(), 0.0
        await asyncio.sleep(60)
        assert stage.publisher.starts_of("1") == 1
