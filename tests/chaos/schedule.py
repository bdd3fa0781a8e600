"""Which fault when, from a seed and nothing else."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

W_contra = TypeVar("W_contra", contravariant=True)
"""The world that it befalls."""

Befall = Callable[[W_contra, random.Random], AsyncIterator[None]]
"""What happens, up to its one `yield`, and what undoes it."""


@dataclass(frozen=True)
class Fault(Generic[W_contra]):
    """One kind of misfortune. Faults with the same `to` never overlap; an empty one does not matter."""

    name: str
    weight: int
    befall: Befall[W_contra]
    to: str = ""
    needs: str = ""
    """What the machine must permit; see `surroundings.may`."""
    lasts_s: tuple[float, float] = (1.5, 5.0)


@dataclass(frozen=True)
class Stroke(Generic[W_contra]):
    """One fault at one time. `seed` picks its victims."""

    at_s: float
    lasts_s: float
    fault: Fault[W_contra]
    seed: int

    def __str__(self) -> str:
        return f"{self.at_s:5.1f} s, for {self.lasts_s:3.1f} s: {self.fault.name}"


_ROUND_S = 6.0
_STROKES = 6


def rounds(seed: int, faults: Sequence[Fault[W_contra]]) -> Iterator[tuple[Stroke[W_contra], ...]]:
    """Endless rounds of strokes, in order of time. Faults are dealt like cards, `weight` of each in the deck: whatever
    the seed, none is missing for long."""
    rng = random.Random(seed)
    deck: list[Fault] = []
    while True:
        strokes = []
        for _ in range(_STROKES):
            if not deck:
                deck = [fault for fault in faults for _ in range(fault.weight)]
                rng.shuffle(deck)
            fault, at_s = deck.pop(), rng.uniform(0, _ROUND_S)
            strokes.append(Stroke(at_s, rng.uniform(*fault.lasts_s), fault, rng.getrandbits(32)))
        yield tuple(sorted(strokes, key=lambda stroke: stroke.at_s))
