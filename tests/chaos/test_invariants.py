"""Every invariant can be broken, and says so; the schedule is its seed's and nobody else's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from tests.chaos import invariants
from tests.chaos.faults import FAULTS
from tests.chaos.invariants import ALWAYS, AT_REST, Rest, Sight, Weight, is_flat, log_is_clean, nothing_is_given_away
from tests.chaos.schedule import rounds

_NOW, _LATER = "2026-01-01T00:00:05.000Z", "2026-01-01T00:00:09.000Z"


def _camera(key: str, health: str = "healthy", fault: str = "none", **others: Any) -> dict[str, Any]:
    reasons = [] if health == "healthy" else [{"code": "stalled", "text": "it stalled"}]
    verdict = {"health": health, "fault": fault, "reasons": reasons, "hint": "look", "since": _NOW}
    phase = "running" if health in ("healthy", "degraded") else "probing"
    camera = {"id": key, "path": f"cam{key}", "phase": phase, "verdict": verdict, "since": _NOW}
    return camera | {"next_retry": None, "detail": ""} | others


def _picture(*cameras: dict[str, Any], **others: Any) -> dict[str, Any]:
    status = {
        "cameras": len(cameras),
        "health": Counter(camera["verdict"]["health"] for camera in cameras),
        "phase": Counter(camera["phase"] for camera in cameras),
        "fault": Counter(camera["verdict"]["fault"] for camera in cameras),
        "uptime_s": 9.0,
        "components": {"redis": {"state": "up", "since": _NOW, "detail": ""}},
    }
    whole = {"instance": "a", "generation": 7, "time": _NOW, "status": status, "cameras": list(cameras), "events": []}
    return whole | others


_WELL = Sight(_picture(_camera("1"), _camera("2")), {"cam1": (11,), "cam2": (12,)})
_REST = Rest(
    sight=_WELL,
    wanted=frozenset({"1", "2"}),
    pids={"1": 11, "2": 12},
    served=frozenset({"cam1", "cam2"}),
    stored=_WELL.cameras,
    metrics={"1": 1.0, "2": 1.0},
    children={11: "sleeping", 12: "sleeping"},
    details=({"id": "1", "availability": {"1h": {"known_s": 9, "uptime_ratio": 1, "longest_outage_s": 0}}},),
)
_DOWN = _camera("2", "down", "camera")


def _others(**changes: Any) -> Sight:
    return replace(_WELL, picture={**_WELL.picture, **changes})


BROKEN_SIGHTS = {
    "a camera is not counted": _others(cameras=[_camera("1")]),
    "a health is not counted": _others(cameras=[_camera("1"), _camera("2", "degraded", "network")]),
    "a path is shown twice": replace(_WELL, picture=_picture(_camera("1"), _camera("2", path="cam1"))),
    "healthy and not running": replace(_WELL, picture=_picture(_camera("1", phase="backoff", next_retry=_LATER))),
    "healthy with a fault": replace(_WELL, picture=_picture(_camera("1", fault="network"))),
    "down and nobody's fault": replace(_WELL, picture=_picture(_camera("1", "down"))),
    "backing off for ever": replace(_WELL, picture=_picture(_camera("1", "down", "camera", phase="backoff"))),
    "a retry while it runs": replace(_WELL, picture=_picture(_camera("1", next_retry=_LATER))),
    "since tomorrow": replace(_WELL, picture=_picture(_camera("1", since=_LATER))),
    "a generation falls": replace(_WELL, before=_picture(generation=8)),
    "the uptime falls": replace(_WELL, before={**_WELL.picture, "status": {**_WELL.picture["status"], "uptime_s": 10}}),
    "events are mixed up": replace(_others(events=[{"id": 2}, {"id": 1}]), before=_WELL.picture),
    "two publishers": replace(_WELL, publishers={"cam1": (11, 13)}),
    "an old session is left": replace(_WELL, surplus={1: 1}),
    "an innocent camera is blamed": replace(
        _WELL, picture=_picture(_camera("1"), _DOWN), suspects={"2": frozenset({"media_server"})}
    ),
}
BROKEN_RESTS = {
    "a camera is not back": replace(_REST, sight=replace(_WELL, picture=_picture(_camera("1"), _DOWN))),
    "a row is not supervised": replace(_REST, wanted=frozenset({"1", "2", "3"})),
    "an orphan publishes": replace(_REST, sight=replace(_WELL, publishers={**_WELL.publishers, "cam9": (19,)})),
    "another pid is told": replace(_REST, pids={"1": 11, "2": 99}),
    "the server has no such path": replace(_REST, served=frozenset({"cam1"})),
    "Redis tells otherwise": replace(_REST, stored={"1": _camera("1"), "2": _DOWN}),
    "metrics tell otherwise": replace(_REST, metrics={"1": 1.0, "2": 0.0}),
    "a zombie": replace(_REST, children={**_REST.children, 11: "zombie"}),
    "a probe that never ended": replace(_REST, children={**_REST.children, 20: "sleeping"}),
    "more than always available": replace(
        _REST,
        details=({"id": "1", "availability": {"1h": {"known_s": 9, "uptime_ratio": 1.1, "longest_outage_s": 0}}},),
    ),
}


def _of_sight(sight: Sight) -> Iterator[str]:
    return (problem for invariant in ALWAYS for problem in invariant(sight))


def _of_rest(rest: Rest) -> Iterator[str]:
    return (problem for invariant in AT_REST for problem in invariant(rest))


def test_a_service_that_is_well_breaks_nothing() -> None:
    assert not list(_of_sight(replace(_WELL, before=_WELL.picture)))
    assert not list(_of_rest(_REST))


@pytest.mark.parametrize("what", BROKEN_SIGHTS)
def test_a_contradiction_is_seen(what: str) -> None:
    assert list(_of_sight(BROKEN_SIGHTS[what]))


@pytest.mark.parametrize("what", BROKEN_RESTS)
def test_a_rest_that_is_none_is_seen(what: str) -> None:
    assert list(_of_rest(BROKEN_RESTS[what]))


def test_who_was_broken_may_be_blamed() -> None:
    suspects = {"2": frozenset({"camera"})}
    assert not list(invariants.only_suspects_are_blamed(replace(_WELL, picture=_picture(_DOWN), suspects=suspects)))


@pytest.mark.parametrize("name", ["rss_mib", "descriptors", "threads", "tasks"])
def test_what_grows_is_seen(name: str) -> None:
    first = Weight(60, 100, 5, 150)
    assert not list(is_flat(first, first))
    assert list(is_flat(first, replace(first, **{name: getattr(first, name) + 100})))
    # A node that has taken others' cameras holds more, but not any number.
    assert not list(is_flat(first, replace(first, tasks=250, descriptors=140, cameras=40)))
    assert list(is_flat(first, replace(first, **{name: getattr(first, name) + 200}, cameras=40)))


def test_what_nobody_foresaw_and_what_nobody_may_know_is_seen() -> None:
    assert not list(log_is_clean("INFO all is well\n"))
    assert list(log_is_clean("INFO x\nTraceback (most recent call last):\n"))
    assert list(nothing_is_given_away("rtsp://admin:secret@host", ("secret",)))
    assert not list(nothing_is_given_away("rtsp://admin:***@host", ("secret",)))


def test_a_seed_makes_the_same_chaos_again_and_deals_every_fault() -> None:
    first, again, other = (list(islice(rounds(seed, FAULTS), 10)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert {stroke.fault.name for strokes in first for stroke in strokes} == {fault.name for fault in FAULTS}
