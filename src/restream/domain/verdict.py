"""One verdict per camera: is it watchable, and if not, where did it break."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from restream.domain.camera import Camera, RejectedRow
from restream.domain.cause import Side
from restream.domain.flow import ServerPicture
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


_STALE = Verdict(
    Health.UNKNOWN,
    Side.MEDIA_SERVER,
    (Reason("stale", "ffmpeg publishes, but the media server's API does not answer any more"),),
    "Check the control API of the media server; its last data are shown.",
)
_NOT_ARRIVED = Verdict(
    Health.UNKNOWN, Side.NONE, (Reason("not_arrived", "ffmpeg publishes; the media server does not show it yet"),)
)
_UNOBSERVED = Verdict(
    Health.HEALTHY,
    Side.NONE,
    (Reason("unobserved", "ffmpeg publishes; the media server's API is not there to confirm it"),),
    "Switch the API on (`api: yes` in mediamtx.yml) and set mediamtx.api_url.",
)


def judge(subject: CameraStatus | Camera | RejectedRow, server: ServerPicture) -> Verdict:
    """Judge a supervised camera, a disabled one, or a row that could not be understood.

    A stale picture of the server gives unknown, never down.
    """
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
        return _judge_running(subject, server)
    if state.cause is None:
        return _STARTING
    facts = state.cause.facts
    return Verdict(Health.DOWN, facts.side, (Reason(state.cause, facts.text),), facts.hint)


def _judge_running(subject: CameraStatus, server: ServerPicture) -> Verdict:
    if not subject.state.server_up:
        return _SERVER_SILENT
    if server.observed_at is None:
        return _UNOBSERVED
    if server.fresh_since is None:
        return _STALE
    stream = server.streams.get(subject.camera.path)
    return _HEALTHY if stream is not None and stream.path.available else _NOT_ARRIVED
