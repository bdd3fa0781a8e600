"""What was measured of one stream lately, in even steps: for a picture of the last hour, and for what is usual."""

from __future__ import annotations

import math
from array import array
from statistics import median

from restream.domain.judgement.quality import Quality
from restream.domain.server.flow import Stream

STEP_S = 10.0
_STEPS = 360
# Below this (10 min) a stream has no habits yet.
_LEAST_FOR_USUAL = 60
_USUAL_EVERY = 6


class Series:
    """The last hour of one quantity, a value every 10 s; NaN where nothing was known. 1.5 KB."""

    __slots__ = ("_usual", "_usual_age", "_values")

    def __init__(self) -> None:
        self._values = array("f")
        self._usual: float | None = None
        self._usual_age = 0

    def append(self, value: float | None) -> None:
        """Add the newest value; None: not known."""
        self._values.append(math.nan if value is None else value)
        if len(self._values) > 2 * _STEPS:
            del self._values[:_STEPS]
        self._usual_age += 1

    @property
    def values(self) -> list[float | None]:
        """Oldest first."""
        return [None if math.isnan(value) else round(value, 4) for value in self._values[-_STEPS:]]

    @property
    def usual(self) -> float | None:
        """The median; None until there are ten minutes of values."""
        if self._usual_age >= _USUAL_EVERY:
            known = [value for value in self._values[-_STEPS:] if not math.isnan(value)]
            self._usual = median(known) if len(known) >= _LEAST_FOR_USUAL else None
            self._usual_age = 0
        return self._usual


class Habits:
    """Series of one camera over the last hour."""

    __slots__ = ("bitrate_bps", "loss_ratio", "readers", "recorded_at", "rtt_ms")

    def __init__(self) -> None:
        self.bitrate_bps = Series()
        self.readers = Series()
        self.rtt_ms: Series | None = None
        """Of SRT publishers only, like the loss."""
        self.loss_ratio: Series | None = None
        self.recorded_at = -math.inf
        """Of the newest values (monotonic, s)."""

    def record(self, stream: Stream | None, quality: Quality, now: float) -> None:
        """Take one value of each every 10 s."""
        if now - self.recorded_at < STEP_S:
            return
        self.recorded_at = now
        srt = stream.srt if stream else None
        self.bitrate_bps.append(quality.bitrate_bps)
        self.readers.append(stream.path.readers if stream else None)
        if srt is not None and self.rtt_ms is None:
            self.rtt_ms, self.loss_ratio = Series(), Series()
        if self.rtt_ms is not None and self.loss_ratio is not None:
            self.rtt_ms.append(srt.rtt_ms if srt else None)
            self.loss_ratio.append(quality.loss_ratio)
