"""Why a conversation with a camera failed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FailureKind(StrEnum):
    """Class of a failure; the names of `domain/life/cause.py` where it has one."""

    AUTH_FAILED = "auth_failed"
    AUTH_UNSUPPORTED = "auth_unsupported"
    NOT_FOUND = "not_found"
    TRANSPORT_REFUSED = "transport_refused"
    BUSY = "busy"
    REQUEST_REFUSED = "request_refused"
    CAMERA_ERROR = "camera_error"
    TIMEOUT = "timeout"
    SOURCE_ENDED = "source_ended"
    NO_MEDIA = "no_media"
    NOT_RTSP = "not_rtsp"
    DESCRIPTION_UNREADABLE = "description_unreadable"
    REDIRECT_LOOP = "redirect_loop"


class Stage(StrEnum):
    """How far a conversation has come."""

    CONNECT = "connect"
    TLS = "tls"
    OPTIONS = "options"
    DESCRIBE = "describe"
    SETUP = "setup"
    PLAY = "play"
    PLAYING = "playing"
    TEARDOWN = "teardown"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, where, and in the camera's own words (masked, one line of at most 200 characters)."""

    kind: FailureKind
    stage: Stage
    words: str
    status: int | None = None
    """Of the answer that decided; None: there was none."""
    offered: tuple[str, ...] = ()
    """Ways to log in that the camera offers, where it refused the login."""
    waited_s: float | None = None
    """How long it was waited for an answer, where none came."""
