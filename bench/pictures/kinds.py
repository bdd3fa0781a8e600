"""The cameras of the corpus."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SceneKind:
    """What is particular about a camera and its place."""

    name: str
    detail: int = 120
    """Surfaces in sight."""
    sky: float = 0.25
    indoors: bool = False
    lamps: int = 3
    infrared: bool = True
    noise: float = 2.0
    """Levels, by day, of the sensor's pixels behind its own filter."""
    night_noise: float = 5.0
    smear: float = 0.0
    """How much a low bitrate washes out when there is much to tell, 0 to 1."""
    cars: float = 0.0
    """An hour."""
    people: float = 0.0
    """An hour."""
    insects: float = 0.0
    """Share of warm nights' pictures with one before the lens."""
    hunting: float = 0.0
    """Share of pictures that are taken while the lens looks for its focus."""
    waves: float = 0.0
    """How much leaves or water move, levels."""
    lights: str = "always"
    """always, office, motion."""
    trucks: bool = False
    clock: bool = True
    ticker: bool = False
    """A text that runs along the bottom."""


KINDS = (
    SceneKind("street with lamps", cars=90, people=20, lamps=5, infrared=False),
    SceneKind("street by infrared", cars=40, people=15, insects=0.25, lamps=1),
    SceneKind("car park", cars=15, insects=0.35, sky=0.35, detail=160, lamps=2),
    SceneKind("warehouse", indoors=True, lights="office", infrared=False, people=10, sky=0.0),
    SceneKind("office", indoors=True, lights="office", people=40, sky=0.0, detail=200),
    SceneKind("still wall", detail=14, sky=0.0, noise=1.2, night_noise=2.5, lamps=1),
    SceneKind("entrance", people=90, cars=5, hunting=0.01),
    SceneKind("garden", waves=14.0, insects=0.3, detail=180, lamps=1),
    SceneKind("building site", cars=20, people=30, trucks=True, lamps=2, detail=200),
    SceneKind("shop", indoors=True, people=120, sky=0.0, infrared=False, detail=220),
    SceneKind("street at a low bitrate", cars=60, people=20, smear=0.8, noise=1.0, night_noise=1.6),
    SceneKind("lens that hunts", cars=20, hunting=0.08, insects=0.2),
    SceneKind("roof with much sky", sky=0.6, detail=70, lamps=1),
    SceneKind("tunnel", indoors=True, cars=240, lamps=8, sky=0.0, infrared=False, noise=3.0),
    SceneKind("snow slope", sky=0.3, detail=60, people=10, lamps=2),
    SceneKind("harbour", waves=22.0, sky=0.35, detail=90, smear=0.5, noise=1.2, night_noise=2.0),
    SceneKind("stairwell", indoors=True, lights="motion", sky=0.0, infrared=False, people=6, detail=80),
    SceneKind("loading dock", trucks=True, cars=10, people=25, insects=0.2),
    SceneKind("hall with a ticker", indoors=True, lights="office", people=60, sky=0.0, ticker=True),
    SceneKind("server room", indoors=True, sky=0.0, infrared=False, noise=0.9, night_noise=0.9, lamps=4),
)
