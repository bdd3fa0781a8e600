"""Who keeps the incidents: over a restart, and over several nodes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace

import pytest

from restream.domain.access.caller import Caller, Role
from restream.domain.life.backoff import RestartPolicy
from restream.domain.news.event import IncidentChange
from restream.domain.news.incident import Deed, Entry, Incident
from restream.domain.news.incident_bonds import FleetSizes, IncidentSubject
from restream.domain.news.incident_rules import IncidentRules
from restream.interfaces.documents.confined import events_for
from restream.interfaces.documents.events import event
from restream.ports.incidents import AddedEntry
from restream.ports.outlets import SinkError
from restream.supervisor.outlets.incident_watch import FleetSight, IncidentWatch
from tests.support.eventually import eventually

AT_ONCE = IncidentRules(group_after_s=0.0, single_after_s=0.0, close_after_s=0.0)
QUICKLY = RestartPolicy(base_s=0.01, factor=1.0, max_s=0.01)
DOWN = {
    str(number): IncidentSubject(str(number), "North", "", "", "", "down", "network", "unreachable")
    for number in range(4)
}
TAKEN = Entry("e1", 5.0, "Ann", Deed.ACKNOWLEDGE, "on my way")


class Memory:
    """A store in memory, which may be away."""

    name = "memory"

    def __init__(self, *, there: bool = True) -> None:
        self.there, self.away = there, False
        self.kept: dict[str, Incident] = {}
        self.entries: list[AddedEntry] = []

    async def exists(self) -> bool:
        self._answer()
        return self.there

    async def load(self, since: float) -> Sequence[Incident]:
        self._answer()
        return [
            each.with_entries(tuple(one.entry for one in self.entries if one.incident == each.id))
            for each in self.kept.values()
        ]

    async def between(self, since: float, until: float, limit: int) -> Sequence[Incident]:
        return await self.load(since)

    async def save(self, incidents: Collection[Incident], entries: Collection[AddedEntry]) -> None:
        self._answer()
        self.kept |= {each.id: replace(each, entries=()) for each in incidents}
        self.entries += entries

    async def close(self) -> None:
        pass

    def _answer(self) -> None:
        if self.away:
            raise SinkError("it is away")


def sight(down: Mapping[str, IncidentSubject]) -> FleetSight:
    now = asyncio.get_running_loop().time()
    return FleetSight(down, FleetSizes(4, {"North": (4, 4)}), now, 1e9 + now, True)


@contextlib.asynccontextmanager
async def running(*stores: Memory, leads: bool | None = None) -> AsyncIterator[IncidentWatch[FleetSight]]:
    watch: IncidentWatch[FleetSight] = IncidentWatch(lambda each: each, stores, lambda: leads, AT_ONCE, QUICKLY)
    task = asyncio.create_task(watch.run())
    yield watch
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def seen(watch: IncidentWatch[FleetSight], down: Mapping[str, IncidentSubject], count: int) -> list[Incident]:
    """Cycles until so many are open."""

    def there() -> bool:
        watch.publish(sight(down))
        return len(watch.open) == count

    await eventually(there, 20)
    return list(watch.open.values())


async def test_what_happens_to_incidents_is_an_event_each() -> None:
    heard: list[IncidentChange] = []
    watch: IncidentWatch[FleetSight] = IncidentWatch(lambda each: each, rules=AT_ONCE, happened=heard.append)
    (incident,) = await seen(watch, DOWN, 1)
    watch.publish(sight(DOWN))
    watch.record(incident.id, TAKEN)
    await seen(watch, {}, 0)
    assert [(each.step, each.cameras, each.by) for each in heard] == [
        ("began", 4, ""),
        ("acknowledge", 4, "Ann"),
        ("ended", 4, ""),
    ]
    told = [event(number, each, node="a") for number, each in enumerate(heard)]
    assert [(each.kind, each.camera, each.name, each.after, each.detail) for each in told] == [
        ("incident", None, "site North", "began", "4 cameras"),
        ("incident", None, "site North", "acknowledge", "by Ann: on my way"),
        ("incident", None, "site North", "ended", "4 cameras"),
    ]
    assert {each.incident for each in told} == {incident.id} and told[0].cause == "unreachable"
    south = Caller(role=Role.SEE, sites=frozenset({"South"}))
    assert events_for(south, told, {}) == [], "of other sites nothing is told"


async def test_an_incident_and_what_was_done_outlive_the_service() -> None:
    memory = Memory()
    async with running(memory) as watch:
        (incident,) = await seen(watch, DOWN, 1)
        assert incident.bond.place == "North" and watch.of_camera("2") is incident
        assert watch.record(incident.id, TAKEN) and watch.record("unknown", TAKEN) is None
        await eventually(lambda: bool(memory.entries and memory.kept), 20)
    async with running(memory) as watch:
        (again,) = await seen(watch, DOWN, 1)
        assert again.id == incident.id and again.acknowledged == TAKEN
        await seen(watch, {}, 0)
        await eventually(lambda: memory.kept[incident.id].ended is not None, 20)
        found = await watch.between(0.0, 2e9, 10)
        assert [(each.id, each.entries) for each in found] == [(incident.id, (TAKEN,))]
        assert watch.find(incident.id) is not None


@pytest.mark.parametrize("stores", [[], [Memory(there=False)]])
async def test_without_a_store_they_are_kept_in_memory(stores: list[Memory]) -> None:
    async with running(*stores) as watch:
        (incident,) = await seen(watch, DOWN, 1)
        await seen(watch, {}, 0)
        assert [each.id for each in await watch.between(0.0, 2e9, 10)] == [incident.id]


async def test_the_first_store_that_exists_is_taken() -> None:
    absent, present = Memory(there=False), Memory()
    async with running(absent, present) as watch:
        await seen(watch, DOWN, 1)
        await eventually(lambda: bool(present.kept), 20)
        assert not absent.kept


async def test_a_store_that_is_away_gets_what_it_missed() -> None:
    memory = Memory()
    async with running(memory) as watch:
        (incident,) = await seen(watch, DOWN, 1)
        await eventually(lambda: bool(memory.kept), 20)
        memory.away = True
        watch.record(incident.id, TAKEN)
        await seen(watch, {}, 0)
        memory.away = False
        await eventually(lambda: memory.kept[incident.id].ended is not None and len(memory.entries) == 1, 20)


async def test_of_several_nodes_one_writes_and_all_show_and_act(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restream.supervisor.outlets.incident_watch._READ_AGAIN_S", 0.0)
    memory = Memory()
    async with running(memory, leads=True) as leader, running(memory, leads=False) as other:
        (incident,) = await seen(leader, DOWN, 1)
        (shown,) = await seen(other, DOWN, 1)
        assert shown.id == incident.id
        other.record(incident.id, TAKEN)

        def told() -> bool:
            leader.publish(sight(DOWN))
            return leader.open[incident.id].acknowledged == TAKEN

        await eventually(told, 20)
        await seen(leader, {}, 0)
        await seen(other, DOWN, 0)
        assert len(memory.kept) == 1
