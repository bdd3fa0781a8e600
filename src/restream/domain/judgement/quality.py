"""How good a stream is, from the media server's counters over the last seconds: bitrate, loss, errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from restream.domain.server.flow import Stream

SHORT_S = 10.0
"""The window of what viewers notice at once."""
LONG_S = 60.0
"""The window of what lasts."""
# The readings are kept this far apart: windows are exact to one step.
_STEP_S = 5.0


class Reading(NamedTuple):
    """Counters of one publisher at one moment (monotonic, s)."""

    at: float
    source_id: str | None
    received_bytes: int
    frames_in_error: int
    packets_unique: int = 0
    packets_lost: int = 0
    packets_dropped: int = 0

    @classmethod
    def of(cls, stream: Stream) -> Reading:
        """The newest counters of a stream; those of packets are 0 but for SRT."""
        path, srt = stream.path, stream.srt
        at = stream.flow.read_at
        if srt is None:
            return cls(at, path.source_id, path.inbound_bytes, path.frames_in_error)
        srt_counts = (srt.packets_unique, srt.packets_lost, srt.packets_dropped)
        return cls(at, path.source_id, path.inbound_bytes, path.frames_in_error, *srt_counts)

    def continues(self, before: Reading) -> bool:
        """Whether both are of one publisher, whose counters only grow."""
        return (
            self.source_id == before.source_id
            and self.received_bytes >= before.received_bytes
            and self.frames_in_error >= before.frames_in_error
            and self.packets_unique >= before.packets_unique
            and self.packets_lost >= before.packets_lost
            and self.packets_dropped >= before.packets_dropped
        )


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


@dataclass(frozen=True, slots=True)
class Window:
    """Readings of the last minute, oldest first."""

    readings: tuple[Reading, ...] = ()

    def followed(self, stream: Stream | None) -> Window:
        """One more sweep; a publisher that is gone or new begins an empty window."""
        if stream is None or not stream.path.live:
            return self if not self.readings else Window()
        last = self.readings[-1] if self.readings else None
        if last is not None and stream.flow.read_at - last.at < _STEP_S and stream.path.source_id == last.source_id:
            return self
        reading = Reading.of(stream)
        if last is not None and not reading.continues(last):
            return Window((reading,))
        begin = reading.at - LONG_S - _STEP_S
        return Window((*(each for each in self.readings if each.at >= begin), reading))

    def measure(self, stream: Stream | None, *, usual_bitrate_bps: float | None, restarts: int) -> Quality:
        """What the readings and the newest counters tell."""
        if stream is None or not self.readings:
            return Quality(usual_bitrate_bps=usual_bitrate_bps, restarts=restarts)
        newest = Reading.of(stream)
        if not newest.continues(self.readings[-1]):
            return Quality(usual_bitrate_bps=usual_bitrate_bps, restarts=restarts)
        short, long = self._before(newest.at - SHORT_S), self._before(newest.at - LONG_S)
        has_srt = stream.srt is not None
        return Quality(
            bitrate_bps=_bitrate(short, newest),
            long_bitrate_bps=_bitrate(long, newest) if newest.at - long.at >= LONG_S else None,
            usual_bitrate_bps=usual_bitrate_bps,
            loss_ratio=_loss(short, newest) if has_srt else None,
            long_loss_ratio=_loss(long, newest) if has_srt else None,
            dropped=newest.packets_dropped - long.packets_dropped,
            frames_in_error=newest.frames_in_error - long.frames_in_error,
            restarts=restarts,
        )

    def _before(self, moment: float) -> Reading:
        """The newest reading at or before a moment, else the oldest."""
        for each in reversed(self.readings):
            if each.at <= moment:
                return each
        return self.readings[0]


def _bitrate(before: Reading, now: Reading) -> float | None:
    elapsed_s = now.at - before.at
    return (now.received_bytes - before.received_bytes) * 8 / elapsed_s if elapsed_s > 0 else None


def _loss(before: Reading, now: Reading) -> float | None:
    unique, lost = now.packets_unique - before.packets_unique, now.packets_lost - before.packets_lost
    return lost / (unique + lost) if unique + lost else None
