"""Windows of starts: how they grow, shrink, rest, and what leaves them alone."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.admission.outcome import StartOutcome, outcome_of
from restream.domain.admission.pressure import Pressure, Stalls, Strain
from restream.domain.admission.window import FORGOTTEN_AFTER_S, StartWindow
from restream.domain.life.cause import Cause


def after_round(window: StartWindow, at: float, *, starting: int, fails: bool = False) -> StartWindow:
    """So many start at `at`; a second later all of them succeed or fail."""
    for number in range(1, starting + 1):
        window = window.granted(number, 0, at)
    for number in range(starting, 0, -1):
        window = window.failed(at, number, at + 1) if fails else window.succeeded(at, at + 1)
    return window


def test_it_doubles_each_round_up_to_its_limit() -> None:
    window, places = StartWindow.begin(4, 50), []
    for at in range(0, 50, 10):
        window = after_round(window, at, starting=window.places)
        places.append(window.places)
    assert places == [8, 16, 32, 50, 50]


def test_after_the_first_shrink_it_grows_by_one_each_round() -> None:
    window = after_round(StartWindow.begin(8, 50), 0, starting=8, fails=True)
    places = [window.places]
    for at in range(10, 50, 10):
        window = after_round(window, at, starting=window.places)
        places.append(window.places)
    assert places == [4, 4, 5, 6, 7]


def test_it_halves_once_a_round_however_many_fail() -> None:
    window = after_round(StartWindow.begin(32, 50), 0, starting=32, fails=True)
    assert window.places == 16
    assert after_round(window, 10, starting=16, fails=True).places == 8


def test_what_was_not_in_use_does_not_count() -> None:
    window = after_round(StartWindow.begin(32, 50), 0, starting=4, fails=True)
    assert window.places == 2


def test_it_does_not_grow_while_it_is_not_filled() -> None:
    window = after_round(StartWindow.begin(8, 50), 0, starting=7)
    assert window.fresh
    assert after_round(window, 10, starting=8).places == 16


def test_repeated_tries_fill_it_with_their_share() -> None:
    window = StartWindow.begin(8, 50)
    for number in range(1, 7):
        window = window.granted(number, number, 0)
    assert window.places_for_retries == 6
    assert window.succeeded(0, 1).places == 9


def test_who_fails_without_company_has_another_reason() -> None:
    window = after_round(StartWindow.begin(4, 50), 0, starting=1, fails=True)
    assert window.fresh


def test_who_hangs_while_later_ones_succeed_is_no_sign_of_load() -> None:
    window = StartWindow.begin(4, 50).granted(1, 0, 0).granted(2, 0, 1).succeeded(1, 2).granted(2, 0, 3)
    assert window.failed(0, 2, 15).places == 4
    assert window.failed(3, 2, 15).places == 1


def test_a_host_that_refused_everything_comes_back_fast() -> None:
    window = StartWindow.begin(8, 50)
    for at in range(0, 60, 10):
        window = after_round(window, at, starting=window.places, fails=True)
    assert window.places == 1
    places = []
    for at in range(100, 140, 10):
        window = after_round(window, at, starting=window.places)
        places.append(window.places)
    assert places == [2, 4, 8, 16]


def test_pressure_halves_it_and_waits_until_that_has_come_about() -> None:
    window = StartWindow.begin(16, 50).pressed(16, 1)
    assert window.places == 8
    assert window.pressed(12, 2).places == 8
    window = window.pressed(8, 3)
    assert window.places == 4
    assert window.pressed(0, 4) == window
    assert window.pressed(1, 5).places == 1


def test_rest_takes_back_what_it_grew_to_and_in_the_end_all_that_was_learnt() -> None:
    grown = StartWindow(4, 100, size=64.0, used_at=0.0)
    idle = {0: 64, 59: 64, 60: 32, 125: 16, 599: 4}
    assert {idle_s: grown.rested(idle_s).places for idle_s in idle} == idle
    shrunk = StartWindow(4, 100, size=1.0, threshold=1.0, used_at=0.0)
    assert shrunk.rested(FORGOTTEN_AFTER_S - 1) == shrunk
    assert shrunk.rested(FORGOTTEN_AFTER_S).fresh


STEPS = st.tuples(st.sampled_from(["grant", "succeed", "fail", "press", "rest"]), st.integers(1, 60), st.floats(0, 700))


@given(st.integers(1, 40), st.integers(1, 50), st.lists(STEPS))
def test_it_never_leaves_its_bounds(first: int, limit: int, steps: list[tuple[str, int, float]]) -> None:
    window, now = StartWindow.begin(first, limit), 0.0
    for what, starting, passed_s in steps:
        now += passed_s
        match what:
            case "grant":
                window = window.granted(starting, starting // 2, now)
            case "succeed":
                window = window.succeeded(now - passed_s, now)
            case "fail":
                window = window.failed(now - passed_s, starting, now)
            case "press":
                window = window.pressed(starting, now)
            case "rest":
                window = window.rested(now)
        assert 1 <= window.places <= limit
        assert 1 <= window.places_for_retries <= window.places


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        (Cause.REFUSED, StartOutcome.HOST_BUSY),
        (Cause.SOURCE_ENDED, StartOutcome.HOST_BUSY),
        (Cause.SERVER_GONE, StartOutcome.WE_BUSY),
        (Cause.OOM, StartOutcome.WE_BUSY),
        (Cause.AUTH_FAILED, StartOutcome.UNTOLD),
        (Cause.NOT_FOUND, StartOutcome.UNTOLD),
        (Cause.NO_MEDIA, StartOutcome.UNTOLD),
        (Cause.SERVER_REFUSED, StartOutcome.UNTOLD),
    ],
)
def test_what_a_failure_tells(cause: Cause, outcome: StartOutcome) -> None:
    assert outcome_of(cause) is outcome


@pytest.mark.parametrize(
    ("pressure", "strain"),
    [
        (Pressure(), Strain.CALM),
        (Pressure(cpu=0.5, memory=0.0, lag_s=0.001), Strain.CALM),
        (Pressure(cpu=1.0), Strain.BUSY),
        (Pressure(memory=0.1), Strain.PRESSED),
        (Pressure(memory=0.3), Strain.OVERLOADED),
        (Pressure(cpu=1.0, lag_s=0.05), Strain.PRESSED),
        (Pressure(cpu=1.0, lag_s=0.2), Strain.OVERLOADED),
    ],
)
def test_the_worst_sign_counts(pressure: Pressure, strain: Strain) -> None:
    assert pressure.strain is strain


def test_pressure_is_what_was_waited_for_between_two_readings() -> None:
    before, after = Stalls(1_000_000, 5_000_000), Stalls(1_500_000, 5_000_000)
    assert Pressure.between(before, after, 2.0, 0.01) == Pressure(0.25, 0.0, 0.01)
    assert Pressure.between(before, Stalls(9_000_000, None), 1.0, 0.0) == Pressure(1.0, None, 0.0)
    assert Pressure.between(after, before, 1.0, 0.0).cpu == 0.0
    assert Pressure.between(before, after, 0.0, 0.0).cpu == 0.0
    assert Pressure.between(Stalls(), after, math.inf, 0.0).cpu is None
