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


Flaw = tuple[Side, Reason, str]
"""Where it is, why, and a hint."""
