"""What RTP of a camera is measured as: its numbers, its frames, and what cameras do wrong."""

from __future__ import annotations

import random

import pytest

from restream.demo.clips import Clip, Playback
from restream.domain.rtp.meter import TrackMeter
from restream.domain.rtp.report import TrackReport
from tests.unit.rtp_streams import (
    FPS,
    IDR,
    RATE_HZ,
    SLICE,
    TYPE,
    Camera,
    Sent,
    feed,
    measure,
)


def test_a_good_stream() -> None:
    sent = Camera().pictures(groups=4)
    report = measure(sent)
    assert report == TrackReport(
        packets=4 * (5 + 9 * 3),
        bytes=sum(len(data) for data, _ in sent),
        frames=40,
        key_frames=4,
        jitter_s=pytest.approx(0.0, abs=1e-9),
        key_frame_interval_s=pytest.approx(10 / FPS),
        last_key_frame_age_s=pytest.approx(1 + 9 / FPS),
        last_frame_age_s=pytest.approx(1.0),
    )


def test_a_key_frame_begins_with_its_parameters() -> None:
    sent = Camera().pictures(groups=3)
    assert feed(TrackMeter("h264", RATE_HZ, TYPE), sent) == [0, 32, 64]


def test_parts_of_larger_buffers() -> None:
    meter = TrackMeter("h264", RATE_HZ, TYPE)
    for data, at in Camera().pictures(groups=1):
        for buffer in (bytearray(b"$\0\0\0" + data + b"$"), memoryview(b"$\0\0\0" + data + b"$")):
            meter.take(buffer, 4, len(buffer) - 1, at)
    report = meter.report(200.0)
    assert (report.packets, report.duplicates, report.frames, report.key_frames) == (32, 32, 10, 1)
    assert report.bytes == sum(len(data) for data, _ in Camera().pictures(groups=1))


@pytest.mark.parametrize(("clip", "codec"), [("h264_aac", "h264"), ("h264", "h264"), ("h265", "hevc")])
def test_a_simulated_camera(clip: str, codec: str) -> None:
    playback = Playback(Clip.load(clip), random.Random(3), started_at_unix_s=1_800_000_000.0)
    video = next(index for index, track in enumerate(playback.clip.tracks) if track.media == "video")
    meter = TrackMeter(codec, RATE_HZ, playback.clip.tracks[video].payload_type)
    meter.report(0.0)
    while playback.due_us < 12_800_000:
        now = playback.due_us / 1e6
        for track, is_rtcp, data in playback.next_batch():
            if track != video:
                continue
            if is_rtcp:
                meter.take_rtcp(data, 0, len(data), now, 1_800_000_000.0 + now - 2.5)
            else:
                meter.take(data, 0, len(data), now)
    report = meter.report(12.8)
    assert (report.lost, report.malformed, report.foreign, report.restarts) == (0, 0, 0, 0)
    assert (report.frames, report.fps) == (192, pytest.approx(15.0))
    assert (report.key_frames, report.key_frame_interval_s) == (14, pytest.approx(1.0, abs=0.01))
    assert report.jitter_s is not None and report.jitter_s < 0.01
    assert report.bitrate_bps == pytest.approx(report.bytes * 8 / 12.8)
    assert report.clock_offset_s == pytest.approx(2.5)


def test_sound_of_a_simulated_camera() -> None:
    playback = Playback(Clip.load("h264_pcma"), random.Random(3), started_at_unix_s=0.0, sender_reports=False)
    meter = TrackMeter("pcm_alaw", 8000, 8)
    seen = 0
    while playback.due_us < 6_400_000:
        for track, _, data in playback.next_batch():
            if playback.clip.tracks[track].media == "audio":
                assert meter.take(data, 0, len(data), playback.due_us / 1e6)
                seen += 1
    report = meter.report(6.4)
    assert (report.packets, report.frames, report.key_frames, report.lost) == (seen, seen, seen, 0)


# Numbers.


def test_loss_over_a_wrap() -> None:
    sent = Camera(sequence=65_530).pictures(groups=1)
    report = measure(sent[:5] + sent[8:10] + sent[11:])
    assert (report.packets, report.lost, report.reordered, report.restarts) == (28, 4, 0, 0)


def test_reordered_is_not_lost() -> None:
    sent = Camera().pictures(groups=2)
    sent[4:8] = [sent[7], sent[5], sent[4], sent[6]]
    report = measure(sent)
    assert (report.packets, report.lost, report.reordered, report.duplicates) == (64, 0, 3, 0)


