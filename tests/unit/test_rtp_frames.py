"""What frames are found in RTP of a camera, and how their time is measured."""

from __future__ import annotations

import itertools

import pytest

from restream.domain.rtp.meter import TrackMeter
from tests.unit.rtp_streams import (
    AUD,
    FPS,
    IDR,
    IDR_BEHIND,
    PPS,
    RATE_HZ,
    RECOVERY,
    SLICE,
    SLICE_BEHIND,
    SPS,
    TICKS,
    TYPE,
    Camera,
    Sent,
    feed,
    fragments,
    measure,
)


def test_a_marker_that_is_never_set() -> None:
    """SharpRTSP issue 57."""
    camera = Camera()
    sent = [each for _ in range(5) for each in camera.frame(IDR, SLICE, SLICE, markers=[False] * 3)]
    report = measure(sent)
    assert (report.frames, report.key_frames) == (5, 5)


def test_a_marker_behind_every_slice() -> None:
    """obs-rtspserver pull request 199."""
    camera = Camera()
    sent: list[Sent] = []
    for _ in range(3):
        sent += camera.frame(SPS, PPS, IDR, IDR_BEHIND, IDR_BEHIND, markers=[True] * 5)
        sent += camera.frame(SLICE, SLICE_BEHIND, SLICE_BEHIND, markers=[True] * 3)
    meter = TrackMeter("h264", RATE_HZ, TYPE)
    assert feed(meter, sent) == [0, 8, 16]
    assert meter.report(0).frames == 6


def test_a_marker_behind_every_fragment() -> None:
    camera = Camera()
    sent = [each for unit in (IDR, SLICE, SLICE) for each in camera.frame(*fragments(unit, 4), markers=[True] * 4)]
    report = measure(sent)
    assert (report.frames, report.key_frames) == (3, 1)


def test_one_timestamp_for_everything() -> None:
    camera = Camera()
    sent: list[Sent] = []
    for index in range(20):
        unit = IDR if index % 10 == 0 else SLICE
        sent += [camera.packet(each, marker=last) for each, last in zip(fragments(unit, 2), (False, True), strict=True)]
        camera.at += 1 / FPS
    report = measure(sent)
    assert (report.frames, report.key_frames) == (20, 2)
    assert report.last_frame_age_s == pytest.approx(1 + 1 / FPS, abs=0.05)


def test_parameters_with_the_timestamp_of_the_picture_before() -> None:
    """retina issue 13."""
    camera = Camera()
    sent: list[Sent] = []
    for _ in range(3):
        sent += [camera.packet(SPS, marker=True), camera.packet(PPS)]
        camera.wait(1 / FPS)
        sent += [camera.packet(IDR, marker=True)]
        camera.wait(1 / FPS)
        sent += [camera.packet(SLICE, marker=True)]
    meter = TrackMeter("h264", RATE_HZ, TYPE)
    assert feed(meter, sent) == [0, 4, 8]
    assert (meter.report(0).frames, meter.report(0).key_frames) == (6, 3)


def test_parameters_with_the_timestamp_of_the_key_frame_before() -> None:
    camera = Camera()
    sent: list[Sent] = []
    for _ in range(3):
        sent += [camera.packet(SPS, marker=True), camera.packet(PPS)]
        camera.wait(1 / FPS)
        sent += [camera.packet(IDR, marker=True)]
    meter = TrackMeter("h264", RATE_HZ, TYPE)
    assert feed(meter, sent) == [0, 3, 6]
    assert (meter.report(0).frames, meter.report(0).key_frames) == (3, 3)


def test_a_key_frame_behind_what_is_neither_parameters_nor_picture() -> None:
    camera = Camera()
    sent = [each for unit in (IDR, SLICE, IDR) for each in camera.frame(AUD, unit)]
    assert feed(TrackMeter("h264", RATE_HZ, TYPE), sent) == [1, 5]


def test_a_key_frame_that_lacks_its_first_slice_is_none() -> None:
    camera = Camera()
    sent = [*camera.frame(SLICE), *camera.frame(IDR, IDR_BEHIND, IDR_BEHIND)[1:], *camera.frame(IDR, IDR_BEHIND)]
    assert feed(TrackMeter("h264", RATE_HZ, TYPE), sent) == [3]


def test_a_refresh_by_columns_begins_at_its_recovery_points() -> None:
    camera = Camera()
    units = [[RECOVERY, SLICE], [SLICE], [SLICE], [RECOVERY, SLICE], [SLICE]]
    sent = [each for unit in units for each in camera.frame(AUD, *unit)]
    meter = TrackMeter("h264", RATE_HZ, TYPE)
    assert feed(meter, sent) == [1, 8]
    assert meter.report(0).frames == 5


@pytest.mark.parametrize("kind", ["mpeg2video", "vvc"])
def test_a_codec_that_tells_its_key_in_each_packet(kind: str) -> None:
    camera, (key, rest) = (
        Camera(),
        {"mpeg2video": (b"\0\0\x19\0", b"\0\0\x1a\0"), "vvc": (b"\0\x39\x80", b"\0\1\x80")}[kind],
    )
    sent = [each for unit in (key, rest, key) for each in camera.frame(unit, unit, unit, markers=[True] * 3)]
    meter = TrackMeter(kind, RATE_HZ, TYPE)
    assert feed(meter, sent) == [0, 6]
    assert meter.report(0).frames == 3


