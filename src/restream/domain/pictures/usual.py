"""What is usual for a camera at an hour of the day: the least and the most that have held over a few pictures."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from restream.domain.pictures.measure import number

HOURS = 24
_DAY_S = 86_400
_HOUR_S = 3600
# An extreme that never comes again is forgotten by half in two weeks: seasons change.
_FORGET_A_DAY = 0.05


class Traits(NamedTuple):
    """What is followed of each picture. Shares of one, but for `stir`."""

    brightness: float
    contrast: float
    sharpness: float
    colourfulness: float
    flat: float
    texture: float
    """Cells with structure, of all."""
    stir: float
    """Mean change of single pixels since the picture before, in levels of 256, without overlays."""
    relative_contrast: float
    """Contrast against brightness: it does not go with the light."""
    bare: float
    """Brightness of a picture without structure; 0 for any other."""
    alike: float
    """Likeness to the most similar known view."""


@dataclass(frozen=True, slots=True)
class UsualHour:
    """One hour of the day, over the last days."""

    days: int = 0
    """On how many it was seen."""
    last_day: int = -1
    low: array[float] = field(default_factory=lambda: array("f"))
    """By trait: the least that the highest of some pictures in a row has been. One odd picture changes nothing."""
    high: array[float] = field(default_factory=lambda: array("f"))
    """… and the most that the lowest has been."""

    def learn(self, day: int, row: Sequence[Traits]) -> UsualHour:
        """With some pictures in a row, the last of them of this day."""
        most, least = array("f", map(max, zip(*row, strict=True))), array("f", map(min, zip(*row, strict=True)))
        if not self.low:
            return UsualHour(1, day, most, least)
        low, high = self.low, self.high
        if day != self.last_day:
            gap = [(b - a) * _FORGET_A_DAY for a, b in zip(low, high, strict=True)]
            low = array("f", [a + each if each > 0 else a for a, each in zip(low, gap, strict=True)])
            high = array("f", [b - each if each > 0 else b for b, each in zip(high, gap, strict=True)])
        low, high = array("f", map(min, low, most)), array("f", map(max, high, least))
        return UsualHour(self.days + (day != self.last_day), day, low, high)

    def to_mapping(self) -> Mapping[str, object]:
        """Fit for JSON."""
        return {
            "days": self.days,
            "last_day": self.last_day,
            "low": [round(each, 5) for each in self.low],
            "high": [round(each, 5) for each in self.high],
        }

    @classmethod
    def from_mapping(cls, document: object) -> UsualHour:
        """What `to_mapping` made; an hour that was never seen for anything else."""
        if not isinstance(document, Mapping):
            return cls()
        days, last_day = document.get("days"), document.get("last_day")
        low, high = _traits(document.get("low")), _traits(document.get("high"))
        if type(days) is not int or type(last_day) is not int or days < 1 or low is None or high is None:
            return cls()
        return cls(days, last_day, low, high)


class Usual(NamedTuple):
    """What is compared with: an hour and its neighbours, since neither the sun nor people are punctual."""

    low: Traits
    high: Traits


def usual_at(hours: Sequence[UsualHour], taken_at: float, learn_days: int) -> Usual | None:
    """Around a moment; None where that is not known yet."""
    hour = hour_of(taken_at)
    near = [hours[(hour + step) % HOURS] for step in (-1, 0, 1)]
    if any(each.days < learn_days for each in near):
        return None
    low = Traits(*map(min, *(each.low for each in near)))
    return Usual(low, Traits(*map(max, *(each.high for each in near))))


def known_low(hours: Sequence[UsualHour], trait: str, learn_days: int) -> Sequence[float]:
    """The least of a trait at each hour of the day that is known."""
    place = Traits._fields.index(trait)
    return [each.low[place] for each in hours if each.days >= learn_days]


def hour_of(taken_at: float) -> int:
    """Of the day, UTC: any zone will do, as long as it stays."""
    return int(taken_at // _HOUR_S) % HOURS


def day_of(taken_at: float) -> int:
    """Days since the epoch."""
    return int(taken_at // _DAY_S)


def _traits(value: object) -> array[float] | None:
    if not isinstance(value, list) or len(value) != len(Traits._fields):
        return None
    found = [number(each) for each in value]
    if any(each is None or not math.isfinite(each) or abs(each) > 1e6 for each in found):
        return None
    return array("f", [each for each in found if each is not None])
