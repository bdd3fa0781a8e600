"""Draws what is wrong with a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from bench.pictures.drawing import Map, as_bytes, blob, write
from restream.adapters.pictures.measures import HEIGHT, WIDTH


def no_signal(kind: int) -> tuple[NDArray[np.uint8], int, int]:
    """What recorders draw: grey levels, and the colour of all of it."""
    level, blue, red = ((41, 112, -18), (96, 0, 0), (150, 0, 0), (60, 60, -10))[kind % 4]
    grey = np.full((HEIGHT, WIDTH), level, np.float32)
    if kind % 4 == 2:
        for bar in range(8):
            grey[: HEIGHT - 40, bar * 40 : bar * 40 + 40] = 235 - bar * 27
    write(grey, ((WIDTH // 2 - 40, HEIGHT // 2 - 6, ("NO SIGNAL", "VIDEO LOSS", "NO VIDEO", "OFFLINE")[kind % 4]),))
    return grey.astype(np.uint8), blue, red


def covered(seed: int, variant: int, chance: np.random.Generator) -> Map:
    """A hand, a bag, paint: soft and near."""
    at = np.random.default_rng((seed, variant))
    level = (20.0, 60.0, 110.0, 170.0)[variant % 4]
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    slope = at.uniform(-0.12, 0.12, 2)
    found = level + slope[0] * (x - WIDTH / 2) + slope[1] * (y - HEIGHT / 2)
    blob(found, (at.uniform(0, WIDTH), at.uniform(0, HEIGHT)), 60.0, 0.15 * level)
    return np.asarray(np.clip(found + chance.normal(0, 1), 0, 255), np.float32)


def unfocused(grey: Map, radius: float) -> Map:
    """As an optic shows it that is out of focus; the noise of the sensor comes later, and stays sharp."""
    return np.asarray(Image.fromarray(as_bytes(grey)).filter(ImageFilter.GaussianBlur(radius)), np.float32)


def pushed(here: Map, there: Map, step: int) -> Map:
    """The camera looks so many places further to the right."""
    step = step * here.shape[1] // WIDTH
    return np.concatenate((here[:, step:], there[:, :step]), axis=1)
