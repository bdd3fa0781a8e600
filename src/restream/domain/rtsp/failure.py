"""Why a conversation with a camera or a media server failed, and at which stage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from restream.domain.life.cause import Cause

AUTHENTICATION = frozenset({Cause.AUTH_FAILED, Cause.AUTH_UNSUPPORTED})
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
    ANNOUNCE = "announce"
    RECORD = "record"
    RECORDING = "recording"
    TEARDOWN = "teardown"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, where, and in the peer's own words (masked, one line of at most 200 characters)."""

    cause: Cause
    stage: Stage
    words: str
    status: int | None = None
    """Of the answer that decided; None: there was none."""
    offered: tuple[str, ...] = ()
    """Ways to log in that are offered, where the login was refused."""
    waited_s: float | None = None
    """How long it was waited for an answer, where none came."""


# Of answers that are none of the codes below: cameras say so with 400, 403, 406 or 500.
_BUSY = re.compile(
    r"(?i)too many|max(?:imum)?\b.{0,40}\b(?:session|client|user|connection|stream)|not enough bandwidth"
)
_BY_STATUS: Mapping[int, Cause] = {
    401: Cause.AUTH_FAILED,
    404: Cause.NOT_FOUND,
    410: Cause.NOT_FOUND,
    429: Cause.BUSY,
    453: Cause.BUSY,
    461: Cause.TRANSPORT_REFUSED,
    503: Cause.BUSY,
}


def cause_of(status: int, reason: str, *, logged_in: bool) -> Cause:
    """Class of an answer that is no success. `logged_in`: the request had credentials with it."""
    if known := _BY_STATUS.get(status):
        return known
    if _BUSY.search(reason):
        return Cause.BUSY
    # With credentials it is they who may not; without, nothing was asked for.
    if status == 403 and logged_in:
        return Cause.AUTH_FAILED
    return Cause.CAMERA_ERROR if status >= 500 else Cause.REQUEST_REFUSED
