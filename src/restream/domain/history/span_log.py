"""Follows the verdicts of all cameras, and keeps what has to be written of them: bounded, whatever happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from restream.domain.history.span import HealthSpan, SpanMark
from restream.domain.judgement.verdict import Health

MOST_WAITING = 100_000
"""Spans that an outage of the database may pile up, about 40 MB; of more, the oldest are forgotten."""
LONGEST_GAP_S = 60.0

# A camera that flaps all day would fill any table: beyond so many at once, and one in so many seconds, that it is
# better again is written late. That it is worse is always written, so no report shows it better than it was.
_BURST, _REFILL_S = 60.0, 300.0
_WORSE = {Health.HEALTHY: 0, Health.DEGRADED: 1, Health.DISABLED: 2, Health.UNKNOWN: 3, Health.DOWN: 4}


class NumberedSpan(NamedTuple):
    """A span as it is written: what is told of a number later replaces what was told before."""

    id: int
    span: HealthSpan


@dataclass(slots=True)
class _Now:
    """The present span of one camera."""

    id: int
    began: float
    mark: SpanMark
    credit: float = _BURST
    credited_at: float = 0.0

    def may_improve(self, at: float) -> bool:
        self.credit = min(_BURST, self.credit + max(0.0, at - self.credited_at) / _REFILL_S)
        self.credited_at = at
        if self.credit < 1:
            return False
        self.credit -= 1
        return True


class SpanLog:
    """`follow` every look; `take` what waits, and tell what was `written`. Where more than `longest_gap_s` lie between
    two looks, nobody has watched: what was in between is not known."""

    def __init__(self, *, longest_gap_s: float = LONGEST_GAP_S, most_waiting: int = MOST_WAITING) -> None:
        self._longest_gap_s = longest_gap_s
        self._most_waiting = most_waiting
        self._now: dict[str, _Now] = {}
        self._waiting: dict[int, HealthSpan] = {}
        self._stored: set[int] = set()
        """Spans that go on, as the store has them or may have: their end must not be forgotten."""
        self._last_id = 0
        self.seen_at: float | None = None
        """When somebody looked last (Unix time, s)."""
        self.dropped_total = 0
        """Spans that were forgotten before they were written: that time is not known."""

    @property
    def waiting(self) -> int:
        """Spans that are not written as they are."""
        return len(self._waiting)

    def follow(self, marks: Mapping[str, SpanMark], at: float) -> None:
        """One look at all cameras, at `at` (Unix time, s); a camera that is missing is gone."""
        before = at if self.seen_at is None else self.seen_at
        if not 0 <= at - before <= self._longest_gap_s:
            # Nobody watched, or the clock was set.
            for camera_id in tuple(self._now):
                self._end(camera_id, before)
        for camera_id in self._now.keys() - marks.keys():
            self._end(camera_id, before)
            del self._now[camera_id]
        for camera_id, mark in marks.items():
            now = self._now.get(camera_id)
            if now is None:
                self._now[camera_id] = now = _Now(0, at, mark, credited_at=at)
                self._begin(camera_id, now, at, mark)
            elif now.id == 0:
                self._begin(camera_id, now, at, mark)
            elif now.mark != mark and _passes(now, mark, at):
                self._end(camera_id, at)
                self._begin(camera_id, now, at, mark)
        self.seen_at = at
        self._forget_oldest()

    def take(self, most: int) -> Sequence[NumberedSpan]:
        """What has waited longest; it goes on waiting until it is `written`."""
        batch = [NumberedSpan(*each) for each in islice(self._waiting.items(), most)]
        # Also where the writing fails: an answer may have been lost.
        self._stored.update(number for number, span in batch if span.ended is None)
        return batch

    def written(self, batch: Sequence[NumberedSpan]) -> None:
        """The store has these now; what has changed since goes on waiting."""
        for number, span in batch:
            if self._waiting.get(number) is span:
                del self._waiting[number]
            if span.ended is not None:
                self._stored.discard(number)

    def number_after(self, last_id: int) -> None:
        """Of earlier lives the store has numbers up to this: ours are greater. Before anything is `written`."""
        first = next(iter(self._waiting), None)
        if first is not None and first <= last_id:
            shift = last_id + 1 - first
            self._waiting = {number + shift: span for number, span in self._waiting.items()}
            for now in self._now.values():
                now.id += shift
        self._last_id = max([last_id, self._last_id, *self._waiting])

    def forget(self) -> None:
        """There is no store: begin anew, with the next look."""
        self._now.clear()
        self._waiting.clear()
        self._stored.clear()
        self.seen_at = None

    def _begin(self, camera_id: str, now: _Now, at: float, mark: SpanMark) -> None:
        self._last_id = max(self._last_id + 1, int(at * 1000))
        now.id, now.began, now.mark = self._last_id, at, mark
        self._waiting[now.id] = HealthSpan(camera_id, at, None, mark)

    def _end(self, camera_id: str, at: float) -> None:
        now = self._now[camera_id]
        if now.id == 0:
            return
        if at <= now.began and now.id not in self._stored:
            # It never was.
            self._waiting.pop(now.id, None)
        else:
            self._waiting[now.id] = HealthSpan(camera_id, now.began, max(at, now.began), now.mark)
        now.id = 0

    def _forget_oldest(self) -> None:
        excess = len(self._waiting) - self._most_waiting
        if excess <= 0:
            return
        old = [
            number for number, span in self._waiting.items() if span.ended is not None and number not in self._stored
        ]
        for number in old[:excess]:
            del self._waiting[number]
            self.dropped_total += 1


def _passes(now: _Now, mark: SpanMark, at: float) -> bool:
    """Whether a change is written at once: for the worse always, and what was announced."""
    worse = _WORSE[mark.state] > _WORSE[now.mark.state]
    return worse or mark.planned is not now.mark.planned or now.may_improve(at)
