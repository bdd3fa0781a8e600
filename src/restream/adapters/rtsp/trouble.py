"""Why a conversation with a camera failed: what it said, and what the system said of the way to it."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Mapping

from restream.domain.life.cause import Cause
from restream.domain.rtsp.failure import Failure, Stage

# What is none of these is of the way to the camera.
_ERRNO_CAUSES: Mapping[int, Cause] = {
    errno.ECONNREFUSED: Cause.REFUSED,
    errno.EMFILE: Cause.INTERNAL,
    errno.ENFILE: Cause.INTERNAL,
    errno.ENOMEM: Cause.INTERNAL,
    errno.ENOBUFS: Cause.INTERNAL,
    errno.EAGAIN: Cause.INTERNAL,
}


def told(failure: Failure, refusal: Exception | None) -> tuple[Cause, str]:
    """Cause and words of a failure; `refusal`: why the last connection did not come about."""
    if failure.stage is Stage.CONNECT:
        cause = _connect_cause(failure, refusal)
        asked = cause is Cause.DNS and failure.cause is Cause.TIMEOUT
        return cause, f"{failure.words}: the name server does not answer" if asked else failure.words
    if failure.stage is Stage.TLS and isinstance(refusal, ssl.SSLError) and not isinstance(refusal, ssl.SSLEOFError):
        return Cause.NOT_RTSP, failure.words
    return failure.cause, failure.words


def _connect_cause(failure: Failure, refusal: Exception | None) -> Cause:
    """Of a connection that did not come about."""
    if isinstance(refusal, socket.gaierror | ValueError):
        return Cause.DNS
    if isinstance(refusal, OSError):
        return _ERRNO_CAUSES.get(refusal.errno or 0, Cause.UNREACHABLE)
    return Cause.UNREACHABLE if failure.cause is Cause.TIMEOUT else failure.cause
