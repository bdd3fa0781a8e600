"""Sun, clouds, rain and snow over simulated days; everything follows from a seed and the minute."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

MINUTES = 1440
_DRIFT_MINUTES = 2.0
"""So much earlier does the sun rise each day, and later does it set: an hour in thirty days each."""


class Weather(NamedTuple):
    """Of one minute."""

    sun: float
    """Direct light, 0 to 1."""
    sky: float
    """Light from everywhere, 0 to 1."""
    azimuth: float
    """Of the sun, radians."""
    rain: float
    """0 to 1."""
    snow: float
    """Lying on the ground, 0 to 1."""
    wind: float
    """0 to 1."""


class Climate:
    """The weather of one place for some days."""

    def __init__(self, seed: int, days: int) -> None:
        chance = np.random.default_rng(seed)
        self._cloud = _wander(chance, days * MINUTES, 90.0, 0.5, 0.35)
        self._wind = _wander(chance, days * MINUTES, 200.0, 0.3, 0.25)
        self._rain = np.zeros(days * MINUTES, np.float32)
        self._snow = np.zeros(days * MINUTES, np.float32)
        for _ in range(max(1, days // 2)):
            begin, length = int(chance.integers(0, days * MINUTES)), int(chance.integers(20, 400))
            self._rain[begin : begin + length] = chance.uniform(0.3, 1.0)
        # A thunderstorm in the afternoon, so dark that cameras switch to infrared.
        self.storm = MINUTES * int(chance.integers(min(4, days - 1), days)) + int(chance.integers(12 * 60, 18 * 60))
        self._rain[self.storm : self.storm + 45] = 1.0
        if days > 14:
            self._snow[12 * MINUTES + 120 : 15 * MINUTES] = 1.0
            self._snow[15 * MINUTES : 17 * MINUTES] = np.linspace(1.0, 0.0, 2 * MINUTES)

    def at(self, minute: int) -> Weather:
        """Since the first midnight."""
        day, of_day = divmod(minute, MINUTES)
        dawn, dusk = 420 - _DRIFT_MINUTES * day, 1080 + _DRIFT_MINUTES * day
        elevation = math.sin(math.pi * (of_day - dawn) / (dusk - dawn)) if dawn < of_day < dusk else 0.0
        # Dawn and dusk take half an hour before the sun is there.
        twilight = max(0.0, 1 - max(dawn - of_day, of_day - dusk, 0.0) / 35)
        cloud = float(self._cloud[minute])
        storm = 0.02 if self.storm <= minute < self.storm + 45 else 1.0
        return Weather(
            sun=max(0.0, elevation) ** 0.6 * (1 - cloud) * storm,
            sky=twilight**3 * (0.08 + 0.5 * elevation) * (1 - 0.5 * cloud) * storm,
            azimuth=math.pi * (of_day - dawn) / (dusk - dawn),
            rain=float(self._rain[minute]),
            snow=float(self._snow[minute]),
            wind=float(self._wind[minute]),
        )


def _wander(chance: np.random.Generator, steps: int, slowness: float, mean: float, spread: float) -> np.ndarray:
    """A value that wanders between 0 and 1."""
    kicks = chance.normal(0, spread * math.sqrt(2 / slowness), steps)
    found, value = np.empty(steps, np.float32), mean
    for step in range(steps):
        value += (mean - value) / slowness + kicks[step]
        found[step] = min(1.0, max(0.0, value))
    return found
