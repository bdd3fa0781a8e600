"""When a picture shows a flaw: one rule for each, which compares it with what the camera is known to show.

A false alarm is worse than a miss: what is not known yet accuses nobody, and what a camera has shown before is usual.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from restream.domain.pictures.finding import PictureFlaw
from restream.domain.pictures.measure import PictureMeasure
from restream.domain.pictures.thresholds import PictureThresholds
from restream.domain.pictures.usual import Traits, Usual
from restream.domain.pictures.views import ColouredPicture, Likeness, correlation, plain

# Change from picture to picture (levels of 256) below which no sensor is at work, and above which one is known to be.
_STILL = 0.6
_STIRS = 0.4
LEAST_COLOUR = 0.02
"""Root mean square of the distance from grey, from which on a picture has colours."""
_LEAST_SHARPNESS = 0.02
_LEAST_CONTRAST = 0.1
# A flaw that is found ends only well behind its threshold.
_RELIEF = 1.25


class PictureEvidence(NamedTuple):
    """What there is to judge a picture by."""

    measure: PictureMeasure
    traits: Traits
    usual: Usual | None
    """At this hour; None: not known yet."""
    likeness: Likeness
    coloured: ColouredPicture | None
    """Before they were lost, if they are."""
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


Rule = Callable[[PictureEvidence], Mapping[str, float] | None]
"""The numbers of a flaw that a picture shows, else None."""


def is_black(traits: Traits, limits: PictureThresholds) -> bool:
    """Nothing can be seen in it."""
    return traits.brightness <= limits.black_brightness and traits.contrast <= limits.bare_contrast


def is_white(traits: Traits, limits: PictureThresholds) -> bool:
    """Nothing can be seen in it for light."""
    return traits.brightness >= limits.white_brightness and traits.contrast <= limits.bare_contrast


def _black(seen: PictureEvidence) -> Mapping[str, float] | None:
    if not is_black(seen.traits, seen.limits):
        return None
    usual = seen.usual
    darker = usual is not None and usual.low.brightness > 1.5 * seen.limits.black_brightness
    # A sensor in the dark still has noise, which no drawn black has.
    drawn = usual is not None and seen.traits.flat >= 0.9 and usual.high.flat < 0.6
    if darker or drawn or seen.blind_s >= seen.limits.blind_s:
        return _numbers(seen, "brightness", "contrast")
    return None


def _white(seen: PictureEvidence) -> Mapping[str, float] | None:
    if not is_white(seen.traits, seen.limits):
        return None
    brighter = seen.usual is not None and seen.usual.high.brightness < seen.limits.white_brightness
    return _numbers(seen, "brightness", "contrast") if brighter or seen.blind_s >= seen.limits.blind_s else None


def _no_signal(seen: PictureEvidence) -> Mapping[str, float] | None:
    if is_black(seen.traits, seen.limits) or is_white(seen.traits, seen.limits) or seen.usual is None:
        return None
    limit = max(seen.limits.flat_share, (1.0 + seen.usual.high.flat) / 2)
    if seen.traits.flat * seen.relief < limit or seen.likeness.share > 0.6:
        return None
    return _numbers(seen, "flat")


def _frozen(seen: PictureEvidence) -> Mapping[str, float] | None:
    if not (seen.moving_bytes and seen.comparable) or seen.traits.stir > _STILL:
        return None
    usual = seen.usual
    known = usual is not None and usual.low.stir >= _STIRS
    limit = seen.limits.frozen_share * usual.low.stir * seen.relief if usual is not None else 0.0
    # Also a still wall at night wakes up with the light.
    if (known and seen.traits.stir <= limit) or seen.still_s >= seen.limits.blind_s:
        return {**_numbers(seen, "stir"), "seconds": seen.still_s}
    return None


def _covered(seen: PictureEvidence) -> Mapping[str, float] | None:
    usual = seen.usual
    if usual is None or plain(usual.low.texture) or seen.likeness.share > seen.limits.same_view * seen.relief:
        return None
    return (
        _numbers(seen, "texture", "brightness")
        if seen.traits.texture <= seen.limits.kept_share * seen.relief * usual.low.texture
        else None
    )


def _turned_away(seen: PictureEvidence) -> Mapping[str, float] | None:
    usual = seen.usual
    if usual is None or seen.likeness.share > seen.limits.same_view * seen.relief:
        return None
    if plain(usual.high.texture):
        # Somebody who stands before a bare wall is no other view.
        foreign = seen.traits.texture > 0.4 and seen.traits.texture > 2.5 * usual.high.texture
        return _numbers(seen, "texture") if foreign else None
    if seen.likeness.view is None or plain(seen.traits.texture) or seen.traits.texture < 0.3 * usual.high.texture:
        return None
    return {"likeness": round(seen.likeness.share, 4)}


def _blurred(seen: PictureEvidence) -> Mapping[str, float] | None:
    usual = seen.usual
    if usual is None or usual.low.sharpness < _LEAST_SHARPNESS or seen.likeness.share < seen.limits.same_view:
        return None
    unsharp = seen.traits.sharpness <= seen.limits.sharp_share * usual.low.sharpness * seen.relief
    # Where little is sharp anyway, structure is what is lost; but not for want of light.
    smooth = (
        seen.traits.sharpness <= 0.6 * usual.low.sharpness
        and seen.traits.texture <= seen.limits.texture_share * usual.low.texture * seen.relief
    )
    lit = seen.traits.contrast >= 0.6 * usual.low.contrast and not plain(usual.low.texture)
    return _numbers(seen, "sharpness", "texture") if unsharp or (smooth and lit) else None


def _low_contrast(seen: PictureEvidence) -> Mapping[str, float] | None:
    usual = seen.usual
    if usual is None or usual.low.contrast < _LEAST_CONTRAST or is_black(seen.traits, seen.limits):
        return None
    limit = seen.limits.contrast_share * usual.low.contrast * seen.relief
    return _numbers(seen, "contrast") if seen.traits.contrast <= limit else None


def _colour_lost(seen: PictureEvidence) -> Mapping[str, float] | None:
    usual = seen.usual
    if usual is None or seen.coloured is None or usual.low.colourfulness < LEAST_COLOUR:
        return None
    limit = seen.limits.colour_share * usual.low.colourfulness * seen.relief
    if seen.traits.colourfulness > limit:
        return None
    # By infrared it is lit from elsewhere, also at noon in a thunderstorm.
    if not seen.suspected and correlation(seen.measure.grid, seen.coloured.grid) < seen.limits.same_light:
        return None
    return _numbers(seen, "colourfulness")


def _size_changed(seen: PictureEvidence) -> Mapping[str, float] | None:
    width, height = seen.measure.width, seen.measure.height
    if (width, height) == seen.size:
        return None
    return {"width": width, "height": height, "usual_width": seen.size[0], "usual_height": seen.size[1]}


def _numbers(seen: PictureEvidence, *traits: str) -> Mapping[str, float]:
    """Each with what is usual, where that is known."""
    numbers = {}
    for name in traits:
        numbers[name] = round(getattr(seen.traits, name), 4)
        if seen.usual is not None:
            numbers[f"usual_{name}_low"] = round(getattr(seen.usual.low, name), 4)
            numbers[f"usual_{name}_high"] = round(getattr(seen.usual.high, name), 4)
    return numbers


RULES: Mapping[PictureFlaw, Rule] = {
    PictureFlaw.NO_SIGNAL: _no_signal,
    PictureFlaw.BLACK: _black,
    PictureFlaw.WHITE: _white,
    PictureFlaw.FROZEN: _frozen,
    PictureFlaw.COVERED: _covered,
    PictureFlaw.TURNED_AWAY: _turned_away,
    PictureFlaw.BLURRED: _blurred,
    PictureFlaw.LOW_CONTRAST: _low_contrast,
    PictureFlaw.COLOUR_LOST: _colour_lost,
    PictureFlaw.SIZE_CHANGED: _size_changed,
}

_VIEW = frozenset(
    {
        PictureFlaw.COVERED,
        PictureFlaw.TURNED_AWAY,
        PictureFlaw.BLURRED,
        PictureFlaw.LOW_CONTRAST,
        PictureFlaw.COLOUR_LOST,
    }
)
HIDES: Mapping[PictureFlaw, frozenset[PictureFlaw]] = {
    PictureFlaw.NO_SIGNAL: _VIEW | {PictureFlaw.FROZEN},
    PictureFlaw.BLACK: _VIEW | {PictureFlaw.FROZEN},
    PictureFlaw.WHITE: _VIEW | {PictureFlaw.FROZEN},
    PictureFlaw.COVERED: frozenset({PictureFlaw.BLURRED, PictureFlaw.LOW_CONTRAST, PictureFlaw.COLOUR_LOST}),
    PictureFlaw.TURNED_AWAY: frozenset({PictureFlaw.BLURRED, PictureFlaw.LOW_CONTRAST, PictureFlaw.COLOUR_LOST}),
}
"""What follows from another flaw, and is not told beside it."""
