"""Windows over the media server's counters."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.judgement.quality import Quality, Window
from restream.domain.judgement.series import STEP_S, Habits, Series
from restream.domain.judgement.stream_quality import NOTHING_KNOWN, StreamQuality
from restream.domain.server.flow import Flow, Stream
from restream.domain.server.mediamtx import PathObservation, SrtObservation


def stream(
    at: float, received: int, *, source: str = "a", errors: int = 0, srt: SrtObservation | None = None
) -> Stream:
    path = PathObservation("cam1", True, "rtspSession", source, inbound_bytes=received, frames_in_error=errors)
    return Stream(path, Flow(received, at, at), srt)


def measured(*streams: Stream | None) -> Quality:
    window = Window()
    for each in streams:
        window.follow(each)
    return window.measure(streams[-1], usual_bitrate_bps=None, restarts=0)


def test_bitrate_is_that_of_the_last_ten_seconds_and_of_the_last_minute() -> None:
    """1 kB/s for a minute, then 2 kB/s."""
    slow = [stream(at, 1000 * at) for at in range(0, 61, 2)]
    fast = [stream(60 + at, 60_000 + 2000 * at) for at in range(2, 21, 2)]
    quality = measured(*slow, *fast)
    assert quality.bitrate_bps == 16_000
    assert quality.long_bitrate_bps is not None
    assert 8_000 < quality.long_bitrate_bps < 12_000


def test_nothing_is_known_of_one_reading_or_of_a_path_without_a_publisher() -> None:
    assert measured(stream(0, 100)) == Quality()
    assert measured(stream(0, 100), None) == Quality()


def test_a_minute_is_known_only_after_a_minute() -> None:
    assert measured(*[stream(at, at) for at in range(0, 51, 5)]).long_bitrate_bps is None
    assert measured(*[stream(at, at) for at in range(0, 66, 5)]).long_bitrate_bps is not None


def test_a_new_publisher_begins_anew() -> None:
    old = [stream(at, 1000 * at) for at in range(0, 31, 5)]
    assert measured(*old, stream(35, 50, source="b")) == Quality()
    assert measured(*old, stream(35, 50)) == Quality(), "its counters restarted"
    assert measured(*old, stream(35, 50, source="b"), stream(45, 1050, source="b")).bitrate_bps == 800


def srt(unique: int, lost: int, dropped: int = 0) -> SrtObservation:
    return SrtObservation("a", "cam1", "", packets_unique=unique, packets_lost=lost, packets_dropped=dropped)


def test_loss_is_lost_of_all_in_each_window() -> None:
    before = [stream(at, at, srt=srt(100 * at, 0)) for at in range(0, 61, 5)]
    quality = measured(*before, stream(65, 65, srt=srt(6480, 20)), stream(70, 70, srt=srt(6900, 100)))
    assert quality.loss_ratio == 100 / (900 + 100)
    assert quality.long_loss_ratio == 100 / (5900 + 100)


def test_drops_and_errors_are_those_of_the_last_minute() -> None:
    early = [stream(at, at, errors=5, srt=srt(at, 0, dropped=9)) for at in range(0, 61, 5)]
    quality = measured(*early, stream(65, 65, errors=7, srt=srt(65, 0, dropped=10)))
    assert (quality.frames_in_error, quality.dropped) == (2, 1)
    assert measured(*early).frames_in_error == 0


def test_a_stream_without_srt_has_no_loss() -> None:
    assert measured(*[stream(at, at) for at in range(0, 30, 5)]).loss_ratio is None


@given(
    st.lists(
        st.tuples(
            st.floats(0.1, 30), st.integers(-100, 10**6), st.sampled_from("ab"), st.integers(0, 10**5), st.booleans()
        ),
        max_size=40,
    )
)
def test_no_history_of_counters_gives_nonsense(steps: list[tuple[float, int, str, int, bool]]) -> None:
    window, at, received = Window(), 0.0, 0
    for elapsed_s, more, source, lost, present in steps:
        at, received = at + elapsed_s, max(0, received + more)
        now = stream(at, received, source=source, srt=srt(received, lost)) if present else None
        window.follow(now)
        quality = window.measure(now, usual_bitrate_bps=None, restarts=0)
        assert quality.bitrate_bps is None or quality.bitrate_bps >= 0
        assert quality.loss_ratio is None or 0 <= quality.loss_ratio <= 1
        assert quality.dropped >= 0
        assert len(window) <= 14


def test_a_series_keeps_an_hour_and_knows_what_is_usual_after_ten_minutes() -> None:
    series = Series()
    for _ in range(59):
        series.append(10.0)
    assert series.usual is None
    for _ in range(7):
        series.append(10.0)
    assert series.usual == 10.0
    for _ in range(1000):
        series.append(20.0)
    assert (len(series.values), series.usual) == (360, 20.0)
    series.append(None)
    assert series.values[-1] is None


@given(st.lists(st.one_of(st.none(), st.floats(0, 700)), max_size=50), st.sampled_from([2e-5, 1e-4, 0.01, 0.1]))
def test_a_series_with_a_unit_is_right_to_half_a_unit_and_never_beyond_its_last(
    given_values: list[float | None], unit: float
) -> None:
    series = Series(unit)
    for value in given_values:
        series.append(value)
    for value, kept in zip(given_values, series.values, strict=True):
        assert (value is None) == (kept is None)
        if value is not None and kept is not None:
            assert kept == pytest.approx(min(value, 65534 * unit), abs=0.51 * unit + 5e-5)


def test_a_series_costs_what_it_says() -> None:
    plain, counted = Series(), Series(0.1)
    for step in range(2000):
        plain.append(step)
        counted.append(step)
        assert len(plain.values) == len(counted.values) == min(360, step + 1)
    sizes = [sys.getsizeof(series) + sys.getsizeof(series._values) for series in (plain, counted)]
    assert sizes[0] <= 1750 and sizes[1] <= 950


def test_what_packets_tell_has_a_series_once_it_is_told() -> None:
    habits = Habits()
    told = StreamQuality(loss_ratio=0.0123, jitter_s=0.0021, short_fps=24.98, key_frame_s=2.04)
    habits.record(None, Quality(), 100.0)
    assert habits.packets is None
    habits.record(None, Quality(), 110.0, told)
    habits.record(None, Quality(), 120.0, NOTHING_KNOWN)
    assert habits.packets is not None
    found = {name: series.values for name, series in habits.packets._asdict().items()}
    assert found == {
        "camera_loss_ratio": [0.0123, None],
        "jitter_s": [0.0021, None],
        "fps": [24.98, None],
        "key_frame_s": [2.0, None],
    }


def recorded(*moments: float, longest_s: float = 3.0) -> Habits:
    """Habits whose bitrate at each moment is that moment."""
    habits = Habits(longest_s)
    for at in moments:
        habits.record(stream(at, int(at)), Quality(bitrate_bps=at), at)
    return habits


@pytest.mark.parametrize("cycle_s", [0.3, 2, 3, 7, 9.9, 10, 10.1, 14, 60])
def test_an_hour_has_all_its_steps_whatever_the_cycle(cycle_s: float) -> None:
    moments = [100 + number * cycle_s for number in range(int(3600 / cycle_s) + 1)]
    habits = recorded(*moments, longest_s=1.5 * cycle_s)
    assert len(habits.bitrate_bps.values) == min(360, (moments[-1] - 100) // STEP_S + 1)
    assert None not in habits.bitrate_bps.values
    assert 0 <= moments[-1] - habits.recorded_at < STEP_S
    assert habits.rtt_ms is None


def test_the_value_of_a_step_is_the_newest_one_when_it_begins() -> None:
    habits = recorded(100, 103, 106, 109, 112, 115, 118, 121)
    assert habits.bitrate_bps.values == [100, 112, 121]
    assert habits.recorded_at == 120


@pytest.mark.parametrize(("away_s", "hole"), [(15, 0), (25, 1), (605, 59), (3000, 299), (1e6, 359)])
def test_time_in_which_nobody_looked_is_a_hole(away_s: float, hole: int) -> None:
    habits = recorded(100, 110, 110 + away_s, 112 + away_s)
    values = habits.bitrate_bps.values
    assert values.count(None) == hole
    assert values[-1] == pytest.approx(110 + away_s)
    assert len(values) == min(360, 2 + hole + 1)
    assert habits.readers.values.count(None) == hole
    assert 0 <= 112 + away_s - habits.recorded_at < STEP_S


def test_the_series_of_srt_have_the_same_holes() -> None:
    habits = Habits()
    for at in (100.0, 110.0, 160.0):
        habits.record(stream(at, int(at), srt=srt(10, 1)), Quality(bitrate_bps=1.0, loss_ratio=0.5), at)
    assert habits.loss_ratio is not None
    assert habits.loss_ratio.values == [0.5, 0.5, None, None, None, None, 0.5]
