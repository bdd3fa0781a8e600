"""Why a conversation with a camera failed."""

from __future__ import annotations

import re
from collections.abc import Mapping
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


AUTHENTICATION = frozenset({FailureKind.AUTH_FAILED, FailureKind.AUTH_UNSUPPORTED})
"""Those of logging in."""


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


# Of answers that are none of the codes below: cameras say so with 400, 403, 406 or 500.
_BUSY = re.compile(
    r"(?i)too many|max(?:imum)?\b.{0,40}\b(?:session|client|user|connection|stream)|not enough bandwidth"
)
_BY_STATUS: Mapping[int, FailureKind] = {
    401: FailureKind.AUTH_FAILED,
    404: FailureKind.NOT_FOUND,
    410: FailureKind.NOT_FOUND,
    429: FailureKind.BUSY,
    453: FailureKind.BUSY,
    461: FailureKind.TRANSPORT_REFUSED,
    503: FailureKind.BUSY,
}


def kind_of(status: int, reason: str, *, logged_in: bool) -> FailureKind:
    """Class of an answer that is no success. `logged_in`: the request had credentials with it."""
    if known := _BY_STATUS.get(status):
        return known
    if _BUSY.search(reason):
        return FailureKind.BUSY
    # With credentials it is they who may not; without, nothing was asked for.
    if status == 403 and logged_in:
        return FailureKind.AUTH_FAILED
    return FailureKind.CAMERA_ERROR if status >= 500 else FailureKind.REQUEST_REFUSED
