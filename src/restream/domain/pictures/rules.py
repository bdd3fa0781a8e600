"""When a picture shows a flaw: one rule for each, which compares it with what the camera is known to show.

A false alarm is worse than a miss: what is not known yet accuses nobody, and what a camera has shown before is usual.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from restream.domain.pictures.evidence import PictureEvidence
from restream.domain.pictures.finding import PictureFlaw
from restream.domain.pictures.measure import CELLS
from restream.domain.pictures.thresholds import PictureThresholds
from restream.domain.pictures.usual import Traits
from restream.domain.pictures.views import correlation, plain

# Change from picture to picture (levels of 256) below which no sensor is at work, and above which one is known to be.
_STILL = 0.6
_STIRS = 0.4
LEAST_COLOUR = 0.02
"""Root mean square of the distance from grey, from which on a picture has colours."""
_SOFTER, _PALER = 0.52, 0.35
"""What is left of sharpness, and of contrast against brightness, where it is lost from one picture to the next."""
_LEAST_SHARPNESS = 0.02
_LEAST_CONTRAST = 0.1
_LIT = 0.6
"""Contrast, of the least at this hour, of a picture that lacks no light."""
_BRIGHTER = 0.05
"""Brightness beyond what is usual without structure, of a picture that has lost it by something before the lens."""
_PUSHED, _APART = 0.6, 0.25
"""Likeness at most, and so much less than is usual, of a view that is another one in part."""
_STRUCTURE_LEFT = 0.15
_GLARING, _HARDLY_ANY = 0.7, 0.1
"""Contrast and structure that are left at most, of the least that is usual, in a pale picture with headlights."""
_LEFT, _EDGES_LEFT = 0.75, 0.5
"""Cells with structure, and strength of edges, that are left in a blurred picture, of those of just now, at most."""
_SAME = 0.8
"""Likeness of the same view."""
_SAME_PICTURE, _OTHER_LIGHT = 0.9, 0.08
"""Correlation with the last picture in colours, and so much less with the last without, of lost colours."""
_DARK_TIMES = 4
"""So much longer is black where it is dark at times: 72 h, over a weekend."""


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
    # A hall is dark at night, and one day at noon too: nobody works on the first Sunday.
    patience = _DARK_TIMES if seen.place.goes_dark else 1
    if (darker and not seen.place.goes_dark) or drawn or seen.blind_s >= patience * seen.limits.blind_s:
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
    usual, traits = seen.usual, seen.traits
    if usual is None or seen.likeness.share > seen.limits.same_view * seen.relief:
        return None
    least = usual.low.texture
    if plain(least):
        # It has no structure at times, in the dark: this picture is brighter than those.
        if plain(usual.high.texture) or traits.brightness < 1.5 * usual.high.bare + _BRIGHTER:
            return None
        least = usual.high.texture / 2
    if traits.texture > seen.limits.kept_share * seen.relief * least:
        return None
    return _numbers(seen, "texture", "brightness")


def _turned_away(seen: PictureEvidence) -> Mapping[str, float] | None:
    usual, texture = seen.usual, seen.traits.texture
    if usual is None:
        return None
    other = seen.likeness.share <= seen.limits.same_view * seen.relief
    # Where it is always nearly the same, much less of that is another view too.
    pushed = seen.likeness.share <= min(_PUSHED, usual.low.alike - _APART) * seen.relief
    if not (other or pushed):
        return None
    if plain(usual.high.texture):
        # Somebody who stands before a bare wall is no other view.
        foreign = texture > 0.4 and texture > 2.5 * usual.high.texture
        return _numbers(seen, "texture") if foreign and other else None
    if seen.likeness.view is None:
        return None
    # Where the picture before was another view, one that a lens has blurred may go on with it; the dark may not.
    blurred = other and seen.suspected and seen.traits.contrast >= _LIT * usual.low.contrast >= _LIT * _LEAST_CONTRAST
    if not blurred and (plain(texture) or texture < _STRUCTURE_LEFT * usual.high.texture):
        return None
    return _numbers(seen, "alike")


def _blurred(seen: PictureEvidence) -> Mapping[str, float] | None:
    usual, traits = seen.usual, seen.traits
    if usual is None or usual.low.sharpness < _LEAST_SHARPNESS or seen.likeness.share < seen.limits.same_view:
        return None
    share = 0.8 if seen.found else seen.limits.sharp_share
    unsharp = traits.sharpness <= share * usual.low.sharpness
    # Where little is sharp anyway, structure is what is lost; but not for want of light.
    smooth = (
        traits.sharpness <= 0.6 * usual.low.sharpness
        and traits.texture <= seen.limits.texture_share * usual.low.texture * seen.relief
    )
    lit = traits.contrast >= _LIT * usual.low.contrast and not plain(usual.low.texture)
    if _only_glare(seen):
        return None
    if unsharp or (smooth and lit) or _suddenly_soft(seen):
        return _numbers(seen, "sharpness", "texture")
    return None


def _only_glare(seen: PictureEvidence) -> bool:
    """Headlights make edges small against the contrast; by themselves they are as strong as they were."""
    steady, traits = seen.steady, seen.traits
    if steady is None:
        return False
    edges, before = traits.sharpness * traits.contrast, steady.sharpness * steady.contrast
    return edges > _EDGES_LEFT * before or (not plain(steady.texture) and traits.texture > _LEFT * steady.texture)


def _suddenly_soft(seen: PictureEvidence) -> bool:
    """The same view in the same light, without its edges, and softer than is usual at this hour."""
    steady, traits, usual = seen.steady, seen.traits, seen.usual
    if steady is None or usual is None or not _same_place(seen) or traits.contrast < 0.6 * steady.contrast:
        return False
    return traits.sharpness <= min(usual.low.sharpness, _SOFTER * steady.sharpness)


def _same_place(seen: PictureEvidence) -> bool:
    """As just now, in about the same light."""
    steady = seen.steady
    return steady is not None and seen.likeness.share >= _SAME and seen.traits.brightness >= 0.7 * steady.brightness


def _low_contrast(seen: PictureEvidence) -> Mapping[str, float] | None:
    usual, traits = seen.usual, seen.traits
    if (
        usual is None
        or is_black(traits, seen.limits)
        or max(usual.low.contrast, usual.high.contrast / 2) < _LEAST_CONTRAST
    ):
        return None
    share = seen.limits.contrast_share * seen.relief
    pale = usual.low.contrast >= _LEAST_CONTRAST and traits.contrast <= share * usual.low.contrast
    # In the dark contrast goes with the light: what is left of it against the brightness tells fog from night.
    washed = (
        traits.relative_contrast <= share * usual.low.relative_contrast
        and traits.contrast <= share * usual.high.contrast
    )
    steady = seen.steady
    paler = steady is not None and traits.relative_contrast <= _PALER * steady.relative_contrast and _same_place(seen)
    washed = washed or (paler and traits.contrast <= share * usual.high.contrast)
    # Headlights bring contrast, but no structure.
    glaring = (
        not plain(usual.low.texture)
        and traits.contrast <= _GLARING * usual.low.contrast
        and traits.texture <= _HARDLY_ANY * usual.low.texture
    )
    return _numbers(seen, "contrast", "brightness") if pale or washed or glaring else None


def _colour_lost(seen: PictureEvidence) -> Mapping[str, float] | None:
    usual, coloured, grey = seen.usual, seen.coloured, seen.traits.colourfulness
    if usual is None or coloured is None:
        return None
    alike = correlation(seen.measure.grid, coloured.grid)
    share = seen.limits.colour_share * seen.relief
    if usual.low.colourfulness >= LEAST_COLOUR and grey <= share * usual.low.colourfulness:
        # By infrared it is lit from elsewhere, also at noon in a thunderstorm; but not where it is not even at night.
        if seen.suspected or alike >= seen.limits.same_light or seen.place.always_coloured:
            return _numbers(seen, "colourfulness")
    elif grey <= share * coloured.colourfulness and (seen.suspected or alike >= _SAME_PICTURE):
        # Grey is usual at this hour, but not in this light.
        usually = correlation(seen.measure.grid, seen.greyed) if seen.greyed is not None else 0.0
        dark = seen.traits.brightness < 0.6 * sum(coloured.grid) / (255 * CELLS)
        if usually <= min(alike, 1.0) - _OTHER_LIGHT and not dark:
            return {**_numbers(seen, "colourfulness"), "colourfulness_before": round(coloured.colourfulness, 4)}
    return None


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
