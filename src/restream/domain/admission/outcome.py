"""What a start that is over tells of how many at once are good, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from restream.domain.life.cause import Cause


class StartOutcome(StrEnum):
    """What a start that is over tells."""

    SUCCEEDED = "succeeded"
    HOST_BUSY = "host_busy"
    """The camera's host may have been asked too much."""
    WE_BUSY = "we_busy"
    """The media server, or this machine, may have been asked too much."""
    UNTOLD = "untold"
    """Nothing about load: a wrong password is wrong at any speed."""


_BUSY: Mapping[Cause, StartOutcome] = {
    Cause.BUSY: StartOutcome.HOST_BUSY,
    Cause.CAMERA_ERROR: StartOutcome.HOST_BUSY,
    Cause.REFUSED: StartOutcome.HOST_BUSY,
    Cause.UNREACHABLE: StartOutcome.HOST_BUSY,
    Cause.TIMEOUT: StartOutcome.HOST_BUSY,
    Cause.SOURCE_ENDED: StartOutcome.HOST_BUSY,
    Cause.SERVER_GONE: StartOutcome.WE_BUSY,
    Cause.KILLED: StartOutcome.WE_BUSY,
    Cause.OOM: StartOutcome.WE_BUSY,
}


def outcome_of(cause: Cause) -> StartOutcome:
    """Of a start that failed."""
    return _BUSY.get(cause, StartOutcome.UNTOLD)