def test_parameters_in_the_description_alone() -> None:
    camera = Camera()
    sent = [each for unit in (SLICE, IDR, SLICE, SLICE, IDR) for each in camera.frame(*fragments(unit, 3))]
    assert feed(TrackMeter("h264", RATE_HZ, TYPE), sent) == [3, 12]


def test_a_key_frame_whose_begin_was_lost_is_none() -> None:
    camera = Camera()
    sent = [*camera.frame(*fragments(SLICE, 3)), *camera.frame(*fragments(IDR, 3))[1:]]
    report = measure(sent)
    assert (report.frames, report.key_frames, report.lost) == (2, 0, 1)
    assert report.last_key_frame_age_s is None and report.key_frame_interval_s is None


def test_a_stream_joined_within_a_frame() -> None:
    report = measure(Camera().pictures(groups=1)[3:])
    assert (report.frames, report.key_frames, report.lost) == (10, 0, 0)


@pytest.mark.parametrize("codec", ["mjpeg", "h263", "pcm_alaw", "no such codec"])
def test_where_all_frames_are_key_frames(codec: str) -> None:
    camera = Camera()
    sent = [each for _ in range(3) for each in camera.frame(b"\0\0\0\0data")]
    assert feed(TrackMeter(codec, RATE_HZ, TYPE), sent) == [0, 1, 2]


# Time.


def test_jitter_is_that_of_rfc_3550() -> None:
    camera, delays = Camera(), [0.0, 0.01, 0.0, 0.02, 0.0, 0.0]
    sent = [each._replace(at=each.at + delay) for delay in delays for each in camera.frame(SLICE)]
    expected = 0.0
    for before, after in itertools.pairwise(delays):
        expected += (abs(after - before) - expected) / 16
    assert measure(sent).jitter_s == pytest.approx(expected)


def test_jitter_is_from_frame_to_frame() -> None:
    """Packets of one frame share a timestamp and come one after the other: that is no jitter."""
    camera = Camera()
    frames = [camera.frame(*fragments(SLICE, 10)) for _ in range(5)]
    sent = [each._replace(at=each.at + index * 0.003) for frame in frames for index, each in enumerate(frame)]
    assert measure(sent).jitter_s == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("jump", [9_800 * RATE_HZ, -9_800 * RATE_HZ, 37_600 * RATE_HZ, 0x7FFFFFFF, -6 * RATE_HZ])
def test_one_frame_out_of_the_timeline_is_no_jitter(jump: int) -> None:
    """mediamtx pull request 6255."""
    camera = Camera()
    sent = [each for _ in range(5) for each in camera.frame(SLICE)]
    sent.append(camera.packet(SLICE, marker=True, ticks=jump))
    camera.wait(1 / FPS)
    report = measure(sent + [each for _ in range(5) for each in camera.frame(SLICE)])
    assert (report.frames, report.jitter_s) == (11, pytest.approx(0.0, abs=1e-9))


def test_pictures_sent_out_of_their_order_are_no_jitter() -> None:
    camera = Camera()
    sent = [camera.packet(SLICE, marker=True, ticks=TICKS * place) for place in (0, 3, 1, 2, 6, 4, 5, 9, 7, 8)]
    sent = [each._replace(at=100 + index / FPS) for index, each in enumerate(sent)]
    report = measure(sent)
    assert report.frames == 10
    # From 0 to 3 they were sent at once, behind that three frames apart.
    assert report.jitter_s is not None and report.jitter_s < 2 / FPS / 16


def test_a_timestamp_that_begins_anew() -> None:
    """go2rtc pull request 1943."""
    first, second = Camera(), Camera(sequence=0, timestamp=0, ssrc=8)
    second.at = 100.4
    report = measure(first.pictures(groups=1) + second.pictures(groups=1))
    assert (report.frames, report.jitter_s) == (20, pytest.approx(0.0, abs=1e-9))


def test_a_track_without_a_clock() -> None:
    camera = Camera(timestamp=0)
    sent = [camera.packet(SLICE, marker=True, ticks=index) for index in range(10)]
    for rate_hz in (0, -1):
        report = measure(sent, rate_hz=rate_hz)
        assert (report.frames, report.jitter_s) == (10, None)


def test_rates_are_of_the_time_between_reports() -> None:
    meter, camera = TrackMeter("h264", RATE_HZ, TYPE), Camera()
    first = meter.report(100.0)
    assert (first.fps, first.bitrate_bps, first.last_frame_age_s, first.jitter_s) == (None, None, None, None)
    sent = camera.pictures(groups=5)
    feed(meter, sent)
    report = meter.report(102.0)
    assert report.fps == pytest.approx(25.0)
    assert report.bitrate_bps == pytest.approx(sum(len(data) for data, _ in sent) * 4)
    assert (meter.report(104.0).fps, meter.report(104.0).fps) == (0.0, None)
