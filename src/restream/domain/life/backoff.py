"""How long to wait before the next try."""

from __future__ import annotations

from dataclasses import dataclass

# "Slow" causes begin this many doublings up the ladder: 80 s with the default base of 5 s.
_SLOW_HEAD_START = 4


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """Delays in seconds; `jitter` is a share (0.2 = ±20 %), applied after the cap: a fleet never synchronises."""

    first_s: float = 0.5
    base_s: float = 5.0
    factor: float = 2.0
    max_s: float = 300.0
    jitter: float = 0.2
    stable_after_s: float = 30.0
    held_s: float = 900.0

    def delay_s(self, failures: int, draw: float, *, slow: bool = False) -> float:
        """Delay after `failures` failures in a row; 0: the run before was stable."""
        if failures == 0:
            return self._jittered(self.first_s, draw)
        exponent = failures - 1 + (_SLOW_HEAD_START if slow else 0)
        # The exponent is bounded first: factor ** 10000 overflows.
        return self._jittered(min(self.max_s, self.base_s * self.factor ** min(exponent, 64)), draw)

    def held_delay_s(self, draw: float) -> float:
        """Delay where only a human can help; `draw` is random, 0 to 1, here and above."""
        return self._jittered(self.held_s, draw)

    def _jittered(self, delay_s: float, draw: float) -> float:
        return delay_s * (1 + self.jitter * (2 * draw - 1))
