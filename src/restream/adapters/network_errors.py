"""What went wrong with a call over the network, in a few words without addresses or credentials."""

from __future__ import annotations

import os

from restream.adapters.tls import tls_trouble


def reason(error: Exception, timeout_s: float) -> str:
    """`timeout_s` is what a call was given; it is named when time ran out."""
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    if trouble := tls_trouble(error):
        return trouble
    # aiohttp wraps what the system said.
    cause = getattr(error, "os_error", None) or error
    number = getattr(cause, "errno", None)
    # asyncio's own text for a refused connection names only the address. Name resolution has numbers below 0.
    if isinstance(number, int) and number > 0:
        return os.strerror(number)
    return getattr(cause, "strerror", None) or type(cause).__name__
