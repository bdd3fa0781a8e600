"""Draws what cameras look at: surfaces, overlays, things that pass. All at the size at which pictures are measured."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from restream.adapters.pictures.measures import COLOUR_HEIGHT, COLOUR_WIDTH, HEIGHT, WIDTH

Map = NDArray[np.float32]
"""HEIGHT × WIDTH, or that of the colours."""
_FONT = ImageFont.load_default(size=10)


class Surfaces(NamedTuple):
    """What does not move."""

    albedo: Map
    """How bright it is, 0 to 1."""
    east: Map
    """How much it faces there, −1 to 1."""
    outside: Map
    """Where daylight comes, 0 to 1."""
    ground: Map
    """Where snow lies, 0 or 1."""
    lamps: Map
    """Light of the lamps that are on at night, 0 to 1."""
    infrared: Map
    """Light of the camera's own lamps."""
    blue: Map
    """Colour, Cb, −128 to 127."""
    red: Map


def draw_surfaces(seed: int, *, detail: int, sky: float, indoors: bool, lamps: int) -> Surfaces:
    """A scene of walls, windows, poles and texture. `sky`: what of it is sky."""
    chance = np.random.default_rng(seed)
    albedo, east = Image.new("F", (WIDTH, HEIGHT), 0.45), Image.new("F", (WIDTH, HEIGHT), 0.0)
    colours = Image.new("RGB", (WIDTH, HEIGHT), _colour(chance))
    pens = ImageDraw.Draw(albedo), ImageDraw.Draw(east), ImageDraw.Draw(colours)
    horizon = int(HEIGHT * sky)
    for step in range(detail):
        near = (step + 1) / detail
        wide, tall = chance.integers(8, int(30 + 90 * (1 - near))), chance.integers(6, int(24 + 70 * (1 - near)))
        left, top = int(chance.integers(-20, WIDTH)), int(chance.integers(horizon - 10, HEIGHT))
        box = (left, top, left + int(wide), top + int(tall))
        bright, facing, colour = float(chance.uniform(0.08, 0.95)), float(chance.uniform(-1, 1)), _colour(chance)
        shape = "ellipse" if chance.uniform() < 0.2 else "rectangle"
        for pen, value in zip(pens, (bright, facing, colour), strict=True):
            getattr(pen, shape)(box, fill=value)
    plain = np.asarray(albedo, np.float32)
    texture = _clouded(chance, 3) * 0.12 * (0 if detail < 12 else 1) + chance.normal(0, 0.01, plain.shape)
    albedo_map = np.clip(plain + texture, 0.03, 1.0).astype(np.float32)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    if horizon:
        albedo_map[: horizon - 6] = 0.9 - 0.1 * y[: horizon - 6] / HEIGHT
    ground = (y > horizon + 0.35 * (HEIGHT - horizon)).astype(np.float32)
    light = np.full(plain.shape, 0.02, np.float32)
    for _ in range(lamps):
        at = chance.uniform(0, WIDTH), chance.uniform(horizon * 0.6, HEIGHT * 0.8)
        light += 0.7 * np.exp(-((x - at[0]) ** 2 + 1.5 * (y - at[1]) ** 2) / (2 * 45.0**2))
    infrared = 0.06 + 0.9 * np.exp(-((x - WIDTH / 2) ** 2 + 1.6 * (y - HEIGHT * 0.6) ** 2) / (2 * 85.0**2))
    outside = np.ones_like(plain)
    if indoors:
        outside = np.full(plain.shape, 0.06, np.float32)
        for _ in range(2):
            left = int(chance.integers(10, WIDTH - 70))
            outside[20:80, left : left + 55] = 0.9
            outside += 0.15 * np.exp(-((x - left) ** 2 + (y - 100) ** 2) / (2 * 60.0**2)).astype(np.float32)
    planes = colours.resize((COLOUR_WIDTH, COLOUR_HEIGHT), Image.Resampling.BOX).convert("YCbCr").split()
    blue, red = (np.asarray(each, np.float32) - 128 for each in planes[1:])
    facing = np.asarray(east, np.float32)
    return Surfaces(albedo_map, facing, outside, ground, light, infrared.astype(np.float32), blue, red)


def blob(grey: Map, at: tuple[float, float], size: float, strength: float, *, stretched: float = 1.0) -> None:
    """Adds light around a place."""
    x0, x1 = max(0, int(at[0] - 3 * size * stretched)), min(WIDTH, int(at[0] + 3 * size * stretched) + 1)
    y0, y1 = max(0, int(at[1] - 3 * size)), min(HEIGHT, int(at[1] + 3 * size) + 1)
    if x0 < x1 and y0 < y1:
        y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
        away = ((x - at[0]) / stretched) ** 2 + (y - at[1]) ** 2
        grey[y0:y1, x0:x1] += strength * np.exp(-away / (2 * size**2))


def write(grey: Map, lines: tuple[tuple[int, int, str], ...]) -> None:
    """Overlays: white with a black border."""
    for left, top, text in lines:
        stamp = _stamp(text)
        part = grey[top : top + stamp.shape[1], left : left + stamp.shape[2]]
        black, white = stamp[:, : part.shape[0], : part.shape[1]]
        part *= 1 - black
        part += 255 * white


_STAMPS: dict[str, Map] = {}
_ADVANCE, _TALL, _STROKE = 7, 13, 4


def _stamp(text: str) -> Map:
    """Where a text is drawn: what it covers, and what of it is white."""
    found = np.zeros((2, _TALL, _ADVANCE * len(text) + _STROKE), np.float32)
    for at, letter in enumerate(text):
        part = found[:, :, _ADVANCE * at : _ADVANCE * (at + 1) + _STROKE]
        np.maximum(part, _letter(letter), out=part)
    return found


def _letter(letter: str) -> Map:
    if letter not in _STAMPS:
        canvas = Image.new("L", (_ADVANCE + _STROKE, _TALL)), Image.new("L", (_ADVANCE + _STROKE, _TALL))
        ImageDraw.Draw(canvas[0]).text((2, 1), letter, fill=255, font=_FONT, stroke_width=1, stroke_fill=255)
        ImageDraw.Draw(canvas[1]).text((2, 1), letter, fill=255, font=_FONT)
        _STAMPS[letter] = np.stack([np.asarray(each, np.float32) / 255 for each in canvas])
    return _STAMPS[letter]


def as_bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Rounded, 0 to 255."""
    return np.clip(values + np.float32(0.5), 0, 255).astype(np.uint8)


def _clouded(chance: np.random.Generator, octaves: int) -> Map:
    """Texture as of plaster, grass and asphalt, about −1 to 1."""
    found = np.zeros((HEIGHT, WIDTH), np.float32)
    for octave in range(octaves):
        size = WIDTH // (4 >> octave or 1) // 2, HEIGHT // (4 >> octave or 1) // 2
        coarse = Image.fromarray(chance.normal(0, 1, (size[1], size[0])).astype(np.float32))
        found += np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)) / math.sqrt(octaves)
    return found


def _colour(chance: np.random.Generator) -> tuple[int, int, int]:
    return tuple(int(each) for each in chance.integers(30, 226, 3))  # type: ignore[return-value]
