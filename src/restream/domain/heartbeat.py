"""Whether cycles still complete. Pure: `now` is monotonic, in seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace

_MISSED = 3
"""So many intervals, or cycles as long as the last one, without a cycle are too many,"""
_LEAST_S = 3.0
"""but never less time than this."""
_FIRST_S = 30.0
"""The first cycle may take this long at least."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`interval_s` is what lies between two cycles; `since` is when the last one completed, or the service began."""

    interval_s: float
    since: float
    took_s: float | None = None
    """How long the last cycle lasted; None before the first one is complete."""

    @property
    def started(self) -> bool:
        """Whether any cycle has completed."""
        return self.took_s is not None

    @property
    def limit_s(self) -> float:
        """How long no cycle may complete."""
        if self.took_s is None:
            return max(_FIRST_S, _MISSED * self.interval_s)
        return max(_LEAST_S, _MISSED * self.interval_s, _MISSED * self.took_s)

    def beat(self, now: float, took_s: float) -> Heartbeat:
        """A cycle has completed."""
        return replace(self, since=now, took_s=took_s)

    def excused(self, seconds: float) -> Heartbeat:
        """The whole process stood still for so long: its cycles could not go on."""
        return replace(self, since=self.since + seconds)

    def silent_s(self, now: float) -> float | None:
        """For how long no cycle has completed, once that is too long."""
        silent_s = now - self.since
        return silent_s if silent_s >= self.limit_s else None
