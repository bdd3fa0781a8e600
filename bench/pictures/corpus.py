"""Runs simulated cameras for days, and breaks each of them at each hour."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.pictures.kept import KeptMeasures
from bench.pictures.kinds import KINDS
from bench.pictures.scene import Scene, Shown
from bench.pictures.weather import MINUTES
from restream.domain.pictures.finding import PictureFlaw
from restream.domain.pictures.measure import PictureMeasure
from restream.domain.pictures.memory import PictureMemory
from restream.domain.pictures.thresholds import USUAL_THRESHOLDS, PictureThresholds

SAMPLES = 3
"""Within so many a fault is to be found."""
_VISIBLE = 0.15
"""Contrast of what there is to see, without noise, below which nobody sees a fault of the view."""
_COLOURFUL = 0.025
"""Colours below which nobody sees that they are gone."""
_COLOURED_FOR = 10
"""Minutes for which the filter of infrared has been in: one who looked before saw grey."""
_ANOTHER_VIEW = 0.8
"""Correlation of a picture with that of the camera turned away, above which one is taken for the other."""
_SEEN = frozenset(
    {
        PictureFlaw.COVERED,
        PictureFlaw.TURNED_AWAY,
        PictureFlaw.BLURRED,
        PictureFlaw.LOW_CONTRAST,
        PictureFlaw.COLOUR_LOST,
        PictureFlaw.BLACK,
    }
)
"""Faults that nobody sees in the dark."""
ALSO_RIGHT: Mapping[PictureFlaw, frozenset[PictureFlaw]] = {
    PictureFlaw.COVERED: frozenset({PictureFlaw.BLACK, PictureFlaw.NO_SIGNAL}),
    PictureFlaw.LOW_CONTRAST: frozenset({PictureFlaw.COVERED}),
    PictureFlaw.BLURRED: frozenset({PictureFlaw.COVERED}),
}
"""What else may be told of a fault: a hand on the lens is black as well."""


class Injection(NamedTuple):
    """A fault that is tried at a minute, and then undone."""

    minute: int
    flaw: PictureFlaw
    variant: int


class Outcome(NamedTuple):
    """How it was taken."""

    injection: Injection
    applicable: bool
    told: tuple[PictureFlaw, ...]

    @property
    def found(self) -> bool:
        """As what it is, or as what is also right."""
        right = {self.injection.flaw} | ALSO_RIGHT.get(self.injection.flaw, frozenset())
        return bool(right & set(self.told))


@dataclass
class SceneResult:
    """What came of one camera."""

    name: str
    pictures: int = 0
    alarms: list[tuple[int, PictureFlaw, Mapping[str, float]]] = field(default_factory=list)
    """False ones: the minute, what was told, and its numbers."""
    suspicions: Counter[PictureFlaw] = field(default_factory=Counter)
    """Pictures that were suspected, and cleared again."""
    outcomes: list[Outcome] = field(default_factory=list)


class Trial(NamedTuple):
    """How a camera is tried."""

    days: int
    times: int = 1
    """How often each fault comes at each hour."""
    every: int = 1
    """Minutes from picture to picture."""
    hours: range = range(24)
    """In which there are faults."""
    thresholds: PictureThresholds = USUAL_THRESHOLDS
    flaws: frozenset[PictureFlaw] = frozenset(PictureFlaw)
    """Faults that are tried."""
    measures: Path | None = None
    """A folder in which what is measured is kept from run to run."""


def run_scene(number: int, trial: Trial) -> SceneResult:
    """One camera: judged all the time, and now and then by a copy of its memory that is shown a fault."""
    scene = Scene(KINDS[number], number + 1, trial.days)
    result, memory = SceneResult(scene.kind.name), PictureMemory()
    planned = defaultdict(list)
    for each in plan(number, trial):
        if each.flaw in trial.flaws:
            planned[each.minute].append(each)
    told: frozenset[PictureFlaw] = frozenset()
    for minute, measure in _measured(scene, number, trial):
        for injection in planned.get(minute, ()):
            result.outcomes.append(_inject(scene, memory, injection, trial.thresholds))
        memory = memory.observe(measure, trial.thresholds, moving_bytes=True)
        result.pictures += 1
        result.suspicions.update(memory.suspicions.keys())
        now = memory.findings
        result.alarms += [(minute, each.flaw, each.numbers) for each in now if each.flaw not in told]
        told = frozenset(each.flaw for each in now)
    return result


def _measured(scene: Scene, number: int, trial: Trial) -> Iterator[tuple[int, PictureMeasure]]:
    """Minutes, and what the camera shows then."""
    minutes = range(0, trial.days * MINUTES, trial.every)
    if trial.measures is None:
        yield from ((minute, scene.show(minute).measure) for minute in minutes)
        return
    kept = KeptMeasures(trial.measures, f"{number}-{trial.days}-{trial.every}")
    if kept.known:
        yield from zip(minutes, kept.read(), strict=True)
        return
    found = []
    for minute in minutes:
        found.append(scene.show(minute).measure)
        yield minute, found[-1]
    kept.write(found)


def plan(number: int, trial: Trial) -> Iterator[Injection]:
    """Every fault at every hour of the day, once all hours are known."""
    chance = np.random.default_rng(number)
    first = min(trial.thresholds.learn_days + 1, trial.days - 1)
    for turn in range(trial.times):
        for hour in trial.hours:
            for flaw in PictureFlaw:
                minute = int(chance.integers(first, trial.days)) * MINUTES + hour * 60 + int(chance.integers(0, 57))
                yield Injection(minute // trial.every * trial.every, flaw, turn + hour + number)


def _inject(scene: Scene, memory: PictureMemory, injection: Injection, thresholds: PictureThresholds) -> Outcome:
    flaw, now = injection.flaw, scene.show(injection.minute)
    visible = _visible(scene, injection, now)
    for step in range(SAMPLES):
        # What is frozen shows a last picture that is as it should be.
        stuck = now if flaw is PictureFlaw.FROZEN else None
        first = flaw is PictureFlaw.FROZEN and not step
        shown = now if first else scene.show(injection.minute + step, flaw, variant=injection.variant, stuck=stuck)
        memory = memory.observe(shown.measure, thresholds, moving_bytes=True)
    applicable = visible or flaw not in _SEEN
    return Outcome(injection, applicable, tuple(each.flaw for each in memory.findings))


def _visible(scene: Scene, injection: Injection, now: Shown) -> bool:
    """Whether a person who knows the scene can tell the picture with the fault from that without, at that moment; by
    what is before the lens and its light, whatever the rules make of it.
    """
    flaw, minute = injection.flaw, injection.minute
    if now.visible < _VISIBLE:
        return False
    if flaw is PictureFlaw.COLOUR_LOST:
        before = scene.show(max(0, minute - _COLOURED_FOR)).colour
        return min(before, *(scene.show(minute + step).colour for step in range(SAMPLES))) >= _COLOURFUL
    if flaw is PictureFlaw.TURNED_AWAY:
        away = scene.show(minute, flaw, variant=injection.variant)
        return float(np.corrcoef(now.clean.ravel(), away.clean.ravel())[0, 1]) < _ANOTHER_VIEW
    return True
