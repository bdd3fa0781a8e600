"""What there is to judge one picture by."""

from __future__ import annotations

from typing import NamedTuple

from restream.domain.pictures.measure import PictureMeasure
from restream.domain.pictures.thresholds import PictureThresholds
from restream.domain.pictures.usual import Traits, Usual
from restream.domain.pictures.views import ColouredPicture, Likeness

# A flaw that is found ends only well behind its threshold.
_RELIEF = 1.25


class PlaceHabits(NamedTuple):
    """What is known of a place over all hours of the day."""

    goes_dark: bool = False
    """At some hour nothing is to be seen there."""
    always_coloured: bool = False
    """Also at night: the camera does not see by infrared."""


class PictureEvidence(NamedTuple):
    """What there is to judge a picture by."""

    measure: PictureMeasure
    traits: Traits
    usual: Usual | None
    """At this hour; None: not known yet."""
    likeness: Likeness
    coloured: ColouredPicture | None
    """Before they were lost, if they are."""
    greyed: bytes | None
    """Grey map of the last picture without colours that was right."""
    steady: Traits | None
    """Of the last picture that nothing was against, where it is from the same light."""
    place: PlaceHabits
    size: tuple[int, int]
    """Width and height that are usual, pixels."""
    moving_bytes: bool
    """Packets arrive."""
    comparable: bool
    """There is a picture before this one."""
    still_s: float
    """For how long nothing has stirred."""
    blind_s: float
    """For how long it has been black, or white."""
    limits: PictureThresholds
    found: bool = False
    """The flaw was found before, and has not ended."""
    suspected: bool = False
    """The picture before showed it."""

    @property
    def relief(self) -> float:
        """What a limit is multiplied with."""
        return _RELIEF if self.found else 1.0
