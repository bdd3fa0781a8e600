"""Simulated cameras: what each shows at any minute, with everything that is no fault, and with a fault on request."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from PIL import Image

from bench.pictures.drawing import Map, Surfaces, as_bytes, blob, draw_surfaces, write
from bench.pictures.faults import covered, no_signal, pushed, unfocused
from bench.pictures.kinds import SceneKind
from bench.pictures.weather import MINUTES, Climate, Weather
from restream.adapters.pictures.measures import (
    HEIGHT,
    WIDTH,
    Points,
    SmallPicture,
    measure_small,
    place_points,
)
from restream.domain.pictures.finding import PictureFlaw
from restream.domain.pictures.measure import PictureMeasure

BEGIN_S = 1_772_323_200.0
"""The first midnight: 2026-03-01, UTC."""
_BLOCK = 8
"""Minutes for which the light is computed once."""
_TARGET = 0.2
_POOL = np.random.default_rng(0).normal(0, 1, 1 << 21).astype(np.float32)
_SIZE = WIDTH * HEIGHT
_POINT_Y, _POINT_X = place_points(WIDTH, HEIGHT)
_STREAKS = np.zeros((HEIGHT, WIDTH), np.float32)
for _at in np.random.default_rng(1).integers(0, _SIZE, 260):
    _STREAKS[_at // WIDTH : _at // WIDTH + 9, _at % WIDTH] = 40.0


class Shown(NamedTuple):
    """A picture of a simulated camera."""

    small: SmallPicture
    clean: Map
    """Without overlays, so that a frozen one gets the clock of its time."""
    visible: float
    """Contrast of what there is to see, 0 to 1, without noise."""
    colour: float
    """How colourful it is, 0 to 1."""
    taken_at: float

    @property
    def measure(self) -> PictureMeasure:
        return measure_small(self.small, self.taken_at)


class _Light(NamedTuple):
    grey: Map
    soft: Map
    """The same, washed out."""
    blue: Map
    red: Map
    noise: float
    night: bool
    visible: float


class Scene:
    """One simulated camera. Minutes may be asked for in any order; light is kept for the last one."""

    def __init__(self, kind: SceneKind, seed: int, days: int) -> None:
        self.kind, self.seed = kind, seed
        self.climate = Climate(seed, days)
        self._days = days
        self._here = self._draw(seed)
        self._elsewhere = self._draw(seed + 1000)
        self._kept: dict[tuple[int, int], _Light] = {}
        chance = np.random.default_rng(seed + 5)
        self._busy = chance.uniform(0, 1, (days + 1, 24)) < 0.15
        self._waves = np.asarray(
            Image.fromarray(chance.normal(0, 1, (HEIGHT // 5, WIDTH // 5)).astype(np.float32)).resize((WIDTH, HEIGHT))
        )
        self._trucks = [
            (int(chance.integers(0, days * MINUTES)), int(chance.integers(20, 240))) for _ in range(3 * days)
        ]

    def _draw(self, seed: int) -> Surfaces:
        kind = self.kind
        return draw_surfaces(seed, detail=kind.detail, sky=kind.sky, indoors=kind.indoors, lamps=kind.lamps)

    def show(
        self, minute: int, fault: PictureFlaw | None = None, *, variant: int = 0, stuck: Shown | None = None
    ) -> Shown:
        """What it shows at a minute. `variant` chooses among forms of a fault; `stuck`: where a frozen one stays."""
        chance = np.random.default_rng((self.seed, minute))
        weather = self.climate.at(minute)
        light = self._light(minute, weather, fault, variant)
        if fault is PictureFlaw.FROZEN and stuck is not None:
            return self._frozen(stuck, minute, chance)
        grey = light.grey * np.float32(chance.normal(1, 0.012))
        washed = self._things(grey, light, minute, weather, chance)
        if washed > 0.02:
            grey += np.float32(min(0.7, washed)) * (light.soft - grey)
        visible = light.visible
        if fault is PictureFlaw.COVERED:
            grey = covered(self.seed, variant, chance)
        elif fault is PictureFlaw.BLURRED:
            grey = unfocused(grey, (2.0, 3.0, 4.5)[variant % 3])
        elif fault is PictureFlaw.LOW_CONTRAST:
            grey = grey.mean() + (grey - grey.mean()) * np.float32((0.22, 0.15)[variant % 2])
        elif chance.uniform() < self.kind.hunting:
            grey = unfocused(grey, float(chance.uniform(1.0, 4.0)))
        colours = light.blue, light.red
        if fault is PictureFlaw.COLOUR_LOST:
            colours = light.blue * 0, light.red * 0
        return self._finish(grey, colours, light.noise, minute, chance, visible, fault, variant)

    def _finish(
        self,
        clean: Map,
        colours: tuple[Map, Map],
        noise: float,
        minute: int,
        chance: np.random.Generator,
        visible: float,
        fault: PictureFlaw | None,
        variant: int,
    ) -> Shown:
        overlaid = True
        if fault in (PictureFlaw.BLACK, PictureFlaw.WHITE):
            clean = np.full_like(clean, 0 if fault is PictureFlaw.BLACK else 253)
            noise, overlaid, colours = 0.0, variant % 2 == 0, (colours[0] * 0, colours[1] * 0)
        elif fault is PictureFlaw.NO_SIGNAL:
            drawn, blue, red = no_signal(variant)
            clean, noise, overlaid = drawn.astype(np.float32), 0.0, False
            colours = np.full_like(colours[0], blue), np.full_like(colours[1], red)
        at = int(chance.integers(0, len(_POOL) - _SIZE))
        grey = clean + np.float32(noise / 4) * _POOL[at : at + _SIZE].reshape(HEIGHT, WIDTH) if noise else clean.copy()
        overlays = self._overlays(minute, chance) if overlaid else ()
        write(grey, overlays)
        points = grey[_POINT_Y, _POINT_X]
        points = points + np.float32(noise) * _POOL[at : at + points.size].reshape(points.shape)
        size = (704, 576) if fault is PictureFlaw.SIZE_CHANGED else (1280, 720)
        small = SmallPicture(
            Points(*size, as_bytes(points).tobytes()), as_bytes(grey), *(as_bytes(128 + each) for each in colours)
        )
        colour = math.sqrt(float((colours[0] ** 2).mean() + (colours[1] ** 2).mean())) / 128
        return Shown(small, clean, visible, colour, self._moment(minute, chance))

    def _moment(self, minute: int, chance: np.random.Generator) -> float:
        return BEGIN_S + 60.0 * minute + float(chance.uniform(0, 4))

    def _frozen(self, stuck: Shown, minute: int, chance: np.random.Generator) -> Shown:
        """The same picture, encoded again, under a clock that runs."""
        grey = stuck.small.grey.astype(np.float32)
        old = stuck.clean
        for left, top, text in self._overlays(minute, chance):
            grey[top : top + 13, left : left + 7 * len(text) + 4] = old[top : top + 13, left : left + 7 * len(text) + 4]
        write(grey, self._overlays(minute, chance))
        points = np.frombuffer(stuck.small.points.levels, np.uint8).astype(np.float32).reshape(_POINT_Y.shape)
        moved = np.abs(grey - stuck.small.grey)[_POINT_Y, _POINT_X] > 8
        points = np.where(moved, grey[_POINT_Y, _POINT_X], points)
        # As much as an encoder makes of it (`--agreement`).
        points += (chance.uniform(0, 1, points.shape) < 0.22) * chance.choice((-1, 1), points.shape)
        known = Points(1280, 720, as_bytes(points).tobytes())
        small = stuck.small._replace(grey=as_bytes(grey), points=known)
        return stuck._replace(small=small, taken_at=self._moment(minute, chance))

    def _overlays(self, minute: int, chance: np.random.Generator) -> tuple[tuple[int, int, str], ...]:
        found = [(6, 3, f"CAM {self.seed:02d}")]
        if self.kind.clock:
            day, of_day = divmod(minute, MINUTES)
            found.append((190, 3, f"{day + 1:02d}.03 {of_day // 60:02d}:{of_day % 60:02d}:{minute * 7 % 60:02d}"))
        if self.kind.ticker:
            text = "WELCOME - PLEASE MIND THE STEP - "
            found.append((4, HEIGHT - 15, (text * 2)[minute * 11 % len(text) :][:42]))
        return tuple(found)

    # What is there to see, by the light of the minute.

    def _light(self, minute: int, weather: Weather, fault: PictureFlaw | None, variant: int) -> _Light:
        turned = fault is PictureFlaw.TURNED_AWAY
        key = (minute // _BLOCK, 1 + variant % 3 if turned else 0)
        if key not in self._kept:
            if len(self._kept) > 8:
                self._kept.clear()
            surfaces = self._here
            if turned and variant % 3 == 0:
                surfaces = self._elsewhere
            elif turned:
                # Pushed to the side: half of what was in sight still is.
                step = (WIDTH // 2, WIDTH // 3)[variant % 3 - 1]
                pairs = zip(self._here, self._elsewhere, strict=True)
                surfaces = Surfaces(*(pushed(here, there, step) for here, there in pairs))
            self._kept[key] = self._expose(surfaces, minute // _BLOCK * _BLOCK, weather)
        return self._kept[key]

    def _lit(self, minute: int) -> float:
        day, of_day = divmod(minute, MINUTES)
        hour = of_day // 60
        if self.kind.lights == "motion":
            chance = np.random.default_rng((self.seed, minute // 6, 77))
            return float(chance.uniform() < (0.7 if 7 <= hour < 20 else 0.12))
        if self.kind.lights == "office":
            working = day % 7 < 5 and 7 <= hour < 19
            return float(working or (hour in (20, 21) and bool(self._busy[day, hour])))
        return 1.0

    def _expose(self, seen: Surfaces, minute: int, weather: Weather) -> _Light:
        kind = self.kind
        albedo = seen.albedo + seen.ground * weather.snow * (0.88 - 0.6 * seen.albedo) if weather.snow else seen.albedo
        if weather.rain and not kind.indoors:
            albedo = albedo * (1 - 0.35 * weather.rain * seen.ground)
        facing = 0.55 + 0.45 * seen.east * math.cos(weather.azimuth)
        day = seen.outside * (weather.sky + weather.sun * facing)
        lit = self._lit(minute) * (0.35 if kind.indoors else 0.05 * (weather.sky < 0.05))
        lamps = lit * (seen.lamps if not kind.indoors else 0.6 + 0.6 * seen.lamps) if kind.lamps else 0.0
        there = day + lamps
        bright = float(there.mean())
        infrared = kind.infrared and bright < 0.03
        seen_light = albedo * (there + (0.25 * seen.infrared if infrared else 0.0)) + 1e-5
        gain = min(_TARGET / float(seen_light.mean()), 40.0)
        grey = 255 * np.sqrt(np.minimum(gain * seen_light, 1.0))
        dim = min(1.0, max(0.0, math.log2(gain) / 5.3))
        noise = kind.noise + (kind.night_noise - kind.noise) * dim
        colour = 0.0 if infrared else (1 - 0.5 * dim) * float(np.clip(grey.mean() / 60, 0, 1))
        dark, white = np.quantile(grey[20:160:4, ::4], (0.02, 0.98))
        grey = grey.astype(np.float32)
        soft = grey
        if kind.smear:
            small = Image.fromarray(grey).resize((WIDTH // 5, HEIGHT // 5), Image.Resampling.BOX)
            soft = np.clip(np.asarray(small.resize((WIDTH, HEIGHT))), grey.min(), grey.max())
        return _Light(
            grey,
            soft,
            seen.blue * np.float32(0.5 * colour),
            seen.red * np.float32(0.5 * colour),
            noise,
            infrared or weather.sky < 0.03,
            float(white - dark) / 255,
        )

    # What passes.

    def _things(self, grey: Map, light: _Light, minute: int, weather: Weather, chance: np.random.Generator) -> float:
        """Draws all of it, and says how much is washed out where the bitrate is low."""
        kind, moving = self.kind, 0.0
        if kind.waves:
            shift = int(chance.integers(0, WIDTH))
            strength = np.float32(kind.waves * (0.3 + weather.wind) * float(grey.mean()) / 100)
            grey[60:] += strength * np.roll(self._waves, shift, axis=1)[60:]
            moving += 0.2 * weather.wind
        if kind.trucks and any(begin <= minute < begin + length for begin, length in self._trucks):
            grey[40:165, 60:190] = grey[40:165, 60:190] * 0.12 + float(grey.mean()) * 0.7
            grey[150:165, 70:180] *= 0.3
        daily = 0.3 if light.night else 1.0
        for _ in range(min(6, int(chance.poisson(kind.cars * daily / 60)))):
            self._car(grey, light, chance)
            moving += 0.15
        for _ in range(min(8, int(chance.poisson(kind.people * daily / 60)))):
            tall = float(chance.uniform(20, 90))
            left, top = int(chance.integers(0, WIDTH - 20)), int(chance.integers(40, HEIGHT - 20))
            grey[top : top + int(tall), left : left + int(tall / 3)] *= np.float32(chance.uniform(0.3, 1.5))
            moving += 0.1
        if light.night and weather.rain == 0 and chance.uniform() < kind.insects:
            at = float(chance.uniform(0, WIDTH)), float(chance.uniform(0, HEIGHT))
            blob(grey, at, float(chance.uniform(4, 22)), float(chance.uniform(60, 190)), stretched=2.5)
        if weather.rain and not kind.indoors:
            grey *= np.float32(1 - 0.2 * weather.rain)
            grey += np.float32(20 * weather.rain * min(1.0, float(grey.mean()) / 90))
            grey += np.float32(weather.rain) * np.roll(_STREAKS, int(chance.integers(0, _SIZE)))
            moving += 0.4 * weather.rain
        return kind.smear * moving + 0.35 * kind.smear * light.night

    def _car(self, grey: Map, light: _Light, chance: np.random.Generator) -> None:
        left, top = int(chance.integers(-20, WIDTH)), int(chance.integers(80, HEIGHT - 25))
        wide = int(chance.integers(25, 70))
        shade = float(chance.uniform(0.1, 0.9)) * float(grey.mean()) * 1.6
        grey[top : top + wide // 3, max(0, left) : max(0, left + wide)] = shade
        if light.night:
            near = float(chance.uniform(4, 40))
            for side in (0, wide // 2):
                blob(grey, (left + side, top + 8), near, float(chance.uniform(100, 240)))
            if near > 30:
                # The exposure follows the glare.
                grey *= np.float32(0.6)
