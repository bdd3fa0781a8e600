"""What is measured of one picture: a few numbers and small maps, so that pictures can be compared without pixels."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass

COLUMNS = 32
"""Of the maps."""
ROWS = 18
"""Of the maps."""
CELLS = COLUMNS * ROWS
"""Parts of a picture; a map has a byte for each, row by row from the top left."""
POINTS = 2 * CELLS
"""Single pixels that are kept, two in each cell."""
EDGE_OCTAVE = 32
"""In a map of edges: so much more is twice the gradient."""
LAYOUT_NONE = 128
"""In a map of the layout: as bright as what is around it."""

_NUMBERS = ("taken_at", "brightness", "contrast", "sharpness", "colourfulness", "flat")
_SIDES = ("width", "height")
_MAPS = (("grid", CELLS), ("edges", CELLS), ("layout", CELLS), ("points", POINTS))
_MOST_PIXELS_A_SIDE = 1 << 16


@dataclass(frozen=True, slots=True)
class PictureMeasure:
    """One picture, less than 4 kB. Numbers without a unit are shares of one, of the full range."""

    taken_at: float
    """When, seconds since the epoch."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    brightness: float
    """Mean of the grey picture."""
    contrast: float
    """Between its darkest and its brightest fiftieth, without the rows where overlays are."""
    sharpness: float
    """Of the edges, against the contrast."""
    colourfulness: float
    """Root mean square of the distance from grey."""
    flat: float
    """Cells without any texture, of all."""
    grid: bytes
    """Grey picture of 32 × 18, row by row."""
    edges: bytes
    """Gradient in each cell, in octaves (EDGE_OCTAVE)."""
    layout: bytes
    """How much brighter than what is around it each cell is, against the contrast there; around LAYOUT_NONE."""
    points: bytes
    """Single pixels at fixed places, which have the camera's noise."""

    def to_mapping(self) -> Mapping[str, object]:
        """Fit for JSON."""
        found: dict[str, object] = {name: getattr(self, name) for name in (*_NUMBERS, *_SIDES)}
        for name, _ in _MAPS:
            found[name] = base64.b64encode(getattr(self, name)).decode("ascii")
        return found

    @classmethod
    def from_mapping(cls, document: object) -> PictureMeasure | None:
        """What `to_mapping` made, as it was; None for anything else."""
        if not isinstance(document, Mapping):
            return None
        numbers = {name: number(document.get(name)) for name in _NUMBERS}
        sides = {name: document.get(name) for name in _SIDES}
        maps = {name: small_map(document.get(name), size) for name, size in _MAPS}
        whole = all(type(each) is int and 0 < each < _MOST_PIXELS_A_SIDE for each in sides.values())
        if not whole or any(each is None for each in (*numbers.values(), *maps.values())):
            return None
        return cls(**numbers, **sides, **maps)  # type: ignore[arg-type]


def number(value: object) -> float | None:
    """A finite number of a document."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def small_map(value: object, size: int) -> bytes | None:
    """A map of so many bytes out of a document."""
    if not isinstance(value, str) or len(value) > 2 * size:
        return None
    try:
        found = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if len(found) == size else None
