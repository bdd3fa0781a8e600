"""What was measured of one stream lately, in even steps: for a picture of the last hour, and for what is usual."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from itertools import filterfalse
from statistics import median
from typing import Any, NamedTuple

from restream.domain.judgement.quality import Quality
from restream.domain.judgement.stream_quality import NOTHING_KNOWN, StreamQuality
from restream.domain.server.flow import Stream

STEP_S = 10.0
"""From one value of a series to the next."""
_STEPS = 360
# So many values beyond an hour before the oldest go, all at once.
_SPARE = 36
_UNKNOWN = 0xFFFF
# Below this (10 min) a stream has no habits yet.
_LEAST_FOR_USUAL = 60
_USUAL_EVERY = 6
_LATE = 2.0


class Series:
    """The last hour of one quantity, a value every 10 s; NaN where nothing was known.

    With a `unit` a value is kept as a whole number of units, from 0 to 65534: 0.9 KB, otherwise 1.7 KB.
    """

    __slots__ = ("_unit", "_usual", "_usual_age", "_values")

    def __init__(self, unit: float | None = None) -> None:
        self._unit = unit
        self._values: array[Any] = array("f" if unit is None else "H")
        self._usual: float | None = None
        self._usual_age = 0

    def append(self, value: float | None) -> None:
        """The next step; None where nothing is known."""
        self.extend(value, 1)

    def extend(self, value: float | None, steps: int) -> None:
        """The same value for so many steps."""
        steps = min(steps, _STEPS)
        self._values.extend([self._kept(value)] * steps)
        if len(self._values) > _STEPS + _SPARE:
            del self._values[:-_STEPS]
        self._usual_age += steps

    @property
    def values(self) -> list[float | None]:
        """Oldest first."""
        return [None if math.isnan(value) else round(value, 4) for value in self._known()]

    @property
    def usual(self) -> float | None:
        """The median; None until there are ten minutes of values."""
        if self._usual_age >= _USUAL_EVERY:
            known = list(filterfalse(math.isnan, self._known()))
            self._usual = median(known) if len(known) >= _LEAST_FOR_USUAL else None
            self._usual_age = 0
        return self._usual

    def _kept(self, value: float | None) -> float:
        if self._unit is None:
            return math.nan if value is None else value
        return _UNKNOWN if value is None else min(_UNKNOWN - 1, max(0, round(value / self._unit)))

    def _known(self) -> Sequence[float]:
        last = self._values[-_STEPS:]
        if self._unit is None:
            return last
        return [math.nan if value == _UNKNOWN else value * self._unit for value in last]


class PacketSeries(NamedTuple):
    """What the packets of a camera told in the last hour: 4.1 KB."""

    camera_loss_ratio: Series
    jitter_s: Series
    fps: Series
    key_frame_s: Series

    @classmethod
    def begun(cls) -> PacketSeries:
        """Without values; in units that are finer than anybody sees."""
        return cls(Series(2e-5), Series(1e-4), Series(0.01), Series(0.1))


class Habits:
    """Series of one camera over the last hour, in steps of 10 s on one grid, which begins with the first value.

    The value of a step is the newest one when the step begins, or soon after. Steps that nobody looked at have none,
    unless looks are `longest_s` seconds apart by themselves: then those between two looks have the value of the second.
    """

    __slots__ = ("_longest_s", "_looked_at", "bitrate_bps", "loss_ratio", "packets", "readers", "recorded_at", "rtt_ms")

    def __init__(self, longest_s: float = 0.0) -> None:
        self._longest_s = longest_s
        self._looked_at = -math.inf
        self.bitrate_bps = Series()
        self.readers = Series()
        self.rtt_ms: Series | None = None
        """Of SRT publishers only, like the loss."""
        self.loss_ratio: Series | None = None
        self.packets: PacketSeries | None = None
        """Once an engine that sees them has told of them."""
        self.recorded_at = -math.inf
        """When the newest step began (monotonic, s)."""

    def record(
        self, stream: Stream | None, quality: Quality, now: float, packets: StreamQuality = NOTHING_KNOWN
    ) -> None:
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
        for series, value in self._looks(stream, quality, packets):
            series.extend(None if missed_all else value, steps - 1)
            series.append(value)

    def _looks(
        self, stream: Stream | None, quality: Quality, packets: StreamQuality
    ) -> Iterator[tuple[Series, float | None]]:
        yield self.bitrate_bps, quality.bitrate_bps
        yield self.readers, stream.path.readers if stream else None
        srt = stream.srt if stream else None
        if srt is not None and self.rtt_ms is None:
            self.rtt_ms, self.loss_ratio = Series(), Series()
        if self.rtt_ms is not None and self.loss_ratio is not None:
            yield self.rtt_ms, srt.rtt_ms if srt else None
            yield self.loss_ratio, quality.loss_ratio
        if self.packets is None and packets is not NOTHING_KNOWN:
            self.packets = PacketSeries.begun()
        if self.packets is not None:
            told = (packets.loss_ratio, packets.jitter_s, packets.short_fps, packets.key_frame_s)
            yield from zip(self.packets, told, strict=True)
