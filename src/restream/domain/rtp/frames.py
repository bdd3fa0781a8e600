"""Counts the frames of a track and finds its key frames; measures how evenly frames arrive."""

from __future__ import annotations

from restream.domain.rtp.key_frames import FIRST, KEY, LOOKS, PICTURE
from restream.domain.rtp.packet import Buffer

_HALF_OF_TICKS = 0x80000000
# A timestamp that is off by so much is no jitter: it has jumped. Pictures sent out of their order are less far apart.
_JUMP_S = 5.0


class FrameCounter:
    """Sees the packets of one track in order, and only those with which something may begin.

    A frame begins where the timestamp changes, and where the first part of a picture follows a marker: there are
    cameras that never set the marker, that set it behind every unit, and that give all packets one timestamp.
    Parameters belong to the picture behind them, even where they carry the timestamp of the one before (Reolink).
    """

    __slots__ = (
        "_clock_rate_hz",
        "_has_parameters",
        "_has_picture",
        "_is_key",
        "_look",
        "_newest",
        "_newest_at",
        "decided",
        "jitter_s",
        "key_frame_at",
        "key_frame_interval_s",
        "key_frames",
        "last_frame_at",
        "timestamp",
        "total",
    )

    def __init__(self, codec: str, clock_rate_hz: int) -> None:
        self._look = LOOKS.get(codec)
        self._clock_rate_hz = max(0, clock_rate_hz)
        self.timestamp = -1
        """Of the frame that arrives."""
        self.decided = False
        """Whether it is known what that frame is: further packets with its timestamp need not be looked at."""
        self.total = self.key_frames = 0
        self.last_frame_at: float | None = None
        """When its first packet arrived."""
        self.key_frame_at: float | None = None
        self.key_frame_interval_s: float | None = None
        self.jitter_s: float | None = None
        self._has_parameters = self._has_picture = self._is_key = False
        self._newest: int | None = None
        """Timestamp of the newest frame, from which the next transit time is measured."""
        self._newest_at = 0.0

    def begin_anew(self) -> None:
        """The numbering of packets has begun anew: timestamps may have as well."""
        self.decided = False
        self._newest = None

    def take(self, data: Buffer, at: int, stop: int, timestamp: int, marker: int, now: float) -> bool:
        """The payload data[at:stop] of a packet; whether a key frame begins with it.

        The rest of a frame that is decided is not for here. `marker` is set where it is not 0.
        """
        if self._look is None:
            self._begin_frame(timestamp, now)
            self._begin_key_frame(now)
            return True
        found = self._look(data, at, stop)
        if timestamp != self.timestamp:
            self.timestamp = timestamp
            continues = self._has_parameters and not self._has_picture
            self._has_picture = False
            if not continues:
                self._begin_frame(timestamp, now)
        elif found & FIRST and self._has_picture:
            self._begin_frame(timestamp, now)
        is_known = self._has_parameters or (self._is_key and found & PICTURE)
        if found & PICTURE:
            self._is_key = bool(self._is_key or self._has_parameters or found & KEY)
            self._has_picture, self._has_parameters = True, False
            self.decided = not marker
        elif found & KEY:
            self._has_parameters = True
        if not found & KEY or is_known:
            return False
        self._begin_key_frame(now)
        return True

    def _begin_frame(self, timestamp: int, now: float) -> None:
        self.total += 1
        self.last_frame_at = now
        self._is_key = self._has_parameters
        if self._clock_rate_hz:
            self._measure_jitter(timestamp, now)

    def _begin_key_frame(self, now: float) -> None:
        self.key_frames += 1
        if self.key_frame_at is not None:
            self.key_frame_interval_s = now - self.key_frame_at
        self.key_frame_at = now

    def _measure_jitter(self, timestamp: int, now: float) -> None:
        """RFC 3550 A.8, in seconds; of frames that go forward, since others are sent out of their order (B-frames)."""
        if self._newest is not None:
            ticks = (timestamp - self._newest) & 0xFFFFFFFF
            if ticks >= _HALF_OF_TICKS:
                if (0x100000000 - ticks) / self._clock_rate_hz < _JUMP_S:
                    return
            else:
                difference_s = abs(now - self._newest_at - ticks / self._clock_rate_hz)
                if difference_s < _JUMP_S:
                    jitter_s = self.jitter_s or 0.0
                    self.jitter_s = jitter_s + (difference_s - jitter_s) / 16
        self._newest, self._newest_at = timestamp, now
