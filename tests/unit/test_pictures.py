"""What pictures are accused of, from scripted measures: a day is learnt, then something happens."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.pictures.finding import PictureFlaw
from restream.domain.pictures.measure import CELLS, COLUMNS, POINTS, ROWS, PictureMeasure
from restream.domain.pictures.memory import PictureMemory
from restream.domain.pictures.thresholds import PictureThresholds

DAY_S = 86_400.0
EVERY_S = 600.0
Change = Callable[[PictureMeasure], PictureMeasure]


class ScriptedCamera:
    """Measures of a camera that looks at one scene: layout and edges stay, light and noise go with the hour."""

    def __init__(self, seed: int = 1, *, noise: float = 2.0, infrared: bool = True) -> None:
        self.chance = random.Random(seed)
        self.noise, self.infrared = noise, infrared
        self.tremble = [max(-9, min(9, round(self.chance.gauss(0, noise)))) for _ in range(500)]
        self.layout = self.scene()
        self.edges = bytes(self.chance.choice((60, 110, 150, 180)) for _ in range(CELLS))
        self.points = bytes(self.chance.randrange(40, 200) for _ in range(POINTS))

    def scene(self) -> bytes:
        return bytes(min(255, max(0, round(self.chance.gauss(128, 40)))) for _ in range(CELLS))

    def take(self, moment: float) -> PictureMeasure:
        night = not 6 <= moment % DAY_S / 3600 < 20
        light = 0.25 if night else 0.5
        tremble = self.chance.uniform(0.95, 1.05)
        darker = 20 if night else 0
        noise = self.chance.choices(self.tremble, k=POINTS)
        noisy = bytes(each - darker + step for each, step in zip(self.points, noise, strict=True))
        return PictureMeasure(
            taken_at=moment,
            width=1280,
            height=720,
            brightness=light * tremble,
            contrast=light * tremble,
            sharpness=0.3 * tremble,
            colourfulness=0.0 if night and self.infrared else 0.1 * tremble,
            flat=0.02,
            grid=self.layout,
            edges=self.edges,
            layout=self.layout,
            points=noisy,
        )


def watch(memory: PictureMemory, measures: Iterable[PictureMeasure]) -> PictureMemory:
    for each in measures:
        memory = memory.observe(each, moving_bytes=True)
    return memory


def found(memory: PictureMemory) -> set[PictureFlaw]:
    return {each.flaw for each in memory.findings}


def taught(camera: ScriptedCamera, days: float = 3.5) -> PictureMemory:
    moments = [at * EVERY_S for at in range(int(days * DAY_S / EVERY_S))]
    memory = PictureMemory()
    for moment in moments:
        memory = memory.observe(camera.take(moment), moving_bytes=True)
        assert not memory.findings and not memory.suspect, moment
    return memory


def other_view(measure: PictureMeasure) -> PictureMeasure:
    return dataclasses.replace(measure, layout=ScriptedCamera(99).layout)


def change(**fields: object) -> Change:
    return lambda measure: dataclasses.replace(measure, **fields)  # type: ignore[arg-type]


def edged(level: int) -> bytes:
    return bytes([level]) * CELLS


FAULTS: dict[PictureFlaw, Change] = {
    PictureFlaw.BLACK: change(brightness=0.01, contrast=0.02, flat=1.0, edges=edged(0), layout=edged(128)),
    PictureFlaw.WHITE: change(brightness=0.98, contrast=0.02, flat=1.0, edges=edged(0), layout=edged(128)),
    PictureFlaw.FROZEN: change(points=bytes(POINTS)),
    PictureFlaw.BLURRED: lambda it: dataclasses.replace(it, sharpness=it.sharpness / 4, edges=edged(60)),
    PictureFlaw.LOW_CONTRAST: lambda it: dataclasses.replace(it, contrast=it.contrast / 4),
    PictureFlaw.COLOUR_LOST: change(colourfulness=0.001),
    PictureFlaw.COVERED: change(edges=edged(40), layout=edged(128), brightness=0.2, contrast=0.2),
    PictureFlaw.TURNED_AWAY: other_view,
    PictureFlaw.NO_SIGNAL: change(flat=0.9, edges=edged(0), layout=edged(128), brightness=0.3, contrast=0.4),
    PictureFlaw.SIZE_CHANGED: change(width=704, height=576),
}


@pytest.fixture(scope="module")
def camera() -> ScriptedCamera:
    return ScriptedCamera()


@pytest.fixture(scope="module")
def usual(camera: ScriptedCamera) -> PictureMemory:
    return taught(camera)


@pytest.mark.parametrize("flaw", PictureFlaw)
def test_each_flaw_is_found_with_the_third_picture_and_ends(
    flaw: PictureFlaw, camera: ScriptedCamera, usual: PictureMemory
) -> None:
    assert usual.last is not None
    begin = usual.last.taken_at + 60
    memory = usual
    for at in range(3):
        assert flaw not in found(memory)
        assert memory.suspect == (at > (flaw is PictureFlaw.FROZEN))
        memory = memory.observe(FAULTS[flaw](camera.take(begin + 60 * at)), moving_bytes=True)
    assert found(memory) == {flaw}
    assert next(iter(memory.findings)).since == begin
    again = PictureMemory.from_mapping(json.loads(json.dumps(memory.to_mapping())))
    assert again.findings == memory.findings
    for at in range(3, 6):
        memory = memory.observe(camera.take(begin + 60 * at), moving_bytes=True)
    assert not memory.findings and not memory.suspect


def test_one_odd_picture_is_no_finding(camera: ScriptedCamera, usual: PictureMemory) -> None:
    assert usual.last is not None
    memory, begin = usual, usual.last.taken_at + 60
    for at in range(30):
        picture = camera.take(begin + 60 * at)
        memory = memory.observe(FAULTS[PictureFlaw.BLURRED](picture) if at % 3 else picture, moving_bytes=True)
        assert not memory.findings


def test_a_frozen_picture_under_a_running_clock(camera: ScriptedCamera, usual: PictureMemory) -> None:
    assert usual.last is not None
    memory, begin = usual, usual.last.taken_at + 60
    still = camera.take(begin)
    for at in range(3):
        ticking = bytes((at * 90 + each) % 256 for each in still.points[:100]) + still.points[100:]
        now = dataclasses.replace(still, taken_at=begin + 60 * at, points=ticking)
        memory = memory.observe(now, moving_bytes=True)
    assert found(memory) == {PictureFlaw.FROZEN}


def test_without_packets_nothing_is_frozen(camera: ScriptedCamera, usual: PictureMemory) -> None:
    assert usual.last is not None
    memory = usual
    for at in range(1, 9):
        picture = dataclasses.replace(usual.last, taken_at=usual.last.taken_at + 60 * at)
        memory = memory.observe(picture, moving_bytes=False)
    assert not memory.findings


def test_a_still_wall_without_noise_is_not_accused() -> None:
    wall = ScriptedCamera(2, noise=0.0)
    memory = taught(wall, 2.0)
    assert memory.last is not None
    for at in range(1, 200):
        memory = memory.observe(wall.take(memory.last.taken_at + 60 * at), moving_bytes=True)
        assert not memory.findings


def test_grey_is_no_loss_by_infrared_and_what_is_ignored_is_not_told(
    camera: ScriptedCamera, usual: PictureMemory
) -> None:
    night = [camera.take(4 * DAY_S + 60 * at) for at in range(5)]
    assert not watch(usual, map(FAULTS[PictureFlaw.COLOUR_LOST], night)).findings
    deaf = PictureThresholds(ignored=frozenset({PictureFlaw.TURNED_AWAY}))
    memory = usual
    for each in night:
        memory = memory.observe(other_view(each), deaf, moving_bytes=True)
    assert not memory.findings


def test_what_is_accepted_is_the_new_reference(camera: ScriptedCamera, usual: PictureMemory) -> None:
    assert usual.last is not None
    begin = usual.last.taken_at
    turned = [other_view(camera.take(begin + 60 * at)) for at in range(1, 60)]
    memory = watch(usual, turned[:4])
    assert found(memory) == {PictureFlaw.TURNED_AWAY}
    memory = memory.accept(turned[3])
    assert not watch(memory, turned[4:]).findings


def test_a_light_is_accepted_with_all_else_that_was_learnt(camera: ScriptedCamera, usual: PictureMemory) -> None:
    assert usual.last is not None
    begin = usual.last.taken_at
    dark = [FAULTS[PictureFlaw.BLACK](camera.take(begin + 60 * at)) for at in range(1, 60)]
    memory = watch(usual, dark[:4])
    assert found(memory) == {PictureFlaw.BLACK} and memory.last is not None
    memory = watch(memory.accept(memory.last), dark[4:])
    assert not memory.findings
    # Who has had his lights off is known for it, and still may not be turned away.
    turned = [other_view(camera.take(begin + 7200 + 60 * at)) for at in range(3)]
    assert found(watch(memory, turned)) == {PictureFlaw.TURNED_AWAY}


def test_a_new_size_is_accepted_with_all_that_was_learnt(camera: ScriptedCamera, usual: PictureMemory) -> None:
    assert usual.last is not None
    begin = usual.last.taken_at
    resized = [FAULTS[PictureFlaw.SIZE_CHANGED](camera.take(begin + 60 * at)) for at in range(1, 20)]
    memory = watch(usual, resized[:3]).accept(resized[3])
    assert not memory.findings
    assert not watch(memory, resized[4:]).findings
    assert all(each.days for each in memory.hours) and memory.views == usual.views


def test_what_is_not_known_yet_accuses_nobody(camera: ScriptedCamera) -> None:
    for flaw in FAULTS.keys() - {PictureFlaw.SIZE_CHANGED}:
        memory = watch(PictureMemory(), (camera.take(60.0 * at) for at in range(10)))
        memory = watch(memory, (FAULTS[flaw](camera.take(600 + 60.0 * at)) for at in range(10)))
        assert not memory.findings, flaw


def test_black_for_longer_than_a_night_is_told_though_nothing_is_known(camera: ScriptedCamera) -> None:
    black = (FAULTS[PictureFlaw.BLACK](camera.take(600.0 * at)) for at in range(120))
    assert found(watch(PictureMemory(), black)) == {PictureFlaw.BLACK}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.sampled_from(sorted(PictureMemory().to_mapping())))
def test_a_memory_is_read_of_anything(value: object, key: str) -> None:
    for document in (value, {**PictureMemory().to_mapping(), key: value}):
        memory = PictureMemory.from_mapping(document)
        memory = memory.observe(ScriptedCamera().take(1e9), moving_bytes=True)
        json.dumps(memory.to_mapping())


def test_a_measure_is_small_and_comes_back() -> None:
    measure = ScriptedCamera().take(1e9)
    maps = (measure.grid, measure.edges, measure.layout, measure.points)
    assert COLUMNS * ROWS == CELLS and sum(map(len, maps)) < 4096
    assert PictureMeasure.from_mapping(json.loads(json.dumps(measure.to_mapping()))) == measure
