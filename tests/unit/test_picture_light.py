"""What light and habits have to do with it: dark halls, infrared, headlights, lenses that hunt."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterable

import pytest

from restream.domain.pictures.blurs import as_sharp
from restream.domain.pictures.finding import PictureFlaw
from restream.domain.pictures.measure import EDGE_OCTAVE, PictureMeasure
from restream.domain.pictures.memory import PictureMemory
from restream.domain.pictures.suspicion import confirmations
from tests.unit.test_pictures import DAY_S, EVERY_S, FAULTS, ScriptedCamera, edged, found, watch

HOUR_S = 3600.0
NIGHT = ScriptedCamera(50).layout
"""The grey picture by the light of lamps, or of infrared."""


def at_night(moment: float) -> bool:
    return not 6 <= moment % DAY_S / HOUR_S < 20


def dark(measure: PictureMeasure) -> PictureMeasure:
    """With the noise of the sensor."""
    return dataclasses.replace(
        measure, brightness=0.02, contrast=0.02, flat=0.05, edges=edged(40), layout=edged(128), colourfulness=0.0
    )


def hall(camera: ScriptedCamera, moments: Iterable[float]) -> Iterable[PictureMeasure]:
    """Without infrared: there is nothing to see at night."""
    return (dark(camera.take(each)) if at_night(each) else camera.take(each) for each in moments)


def over(days: float, begin: float = 0.0, every_s: float = EVERY_S) -> list[float]:
    return [begin + at * every_s for at in range(int(days * DAY_S / every_s))]


def test_the_first_sunday_in_a_hall_that_is_dark_at_night() -> None:
    camera = ScriptedCamera(3, infrared=False)
    memory = watch(PictureMemory(), hall(camera, over(5)))
    weekend = over(4, 5 * DAY_S)
    told = []
    for each in weekend:
        memory = memory.observe(dark(camera.take(each)), moving_bytes=True)
        if memory.findings:
            told.append(each)
    # From Friday evening on: all of Saturday and Sunday are dark, and so is Monday.
    assert found(memory) == {PictureFlaw.BLACK}
    assert told[0] >= 4 * DAY_S + 20 * HOUR_S + 72 * HOUR_S
    # Black that nobody's sensor makes is told at once, there too.
    drawn = [FAULTS[PictureFlaw.BLACK](camera.take(5 * DAY_S + 12 * HOUR_S + 60 * at)) for at in range(3)]
    assert found(watch(watch(PictureMemory(), hall(camera, over(5.5))), drawn)) == {PictureFlaw.BLACK}


def by_infrared(camera: ScriptedCamera, moments: Iterable[float], grid: bytes) -> Iterable[PictureMeasure]:
    """Grey until seven, so that grey is usual in the hours around."""
    for each in moments:
        measure = camera.take(each)
        grey = not 7 <= each % DAY_S / HOUR_S < 19
        yield dataclasses.replace(measure, grid=grid, colourfulness=0.0) if grey else measure


@pytest.mark.parametrize(("grid", "lost"), [(NIGHT, {PictureFlaw.COLOUR_LOST}), (None, set())])
def test_grey_where_grey_is_usual_is_lost_colour_in_the_light_of_colours_alone(
    grid: bytes | None, lost: set[PictureFlaw]
) -> None:
    camera = ScriptedCamera(4)
    # One whose lamps stay the same while it switches may be grey in that light.
    memory = watch(PictureMemory(), by_infrared(camera, over(4 + 7.5 / 24), grid or camera.layout))
    assert memory.last is not None
    begin = memory.last.taken_at + 60
    grey = [FAULTS[PictureFlaw.COLOUR_LOST](camera.take(begin + 60 * at)) for at in range(4)]
    assert found(watch(memory, grey[:3])) == lost
    again = PictureMemory.from_mapping(json.loads(json.dumps(memory.to_mapping())))
    assert found(watch(again, grey[:3])) == lost
    accepted = watch(memory, grey[:3]).accept(grey[2])
    assert not watch(accepted, grey[3:]).findings


def test_a_lens_that_hunts_is_blurred_only_when_it_stays_so() -> None:
    camera, chance = ScriptedCamera(5), random.Random(1)
    blurred = FAULTS[PictureFlaw.BLURRED]
    memory = watch(PictureMemory(), map(camera.take, over(2.5)))
    for moment in over(2, 2.5 * DAY_S, 60.0):
        measure = camera.take(moment)
        memory = memory.observe(blurred(measure) if chance.random() < 0.08 else measure, moving_bytes=True)
        assert not memory.findings
    memory = PictureMemory.from_mapping(json.loads(json.dumps(memory.to_mapping())))
    assert memory.last is not None and 0.02 < memory.lapses[PictureFlaw.BLURRED] < 0.1
    begin = memory.last.taken_at + 60
    staying = [blurred(camera.take(begin + 60 * at)) for at in range(8)]
    assert not watch(memory, staying[:3]).findings
    assert found(watch(memory, staying)) == {PictureFlaw.BLURRED}


def unsharp(measure: PictureMeasure, octaves: float) -> PictureMeasure:
    softer = bytes(max(0, each - round(EDGE_OCTAVE * octaves)) for each in measure.edges)
    return dataclasses.replace(measure, sharpness=measure.sharpness / 4, edges=softer)


def test_a_lens_that_hunts_is_blurred_otherwise_each_time_and_a_fault_stays() -> None:
    camera, chance = ScriptedCamera(8), random.Random(3)
    memory = watch(PictureMemory(), map(camera.take, over(2.5)))
    for moment in over(2, 2.5 * DAY_S, 60.0):
        measure = camera.take(moment)
        hunts = chance.random() < 0.08
        memory = memory.observe(unsharp(measure, chance.uniform(0.8, 3.0)) if hunts else measure, moving_bytes=True)
        assert not memory.findings
    memory = PictureMemory.from_mapping(json.loads(json.dumps(memory.to_mapping())))
    assert memory.last is not None and memory.lapses[PictureFlaw.BLURRED] > 0.02
    begin = memory.last.taken_at + 120
    memory = memory.observe(camera.take(begin - 60), moving_bytes=True)
    hunting = [unsharp(camera.take(begin + 60 * at), 1 + at / 4) for at in range(3)]
    assert not watch(memory, hunting).findings
    stuck = [unsharp(camera.take(begin + 60 * at), 1.5) for at in range(3)]
    assert not watch(memory, stuck[:2]).findings
    assert found(watch(memory, stuck)) == {PictureFlaw.BLURRED}


def test_pictures_are_as_sharp_whatever_their_light_and_though_something_passes() -> None:
    measure = dataclasses.replace(ScriptedCamera(9).take(0.0), grid=edged(100))
    twice = bytes(each + EDGE_OCTAVE for each in measure.edges)
    brighter = dataclasses.replace(measure, grid=edged(201), edges=twice)
    assert as_sharp(measure, brighter) and as_sharp(brighter, measure)
    passing = edged(250)[:60] + measure.edges[60:]
    assert as_sharp(measure, dataclasses.replace(measure, edges=passing))
    assert not as_sharp(measure, unsharp(measure, 1 / EDGE_OCTAVE))
    assert as_sharp(dataclasses.replace(measure, edges=edged(0)), dataclasses.replace(measure, edges=edged(0)))


def test_what_comes_and_goes_needs_more_pictures() -> None:
    assert [confirmations(each, 3) for each in (0.0, 0.001, 0.01, 0.03, 0.08, 0.9)] == [3, 3, 3, 4, 6, 11]
    assert confirmations(0.001, 7) == 7
    assert [confirmations(0.08, 3, each) for each in (1.0, 0.1, 0.003, 0.0)] == [6, 5, 3, 3]


def test_a_camera_that_is_turned_away_while_its_lens_hunts() -> None:
    camera = ScriptedCamera(10)
    memory = watch(PictureMemory(), map(camera.take, over(3)))
    assert memory.last is not None
    turned = [FAULTS[PictureFlaw.TURNED_AWAY](camera.take(memory.last.taken_at + 60 * at)) for at in range(1, 4)]
    turned[2] = dataclasses.replace(turned[2], edges=edged(60))
    assert found(watch(memory, turned)) == {PictureFlaw.TURNED_AWAY}
    # The dark has no view, also after another one.
    assert not watch(memory, [*turned[:2], dark(turned[2])]).findings


def test_headlights_in_a_pale_picture() -> None:
    camera = ScriptedCamera(11)
    memory = watch(PictureMemory(), map(camera.take, over(3)))
    assert memory.last is not None
    pale = [FAULTS[PictureFlaw.LOW_CONTRAST](camera.take(memory.last.taken_at + 60 * at)) for at in range(1, 4)]
    glaring = dataclasses.replace(pale[1], contrast=0.16, edges=edged(60))
    assert found(watch(memory, [pale[0], glaring, pale[2]])) == {PictureFlaw.LOW_CONTRAST}
    # With the structure that is usual it is not pale.
    lit = dataclasses.replace(pale[1], contrast=0.16)
    assert not watch(memory, [pale[0], lit, pale[2]]).findings


def test_colour_that_goes_at_once_in_a_place_without_infrared_though_headlights_come() -> None:
    camera = ScriptedCamera(6, infrared=False)
    memory = watch(PictureMemory(), map(camera.take, over(3)))
    assert memory.last is not None
    begin = memory.last.taken_at + 60
    grey = [FAULTS[PictureFlaw.COLOUR_LOST](camera.take(begin + 60 * at)) for at in range(3)]
    grey[0] = dataclasses.replace(grey[0], grid=NIGHT)
    assert found(watch(memory, grey)) == {PictureFlaw.COLOUR_LOST}


def test_a_bag_over_the_lens_where_it_is_dark_at_times_and_a_pane_that_fogs() -> None:
    camera = ScriptedCamera(7, infrared=False)
    # Half of each hour the lights are off, so that nothing but the dark is usual.
    lit = [each for each in over(3) if each % HOUR_S < HOUR_S / 2]
    shown = [camera.take(each) if each in set(lit) else dark(camera.take(each)) for each in over(3)]
    memory = watch(PictureMemory(), shown)
    begin = 3 * DAY_S + 12 * HOUR_S
    memory = watch(memory, (camera.take(begin + 60 * at) for at in range(3)))
    bag = [FAULTS[PictureFlaw.COVERED](camera.take(begin + 180 + 60 * at)) for at in range(3)]
    assert found(watch(memory, bag)) == {PictureFlaw.COVERED}
    fog = [FAULTS[PictureFlaw.LOW_CONTRAST](camera.take(begin + 180 + 60 * at)) for at in range(3)]
    assert found(watch(memory, fog)) == {PictureFlaw.LOW_CONTRAST}
