"""Cameras that are expected only at some hours."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from restream.adapters.calendar import clock_at, occurrence, time_zones
from restream.config.stream_sections import CamerasSection
from restream.domain.camera.camera import Camera, RejectedRow, RowReader
from restream.domain.judgement.reason import Reason
from restream.domain.judgement.verdict import Health, Verdict
from restream.domain.life.cause import Side
from restream.domain.maintenance.window import is_planned
from restream.domain.schedule import DAY_MINUTES, Hours, LocalTime, Schedule, parse_schedule
from restream.preflight.services import _unknown_sites
from restream.supervisor.maintenance_keeper import MaintenanceKeeper
from tests.unit.fakes import types

ROW = {"id": 1, "rtsp_url": "rtsp://192.0.2.1/", "site": "Office"}
DOWN = Verdict(Health.DOWN, Side.NETWORK, (Reason("unreachable", "no route"),), "")


def camera(schedule: object, **sites: Schedule) -> Camera:
    row = {**ROW, "options": {"schedule": schedule} if schedule is not None else None}
    read = RowReader(types(), schedules=sites, zones=time_zones()).read(row)
    assert isinstance(read, Camera), read
    return read


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        ("2026-01-05T05:59:30", "05 06:00"),  # a Monday
        ("2026-01-05T06:00:00", None),
        ("2026-01-05T19:59:59", None),
        ("2026-01-05T20:00:00", "06 06:00"),
        ("2026-01-09T20:00:00", "12 06:00"),  # Friday evening: until Monday
        ("2026-01-10T12:00:00", "12 06:00"),
    ],
)
def test_outside_of_its_hours_a_camera_is_planned_to_be_away(moment: str, until: str | None) -> None:
    keeper = MaintenanceKeeper((), occurrence, lambda each: f"{datetime.fromtimestamp(each, UTC):%d %H:%M}", clock_at)
    row = camera({"hours": "06:00-20:00", "weekdays": "mon-fri", "time_zone": "UTC"})
    keeper.look(at(moment))
    told, fine = keeper.excused(row, DOWN), keeper.excused(row, Verdict(Health.HEALTHY, Side.NONE, (), ""))
    if until is None:
        assert told is DOWN and not is_planned(fine)
        return
    assert (told.health, told.reasons[0].text) == (Health.DISABLED, f"not scheduled until {until}")
    assert [each.code for each in told.reasons] == ["not_scheduled", "unreachable"]
    assert fine.health is Health.HEALTHY and is_planned(fine) and is_planned(told)


def test_hours_are_those_of_the_time_zone_also_in_summer() -> None:
    keeper = MaintenanceKeeper((), occurrence, str, clock_at)
    row = camera({"hours": "06:00-20:00", "time_zone": "Europe/Berlin"})
    for moment, expected in (
        ("2026-01-05T05:30:00", True),
        ("2026-07-06T04:30:00", True),
        ("2026-01-05T04:30:00", False),
    ):
        keeper.look(at(moment))
        assert (keeper.excused(row, DOWN) is DOWN) is expected


def test_a_row_wins_over_its_site_and_neither_restarts_a_camera() -> None:
    office = parse_schedule("08:00-18:00")
    assert camera(None, Office=office).schedule == office
    assert camera("06:00-20:00", Office=office).schedule == Schedule((Hours(360, 1200),))
    assert camera(None).schedule is None
    assert camera("06:00-20:00").stream == camera(None).stream


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("6-20", "expected hours"),
        (5, "expected hours"),
        ({"hours": "06:00-20:00", "days": "mon"}, "'days' is unknown"),
        ({"weekdays": "someday"}, "expected weekdays"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"time_zone": "Mars/Olympus"}, "there is no time zone 'Mars/Olympus'"),
        (["06:00-07:00"] * 50, "expected hours"),
    ],
)
def test_a_schedule_that_is_none_rejects_its_row_with_one_line(schedule: object, expected: str) -> None:
    read = RowReader(types(), zones=time_zones()).read({**ROW, "options": {"schedule": schedule}})
    assert isinstance(read, RejectedRow) and read.problem.startswith("options: schedule: ") and expected in read.problem


def test_schedules_of_sites_are_read_from_the_configuration() -> None:
    section = CamerasSection.model_validate(
        {"schedules": {"A": "06:00-20:00", "B": {"hours": ["22:00-06:00"], "weekdays": "fri", "time_zone": "UTC"}}}
    )
    assert section.schedules["A"].schedule() == parse_schedule("06:00-20:00")
    assert section.schedules["B"].schedule() == Schedule((Hours(1320, 360),), frozenset({4}), "UTC")
    with pytest.raises(ValidationError, match="expected hours"):
        CamerasSection.model_validate({"schedules": {"A": "late"}})


def test_the_check_tells_of_sites_that_no_camera_has() -> None:
    (finding,) = _unknown_sites([camera(None)], {"cameras.schedules": ["Office", "Ofice"]})
    assert finding.text == "cameras.schedules has sites that no camera has: Ofice"
    assert _unknown_sites([camera(None)], {"cameras.schedules": ["Office"]}) == []


HOURS = st.tuples(st.integers(0, DAY_MINUTES - 1), st.integers(1, DAY_MINUTES)).filter(lambda each: each[0] != each[1])


@given(
    st.lists(HOURS.map(lambda each: Hours(*each)), min_size=1, max_size=3),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(0, 6),
    st.integers(0, DAY_MINUTES - 1),
)
def test_when_it_opens_it_is_open_and_it_was_shut_before(
    hours: list[Hours], weekdays: frozenset[int], weekday: int, minute: int
) -> None:
    schedule, now = Schedule(tuple(hours), weekdays), 1440 * weekday + minute

    def covers(moment: int) -> bool:
        return schedule.covers(LocalTime(moment // 1440 % 7, moment % 1440))

    opens = now + schedule.opens_in(LocalTime(weekday, minute))
    assert covers(opens)
    if not covers(now):
        assert not any(covers(each) for each in range(now, opens, 7))
    assert parse_schedule(schedule.document) == schedule
