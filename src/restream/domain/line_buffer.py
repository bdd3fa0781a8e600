"""Lines of measurements on their way to a time series database, and how a write can end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Written:
    """The database has it."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """It will never be accepted as it is: to try again is no use. `detail` is one line for the operator."""

    detail: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Not now; the same lines can be written later, and twice does no harm. `retry_after_s`: as the database asks."""

    detail: str
    retry_after_s: float | None = None


WriteOutcome = Written | Rejected | Unavailable
"""What became of a batch of lines."""


class LineBuffer:
    """Holds the newest `limit` lines; when there are more, the oldest make room and are counted."""

    def __init__(self, limit: int) -> None:
        self._lines: deque[str] = deque()
        self._limit = limit
        self.dropped_total = 0

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, lines: Iterable[str]) -> None:
        """Append the newest lines."""
        self._lines.extend(lines)
        surplus = len(self._lines) - self._limit
        for _ in range(surplus):
            self._lines.popleft()
        self.dropped_total += max(0, surplus)

    def take(self, limit: int) -> list[str]:
        """Remove the oldest lines and return them, `limit` at most."""
        return [self._lines.popleft() for _ in range(min(limit, len(self._lines)))]

    def put_back(self, lines: Sequence[str]) -> None:
        """Return what was taken last; where newer lines have filled its place, the oldest of it are dropped."""
        room = max(0, self._limit - len(self._lines))
        kept = lines[max(0, len(lines) - room) :]
        self._lines.extendleft(reversed(kept))
        self.dropped_total += len(lines) - len(kept)
