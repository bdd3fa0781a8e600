"""Measures a picture with numpy and Pillow: it is made small once, and everything is told of the small one."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restream.domain.pictures.measure import COLUMNS, EDGE_OCTAVE, LAYOUT_NONE, ROWS, PictureMeasure

WIDTH, HEIGHT = 320, 180
"""Of the small grey picture."""
COLOUR_WIDTH, COLOUR_HEIGHT = 80, 45
"""Of the small colour planes."""
_CELL_HEIGHT, _CELL_WIDTH = HEIGHT // ROWS, WIDTH // COLUMNS
_OVERLAID = 2
"""Rows of cells, at the top and at the bottom, in which overlays stand."""
_INNER = slice(_OVERLAID * _CELL_HEIGHT, HEIGHT - _OVERLAID * _CELL_HEIGHT)
_FLAT = 1
"""Levels between the darkest and the brightest place of a cell without texture."""
_FAINT = 2.0
"""Levels of local contrast below which a layout fades."""
Plane = NDArray[np.uint8]
"""Rows × columns."""


class Points(NamedTuple):
    """Single pixels of a picture."""

    width: int
    """Of the picture, pixels."""
    height: int
    levels: bytes
    """See PictureMeasure; of the full range, 0 to 255."""


class SmallPicture(NamedTuple):
    """A picture, made small. All planes are of the full range, 0 to 255."""

    points: Points
    """Of the picture as it was."""
    grey: Plane
    """HEIGHT × WIDTH, each the mean of the pixels there."""
    blue: Plane
    """COLOUR_HEIGHT × COLOUR_WIDTH, Cb, 128: none."""
    red: Plane
    """… and Cr."""


def measure(picture: NDArray[np.uint8], taken_at: float) -> PictureMeasure:
    """Of a picture in RGB: rows × columns × 3, bytes. Raises ValueError for another shape, or an empty picture."""
    if picture.ndim != 3 or picture.shape[2] != 3 or not picture.size or picture.dtype != np.uint8:
        raise ValueError(f"not a picture in RGB: {picture.dtype} {picture.shape}")
    whole = Image.fromarray(picture)
    return measure_small(shrink(whole, points_of(np.asarray(whole.convert("L")))), taken_at)


def place_points(width: int, height: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the points in a picture of this size: two in each cell, which no pattern follows."""
    chance = np.random.default_rng(7)
    y = (np.arange(ROWS)[:, None, None] + chance.uniform(0.1, 0.9, (ROWS, COLUMNS, 2))) * (height / ROWS)
    x = (np.arange(COLUMNS)[None, :, None] + chance.uniform(0.1, 0.9, (ROWS, COLUMNS, 2))) * (width / COLUMNS)
    return y.astype(np.intp), x.astype(np.intp)


def points_of(grey: Plane, *, limited: bool = False) -> Points:
    """Of the grey plane of a picture as it is. `limited`: its levels are 16 to 235, as those of video mostly are."""
    height, width = grey.shape
    points = grey[place_points(width, height)]
    return Points(width, height, (_FULL[points] if limited else points).tobytes())


def shrink(picture: Image.Image, points: Points) -> SmallPicture:
    """Of a picture in RGB or YCbCr that may be smaller than the one that the points are of."""
    grey, blue, red = (picture if picture.mode == "YCbCr" else picture.convert("YCbCr")).split()
    small = grey.resize((WIDTH, HEIGHT), Image.Resampling.BOX, reducing_gap=1.0)
    colour = [
        each.resize((COLOUR_WIDTH, COLOUR_HEIGHT), Image.Resampling.BOX, reducing_gap=1.0) for each in (blue, red)
    ]
    return SmallPicture(points, np.asarray(small), np.asarray(colour[0]), np.asarray(colour[1]))


def measure_small(small: SmallPicture, taken_at: float) -> PictureMeasure:
    """Of one that is small already."""
    grey = small.grey
    inner = grey[_INNER]
    counts = np.bincount(inner.ravel()[::2], minlength=256).cumsum()
    darkest, brightest = np.searchsorted(counts, (0.02 * counts[-1], 0.98 * counts[-1]))
    contrast = float(brightest - darkest) / 255
    # By rows first: those lie in memory one after the other.
    rows = grey.reshape(ROWS, _CELL_HEIGHT, WIDTH)
    highest = rows.max(1).reshape(ROWS, COLUMNS, _CELL_WIDTH).max(2)
    lowest = rows.min(1).reshape(ROWS, COLUMNS, _CELL_WIDTH).min(2)
    plain = grey.astype(np.float32)
    grid = _by_cells(plain) / np.float32(_CELL_HEIGHT * _CELL_WIDTH)
    gradient = _gradient(plain)
    ranked = np.sort(gradient[_OVERLAID:-_OVERLAID], axis=None)
    # Noise is everywhere; edges are where there is more.
    noise, edge = ranked[len(ranked) // 10], ranked[-len(ranked) // 10]
    colour = [each.astype(np.float32) - 128 for each in (small.blue, small.red)]
    return PictureMeasure(
        taken_at=taken_at,
        width=small.points.width,
        height=small.points.height,
        brightness=float(grid.mean()) / 255,
        contrast=contrast,
        sharpness=min(1.0, float(edge - noise) / max(255 * contrast, 8.0)),
        colourfulness=math.sqrt(sum(float((each * each).mean()) for each in colour)) / 128,
        flat=float((highest - lowest <= _FLAT).mean()),
        grid=np.rint(grid).astype(np.uint8).tobytes(),
        edges=np.minimum(EDGE_OCTAVE * np.log2(1 + gradient), 255).astype(np.uint8).tobytes(),
        layout=_layout(grid).tobytes(),
        points=small.points.levels,
    )


def _by_cells(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums."""
    rows = values.reshape(ROWS, _CELL_HEIGHT, WIDTH).sum(1)
    found: NDArray[np.float32] = rows.reshape(ROWS, COLUMNS, _CELL_WIDTH).sum(2)
    return found


def _gradient(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Root mean square from pixel to pixel inside each cell, the larger of both directions, in levels."""
    step = np.empty_like(grey)
    np.subtract(grey[1:], grey[:-1], out=step[:-1])
    step[_CELL_HEIGHT - 1 :: _CELL_HEIGHT] = 0
    step *= step
    down = _by_cells(step) / ((_CELL_HEIGHT - 1) * _CELL_WIDTH)
    np.subtract(grey[:, 1:], grey[:, :-1], out=step[:, :-1])
    step[:, _CELL_WIDTH - 1 :: _CELL_WIDTH] = 0
    step *= step
    right = _by_cells(step) / (_CELL_HEIGHT * (_CELL_WIDTH - 1))
    found: NDArray[np.float32] = np.sqrt(np.maximum(down, right))
    return found


def _layout(grid: NDArray[np.float32]) -> Plane:
    """Each cell against the five by five around it, and against the contrast there: the light does not matter."""
    around = _around(grid)
    apart = grid - around
    contrast = np.sqrt(_around(apart * apart))
    scaled = 40 * apart / (contrast + _FAINT) + LAYOUT_NONE
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _around(grid: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of five by five."""
    padded = np.pad(grid, 2, mode="edge")
    rows = np.add.reduce([padded[step : step + ROWS] for step in range(5)])
    return np.asarray(np.add.reduce([rows[:, step : step + COLUMNS] for step in range(5)]) / 25, np.float32)


_FULL = np.clip(np.rint((np.arange(256) - 16) * (255 / 219)), 0, 255).astype(np.uint8)
