"""Why a camera is judged as it is."""

from __future__ import annotations

from dataclasses import dataclass

from restream.domain.life.cause import Side


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a code for programs, a text for people, and the numbers it speaks of."""

    code: str
    text: str
    numbers: tuple[tuple[str, float | str], ...] = ()
    """`why`: a code for what is known beyond the code, with words and a hint of its own."""
    since: float | None = None
    """From when on, where that is known better than by the verdict (Unix time, s)."""
    measured: tuple[tuple[str, float], ...] = ()
    """What was measured and what is usual, by name, of codes that have many such numbers."""


Flaw = tuple[Side, Reason, str]
"""Where it is, why, and a hint."""
