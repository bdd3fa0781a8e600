"""Hides parts of a picture: black in what is kept and shown, and in what is judged as if there were nothing."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageStat

from restream.adapters.pictures.measures import Points, place_points
from restream.domain.pictures.mask import Mask

_HIDDEN = 255


def drawn_mask(mask: Mask, size: tuple[int, int]) -> Image.Image:
    """255 where something is hidden, else 0; pixels that are hidden in part are hidden. Raises ValueError where the
    whole picture is.
    """
    width, height = size
    found = Image.new("L", size, 0)
    pen = ImageDraw.Draw(found)
    for polygon in mask:
        # The outline too, a pixel wide: what was scaled has something of what is beside it.
        pen.polygon([(x * width, y * height) for x, y in polygon], fill=_HIDDEN, outline=_HIDDEN, width=2)
    if found.getextrema()[0] == _HIDDEN:
        raise ValueError("the mask hides the whole picture")
    return found


def blackened(picture: Image.Image, hidden: Image.Image) -> Image.Image:
    """Of RGB or YCbCr."""
    return _filled(picture, hidden, (0, 128, 128) if picture.mode == "YCbCr" else (0, 0, 0))


def without(picture: Image.Image, hidden: Image.Image) -> Image.Image:
    """As bright and as colourful there as all the rest is, so that brightness and contrast speak of the rest alone."""
    seen = hidden.point(lambda level: _HIDDEN - level)
    mean = ImageStat.Stat(picture, seen).mean
    return _filled(picture, hidden, tuple(round(each) for each in mean))


def points_without(points: Points, mask: Mask) -> Points:
    """Where one is hidden stands one that is seen: what stirs is a share of those."""
    hidden = _hidden_points(mask, points.width, points.height)
    levels: NDArray[np.uint8] = np.frombuffer(points.levels, np.uint8).copy()
    seen = levels[~hidden]
    if not seen.size:
        raise ValueError("the mask hides the whole picture")
    levels[hidden] = np.resize(seen, int(hidden.sum()))
    return points._replace(levels=levels.tobytes())


@lru_cache(maxsize=4096)
def _hidden_points(mask: Mask, width: int, height: int) -> NDArray[np.bool_]:
    drawn: NDArray[np.uint8] = np.asarray(drawn_mask(mask, (width, height)))
    return (drawn[place_points(width, height)] > 0).ravel()


def _filled(picture: Image.Image, hidden: Image.Image, colour: tuple[int, ...]) -> Image.Image:
    found = picture.copy()
    found.paste(colour, mask=hidden)
    return found
