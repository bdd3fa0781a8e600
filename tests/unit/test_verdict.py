"""The verdict as a truth table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from restream.domain.camera import RejectedRow
from restream.domain.cause import FACTS, Cause, Side
from restream.domain.flow import ServerPicture
from restream.domain.lifecycle import Phase, State
from restream.domain.mediamtx import PathObservation, ServerView
from restream.domain.snapshot import CameraStatus
from restream.domain.verdict import Health, judge
from tests.unit.fakes import camera

NEVER = ServerPicture()
SEES = NEVER.swept(ServerView(paths={"cam1": PathObservation("cam1", True)}), 1.0)
MISSES = NEVER.swept(ServerView(), 1.0)
NOT_READY = NEVER.swept(ServerView(paths={"cam1": PathObservation("cam1", False)}), 1.0)
STALE = SEES.missed()
RUNNING = State(Phase.RUNNING, 0.0)


@pytest.mark.parametrize(
    ("state", "server", "health", "fault", "code"),
    [
        (RUNNING, SEES, Health.HEALTHY, Side.NONE, None),
        (RUNNING, NEVER, Health.HEALTHY, Side.NONE, "unobserved"),
        (RUNNING, MISSES, Health.UNKNOWN, Side.NONE, "not_arrived"),
        (RUNNING, NOT_READY, Health.UNKNOWN, Side.NONE, "not_arrived"),
        (RUNNING, STALE, Health.UNKNOWN, Side.MEDIA_SERVER, "stale"),
        (replace(RUNNING, server_up=False), STALE, Health.UNKNOWN, Side.MEDIA_SERVER, "server_silent"),
        (State(Phase.WAITING, 0.0, server_up=False), STALE, Health.DOWN, Side.MEDIA_SERVER, "server_down"),
        (State(Phase.WAITING, 0.0), SEES, Health.UNKNOWN, Side.NONE, "starting"),
        (State(Phase.PROBING, 0.0), SEES, Health.UNKNOWN, Side.NONE, "starting"),
        (State(Phase.PROBING, 0.0, cause=Cause.REFUSED), SEES, Health.DOWN, Side.CAMERA, "refused"),
        (State(Phase.BACKOFF, 0.0, cause=Cause.UNREACHABLE), SEES, Health.DOWN, Side.NETWORK, "unreachable"),
        (State(Phase.HELD, 0.0, cause=Cause.AUTH_FAILED), SEES, Health.DOWN, Side.CONFIG, "auth_failed"),
        (State(Phase.BACKOFF, 0.0, cause=Cause.KILLED), SEES, Health.DOWN, Side.PUBLISHER, "killed"),
    ],
)
def test_supervised_cameras(state: State, server: ServerPicture, health: Health, fault: Side, code: str | None) -> None:
    verdict = judge(CameraStatus(camera(1), state, None, None), server)
    assert (verdict.health, verdict.fault) == (health, fault)
    assert [reason.code for reason in verdict.reasons] == ([code] if code else [])


def test_rows_without_a_publisher() -> None:
    assert judge(camera(1, enabled=False), SEES).health is Health.DISABLED
    rejected = judge(RejectedRow("7", "", "link: is empty"), SEES)
    assert (rejected.health, rejected.fault) == (Health.DOWN, Side.CONFIG)
    assert rejected.reasons[0].text == "link: is empty"


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.STOPPED])
def test_every_failure_has_a_side_and_a_hint(cause: Cause) -> None:
    assert set(FACTS) == set(Cause)
    verdict = judge(CameraStatus(camera(1), State(Phase.BACKOFF, 0.0, cause=cause), None, None), SEES)
    assert verdict.fault is not Side.NONE
    assert verdict.hint
