"""Which restarts of a churned fleet have a cause, and which accuse the service."""

from typing import Any

from bench.churn import KILLED, Hit, Ledger


def left(number: int, at: float, cause: str = "source_ended", before: str = "running") -> dict[str, Any]:
    return {
        "camera": str(number),
        "at": str(at),
        "before": before,
        "after": "backoff",
        "cause": cause,
        "detail": "it went",
    }


def ledger(*hits: Hit) -> Ledger:
    found = Ledger()
    found.hits[1] += hits
    return found


OVER = Hit("drops", 100.0, 100.0, back_s=2.0, over=True)
DOWN = Hit("drops", 100.0, 100.0)


def test_whoever_was_hit_may_restart() -> None:
    it = ledger(OVER)
    it.follow([left(1, 100.2), left(1, 106.9)], 0.0, float)
    assert it.uncaused == [] and it.restarts == {"drops: source_ended": 2}


def test_whoever_is_still_down_may_restart_as_often_as_it_takes() -> None:
    it = ledger(DOWN)
    it.follow([left(1, 500.0)], 0.0, float)
    assert it.uncaused == [] and it.pending(1)


def test_a_restart_before_or_long_after_a_hit_accuses() -> None:
    it = ledger(OVER)
    it.follow([left(1, 99.9), left(1, 107.1)], 0.0, float)
    assert len(it.uncaused) == 2 and it.restarts == {"nothing: source_ended": 2}


def test_a_restart_of_somebody_else_accuses() -> None:
    it = ledger(OVER)
    it.follow([left(2, 101.0, "stalled")], 0.0, float)
    assert it.uncaused == ["camera 2: backoff, stalled: it went; never hit"]


def test_an_end_that_is_counted_from_later_is_covered_from_the_beginning() -> None:
    it = ledger(Hit("disabled, enabled", 100.0, 103.0, back_s=1.0, over=True))
    it.follow([left(1, 100.1, "stopped"), left(1, 109.5)], 0.0, float)
    assert len(it.uncaused) == 1


def test_only_what_ran_can_be_restarted() -> None:
    it = ledger()
    it.follow([left(1, 100.0, before="probing")], 0.0, float)
    assert it.uncaused == [] and not it.restarts


def test_the_clocks_are_brought_together() -> None:
    it = ledger(OVER)
    it.follow([left(1, 1100.5)], -1000.0, float)
    assert it.uncaused == []


def test_times_back_are_told_by_deed_of_those_that_are_over() -> None:
    assert ledger(OVER, DOWN).times_back() == {"drops": [2.0]}


def test_who_came_back_beside_a_killed_workers_cameras_is_told_apart() -> None:
    killed = [Hit(KILLED, 101.0, 101.0, back_s=back_s, over=True) for back_s in (3.0, 30.0)]
    after = Hit("drops", 131.5, 131.5, back_s=1.0, over=True)
    beside = Hit("drops", 120.0, 120.0, back_s=9.0, over=True)
    found = ledger(*killed, after, beside).times_back()
    assert found == {"drops": [1.0], "drops, a worker away": [9.0], KILLED: [3.0, 30.0]}