def test_duplicates_do_not_hide_loss() -> None:
    sent = Camera().pictures(groups=1)
    report = measure([*sent[:8], sent[7], sent[6], *sent[10:]])
    assert (report.packets, report.lost, report.reordered, report.duplicates) == (30, 2, 0, 2)


def test_a_duplicate_a_whole_cycle_after_a_loss() -> None:
    meter = TrackMeter("pcm_alaw", 8000, TYPE)
    camera = Camera(sequence=0)
    sent = [camera.packet(b"x", ticks=index) for index in range(65_600)]
    feed(meter, sent[:10] + sent[11 : 65_537 + 11])
    # The number 10 was lost a cycle ago; this one came.
    feed(meter, [sent[65_536 + 10]])
    assert (meter.report(0).lost, meter.report(0).duplicates, meter.report(0).reordered) == (1, 1, 0)


@pytest.mark.parametrize("sequence", [0, 3000, 36_000, 39_000, 43_100, 65_530])
def test_numbers_that_begin_anew_are_no_loss(sequence: int) -> None:
    first, second = Camera(sequence=40_000), Camera(sequence=sequence)
    second.at, second.numbering.origin = 100.4, first.numbering.origin
    report = measure(first.pictures(groups=1) + second.pictures(groups=1))
    assert (report.packets, report.lost, report.restarts, report.frames) == (64, 0, 1, 20)
    assert (report.duplicates, report.reordered) == (0, 0)


@pytest.mark.parametrize(
    ("step", "lost", "restarts", "duplicates"),
    [(2999, 2999, 0, 0), (3000, 0, 1, 0), (-100, 0, 0, 1), (-101, 0, 0, 1), (-2999, 0, 0, 1), (-3000, 0, 1, 0)],
)
def test_how_far_numbers_may_jump(step: int, lost: int, restarts: int, duplicates: int) -> None:
    camera = Camera(sequence=1)
    sent = camera.pictures(groups=10)
    camera.numbering.sequence = (camera.numbering.sequence + step) & 0xFFFF
    report = measure([*sent, camera.packet(SLICE)])
    assert (report.lost, report.restarts, report.duplicates) == (lost, restarts, duplicates)


def test_two_packets_from_further_back_than_is_remembered_begin_anew() -> None:
    sent = Camera().pictures(groups=10)
    assert measure(sent + sent[-100:-98]).restarts == 0
    assert measure(sent + sent[-102:-100]).restarts == 1


def test_one_packet_from_long_ago_begins_nothing() -> None:
    sent = Camera().pictures(groups=20)
    report = measure([*sent[:500], sent[100], *sent[500:]])
    assert (report.packets, report.lost, report.restarts, report.duplicates) == (640, 0, 0, 1)


def test_another_source_for_every_group_of_pictures() -> None:
    """gortsplib issue 687."""
    camera = Camera()
    sent: list[Sent] = []
    for ssrc in (7, 9, 0, 12):
        camera.numbering.ssrc = ssrc
        sent += camera.pictures(groups=1)
    report = measure(sent)
    assert (report.packets, report.lost, report.restarts) == (128, 0, 3)
    assert (report.frames, report.key_frames) == (40, 4)


def test_a_source_of_zero() -> None:
    """gortsplib issue 480."""
    report = measure(Camera(ssrc=0).pictures(groups=1))
    assert (report.packets, report.restarts, report.frames) == (32, 0, 10)


def test_another_payload_type_is_foreign() -> None:
    """gortsplib issue 65."""
    camera = Camera()
    sent = camera.pictures(groups=1)
    report = measure([*sent, camera.packet(IDR, kind=97), *camera.pictures(groups=1)])
    assert (report.packets, report.foreign, report.lost, report.frames) == (64, 1, 0, 20)


def test_what_is_late_behind_a_foreign_packet() -> None:
    camera = Camera()
    before, foreign, sent = camera.frame(SLICE), camera.packet(IDR, kind=97), camera.pictures(groups=1)
    report = measure([*before, foreign, *sent[:4], *sent[5:9], sent[4], sent[8], *sent[9:]])
    assert (report.packets, report.lost, report.reordered, report.duplicates) == (33, 0, 1, 1)


@pytest.mark.parametrize(("behind", "reordered"), [(100, 1), (101, 0)])
def test_how_long_what_is_missing_is_remembered(behind: int, reordered: int) -> None:
    sent = Camera().pictures(groups=10)
    report = measure([*sent[:50], *sent[51 : 50 + behind], sent[50]])
    assert (report.reordered, report.lost) == (reordered, 1 - reordered)


