"""One verdict per camera: is it watchable, and if not, where did it break."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from restream.domain.camera import Camera, RejectedRow
from restream.domain.cause import Side
from restream.domain.lifecycle import Phase
from restream.domain.snapshot import CameraStatus


class Health(StrEnum):
    """How a camera is, for its viewers."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a code for programs, a text for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement; `hint` says what to do, empty when there is nothing to do."""

    health: Health
    fault: Side
    reasons: tuple[Reason, ...] = ()
    hint: str = ""


_DISABLED = Verdict(Health.DISABLED, Side.NONE, (Reason("disabled", "switched off in the cameras table"),))
_HEALTHY = Verdict(Health.HEALTHY, Side.NONE)
_STARTING = Verdict(Health.UNKNOWN, Side.NONE, (Reason("starting", "not known yet: it is being started"),))
_SERVER_AWAY = Verdict(
    Health.DOWN,
    Side.MEDIA_SERVER,
    (Reason("server_down", "waits for the media server"),),
    "Start the media server or check mediamtx.rtsp_url; the camera returns by itself.",
)
_SERVER_SILENT = Verdict(
    Health.UNKNOWN,
    Side.MEDIA_SERVER,
    (Reason("server_silent", "is still being published, but the media server does not answer"),),
    "Check the media server.",
)


def judge(subject: CameraStatus | Camera | RejectedRow) -> Verdict:
    """Judge a supervised camera, a disabled one, or a row that could not be understood."""
    match subject:
        case RejectedRow(problem=problem):
            return Verdict(
                Health.DOWN, Side.CONFIG, (Reason("row_rejected", problem),), "Repair this row in the cameras table."
            )
        case Camera():
            return _DISABLED
    state = subject.state
    if state.waits_for_server:
        return _SERVER_AWAY
    if state.phase is Phase.RUNNING:
        return _HEALTHY if state.server_up else _SERVER_SILENT
    if state.cause is None:
        return _STARTING
    facts = state.cause.facts
    return Verdict(Health.DOWN, facts.side, (Reason(state.cause, facts.text),), facts.hint)
