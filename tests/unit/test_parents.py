"""Switches, recorders and links that cameras hang on: what their loss is, and how it is known."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from itertools import count

import pytest
from pydantic import ValidationError

from restream.adapters.parent_check import parent_answers
from restream.config.network_section import NetworkSection
from restream.config.settings import Settings
from restream.demo.embedded import free_port
from restream.domain.camera.camera import Camera, RowReader
from restream.domain.news.alert import AlertSubject
from restream.domain.news.component import Component, ComponentState
from restream.domain.news.incident_bonds import FleetSizes, IncidentSubject
from restream.domain.news.incident_rules import IncidentRules, IncidentState, step
from restream.domain.news.parents import ParentCheck, Parents, circle
from restream.preflight.parents import check_parents
from restream.preflight.services import _unknown_parents
from restream.supervisor.components import Components
from restream.supervisor.outlets.alert_watch import AlertWatch
from restream.supervisor.outlets.parent_watch import ParentWatch
from tests.support.eventually import eventually
from tests.unit.fakes import types

PARENTS = Parents({"switch-1": "core", "switch-2": "core"})


def incidents(down: Iterable[int], *, away: Iterable[str] = ()) -> list[tuple[str, str, int]]:
    """Of 60 cameras of one site: 20 at each of two switches, 20 at none."""
    names = {number: f"switch-{number // 20 + 1}" if number < 40 else "" for number in range(60)}
    chains = {number: PARENTS.chain(name) for number, name in names.items()}
    hanging = Counter(parent for chain in chains.values() for parent in chain)
    sizes = FleetSizes(60, {"North": (60, 60)}, Counter(f"h{each}" for each in range(60)), hanging, frozenset(away))
    subjects = {
        str(number): IncidentSubject(
            str(number), "North", f"h{number}", "default", "a", "down", "network", "unreachable", chains[number]
        )
        for number in down
    }
    state, ids = IncidentState(), count()
    for now in (0.0, 11.0, 20.0):
        state, _ = step(state, subjects, sizes, now, now, rules=IncidentRules(), new_id=lambda: str(next(ids)))
    return sorted((each.bond.scope, each.bond.place, len(each.members)) for each in state.open.values())


@pytest.mark.parametrize(
    ("down", "expected"),
    [
        (range(20), [("parent", "switch-1", 20)]),
        (range(10), [("parent", "switch-1", 10)]),
        # Both are lost: what they hang on is.
        (range(40), [("parent", "core", 40)]),
        # Also what hangs on neither: it is the site.
        ([*range(5), *range(40, 60)], []),
        (range(2), []),
        # One of another switch is not what they hang on.
        ([*range(20), 21], [("parent", "switch-1", 20)]),
    ],
)
def test_the_widest_parent_that_fits_is_told(down: Iterable[int], expected: list[tuple[str, str, int]]) -> None:
    assert incidents(down) == expected


def test_of_a_parent_that_does_not_answer_one_camera_is_enough() -> None:
    assert incidents([0], away=["switch-1"]) == [("parent", "switch-1", 1)]
    assert incidents([0, 1, 21], away=["core", "switch-1", "switch-2"]) == [("parent", "core", 3)]
    assert incidents([], away=["core"]) == []


def test_chains_end_also_where_somebody_has_made_a_circle() -> None:
    assert PARENTS.chain("switch-1") == ("core", "switch-1")
    assert PARENTS.chain("unheard of") == ("unheard of",) and PARENTS.chain("") == ()
    assert Parents({"a": "b", "b": "a"}).chain("a") == ("b", "a")
    assert circle({"x": "a", "a": "b", "b": "a"}) == ("a", "b", "a") and circle(PARENTS.above) == ()


@pytest.mark.parametrize(
    ("parents", "expected"),
    [
        ({"a": {"parent": "b"}, "b": {"parent": "a"}}, "a hangs on b hangs on a"),
        ({"a": {"parent": "a"}}, "a hangs on a"),
        ({"a": {"parent": "c"}}, "parents.a.parent: there is no c in network.parents"),
        ({"a": {"sites": "North"}, "b": {"sites": ["North"]}}, "parents.b.sites: North hangs on a already"),
        ({"a": {"tcp": "10.0.0.1"}}, "expected host:port"),
        ({"a": {"http": "ftp://x"}}, "http"),
        ({"a": {"tcp": "h:1", "http": "http://h/"}}, "expected one of tcp, http"),
        ({"a b": {}}, "pattern"),
    ],
)
def test_what_cannot_be_is_refused(parents: Mapping[str, object], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        NetworkSection.model_validate({"parents": parents})


def test_a_camera_hangs_on_what_its_row_names_else_on_that_of_its_site() -> None:
    section = NetworkSection.model_validate({"parents": {"switch": {"sites": "North", "tcp": "[::1]:22"}}})
    reader = RowReader(types(), parents=section.known().sites)
    row = {"id": 1, "rtsp_url": "rtsp://192.0.2.1/", "site": "North"}
    rows = [row, {**row, "id": 2, "options": {"parent": "nvr"}}, {**row, "id": 3, "site": "South"}]
    cameras = [each for each in map(reader.read, rows) if isinstance(each, Camera)]
    assert [each.parent for each in cameras] == ["switch", "nvr", ""]
    assert cameras[0].stream == reader.read({**row, "options": {"parent": "x"}}).stream, "no restart"  # type: ignore[union-attr]
    (finding,) = _unknown_parents(cameras, {"switch"})
    assert finding.text == "rows name parents that network.parents does not have: nvr (1)"
    assert _unknown_parents(cameras, {}) == [], "names alone are parents too"


@contextlib.asynccontextmanager
async def _answering(port: int) -> AsyncIterator[None]:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    async with server:
        yield


async def test_a_parent_is_there_when_anything_answers() -> None:
    port = free_port()
    checks = [ParentCheck(tcp=f"127.0.0.1:{port}"), ParentCheck(http=f"http://127.0.0.1:{port}/")]
    assert [await parent_answers(each) for each in checks] == ["Connection refused"] * 2
    async with _answering(port):
        assert [await parent_answers(each) for each in checks] == [""] * 2
    assert await parent_answers(ParentCheck(tcp="no.such.invalid:1"))


async def test_the_check_asks_each_of_them() -> None:
    port = free_port()
    assert await check_parents(Settings()) == []
    parents = {"core": {"tcp": f"127.0.0.1:{port}"}, "switch": {"parent": "core"}}
    settings = Settings(network=NetworkSection.model_validate({"parents": parents}))
    (finding,) = await check_parents(settings)
    assert finding.text == "1 of 1 parents do not answer (core: Connection refused)"
    async with _answering(port):
        (finding,) = await check_parents(settings)
    assert finding.text == "1 parents answer"


async def test_one_that_does_not_answer_twice_is_away_and_hides_what_is_behind_it() -> None:
    answers, asked, components = {"core": "", "switch-1": "refused"}, count(), Components()
    parents = Parents(PARENTS.above, {}, {name: ParentCheck(tcp=name) for name in answers})

    async def ask(check: ParentCheck) -> str:
        next(asked)
        return answers[check.tcp]

    watch: ParentWatch[None] = ParentWatch(parents, 0.01, ask, components)
    task = asyncio.create_task(watch.run())
    await eventually(lambda: watch.away == {"switch-1"}, 5)
    await eventually(lambda: components.state("parent:switch-1") is ComponentState.DOWN, 5)
    assert components.state("parent:core") is ComponentState.UP
    answers["core"] = "no answer"
    await eventually(lambda: components.state("parent:switch-1") is ComponentState.UNKNOWN, 5)
    assert components.all["parent:switch-1"].detail == "behind core, which does not answer"
    answers |= {"core": "", "switch-1": ""}
    await eventually(lambda: not watch.away and components.state("parent:switch-1") is ComponentState.UP, 5)
    watch.adopt(Parents(), 0.01)
    assert components.all == {}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_a_parent_is_told_by_its_cameras_alone() -> None:
    watch = AlertWatch([], Components())
    down = {"parent:core": Component("parent:core", ComponentState.DOWN), "redis": Component("redis")}
    for now in (0.0, 60.0):
        watch.tick({"1": AlertSubject("1", health="unknown")}, down, now, now, 1)
    assert watch._state.components == {}
