"""Parts of a picture that nobody may see: neither shown, nor kept, nor judged."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("PIL")

from PIL import Image

from restream.adapters.pictures.masking import blackened, drawn_mask, points_without, without
from restream.adapters.pictures.measures import SmallPicture, measure_small, points_of, shrink
from restream.config.settings import Settings
from restream.domain.pictures.mask import MaskError, boxes, mask_name, parse_mask
from restream.domain.pictures.measure import PictureMeasure
from restream.service.from_settings import still_of
from tests.unit.fakes import camera

LEFT_HALF = [[0, 0, 0.5, 1]]
ROOF = [[[0, 0.3], [0.5, 0], [1, 0.3]]]


def test_rectangles_and_polygons_in_shares() -> None:
    assert parse_mask(LEFT_HALF) == (((0, 0), (0.5, 0), (0.5, 1), (0, 1)),)
    assert parse_mask(ROOF) == (((0, 0.3), (0.5, 0), (1, 0.3)),)
    assert boxes(parse_mask([*LEFT_HALF, *ROOF])) == ((0, 0, 0.5, 1), (0, 0, 1, 0.3))
    assert mask_name(parse_mask(LEFT_HALF)) == mask_name(parse_mask([[0.0, 0.0, 0.5, 1.0]])) != ""
    assert mask_name(parse_mask(LEFT_HALF)) != mask_name(parse_mask(ROOF))
    assert mask_name(()) == "" == mask_name(parse_mask([]))


@pytest.mark.parametrize(
    "wrong",
    [
        "left",
        {"left": 1},
        [0, 0, 1, 1],
        [[0, 0, 1]],
        [[0, 0, 1, 1.5]],
        [[0.5, 0, 0.4, 1]],
        [[0, 0, True, 1]],
        [[0, 0, float("nan"), 1]],
        [[[0, 0], [1, 1]]],
        [[[0, 0], [1, 1], [0]]],
        [[[0, 0]] * 65],
        LEFT_HALF * 33,
    ],
)
def test_what_is_no_mask(wrong: object) -> None:
    with pytest.raises(MaskError, match=r"^expected a list of \[left, top"):
        parse_mask(wrong)


def measured(seed: int) -> tuple[PictureMeasure, Image.Image]:
    """Of a picture whose right half is the same each time."""
    chance = np.random.default_rng(seed)
    picture = np.random.default_rng(0).integers(0, 256, (360, 640, 3), np.uint8)
    picture[:, :320] = chance.integers(0, 256, (360, 320, 3), np.uint8)
    mask = parse_mask(LEFT_HALF)
    whole = Image.fromarray(picture).convert("YCbCr")
    hidden = drawn_mask(mask, whole.size)
    small: SmallPicture = shrink(without(whole, hidden), points_without(points_of(np.asarray(whole)[:, :, 0]), mask))
    return measure_small(small, 1.0), blackened(whole, hidden)


def test_what_is_hidden_is_neither_measured_nor_seen() -> None:
    (one, shown), (other, _) = measured(1), measured(2)
    # Pixels of the border of a polygon are hidden too.
    assert one.points == other.points
    assert one.grid == other.grid and one.brightness == other.brightness
    assert (np.asarray(shown.convert("RGB"))[:, :320] == 0).all()
    assert np.asarray(shown.convert("RGB"))[:, 330:].mean() > 90
    assert 0.4 < one.brightness < 0.6


def test_the_whole_picture_cannot_be_hidden() -> None:
    with pytest.raises(ValueError, match="hides the whole picture"):
        drawn_mask(parse_mask([[0, 0, 1, 1]]), (64, 36))


def test_a_still_is_black_there_too_and_is_not_one_from_before() -> None:
    settings = Settings()
    name, command = still_of(settings, camera(1))
    assert (name, "drawbox" in " ".join(command.argv)) == ("1", False)
    masked, command = still_of(settings, camera(1, options='{"pictures": {"mask": [[0, 0, 0.5, 1]]}}'))
    assert masked != name
    assert "drawbox=x=floor(iw*0.00000):y=floor(ih*0.00000):w=ceil(iw*0.50000)+1" in " ".join(command.argv)
