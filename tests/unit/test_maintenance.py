"""Maintenance windows: for whom, when, and what becomes of verdicts meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from restream.adapters.calendar import CalendarError, checked, occurrence
from restream.domain.camera.camera import Camera
from restream.domain.judgement.reason import Reason
from restream.domain.judgement.verdict import Health, Verdict
from restream.domain.life.cause import Side
from restream.domain.maintenance.window import Calendar, MaintenanceWindow, Stretch, is_planned, stretch, underway
from restream.interfaces.http.answer import errors_as_json
from restream.interfaces.http.maintenance import Maintenance
from restream.supervisor.maintenance_keeper import MaintenanceKeeper
from tests.support.eventually import eventually
from tests.support.openapi import conforms
from tests.unit.fakes import camera

BERLIN = ZoneInfo("Europe/Berlin")
SUNDAYS = Calendar("0 2 * * 0", 7200.0, "Europe/Berlin")
DOWN = Verdict(Health.DOWN, Side.NETWORK, (Reason("unreachable", "the camera's host cannot be reached"),), "look")
GATE = camera(1, name="Gate", options={"site": "North"})
assert isinstance(GATE, Camera)


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def window(**changes: Any) -> MaintenanceWindow:
    return replace(MaintenanceWindow("w", "new switch", 100.0, 200.0), **changes)


def keeper() -> MaintenanceKeeper:
    return MaintenanceKeeper((), occurrence, lambda moment: f"{moment:.0f}")


# -- when --------------------------------------------------------------------------------------------------------------


def test_a_window_is_open_once() -> None:
    once = window()
    assert stretch(once, 50.0, occurrence) == stretch(once, 150.0, occurrence) == Stretch(100.0, 200.0)
    assert stretch(once, 200.0, occurrence) is None
    assert [len(underway([once], moment, occurrence)) for moment in (99.0, 100.0, 199.0, 200.0)] == [0, 1, 1, 0]
    ended = window(ended=150.0)
    assert [len(underway([ended], moment, occurrence)) for moment in (149.0, 150.0)] == [1, 0]


def test_a_calendar_follows_its_time_zone() -> None:
    weekly = window(begin=at("2026-01-01T00:00"), end=None, calendar=SUNDAYS)
    first = stretch(weekly, at("2026-01-02T12:00"), occurrence)
    assert first == Stretch(at("2026-01-04T02:00"), at("2026-01-04T04:00"))
    assert stretch(weekly, at("2026-01-04T03:59"), occurrence) == first
    assert stretch(weekly, at("2026-01-04T04:00"), occurrence) == Stretch(
        at("2026-01-11T02:00"), at("2026-01-11T04:00")
    )
    # In summer it is the same time of day, another one of UTC.
    summer = stretch(weekly, at("2026-07-01T00:00"), occurrence)
    assert summer is not None and datetime.fromtimestamp(summer.begin, UTC).hour == 0
    assert stretch(replace(weekly, end=at("2026-01-03T00:00")), at("2026-01-02T12:00"), occurrence) is None
    cut = stretch(replace(weekly, begin=at("2026-01-04T03:00")), at("2026-01-04T01:00"), occurrence)
    assert cut == Stretch(at("2026-01-04T03:00"), at("2026-01-04T04:00")), "not before it was announced"


@given(
    st.integers(1_700_000_000, 1_900_000_000),
    st.integers(60, 90_000),
    st.sampled_from(["0 2 * * 0", "*/7 * * * *", "30 23 31 * *"]),
)
def test_a_stretch_holds_its_moment_or_comes(moment: int, duration_s: int, cron: str) -> None:
    found = occurrence(Calendar(cron, float(duration_s), "Europe/Berlin"), float(moment))
    assert found is not None and found.end > moment and found.end - found.begin == duration_s


@pytest.mark.parametrize(
    ("calendar", "said"),
    [
        (Calendar("nonsense", 3600.0), "cron"),
        (Calendar("0 0 31 2 *", 3600.0), "cron"),
        (Calendar("0 2 * * 0", 3600.0, "Mars/Olympus"), "zone"),
        (Calendar("0 2 * * 0", 3600.0, "../etc/passwd"), "zone"),
        (Calendar("0 2 * * 0", 5.0), "duration_s"),
    ],
)
def test_a_calendar_that_is_none_is_refused_and_never_open(calendar: Calendar, said: str) -> None:
    with pytest.raises(CalendarError, match=said):
        checked(calendar)
    if said != "duration_s":
        assert occurrence(calendar, 1e9) is None


# -- for whom, and what becomes of it ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "covered"),
    [
        ({}, True),
        ({"cameras": frozenset({"1"})}, True),
        ({"sites": frozenset({"North"})}, True),
        ({"servers": frozenset({"default"})}, True),
        ({"cameras": frozenset({"2"}), "sites": frozenset({"South"})}, False),
    ],
)
def test_whom_a_window_is_for(names: Any, covered: bool) -> None:
    assert window(**names).covers("1", "North", "default") is covered


def test_what_is_down_in_maintenance_is_planned_and_the_rest_is_as_it_is() -> None:
    desk, now = keeper(), time.time()
    assert desk.excused(GATE, DOWN) is DOWN
    desk.put(window(begin=now - 10, end=now + 1000, sites=frozenset({"North"})))
    told = desk.excused(GATE, DOWN)
    assert (told.health, told.fault, told.reasons[0].code, told.reasons[1].code) == (
        *(Health.DISABLED, Side.NONE, "maintenance", "unreachable"),
    )
    assert "new switch" in told.reasons[0].text and is_planned(told)
    well = desk.excused(GATE, Verdict(Health.HEALTHY, Side.NONE))
    assert (well.health, [reason.code for reason in well.reasons]) == (Health.HEALTHY, ["maintenance"])
    other = camera(2, options={"site": "South"})
    assert isinstance(other, Camera) and desk.excused(other, DOWN) is DOWN
    assert desk.end("w", now) is not None and desk.end("w", now) is None
    assert desk.excused(GATE, DOWN) is DOWN and not desk.windows


class Shelf:
    """A store in memory, for two nodes."""

    name = "shelf"

    def __init__(self) -> None:
        self.kept: dict[str, MaintenanceWindow] = {}

    async def exists(self) -> bool:
        return True

    async def load(self, since: float) -> Sequence[MaintenanceWindow]:
        return [each for each in self.kept.values() if each.ended is None or each.ended > since]

    async def put(self, window: MaintenanceWindow) -> None:
        self.kept[window.id] = window

    async def close(self) -> None:
        pass


async def test_nodes_share_their_windows_and_a_restart_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restream.supervisor.maintenance_keeper._READ_AGAIN_S", 0.02)
    shelf, now = Shelf(), time.time()
    desks = [MaintenanceKeeper([shelf], occurrence, str) for _ in range(2)]
    tasks = [asyncio.create_task(each.run()) for each in desks]
    desks[0].put(window(begin=now, end=now + 1000))
    await eventually(lambda: [each.id for each in desks[1].windows] == ["w"], 20)
    desks[1].end("w", time.time())
    await eventually(lambda: not desks[0].windows, 20)
    assert desks[0].kept
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


# -- over HTTP ---------------------------------------------------------------------------------------------------------

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    desk = keeper()
    app = web.Application(middlewares=[errors_as_json])
    app.add_routes(Maintenance(lambda: desk, checked).routes())
    async with TestClient(TestServer(app)) as client:
        yield client


async def answer(client: Client, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with client.request(method, path, json=body) as response:
        return response.status, await response.json()


async def test_windows_are_made_listed_and_ended(client: Client) -> None:
    body = {"title": "new switch", "end": "2099-01-01T00:00:00Z", "begin": "2098-12-31T00:00:00Z", "sites": ["North"]}
    status, made = await answer(client, "POST", "/api/maintenance", body)
    conforms(made, "Window")
    assert (status, made["open"], made["sites"], made["next_begin"]) == (
        201,
        False,
        ["North"],
        "2098-12-31T00:00:00.000Z",
    )
    body = {"cron": "* * * * *", "duration_s": 120, "zone": "Europe/Berlin", "everything": True, "who": "Ann"}
    status, weekly = await answer(client, "POST", "/api/maintenance", body)
    assert (status, weekly["open"], weekly["who"]) == (201, True, "Ann")
    status, found = await answer(client, "GET", "/api/maintenance")
    conforms(found, "Windows")
    assert [each["id"] for each in found["windows"]] == [made["id"], weekly["id"]]
    assert (await answer(client, "POST", f"/api/maintenance/{made['id']}/end"))[0] == 200
    assert (await answer(client, "POST", f"/api/maintenance/{made['id']}/end"))[0] == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "end"),
        ({"end": "2001-01-01T00:00:00Z", "everything": True}, "end"),
        ({"end": "2099-01-01T00:00:00Z", "everything": True}, "31 days"),
        ({"cron": "* * * * *", "everything": True}, "duration_s"),
        ({"cron": "soon", "duration_s": 120, "everything": True}, "cron"),
        ({"cron": "* * * * *", "duration_s": 120}, "name some"),
        ({"cron": "* * * * *", "duration_s": 120, "sites": ["N"], "everything": True}, "not both"),
        ({"cron": "* * * * *", "duration_s": 120, "sites": ["N" * 300]}, "names"),
        ({"begin": "soon", "end": "2099-01-01T00:00:00Z", "everything": True}, "begin"),
        ({"sites": "North"}, "body"),
        ([], "body"),
    ],
)
async def test_what_is_no_window_is_told(client: Client, body: Any, said: str) -> None:
    status, found = await answer(client, "POST", "/api/maintenance", body)
    assert status == 400 and said in found["error"]
