"""How many starts at once are good, found as TCP finds its congestion window (RFC 5681, RFC 2861).

It doubles each round trip while starts succeed and it is used fully, halves when they fail for load, and from then on
grows by one each round trip. A start is a segment, its success the acknowledgement.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

FORGOTTEN_AFTER_S = 600.0
"""What was learnt is worth nothing after this without a start; longer than the longest default delay of a retry."""

_HALVED_AFTER_S = 60.0
_NEVER = -math.inf


@dataclass(frozen=True, slots=True)
class StartWindow:
    """Begins with `first` places, has between 1 and `limit`. Times are of a monotonic clock, in seconds."""

    first: int
    limit: int
    size: float
    threshold: float = math.inf
    """Below it the window doubles, from it on it grows by one each round trip."""
    full_at: float = _NEVER
    """When all places were last taken."""
    shared_at: float = _NEVER
    """When a start last had company."""
    proven_at: float = _NEVER
    """When the last one was granted of all that have succeeded."""
    shrunk_at: float = _NEVER
    used_at: float = _NEVER

    @classmethod
    def begin(cls, first: int, limit: int) -> StartWindow:
        """One that has learnt nothing yet."""
        first = max(1, min(first, limit))
        return cls(first, max(1, limit), float(first))

    @property
    def places(self) -> int:
        """How many may start at once."""
        return int(self.size)

    @property
    def places_for_retries(self) -> int:
        """How many of them repeated tries may take: the last quarter, where there is one, is for first ones."""
        places = self.places
        return places - max(1, places // 4) if places > 1 else places

    @property
    def fresh(self) -> bool:
        """Nothing has been learnt that is worth keeping."""
        return self.size == self.first and self.threshold == math.inf

    def granted(self, starting: int, retries: int, now: float) -> StartWindow:
        """One more start, which makes them `starting`, of them `retries` repeated tries."""
        full = starting >= self.places or retries >= self.places_for_retries
        return replace(
            self,
            full_at=now if full else self.full_at,
            shared_at=now if starting > 1 else self.shared_at,
            used_at=now,
        )

    def succeeded(self, granted_at: float, now: float, *, slowly: bool = False) -> StartWindow:
        """A start granted at that time succeeded. A window that nobody filled meanwhile proves nothing larger.

        `slowly`: it grows by one a round trip, wherever the threshold is.
        """
        proven_at = max(self.proven_at, granted_at)
        if self.full_at < granted_at:
            return replace(self, proven_at=proven_at, used_at=now)
        grown = self.size + (1 if self.size < self.threshold and not slowly else 1 / self.size)
        return replace(self, size=min(float(self.limit), grown), proven_at=proven_at, used_at=now)

    def failed(self, granted_at: float, starting: int, now: float) -> StartWindow:
        """A start failed as it would for load, one of `starting`. Those granted before the last shrink are part of it.
        Where one that was granted no earlier has succeeded meanwhile, it was not load; nor where it had no company, and
        then it was not load either that taught us to be slow."""
        if granted_at <= max(self.shrunk_at, self.proven_at):
            return self.released(now)
        if self.shared_at < granted_at:
            return replace(self, threshold=math.inf, used_at=now)
        return self._halved(starting, now)

    def pressed(self, starting: int, now: float) -> StartWindow:
        """The machine is overloaded while so many start; not again before the last shrink has come about."""
        return self if not 0 < starting <= self.places else self._halved(starting, now)

    def released(self, now: float) -> StartWindow:
        """A start is over that tells nothing."""
        return replace(self, used_at=now)

    def rested(self, now: float) -> StartWindow:
        """Nothing has started since it was used: what it grew to is trusted less by the minute, what it shrank to until
        it is forgotten."""
        idle_s = now - self.used_at
        if idle_s >= FORGOTTEN_AFTER_S:
            return StartWindow.begin(self.first, self.limit)
        if idle_s < _HALVED_AFTER_S or self.size <= self.first:
            return self
        return replace(self, size=max(float(self.first), self.size / 2 ** (idle_s // _HALVED_AFTER_S)))

    def _halved(self, starting: int, now: float) -> StartWindow:
        # What was not in use has not failed: half of what was.
        size = max(1.0, min(self.size, starting) / 2)
        return replace(self, size=size, threshold=size, shrunk_at=now, used_at=now)
