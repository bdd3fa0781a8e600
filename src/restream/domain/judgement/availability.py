"""How reliably a camera was watchable: its healths as spans of time, and what follows from them.

Times are Unix seconds: this outlives the service. Time in which nobody watched (the service was down, the camera not
judged yet, switched off) counts neither as up nor as down.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import inf

from restream.domain.judgement.verdict import Health

KEPT_S = 24 * 3600.0
"""How long a span is remembered after it ended."""
# A camera that flaps all day would fill any memory; beyond this its window is shorter, and `known_s` says so.
MOST_SPANS = 2000
"""Kept of one camera, and as many restarts."""

_UP = frozenset({Health.HEALTHY, Health.DEGRADED})


@dataclass(frozen=True, slots=True)
class Span:
    """A health, from `since` until the next span."""

    since: float
    health: Health


@dataclass(frozen=True, slots=True)
class Timeline:
    """The last 24 h of one camera, oldest first; the first span may begin earlier."""

    spans: tuple[Span, ...] = ()
    restarts: tuple[float, ...] = ()
    """When its publisher was started again after a failure that was not the media server's."""

    def followed(self, health: Health, now: float) -> Timeline:
        """One more judgement; the same object when nothing changed."""
        if self.spans and self.spans[-1].health is health:
            return self
        if self.spans:
            now = max(now, self.spans[-1].since)  # the clock was set back
        spans = _recent(self.spans, now - KEPT_S)[1 - MOST_SPANS :]
        return Timeline((*spans, Span(now, health)), self.restarts)

    def restarted(self, times: int, now: float) -> Timeline:
        """The publisher was started again so many times since the last look."""
        if times <= 0:
            return self
        kept = tuple(at for at in self.restarts if at > now - KEPT_S)[times - MOST_SPANS :]
        return Timeline(self.spans, (*kept, *[now] * min(times, MOST_SPANS)))

    def after(self, earlier: Timeline, until: float) -> Timeline:
        """This timeline behind one of an earlier life, which was watched until `until`."""
        if not earlier.spans:
            return self
        first = self.spans[0].since if self.spans else inf
        old = tuple(span for span in earlier.spans if span.since < first)
        gap = () if until >= first else (Span(max(until, old[-1].since if old else until), Health.UNKNOWN),)
        return Timeline((*old, *gap, *self.spans)[-MOST_SPANS:], (*earlier.restarts, *self.restarts)[-MOST_SPANS:])

    def restarts_since(self, since: float) -> int:
        """How often its publisher was started again since then (Unix time, s)."""
        return sum(at >= since for at in self.restarts)

    def within(self, now: float, window_s: float = KEPT_S) -> tuple[Span, ...]:
        """The spans of a window, the first one cut at its beginning."""
        begin = now - window_s
        return tuple(Span(max(span.since, begin), span.health) for span in _recent(self.spans, begin))


@dataclass(frozen=True, slots=True)
class Availability:
    """What a window of time was like."""

    known_s: float
    """How much of it was watched; the ratio speaks of this time alone."""
    uptime_ratio: float | None
    restarts: int
    flaps: int
    """How often it went from up to down."""
    longest_outage_s: float


def availability(timeline: Timeline, now: float, window_s: float) -> Availability:
    """The last `window_s` seconds before `now`."""
    spans = timeline.within(now, window_s)
    up_s = down_s = longest_s = outage_s = 0.0
    flaps = 0
    was_up = False
    for span, following in pairwise((*spans, Span(now, Health.UNKNOWN))):
        length_s = max(0.0, following.since - span.since)
        if span.health in _UP:
            up_s += length_s
            outage_s, was_up = 0.0, True
        elif span.health is Health.DOWN:
            down_s += length_s
            outage_s += length_s
            longest_s = max(longest_s, outage_s)
            flaps += was_up
            was_up = False
        elif span.health is Health.DISABLED:
            outage_s, was_up = 0.0, False
    known_s = up_s + down_s
    ratio = up_s / known_s if known_s > 0 else None
    return Availability(known_s, ratio, timeline.restarts_since(now - window_s), flaps, longest_s)


def _recent(spans: tuple[Span, ...], begin: float) -> tuple[Span, ...]:
    """Without the spans that ended before `begin`."""
    first = next((i for i in range(len(spans) - 1) if spans[i + 1].since > begin), len(spans) - 1)
    return spans[max(first, 0) :]
