"""A short form of `python -m bench pictures`: simulated cameras for two days, broken at some hours."""

from __future__ import annotations

import pytest

pytest.importorskip("numpy")
pytest.importorskip("av")

from bench.pictures import as_table, summary
from bench.pictures.corpus import Trial, run_scene
from bench.pictures.kinds import KINDS

from restream.domain.pictures.finding import PictureFlaw
from restream.domain.pictures.thresholds import PictureThresholds

QUICKLY = PictureThresholds(learn_days=1)


@pytest.mark.parametrize("name", ["street by infrared", "garden", "shop"])
def test_what_a_camera_is_accused_of(name: str) -> None:
    number = next(at for at, kind in enumerate(KINDS) if kind.name == name)
    result = run_scene(number, Trial(days=2, every=20, hours=range(2, 24, 9), thresholds=QUICKLY))
    assert not result.alarms
    missed = [each for each in result.outcomes if each.applicable and not each.found]
    assert not missed
    assert len(result.outcomes) == 3 * len(PictureFlaw)
    assert f"| `frozen` | 3 | 3 | 0 | 0 | 0 | {result.suspicions[PictureFlaw.FROZEN]} |" in as_table(summary([result]))
