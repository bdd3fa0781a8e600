"""When each camera's picture is due: evenly over the interval, sooner for what is suspect, within a budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

# What could not be had is no reason to ask all the time.
_LONGEST_BACKOFF = 8


class SamplePace(NamedTuple):
    """How often pictures are taken, in seconds, and how many of the whole fleet in a second."""

    interval_s: float = 60.0
    suspect_s: float = 20.0
    """For a camera whose last picture shows what is not proven yet; never slower than its interval."""
    per_s: float = 20.0


@dataclass(slots=True)
class _Turn:
    due: float
    interval_s: float
    suspect: bool = False
    failures: int = 0
    under_way: bool = False


@dataclass(slots=True)
class SampleSchedule:
    """Moments are monotonic seconds; `chance` is between 0 and 1, so that a fleet does not sample in one burst."""

    pace: SamplePace
    chance: Callable[[], float]
    _turns: dict[str, _Turn] = field(default_factory=dict)
    _tokens: float = 1.0
    _filled_at: float | None = None

    def follow(self, wanted: Mapping[str, float | None], now: float) -> None:
        """Which cameras can be sampled now, each with an interval of its own, or None: the usual one."""
        for camera_id in self._turns.keys() - wanted.keys():
            del self._turns[camera_id]
        for camera_id, own_s in wanted.items():
            interval_s = own_s or self.pace.interval_s
            turn = self._turns.get(camera_id)
            if turn is None:
                self._turns[camera_id] = _Turn(now + self.chance() * interval_s, interval_s)
            elif turn.interval_s != interval_s:
                turn.interval_s, turn.due = interval_s, min(turn.due, now + self.chance() * interval_s)

    def take(self, now: float, *, most: int, slowness: float = 1.0) -> list[str]:
        """Whose picture is taken now, at most so many: suspects first, then who has waited longest.

        `slowness` stretches the budget: 2 is half as many a second.
        """
        elapsed_s = 0.0 if self._filled_at is None else now - self._filled_at
        self._filled_at = now
        per_s = self.pace.per_s / max(1.0, slowness)
        self._tokens = min(max(1.0, per_s), self._tokens + per_s * elapsed_s)
        due = [(not turn.suspect, turn.due, key) for key, turn in self._turns.items() if _is_due(turn, now)]
        chosen = [key for _, _, key in sorted(due)[: min(most, int(self._tokens))]]
        self._tokens -= len(chosen)
        for camera_id in chosen:
            self._turns[camera_id].under_way = True
        return chosen

    def taken(self, camera_id: str, now: float, *, suspect: bool) -> None:
        """Its picture was looked at."""
        if (turn := self._turns.get(camera_id)) is not None:
            soon_s = min(self.pace.suspect_s, turn.interval_s)
            turn.due = now + (soon_s if suspect else turn.interval_s)
            turn.suspect, turn.failures, turn.under_way = suspect, 0, False

    def failed(self, camera_id: str, now: float) -> None:
        """There was none; it is tried again, ever more rarely."""
        if (turn := self._turns.get(camera_id)) is not None:
            turn.failures += 1
            turn.due = now + turn.interval_s * min(turn.failures, _LONGEST_BACKOFF)
            turn.under_way = False


def _is_due(turn: _Turn, now: float) -> bool:
    return turn.due <= now and not turn.under_way
