"""One outlet's defect: the others get every cycle, its component says so, and it recovers."""

from __future__ import annotations

import asyncio
import io
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

import pytest

from restream.domain.judgement.snapshot import Snapshot
from restream.domain.line_buffer import WriteOutcome, Written
from restream.domain.news.alert import Alert, AlertKind, AlertRules
from restream.domain.news.component import ComponentState
from restream.interfaces.console.frame import Facts
from restream.interfaces.console.live import LiveConsole
from restream.interfaces.console.screen import Screen
from restream.interfaces.documents.events import event
from restream.interfaces.documents.rendering import Renderer, Rendering, ServiceFacts
from restream.interfaces.http.live import Live
from restream.ports.outlets import Documents, Outlet, Records
from restream.supervisor import loops
from restream.supervisor.components import Components
from restream.supervisor.loops import Loops
from restream.supervisor.outlets.alert_watch import AlertWatch
from restream.supervisor.outlets.archivist import Archivist
from restream.supervisor.outlets.broadcast import Broadcast
from restream.supervisor.outlets.line_writer import LineWriter
from restream.supervisor.outlets.sink_writer import Encoding, SinkWriter
from restream.supervisor.picture.history import History
from tests.support.eventually import eventually


class Store:
    """Sink, archive, database of lines and receiver of alerts in one: takes everything."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alerts: list[Alert] = []
        self.stored = 0

    async def write(self, _: Documents | list[str]) -> Any:
        self.stored += 1
        outcome: WriteOutcome = Written()
        return outcome

    async def load(self) -> Records:
        return Records()

    async def save(self, _: Records, removed: Collection[str]) -> None:
        assert not removed
        self.stored += 1

    async def send(self, alert: Alert, _: str) -> None:
        self.alerts.append(alert)

    async def close(self) -> None:
        """Nothing is held open."""


OUTLETS = ("console", "websocket", "webhooks", "redis", "json_file", "redis archive", "events table", "influx")


class House:
    """Every kind of outlet there is, real but for what they write to."""

    def __init__(self) -> None:
        self.components = Components()
        self.history = History(event)
        self.renderer = Renderer(ServiceFacts("node", "1", "i", 0.0, 2.0))
        self.receiver = Store("receiver")
        self.stores = {name: Store(name.removesuffix(" archive")) for name in OUTLETS[3:]}
        rules, encoding = AlertRules(down_after_s=0.0, up_after_s=0.0, collect_s=0.0), Encoding()
        made: list[Outlet[Rendering]] = [
            LiveConsole(Screen(io.StringIO()), Facts("", ())),
            Live(lambda: self.renderer.latest, lambda after, limit: self.history.after(after, limit=limit)),
            AlertWatch([self.receiver], self.components, rules),
            SinkWriter(self.stores["redis"], encoding, self.components),
            SinkWriter(self.stores["json_file"], encoding, self.components),
            Archivist(self.stores["redis archive"], self.history, lambda *_: None),
            Archivist(self.stores["events table"], self.history, lambda *_: None),
            LineWriter(self.stores["influx"], lambda _: ["a b=1i"], self.components, interval_s=0.05),
        ]
        self.outlets = dict(zip(OUTLETS, made, strict=True))
        self.heard: Counter[str] = Counter()
        for name, outlet in self.outlets.items():
            self._count(name, outlet)
        self.broadcast = Broadcast(self.renderer.render, made, self.components)
        self.cycles = 0

    def _count(self, name: str, outlet: Outlet[Rendering]) -> None:
        publish = outlet.publish

        def counted(cycle: Rendering) -> None:
            self.heard[name] += 1
            publish(cycle)

        setattr(outlet, "publish", counted)  # noqa: B010

    async def cycle(self) -> None:
        self.cycles += 1
        at = float(self.cycles)
        await self.broadcast.publish(Snapshot(self.cycles, 1000.0 + at, at, components=self.components.all))

    def state(self, name: str) -> tuple[ComponentState, str]:
        component = self.components.all[self.outlets[name].name]
        return component.state, component.detail

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with Loops() as services:
            self.broadcast.start(services)
            yield


DEFECT = (ComponentState.DOWN, "internal error (ZeroDivisionError), see the log")
WORKS = (ComponentState.UP, "")


class Defect:
    """Something that raises as long as it is `there`."""

    def __init__(self, works: Callable[..., Any]) -> None:
        self.works = works
        self.there = True
        self.times = 0

    def __call__(self, *args: Any) -> Any:
        if not self.there:
            return self.works(*args)
        self.times += 1
        # Its text is another one every time.
        raise ZeroDivisionError(f"attempt {self.times}")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "RESTART_AFTER_S", 0.05)


@pytest.mark.parametrize("name", OUTLETS)
async def test_who_cannot_be_told_keeps_nobody_from_hearing(name: str, caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    outlet = house.outlets[name]
    defect = Defect(outlet.publish)
    setattr(outlet, "publish", defect)  # noqa: B010
    async with house.running():
        for _ in range(3):
            await house.cycle()
        assert {each: house.heard[each] for each in OUTLETS} == {each: 3 * (each != name) for each in OUTLETS}
        assert house.state(name) == DEFECT
        others = {each.name for each in house.outlets.values()} - {outlet.name}
        assert all(house.components.state(each) is not ComponentState.DOWN for each in others)
        assert sum("attempt" in record.getMessage() for record in caplog.records) == 1
        defect.there = False
        await house.cycle()
        assert house.state(name) == WORKS
        assert house.heard[name] == 1
    assert defect.times == 3


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", OUTLETS)
async def test_a_loop_that_fails_is_started_again_and_stops_no_other(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    house = House()
    outlet = house.outlets[name]
    defect = Defect(outlet.run)
    setattr(outlet, "run", defect)  # noqa: B010
    async with house.running():
        await eventually(lambda: defect.times >= 3, 10)
        await house.cycle()
        assert house.state(name) == DEFECT
        await eventually(lambda: all(store.stored for each, store in house.stores.items() if each != name), 10)
        assert name not in house.stores or house.stores[name].stored == 0
        assert {house.heard[each] for each in OUTLETS} == {1}
        assert sum("attempt" in record.getMessage() for record in caplog.records) == 1
        defect.there = False
        await eventually(lambda: house.state(name)[0] is ComponentState.UP, 10)
        await house.cycle()
        await eventually(lambda: all(store.stored for store in house.stores.values()), 10)
        assert house.state(name) == WORKS


async def test_a_healthy_house_shows_only_what_it_depends_on() -> None:
    house = House()
    async with house.running():
        await house.cycle()
        await eventually(lambda: {"redis", "json_file", "influx"} <= house.components.all.keys(), 10)
        assert {"redis", "json_file", "influx"} == set(house.components.all)


async def test_a_defect_outranks_what_the_component_says_until_it_is_over() -> None:
    components = Components()
    components.failed("redis", "writer", ZeroDivisionError())
    components.report("redis", ComponentState.UP, "")
    assert components.state("redis") is ComponentState.DOWN
    components.report("redis", ComponentState.DOWN, "refused")
    components.recovered("redis", "writer")
    assert (components.all["redis"].state, components.all["redis"].detail) == (ComponentState.DOWN, "refused")
    components.recovered("redis", "writer")
    components.recovered("never heard of", "writer")
    assert set(components.all) == {"redis"}


@pytest.mark.usefixtures("quick")
async def test_one_cause_makes_one_alert() -> None:
    house = House()
    for name in ("redis", "redis archive"):
        for method in ("publish", "run"):
            outlet = house.outlets[name]
            setattr(outlet, method, Defect(getattr(outlet, method)))
    async with house.running():
        await house.cycle()
        for _ in range(3):
            await house.cycle()
        await eventually(lambda: house.receiver.alerts, 10)
        await house.cycle()
        kinds = [(alert.kind, alert.component) for alert in house.receiver.alerts]
    assert kinds == [(AlertKind.COMPONENT_DOWN, "redis")]


async def test_a_defect_that_changes_is_told_again(caplog: pytest.LogCaptureFixture) -> None:
    house = House()

    def another(_: Rendering) -> None:
        raise KeyError("another")

    setattr(house.outlets["console"], "publish", Defect(print))  # noqa: B010
    await house.cycle()
    setattr(house.outlets["console"], "publish", another)  # noqa: B010
    for _ in range(2):
        await house.cycle()
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [("attempt" in each.getMessage(), "another" in each.getMessage()) for each in told] == [
        (True, False),
        (False, True),
    ]
    assert house.state("console") == (ComponentState.DOWN, "internal error (KeyError), see the log")


async def test_others_have_their_turn_between_two_outlets() -> None:
    house = House()
    turns: list[str] = []

    async def other() -> None:
        while True:
            turns.append("other")
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await house.cycle()
    task.cancel()
    assert len(turns) >= len(OUTLETS) - 1
