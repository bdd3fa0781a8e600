"""How good a stream is, from the media server's counters over the last seconds: bitrate, loss, errors."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from restream.domain.server.flow import Stream

SHORT_S = 10.0
"""The window of what viewers notice at once."""
LONG_S = 60.0
"""The window of what lasts."""
# The readings are kept this far apart: windows are exact to one step.
_STEP_S = 5.0


class Quality(NamedTuple):
    """What the last seconds were like; None where nothing is known."""

    bitrate_bps: float | None = None
    """Over about 10 s."""
    long_bitrate_bps: float | None = None
    """Over a minute; None until a minute is known."""
    usual_bitrate_bps: float | None = None
    """The median of the last hour."""
    loss_ratio: float | None = None
    """SRT: packets that did not arrive at first, of all, over 10 s."""
    long_loss_ratio: float | None = None
    """The same over 60 s."""
    dropped: int = 0
    """SRT: packets that never arrived, in the last minute."""
    frames_in_error: int = 0
    """Frames that the server could not read, in the last minute."""
    restarts: int = 0
    """Of the publisher, in the last hour."""


Counts = tuple[int, int, int, int, int]
"""Bytes received, frames in error; of SRT: packets that arrived, were lost at first, never arrived."""


class Window:
    """Counters of one publisher over the last minute, a reading every 5 s, oldest first."""

    __slots__ = ("_at", "_counts", "_source_id")

    def __init__(self) -> None:
        self._source_id: str | None = None
        self._at = array("d")
        self._counts: list[Counts] = []

    def __len__(self) -> int:
        """How many readings are kept."""
        return len(self._at)

    def follow(self, stream: Stream | None) -> None:
        """One more sweep; a publisher that is gone or new begins an empty window."""
        if stream is None or not stream.path.live:
            self.clear()
            return
        at, moments, source_id = stream.flow.read_at, self._at, stream.path.source_id
        known = bool(moments) and source_id == self._source_id
        if known and at - moments[-1] < _STEP_S:
            return
        counts = _counts(stream)
        if not known or _restarted(self._counts[-1], counts):
            self.clear()
            self._source_id = source_id
        over = bisect_left(moments, at - LONG_S - _STEP_S)
        del moments[:over], self._counts[:over]
        moments.append(at)
        self._counts.append(counts)

    def clear(self) -> None:
        """Forget everything."""
        del self._at[:], self._counts[:]

    def measure(self, stream: Stream | None, *, usual_bitrate_bps: float | None, restarts: int) -> Quality:
        """What the readings and the newest counters tell."""
        moments = self._at
        if stream is None or not moments or stream.path.source_id != self._source_id:
            return Quality(None, None, usual_bitrate_bps, None, None, 0, 0, restarts)
        counts = _counts(stream)
        if _restarted(self._counts[-1], counts):
            return Quality(None, None, usual_bitrate_bps, None, None, 0, 0, restarts)
        # The newest reading at or before the begin of a window, else the oldest.
        at = stream.flow.read_at
        short, long = bisect_right(moments, at - SHORT_S) or 1, bisect_right(moments, at - LONG_S) or 1
        short_s, long_s = at - moments[short - 1], at - moments[long - 1]
        received, errors, unique, lost, dropped = counts
        received_before, _, unique_before, lost_before, _ = self._counts[short - 1]
        received_first, errors_first, unique_first, lost_first, dropped_first = self._counts[long - 1]
        has_srt = stream.srt is not None
        return Quality(
            (received - received_before) * 8 / short_s if short_s > 0 else None,
            (received - received_first) * 8 / long_s if long_s >= LONG_S else None,
            usual_bitrate_bps,
            _share(lost - lost_before, unique - unique_before) if has_srt else None,
            _share(lost - lost_first, unique - unique_first) if has_srt else None,
            dropped - dropped_first,
            errors - errors_first,
            restarts,
        )


def _counts(stream: Stream) -> Counts:
    path, srt = stream.path, stream.srt
    if srt is None:
        return (path.inbound_bytes, path.frames_in_error, 0, 0, 0)
    return (path.inbound_bytes, path.frames_in_error, srt.packets_unique, srt.packets_lost, srt.packets_dropped)


def _restarted(before: Counts, counts: Counts) -> bool:
    """Whether they are of another publisher: counters of one only grow."""
    received, errors, unique, lost, dropped = before
    received_now, errors_now, unique_now, lost_now, dropped_now = counts
    return (
        received_now < received
        or errors_now < errors
        or unique_now < unique
        or lost_now < lost
        or dropped_now < dropped
    )


def _share(lost: int, arrived: int) -> float | None:
    return lost / (arrived + lost) if arrived + lost else None
