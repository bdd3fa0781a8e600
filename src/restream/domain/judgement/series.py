"""What was measured of one stream lately, in even steps: for a picture of the last hour, and for what is usual."""

from __future__ import annotations

import math
from array import array
from itertools import filterfalse
from statistics import median

from restream.domain.judgement.quality import Quality
from restream.domain.server.flow import Stream

STEP_S = 10.0
"""From one value of a series to the next."""
_STEPS = 360
# Below this (10 min) a stream has no habits yet.
_LEAST_FOR_USUAL = 60
_USUAL_EVERY = 6
_LATE = 2.0


class Series:
    """The last hour of one quantity, a value every 10 s; NaN where nothing was known. 1.5 KB."""

    __slots__ = ("_usual", "_usual_age", "_values")

    def __init__(self) -> None:
        self._values = array("f")
        self._usual: float | None = None
        self._usual_age = 0

    def append(self, value: float | None) -> None:
        """The next step; None where nothing is known."""
        self.extend(value, 1)

    def extend(self, value: float | None, steps: int) -> None:
        """The same value for so many steps."""
        steps = min(steps, _STEPS)
        self._values.extend([math.nan if value is None else value] * steps)
        if len(self._values) > 2 * _STEPS:
            del self._values[:-_STEPS]
        self._usual_age += steps

    @property
    def values(self) -> list[float | None]:
        """Oldest first."""
        return [None if math.isnan(value) else round(value, 4) for value in self._values[-_STEPS:]]

    @property
    def usual(self) -> float | None:
        """The median; None until there are ten minutes of values."""
        if self._usual_age >= _USUAL_EVERY:
            known = list(filterfalse(math.isnan, self._values[-_STEPS:]))
            self._usual = median(known) if len(known) >= _LEAST_FOR_USUAL else None
            self._usual_age = 0
        return self._usual


class Habits:
    """Series of one camera over the last hour, in steps of 10 s on one grid, which begins with the first value.

    The value of a step is the newest one when the step begins, or soon after. Steps that nobody looked at have none,
    unless looks are `longest_s` seconds apart by themselves: then those between two looks have the value of the second.
    """

    __slots__ = ("_longest_s", "_looked_at", "bitrate_bps", "loss_ratio", "readers", "recorded_at", "rtt_ms")

    def __init__(self, longest_s: float = 0.0) -> None:
        self._longest_s = longest_s
        self._looked_at = -math.inf
        self.bitrate_bps = Series()
        self.readers = Series()
        self.rtt_ms: Series | None = None
        """Of SRT publishers only, like the loss."""
        self.loss_ratio: Series | None = None
        self.recorded_at = -math.inf
        """When the newest step began (monotonic, s)."""

    def record(self, stream: Stream | None, quality: Quality, now: float) -> None:
        """Look at what is known; every 10 s it becomes a value of each series. `now` is monotonic, in seconds."""
        # Looks are late by less than their rhythm; whoever was away for longer has missed something.
        missed_all = now - self._looked_at > _LATE * self._longest_s
        self._looked_at = now
        if self.recorded_at < 0:
            self.recorded_at, steps = now, 1
        else:
            steps = int((now - self.recorded_at) // STEP_S)
            self.recorded_at += steps * STEP_S
        if not steps:
            return
        srt = stream.srt if stream else None
        if srt is not None and self.rtt_ms is None:
            self.rtt_ms, self.loss_ratio = Series(), Series()
        values = (
            (self.bitrate_bps, quality.bitrate_bps),
            (self.readers, stream.path.readers if stream else None),
            (self.rtt_ms, srt.rtt_ms if srt else None),
            (self.loss_ratio, quality.loss_ratio),
        )
        for series, value in values:
            if series is not None:
                series.extend(None if missed_all else value, steps - 1)
                series.append(value)
