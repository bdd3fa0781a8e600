"""Whose fault is an ending on the media server's side? What the server showed meanwhile decides."""

from __future__ import annotations

from dataclasses import replace

from restream.domain.engine import Ending, Plan
from restream.domain.life.cause import Cause, Side
from restream.domain.life.lifecycle import Unarrived
from restream.domain.server.flow import ServerPicture
from restream.domain.server.mediamtx import Closed

CUT_FOR_SILENCE_S = 5.0
"""A publisher silent for so long was cut off for it: MediaMTX's `readTimeout` is 10 s, seen by sweeps of 2 s."""
# Counters move between any two sweeps of a healthy stream; only longer silence is worth a message.
_SURELY_SILENT_S = 1.0


def unarrived(picture: ServerPicture, plan: Plan, running_since: float, excuse: Cause | None) -> Unarrived | None:
    """What a sweep shows of a publisher from which nothing arrives; None while that cannot be told.

    `excuse` is the engine's: why the silence says nothing about the camera.
    """
    silent_since = picture.silent_since(plan.path, running_since)
    if silent_since is None or picture.asked_at - silent_since <= _SURELY_SILENT_S:
        return None
    stream = picture.streams.get(plan.path)
    # A path that is fetched is gone when its camera is.
    published = plan.fetched or (stream is not None and stream.path.live)
    received = stream is None or stream.flow.count_bytes > 0
    return Unarrived(silent_since, picture.asked_at, published, excuse, received)


def attributed(
    ending: Ending, picture: ServerPicture, plan: Plan, started_at: float, running_since: float | None
) -> Ending:
    """An ending with its cause as the server's picture of its path corrects it.

    `started_at` is when the publisher began, `running_since` as in `State` (monotonic, s).
    """
    if picture.fresh_since is None:
        return ending
    if ending.cause.facts.side is Side.MEDIA_SERVER and not plan.fetched:
        closed = picture.closed(plan.path)
        if closed is Closed.PULLED:
            return replace(ending, cause=Cause.SERVER_REFUSED)
        if closed is Closed.ALWAYS and ending.cause is Cause.SERVER_CONFLICT:
            # An answer that looks like a conflict, where nobody publishes: it has other tracks than the path.
            return replace(ending, cause=Cause.CODEC_UNSUPPORTED)
    # Cut off for its silence, by a server that has no word for it; one that fetches the camera loses it so.
    if ending.cause is not (Cause.SOURCE_ENDED if plan.fetched else Cause.SERVER_GONE):
        return ending
    silence = picture.silence(plan.path, started_at)
    if silence is not None and silence.received:
        # What had been received before our first media may be of a connection whose peer died.
        silence = picture.silence(plan.path, running_since) if running_since is not None else None
    if silence is None or silence.seconds < CUT_FOR_SILENCE_S:
        return ending
    cause = Cause.STALLED if silence.received else Cause.NO_MEDIA
    detail = f"the media server received nothing for {silence.seconds:.0f} s, and closed (its readTimeout)"
    return replace(ending, cause=cause, detail=detail)
