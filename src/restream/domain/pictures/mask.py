"""Parts of a camera's picture that nobody may see, and that are not judged."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeGuard

from restream.domain.pictures.measure import number

Polygon = tuple[tuple[float, float], ...]
"""Corners, each from the left and from the top, in shares of the picture's width and height."""
Mask = tuple[Polygon, ...]
EXPECTED = "expected a list of [left, top, right, bottom] or of [[x, y], …], in shares of the picture from 0 to 1"
_MOST_SHAPES, _MOST_CORNERS = 32, 64


class MaskError(ValueError):
    """This is no mask."""


def parse_mask(document: object) -> Mask:
    """Rectangles of four numbers, and polygons of three corners or more. Raises MaskError."""
    if not _is_list(document) or len(document) > _MOST_SHAPES:
        raise MaskError(EXPECTED)
    return tuple(map(_shape, document))


def mask_name(mask: Mask) -> str:
    """Eight letters that another mask does not have; empty for none."""
    return hashlib.sha256(repr(mask).encode()).hexdigest()[:8] if mask else ""


def boxes(mask: Mask) -> tuple[tuple[float, float, float, float], ...]:
    """What encloses each part: left, top, right, bottom."""
    sides = [tuple(zip(*polygon, strict=True)) for polygon in mask]
    return tuple((min(x), min(y), max(x), max(y)) for x, y in sides)


def _shape(document: object) -> Polygon:
    if not _is_list(document) or not 3 <= len(document) <= _MOST_CORNERS:
        raise MaskError(EXPECTED)
    if len(document) == 4 and not any(map(_is_list, document)):
        left, top, right, bottom = map(_share, document)
        if left >= right or top >= bottom:
            raise MaskError(EXPECTED)
        return (left, top), (right, top), (right, bottom), (left, bottom)
    return tuple(map(_corner, document))


def _corner(document: object) -> tuple[float, float]:
    if not _is_list(document) or len(document) != 2:
        raise MaskError(EXPECTED)
    return _share(document[0]), _share(document[1])


def _share(value: object) -> float:
    found = number(value)
    if found is None or not 0 <= found <= 1:
        raise MaskError(EXPECTED)
    return found


def _is_list(document: object) -> TypeGuard[Sequence[object]]:
    return isinstance(document, list | tuple)
