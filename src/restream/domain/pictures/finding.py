"""What can be wrong with a picture, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class PictureFlaw(StrEnum):
    """What is wrong with what a camera shows. The order is that of importance."""

    NO_SIGNAL = "no_signal"
    """A picture that a recorder or encoder draws where its camera is gone."""
    BLACK = "black"
    WHITE = "white"
    FROZEN = "frozen"
    """The same picture again and again, although packets move."""
    COVERED = "covered"
    TURNED_AWAY = "turned_away"
    """Another view than those that this camera is known to have."""
    BLURRED = "blurred"
    LOW_CONTRAST = "low_contrast"
    COLOUR_LOST = "colour_lost"
    """Grey at an hour, and in a light, in which this camera shows colours."""
    SIZE_CHANGED = "size_changed"


class PictureFinding(NamedTuple):
    """A flaw that has held over several samples."""

    flaw: PictureFlaw
    since: float
    """When the first picture that shows it was taken, seconds since the epoch."""
    numbers: Mapping[str, float]
    """What was measured last and what is usual, by name; shares of one unless the name has a unit."""
