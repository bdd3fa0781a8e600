"""How hard this machine is pressed, as starts must know it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from restream.domain.host_sample import rate


class Strain(IntEnum):
    """What the pressure asks of starts."""

    CALM = 0
    BUSY = 1
    """More at once may only wait for one another: try few more."""
    PRESSED = 2
    """No more at once."""
    OVERLOADED = 3
    """Fewer at once, or everything else suffers."""


class Stalls(NamedTuple):
    """For how long, in all, some task waited for it, in microseconds; None where the kernel does not tell."""

    cpu_us: int | None = None
    memory_us: int | None = None


@dataclass(frozen=True, slots=True)
class Pressure:
    """Over the last second or so; None where the kernel does not tell."""

    cpu: float | None = None
    """Share of the time in which some task waited for a processor, 0 to 1 (PSI `some`, Linux
    Documentation/accounting/psi.rst)."""
    memory: float | None = None
    """Share of the time in which some task waited for memory, 0 to 1."""
    lag_s: float = 0.0
    """How late our own event loop comes to a timer, on average."""

    @classmethod
    def between(cls, before: Stalls, after: Stalls, elapsed_s: float, lag_s: float) -> Pressure:
        """What two readings tell of the time between them."""
        return cls(
            _share(before.cpu_us, after.cpu_us, elapsed_s), _share(before.memory_us, after.memory_us, elapsed_s), lag_s
        )

    @property
    def strain(self) -> Strain:
        """The worst of the three."""
        return max(
            _strain(self.cpu, _CPU_FROM),
            _strain(self.memory, _MEMORY_FROM),
            _strain(self.lag_s, _LAG_FROM_S),
        )


# From which value on, the worst first. A processor that is wanted all the time may be so by others, and is used well:
# what everything else suffers from it is told by the lag.
_CPU_FROM = ((Strain.BUSY, 0.9),)
_MEMORY_FROM = ((Strain.OVERLOADED, 0.2), (Strain.PRESSED, 0.05))
_LAG_FROM_S = ((Strain.OVERLOADED, 0.1), (Strain.PRESSED, 0.03))


def _strain(value: float | None, levels: Sequence[tuple[Strain, float]]) -> Strain:
    return next((strain for strain, least in levels if value is not None and value >= least), Strain.CALM)


def _share(before_us: int | None, after_us: int | None, elapsed_s: float) -> float | None:
    if before_us is None or after_us is None:
        return None
    return min(1.0, rate(before_us, after_us, elapsed_s) / 1e6)
