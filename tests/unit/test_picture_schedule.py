"""Whose picture is taken when, and which are kept: pure, in any order of time."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.pictures.adjustments import (
    AdjustmentError,
    adjusted,
    check_adjustments,
    parse_picture_options,
)
from restream.domain.pictures.album import (
    AlbumLimits,
    PictureKind,
    PictureStamp,
    kept,
    with_proofs,
    with_reference,
)
from restream.domain.pictures.finding import PictureFlaw
from restream.domain.pictures.schedule import SamplePace, SampleSchedule
from restream.domain.pictures.thresholds import USUAL_THRESHOLDS

DAY_S = 86_400.0


def follow(schedule: SampleSchedule, cameras: int, until: float, *, slowness: float = 1.0) -> Counter[str]:
    """How often each had its turn, looked at twice a second."""
    taken: Counter[str] = Counter()
    schedule.follow({str(number): None for number in range(cameras)}, 0.0)
    for step in range(int(until * 2)):
        for camera_id in schedule.take(step / 2, most=1000, slowness=slowness):
            taken[camera_id] += 1
            schedule.taken(camera_id, step / 2, suspect=False)
    return taken


def chances() -> object:
    values = iter(range(10_000_000))
    return lambda: (next(values) * 0.618034) % 1.0


def test_a_fleet_is_sampled_evenly_and_never_in_one_burst() -> None:
    schedule = SampleSchedule(SamplePace(60.0, 20.0, 1000.0), chances())  # type: ignore[arg-type]
    schedule.follow({str(number): None for number in range(1200)}, 0.0)
    most = max(len(schedule.take(step / 2, most=1000)) for step in range(120))
    assert most <= 12
    taken = follow(SampleSchedule(SamplePace(60.0, 20.0, 1000.0), chances()), 300, 600.0)  # type: ignore[arg-type]
    assert set(taken.values()) <= {9, 10}


def test_beyond_the_budget_everybody_has_his_turn_more_rarely() -> None:
    schedule = SampleSchedule(SamplePace(10.0, 5.0, 4.0), chances())  # type: ignore[arg-type]
    taken = follow(schedule, 100, 200.0)
    assert sum(taken.values()) <= 4.0 * 200 + 4
    assert min(taken.values()) >= 6
    busy = follow(SampleSchedule(SamplePace(10.0, 5.0, 4.0), chances()), 100, 200.0, slowness=4.0)  # type: ignore[arg-type]
    assert 150 < sum(busy.values()) <= 204


def test_who_is_suspect_comes_sooner_and_first() -> None:
    schedule = SampleSchedule(SamplePace(60.0, 20.0, 1.0), lambda: 0.0)
    schedule.follow({"1": None, "2": None, "3": 5.0}, 0.0)
    assert schedule.take(0.0, most=9) == ["1"]
    schedule.taken("1", 0.0, suspect=True)
    assert schedule.take(1.0, most=9) == ["2"]
    schedule.taken("2", 1.0, suspect=False)
    assert schedule.take(25.0, most=1) == ["1"]
    schedule.taken("1", 25.0, suspect=False)
    assert schedule.take(26.0, most=9) == ["3"]
    schedule.taken("3", 26.0, suspect=True)
    assert schedule.take(31.0, most=9) == ["3"]


def test_what_cannot_be_had_is_tried_ever_more_rarely_and_one_at_a_time() -> None:
    schedule = SampleSchedule(SamplePace(10.0, 5.0, 100.0), lambda: 0.0)
    schedule.follow({"1": None}, 0.0)
    tries = []
    for step in range(2000):
        if schedule.take(float(step), most=9):
            assert not schedule.take(float(step), most=9)
            tries.append(step)
            schedule.failed("1", float(step))
    assert [b - a for a, b in pairwise(tries)][:9] == [10, 20, 30, 40, 50, 60, 70, 80, 80]
    schedule.follow({}, 2000.0)
    assert not schedule.take(9000.0, most=9)


def stamps(*moments: float, size: int = 10) -> list[PictureStamp]:
    return [PictureStamp(moment, size) for moment in moments]


def test_one_picture_of_each_part_of_the_day_and_the_last_few() -> None:
    album: list[PictureStamp] = []
    for minute in range(3 * 24 * 60):
        album = kept([*album, PictureStamp(minute * 60.0, 10)], AlbumLimits(24, 1.0, 1 << 20))
    assert len(album) <= 24 + 5 + 1
    assert album[-1].taken_at == (3 * 24 * 60 - 1) * 60.0
    assert album[0].taken_at >= album[-1].taken_at - DAY_S - 3600
    hours = {int(each.taken_at // 3600) for each in album}
    assert len(hours) >= 24


def test_proofs_and_the_reference_stay() -> None:
    album = with_reference(stamps(0.0, 60.0), 0.0)
    album = with_proofs([*album, *stamps(*(120.0 + 60 * n for n in range(6)))], since=300.0)
    kinds = {each.taken_at: each.kind for each in album if each.kind is not PictureKind.SAMPLE}
    assert kinds == {0.0: PictureKind.REFERENCE, 240.0: PictureKind.BEFORE, 420.0: PictureKind.AFTER}
    later = kept([*album, *stamps(*(480.0 + 60 * n for n in range(600)))], AlbumLimits(4, 1.0, 1 << 20))
    assert {each.taken_at: each.kind for each in later if each.kind is not PictureKind.SAMPLE} == kinds
    much_later = kept([*later, *stamps(40 * DAY_S)], AlbumLimits(4, 1.0, 1 << 20))
    assert PictureKind.REFERENCE in {each.kind for each in much_later}
    assert PictureKind.AFTER not in {each.kind for each in much_later}


@given(
    st.lists(
        st.builds(
            PictureStamp,
            st.floats(0, 10 * DAY_S),
            st.integers(1, 1000),
            st.sampled_from(PictureKind),
        ),
        max_size=60,
        unique_by=lambda stamp: stamp.taken_at,
    ),
    st.integers(1, 30),
    st.integers(1, 20_000),
)
def test_an_album_is_bounded_and_has_the_newest(found: list[PictureStamp], most: int, size: int) -> None:
    album = kept(found, AlbumLimits(most, 1.0, size))
    assert len(album) <= most + 5 + len(PictureKind) - 1
    assert album == sorted(album) and set(album) <= set(found)
    if found:
        newest = max(found)
        assert newest in album
        assert album == [newest] or sum(each.size_bytes for each in album) <= size
        assert kept(album, AlbumLimits(most, 1.0, size)) == album


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (7, "expected names"),
        ({"frozen": 1}, "'frozen' is unknown"),
        ({"frozen_share": "much"}, "frozen_share: expected a number from 0 to 1"),
        ({"frozen_share": 2}, "frozen_share"),
        ({"confirm_samples": 1.5}, "confirm_samples: expected a whole number"),
        ({"confirm_samples": True}, "confirm_samples"),
        ({"blind_s": -1}, "blind_s"),
        ({"ignored": "black"}, "ignored: expected a list"),
        ({"ignored": ["dark"]}, "ignored"),
        ({7: 1}, "int is unknown"),
        ({"mask": [[0, 0, 1]]}, "mask: expected a list of"),
    ],
)
def test_a_threshold_that_cannot_be_is_named(document: object, said: str) -> None:
    with pytest.raises(AdjustmentError, match=said):
        check_adjustments(document)


def test_thresholds_of_a_row() -> None:
    options = parse_picture_options({"interval_s": 5, "blind_s": 60, "ignored": ["frozen", "black"]})
    limits = adjusted(USUAL_THRESHOLDS, options.adjustments)
    assert (options.enabled, options.interval_s, limits.blind_s) == (True, 5.0, 60.0)
    assert limits.ignored == {PictureFlaw.FROZEN, PictureFlaw.BLACK}
    assert options.document == {"enabled": True, "interval_s": 5.0, "blind_s": 60.0, "ignored": ("black", "frozen")}
    assert parse_picture_options(False).enabled is False
    assert adjusted(USUAL_THRESHOLDS, ()) is USUAL_THRESHOLDS
    for wrong in ("yes", {"enabled": 1}, {"interval_s": 0}, {"interval_s": "soon"}, {"x": 1}):
        with pytest.raises(AdjustmentError):
            parse_picture_options(wrong)
