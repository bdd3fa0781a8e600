"""What is said of a stream whose packets were measured."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.judgement.stream_flaws import StreamThresholds, stream_flaws, stream_notes
from restream.domain.judgement.stream_quality import PacketWindow, StreamQuality
from restream.domain.life.cause import Side
from restream.domain.rtp.report import TrackReport
from restream.domain.rtp.stream_report import StreamReport

LIMITS = StreamThresholds()
SOUND = TrackReport(last_frame_age_s=0.02)


def stream(audio: TrackReport | None = None, **video: Any) -> StreamReport:
    return StreamReport(TrackReport(**video), audio)


def measured(*looks: tuple[float, StreamReport | None]) -> StreamQuality:
    window = PacketWindow()
    for at, report in looks:
        window.follow(report, at)
    return window.measure(looks[-1][1], looks[-1][0])


def codes(quality: StreamQuality, told_fps: float | None = None, held: tuple[str, ...] = ()) -> list[str]:
    return [reason.code for _, reason, _ in stream_flaws(quality, LIMITS, told_fps, held)]


# Windows.


def test_loss_is_lost_of_all_in_each_window() -> None:
    before = [(at, stream(packets=100 * at)) for at in range(0, 61, 5)]
    quality = measured(*before, (65, stream(packets=6480, lost=20)), (70, stream(packets=6900, lost=100)))
    assert quality.loss_ratio == 100 / (900 + 100)
    assert quality.long_loss_ratio == 100 / (5900 + 100)


def test_loss_of_sound_counts() -> None:
    sound = [TrackReport(packets=50 * at, lost=lost) for at, lost in ((0, 0), (10, 50))]
    quality = measured((0, stream(sound[0])), (10, stream(sound[1], packets=450)))
    assert quality.loss_ratio == 50 / 1000


def test_what_comes_late_is_no_loss_below_none() -> None:
    assert measured((0, stream(packets=100, lost=9)), (5, stream(packets=200))).loss_ratio == 0.0


def test_nothing_is_known_of_one_look_or_of_no_stream() -> None:
    assert measured((0, stream(packets=10, lost=10))) == StreamQuality(video_age_s=0.0)
    assert measured((0, stream(packets=10)), (5, None)) == StreamQuality()


def test_frames_per_second_are_known_after_a_minute() -> None:
    looks = [(at, stream(packets=at, frames=20 * at)) for at in range(0, 91, 2)]
    assert measured(*looks[:30]).fps is None
    assert measured(*looks).fps == pytest.approx(20.0)


def test_frames_of_the_last_seconds_and_jitter_as_it_is_now() -> None:
    looks = [(at, stream(packets=at, frames=20 * at, jitter_s=at / 1e4)) for at in range(0, 91, 2)]
    assert measured(*looks[:2]).short_fps is None
    quality = measured(*looks)
    assert (quality.short_fps, quality.jitter_s) == (pytest.approx(20.0), 0.009)
    stopped = [(at, stream(packets=90, frames=1800)) for at in (95, 100, 105)]
    assert measured(*looks, *stopped).short_fps == 0


def test_counters_that_begin_anew_begin_a_new_window() -> None:
    old = [(at, stream(packets=100 * at, lost=at, frames=at)) for at in range(0, 66, 5)]
    anew = stream(packets=5, lost=3)
    window = PacketWindow()
    for at, report in old:
        window.follow(report, at)
    assert window.measure(anew, 66) == StreamQuality()
    window.follow(anew, 66)
    assert (len(window), window.measure(anew, 66).loss_ratio) == (1, None)
    assert window.measure(stream(packets=95, lost=13), 70).loss_ratio == 0.1


def test_time_without_a_key_frame() -> None:
    frames = {"packets": 9, "frames": 9}
    assert measured((0, stream()), (40, stream())).key_frame_s is None
    assert measured((0, stream(**frames)), (40, stream(**frames))).key_frame_s == 40
    assert measured((0, stream(**frames, last_key_frame_age_s=12.0))).key_frame_s == 12
    assert measured((0, stream(**frames, last_key_frame_age_s=1.0, key_frame_interval_s=50.0))).key_frame_s == 50


def test_what_has_never_come_is_missing_since_the_first_look() -> None:
    quality = measured((10, stream(TrackReport(), last_frame_age_s=0.5)), (45, stream(TrackReport(), frames=9)))
    assert (quality.video_age_s, quality.sound_age_s) == (35, 35)
    assert measured((0, stream())).sound_age_s is None


def test_the_clock_of_any_track() -> None:
    assert measured((0, stream(clock_offset_s=5.0))).clock_offset_s == 5
    assert measured((0, stream(TrackReport(clock_offset_s=-7.0)))).clock_offset_s == -7
    assert measured((0, stream(TrackReport(clock_offset_s=-7.0), clock_offset_s=0.0))).clock_offset_s == 0


# Flaws.


def test_a_good_stream_has_none() -> None:
    good = StreamQuality(0.0, 0.0, 25.0, 2.0, 0.04, 0.02, 0.5)
    assert codes(good, 25.0) == [] and list(stream_notes(good, LIMITS)) == []
    assert codes(StreamQuality()) == [] and list(stream_notes(StreamQuality(), LIMITS)) == []


FLAWED = {
    "loss": (StreamQuality(loss_ratio=0.011), "camera_loss", Side.NETWORK),
    "no key frame": (StreamQuality(key_frame_s=30.5), "key_frames_rare", Side.CAMERA),
    "video gone": (StreamQuality(video_age_s=10.5, sound_age_s=0.1), "video_gone", Side.CAMERA),
    "video never came": (StreamQuality(fps=0.0, video_age_s=90.0, sound_age_s=0.1), "video_gone", Side.CAMERA),
    "few frames": (StreamQuality(fps=9.9), "fps_low", Side.CAMERA),
    "sound that is described and never comes": (
        StreamQuality(video_age_s=0.04, sound_age_s=30.5),
        "audio_missing",
        Side.CAMERA,
    ),
}


@pytest.mark.parametrize(("quality", "code", "side"), FLAWED.values(), ids=FLAWED)
def test_a_flaw(quality: StreamQuality, code: str, side: Side) -> None:
    ((found, reason, hint),) = stream_flaws(quality, LIMITS, 25.0)
    assert (found, reason.code) == (side, code)
    assert reason.numbers and reason.text and hint


SOUND_FLOWS = StreamQuality(sound_age_s=0.1)
UNFLAWED = {
    "loss at the threshold": StreamQuality(loss_ratio=0.01),
    "a key frame in time": StreamQuality(key_frame_s=30.0),
    "a pause of the video": SOUND_FLOWS._replace(video_age_s=10.0),
    "no video, and no sound any more": StreamQuality(video_age_s=60.0, sound_age_s=60.0),
    "no video, and never sound": StreamQuality(video_age_s=60.0),
    "a pause of the sound": StreamQuality(video_age_s=0.04, sound_age_s=30.0),
    "no sound described": StreamQuality(video_age_s=0.04),
    "half the frames": StreamQuality(fps=12.5),
}


@pytest.mark.parametrize("quality", UNFLAWED.values(), ids=UNFLAWED)
def test_what_is_no_flaw(quality: StreamQuality) -> None:
    assert codes(quality, 25.0) == []


def test_a_frame_every_five_seconds_is_not_gone() -> None:
    slow = SOUND_FLOWS._replace(video_age_s=24.0, fps=0.2)
    assert (codes(slow, 0.2), codes(slow._replace(video_age_s=26.0), 0.2)) == ([], ["video_gone"])


def test_a_rate_that_nobody_told_is_not_missed() -> None:
    assert codes(StreamQuality(fps=0.5)) == codes(StreamQuality(fps=0.5), 0.0) == []


def test_video_that_is_gone_lacks_nothing_else() -> None:
    worst = StreamQuality(0.5, 0.5, 1.0, 90.0, 90.0, 0.0)
    assert codes(worst, 25.0) == ["video_gone", "camera_loss"]
    assert codes(worst._replace(video_age_s=0.0), 25.0) == ["camera_loss", "key_frames_rare", "fps_low"]


@pytest.mark.parametrize(
    ("code", "between", "over"),
    [
        ("camera_loss", StreamQuality(loss_ratio=0.006), StreamQuality(loss_ratio=0.005)),
        ("key_frames_rare", StreamQuality(key_frame_s=16.0), StreamQuality(key_frame_s=15.0)),
        ("fps_low", StreamQuality(fps=12.4), StreamQuality(fps=12.5)),
    ],
)
def test_a_flaw_that_holds_does_not_flicker(code: str, between: StreamQuality, over: StreamQuality) -> None:
    assert codes(between, 25.0) == []
    assert codes(between, 25.0, held=(code,)) == [code]
    assert codes(over, 25.0, held=(code,)) == []


CLOCKS = {
    3.0: None,
    -60.0: None,
    61.0: "the camera's clock is 61 s ahead",
    -7_200.0: "the camera's clock is 2 hours behind",
    300.0: "the camera's clock is 5 minutes ahead",
    -94_608_000.0: "the camera's clock is 1095 days behind",
}


@pytest.mark.parametrize(("offset_s", "text"), CLOCKS.items())
def test_a_wrong_clock_is_remarked_and_degrades_nothing(offset_s: float, text: str | None) -> None:
    quality = StreamQuality(clock_offset_s=offset_s)
    assert codes(quality) == []
    assert [reason.text for reason, _ in stream_notes(quality, LIMITS)] == ([text] if text else [])


def test_a_remark_does_not_flicker_either() -> None:
    quality = StreamQuality(clock_offset_s=-31.0)
    assert list(stream_notes(quality, LIMITS)) == []
    ((reason, _),) = stream_notes(quality, LIMITS, held=("clock_wrong",))
    assert reason.numbers == (("offset_s", -31), ("why", "clock_behind"))


COUNTS = st.integers(0, 10**6)
AGES = st.none() | st.floats(0, 1e6)
TRACKS = st.builds(
    TrackReport,
    packets=COUNTS,
    lost=COUNTS,
    frames=COUNTS,
    key_frame_interval_s=AGES,
    last_key_frame_age_s=AGES,
    last_frame_age_s=AGES,
    clock_offset_s=st.none() | st.floats(-1e9, 1e9),
)


@given(
    st.lists(st.tuples(st.floats(0, 30), st.none() | st.builds(StreamReport, TRACKS, st.none() | TRACKS)), max_size=40)
)
def test_no_history_of_reports_gives_nonsense(steps: list[tuple[float, StreamReport | None]]) -> None:
    window, now, held = PacketWindow(), 0.0, list[str]()
    for elapsed_s, report in steps:
        now += elapsed_s
        window.follow(report, now)
        quality = window.measure(report, now)
        assert quality.loss_ratio is None or 0 <= quality.loss_ratio <= 1
        assert quality.fps is None or quality.fps >= 0
        assert len(window) <= 14
        held = [reason.code for _, reason, _ in stream_flaws(quality, LIMITS, 25.0, held)]
        assert len(held) == len(set(held)) and list(stream_notes(quality, LIMITS)) is not None
