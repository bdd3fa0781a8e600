"""The views of a scene that a camera is known to have: by day, by night, by infrared, with snow."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from restream.domain.pictures.measure import CELLS, COLUMNS, LAYOUT_NONE, PictureMeasure, number, small_map

MOST_VIEWS = 8
_ALIKE = 0.8
"""A view that is so much alike needs no other one, and no further search."""
_REFRESH_S = 900.0
_SAME_LIGHT = 0.95
_LIGHT_STAYS_S = 240.0
# Overlays (a clock, a name) stand in the outermost rows: they stay where a camera turns.
_INNER = slice(2 * COLUMNS, CELLS - 2 * COLUMNS)
_INNER_CELLS = CELLS - 4 * COLUMNS
_DARK = bytes(CELLS)
_NONE = bytes([LAYOUT_NONE]) * _INNER_CELLS
STRUCTURE = 96
"""An edge of a map from which on it is more than noise: seven levels of 256 from pixel to pixel."""
_NO_STRUCTURE = bytes(range(STRUCTURE))
_PLAIN = 0.12
"""Texture below which a picture has hardly a layout."""


class PictureView(NamedTuple):
    """One of them."""

    layout: bytes
    texture: float
    """Cells with structure, of all."""
    colourfulness: float
    seen_at: float
    """Last, seconds since the epoch."""

    def to_mapping(self) -> Mapping[str, object]:
        """Fit for JSON."""
        return self._asdict() | {"layout": base64.b64encode(self.layout).decode("ascii")}

    @classmethod
    def from_mapping(cls, document: object) -> PictureView | None:
        """What `to_mapping` made; None for anything else."""
        if not isinstance(document, Mapping):
            return None
        layout = small_map(document.get("layout"), CELLS)
        rest = [number(document.get(name)) for name in ("texture", "colourfulness", "seen_at")]
        if layout is None or any(each is None for each in rest):
            return None
        return cls(layout, *[each for each in rest if each is not None])


class ColouredPicture(NamedTuple):
    """The last one that had colours, and nothing unusual before the lens."""

    grid: bytes
    """Its grey map."""
    seen_at: float
    """Seconds since the epoch."""
    colourfulness: float = 0.0

    def after(self, measure: PictureMeasure) -> ColouredPicture:
        """With one more in colours. One in another light counts only when that stays: headlights do not."""
        alike = correlation(measure.grid, self.grid) > _SAME_LIGHT
        if alike or measure.taken_at - self.seen_at > _LIGHT_STAYS_S:
            return ColouredPicture(measure.grid, measure.taken_at, measure.colourfulness)
        return self

    def to_mapping(self) -> Mapping[str, object]:
        """Fit for JSON."""
        return {
            "grid": base64.b64encode(self.grid).decode("ascii"),
            "seen_at": self.seen_at,
            "colourfulness": self.colourfulness,
        }

    @classmethod
    def from_mapping(cls, document: object) -> ColouredPicture | None:
        """What `to_mapping` made; None for anything else."""
        if not isinstance(document, Mapping):
            return None
        grid, seen_at = small_map(document.get("grid"), CELLS), number(document.get("seen_at"))
        colour = number(document.get("colourfulness")) or 0.0
        return cls(grid, seen_at, colour) if grid is not None and seen_at is not None else None


class Likeness(NamedTuple):
    """How much a picture is like a known view."""

    share: float
    """Correlation of the layouts, −1 to 1."""
    view: PictureView | None
    """The most similar one; None: none is known."""


def texture_of(measure: PictureMeasure) -> float:
    """Cells with structure, of all, without the rows of overlays."""
    return len(measure.edges[_INNER].translate(None, _NO_STRUCTURE)) / _INNER_CELLS


def likeness(measure: PictureMeasure, views: Sequence[PictureView]) -> Likeness:
    """Among the views, the last seen first."""
    best = Likeness(-1.0, None)
    layout = measure.layout[_INNER]
    energy = math.dist(layout, _NONE)
    for view in views:
        theirs = view.layout[_INNER]
        other = math.dist(theirs, _NONE)
        both = energy * other
        share = (energy**2 + other**2 - math.dist(layout, theirs) ** 2) / (2 * both) if both else 0.0
        if share > best.share:
            best = Likeness(share, view)
        if share > _ALIKE:
            break
    return best


def correlation(grid: bytes, other: bytes) -> float:
    """Of two grey pictures, −1 to 1; 0 where one of them is of one tone."""
    mean, theirs = sum(grid) / CELLS, sum(other) / CELLS
    spread = math.dist(grid, _DARK) ** 2 - CELLS * mean**2
    spread_there = math.dist(other, _DARK) ** 2 - CELLS * theirs**2
    apart = math.dist(grid, other) ** 2 - CELLS * (mean - theirs) ** 2
    both = math.sqrt(max(0.0, spread) * max(0.0, spread_there))
    return (spread + spread_there - apart) / (2 * both) if both else 0.0


def plain(texture: float) -> bool:
    """Whether a picture has so little structure that its layout tells nothing."""
    return texture < _PLAIN


def learn_view(
    views: tuple[PictureView, ...], measure: PictureMeasure, texture: float, found: Likeness
) -> tuple[PictureView, ...]:
    """The views, the last seen first, with one that nobody has anything against."""
    if plain(texture):
        # In the dark all views are alike, and like a hand before the lens.
        return views
    known = found.view
    if known is not None and found.share > _ALIKE:
        if known is views[0] and measure.taken_at - known.seen_at < _REFRESH_S:
            return views
        # Its layout is what is seen now: leaves fall, and snow does.
        views = tuple(each for each in views if each is not known)
    fresh = PictureView(measure.layout, texture, measure.colourfulness, measure.taken_at)
    return (fresh, *views[: MOST_VIEWS - 1])