def test_what_does_not_go_on_with_the_stream_begins_nothing() -> None:
    camera = Camera()
    sent = [*camera.frame(SLICE), *camera.frame(IDR), *camera.frame(SLICE)]
    foreign, lying = camera.packet(IDR, kind=97), altered(camera.packet(b""), 0x20, body=b"\x65\xff")
    assert feed(TrackMeter("h264", RATE_HZ, TYPE), [sent[0], *sent[2:], sent[1], sent[1], foreign, lying]) == []


def test_a_foreign_type_that_repeats_a_number() -> None:
    """RtspClientSharp issue 98."""
    sent = Camera().pictures(groups=1)
    strange = bytearray(sent[10].data)
    strange[1] = 50
    report = measure([*sent[:16], Sent(bytes(strange), 100.2), *sent[16:]])
    assert (report.packets, report.foreign, report.lost, report.duplicates) == (32, 1, 0, 0)


def test_rtcp_among_rtp_is_foreign_and_takes_no_number() -> None:
    camera = Camera(sequence=6)
    report_ = camera.numbering.sender_report(1_800_000_000.0, 0)
    sent = camera.pictures(groups=1)
    # Its length, 6, stands where the number is.
    assert measure([sent[0], Sent(report_, 100.0), *sent[1:]]).foreign == 1
    assert measure([Sent(report_, 100.0), *sent]).lost == 0


# What cannot be read.


def altered(packet: Sent, flags: int, *, tail: bytes = b"", body: bytes | None = None) -> Sent:
    head = bytes([packet.data[0] | flags]) + packet.data[1:12]
    return Sent(head + (packet.data[12:] if body is None else body) + tail, packet.at)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\x60" + bytes(9), b"\x40\x60" + bytes(20), b"\0" * 40])
def test_what_is_no_rtp(data: bytes) -> None:
    sent = Camera().pictures(groups=1)
    report = measure([*sent[:7], Sent(data, 100.1), *sent[7:]])
    assert (report.packets, report.malformed, report.foreign, report.lost) == (32, 1, 0, 0)
    assert feed(TrackMeter("pcm_alaw", 8000, TYPE), [Sent(data, 100.1)]) == []


LYING = {
    "contributors beyond the end": (0x0F, b"\x65\x88"),
    "half an extension header": (0x10, b"\xbe\xde"),
    "an extension beyond the end": (0x10, b"\xbe\xde\0\x09\0\0\0\0"),
    "padding beyond the begin": (0x20, b"\x65\x88\xff"),
    "padding into the extension": (0x30, b"\xbe\xde\0\0\x02"),
}


@pytest.mark.parametrize(("flags", "body"), LYING.values(), ids=LYING)
def test_lengths_that_lie(flags: int, body: bytes) -> None:
    camera = Camera()
    head, wrong = camera.pictures(groups=1), camera.packet(b"", marker=True)
    report = measure([*head, altered(wrong, flags, body=body), *camera.pictures(groups=1)])
    assert (report.packets, report.malformed, report.lost, report.restarts) == (64, 1, 0, 0)


HONEST = {
    "a contributor": (0x01, b"\0\0\0\1" + IDR, b""),
    "contributors": (0x02, b"\0\0\0\1\0\0\0\2" + IDR, b""),
    "an extension": (0x10, b"\xab\xac\0\1\0\0\0\0" + IDR, b""),
    "an empty extension": (0x10, b"\xbe\xde\0\0" + IDR, b""),
    "padding": (0x20, IDR, b"\0\0\0\4"),
    "padding of no bytes": (0x20, IDR, b"\0"),
    "all of them": (0x31, b"\0\0\0\1\xbe\xde\0\1\0\0\0\0" + IDR, b"\2\2"),
}


@pytest.mark.parametrize(("flags", "body", "tail"), HONEST.values(), ids=HONEST)
def test_what_stands_around_a_payload(flags: int, body: bytes, tail: bytes) -> None:
    camera = Camera()
    sent = [*camera.frame(SLICE), *(altered(each, flags, body=body, tail=tail) for each in camera.frame(IDR))]
    assert feed(TrackMeter("h264", RATE_HZ, TYPE), sent) == [1]
    assert measure(sent).malformed == 0


def test_packets_without_a_payload_are_no_frames() -> None:
    camera = Camera()
    sent = camera.frame(SLICE)
    for flags, body in ((0, b""), (0x20, b"\0\0\0\4"), (0x10, b"\xbe\xde\0\0")):
        sent += [altered(each, flags, body=body) for each in camera.frame(b"")]
    report = measure([*sent, *camera.frame(SLICE)])
    assert (report.packets, report.frames, report.lost, report.malformed) == (5, 2, 0, 0)
