"""What simulated cameras send, in time and in order."""

import itertools
import random
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.demo.behaviours.behaviour import Behaviour
from restream.demo.behaviours.media import DelaysKeyFrames, SendsFrameEvery, SendsNo, opens_pictures
from restream.demo.behaviours.network import (
    HasWrongClock,
    JumpsTimestamps,
    LosesPackets,
    ReordersPackets,
    RepeatsPackets,
    SendsNoReports,
)
from restream.demo.cameras import Fault, SimulatedCamera
from restream.demo.clips import Clip, Playback
from restream.demo.rtp import NTP_EPOCH_OFFSET_S, OutgoingPacket, parse_header

STARTED_AT_S = 1_000_000


def batches(clip: str = "h264_aac", until_s: float = 10.0) -> Iterator[list[OutgoingPacket]]:
    player = Playback(Clip.load(clip), random.Random(5), started_at_unix_s=STARTED_AT_S)
    while player.due_us < until_s * 1e6:
        yield player.next_batch()


def delivered(behaviour: Behaviour, until_s: float = 10.0) -> list[OutgoingPacket]:
    return [packet for batch in batches(until_s=until_s) for packet in behaviour.deliver(batch, 0.0)]


def sequences(packets: list[OutgoingPacket], track: int = 0) -> list[int]:
    return [parse_header(each.data).sequence for each in packets if each.track == track and not each.is_rtcp]


PLAIN = [packet for batch in batches() for packet in batch]


def test_one_kind_of_media_falls_silent() -> None:
    video, audio = Clip.load("h264_aac").tracks
    late = SendsNo("video", after_s=5)
    assert [late.silences(video, each) for each in (4.9, 5.0)] == [False, True]
    assert not late.silences(audio, 60.0)
    assert SendsNo().silences(audio, 0.0) and SendsNo().silences(video, 0.0)


@pytest.mark.parametrize(
    ("encoding", "payload", "opens"),
    [
        ("H264", b"\x65x", True),
        ("H264", b"\x41x", False),
        ("H264", b"\x7c\x85x", True),  # FU-A of an IDR
        ("H264", b"\x7c\x41x", False),
        ("H264", b"\x78\x00\x02\x06x\x00\x02\x67x", True),  # STAP-A of SEI and SPS
        ("H264", b"\x78\x00\x02\x06x", False),
        ("H265", b"\x26\x01x", True),  # IDR_W_RADL
        ("H265", b"\x02\x01x", False),
        ("H265", b"\x62\x01\x93x", True),  # FU of an IDR
        ("H265", b"\x62\x01\x81x", False),
        ("H265", b"\x60\x01\x00\x03\x40\x01x", True),  # AP of a VPS
        ("MPEG4-GENERIC", b"\x65x", False),
        ("H264", b"", False),
    ],
)
def test_parts_of_key_frames_are_recognised(encoding: str, payload: bytes, opens: bool) -> None:
    assert opens_pictures(encoding, payload) == opens


@given(st.sampled_from(["H264", "H265"]), st.binary(max_size=40))
def test_any_payload_is_survived(encoding: str, payload: bytes) -> None:
    opens_pictures(encoding, payload)


@pytest.mark.parametrize("clip", ["h264_aac", "h265"])
def test_key_frames_come_late_and_leave_no_gap(clip: str) -> None:
    loaded = Clip.load(clip)
    late = DelaysKeyFrames(after_s=3)
    player = Playback(loaded, random.Random(5), started_at_unix_s=STARTED_AT_S)
    sent: list[tuple[float, OutgoingPacket]] = []
    while player.due_us < 6_000_000:
        played_s = player.due_us / 1e6
        batch = player.next_batch(withholds=lambda track, packet, at=played_s: late.withholds(track, packet, at))
        sent += [(played_s, packet) for packet in batch if packet.track == 0 and not packet.is_rtcp]
    keys = [at for at, packet in sent if opens_pictures(loaded.tracks[0].encoding, packet.data[12:])]
    assert 3 <= keys[0] < 4.1
    assert sent[0][0] < 0.1, "other pictures come at once"
    numbers = sequences([packet for _, packet in sent])
    assert {(b - a) % 65536 for a, b in itertools.pairwise(numbers)} == {1}


@pytest.mark.parametrize("name", ["h264_aac", "h265"])
def test_a_frame_every_five_seconds(name: str) -> None:
    slow = SendsFrameEvery(5.0).clip(Clip.load(name))
    assert [track.media for track in slow.tracks] == ["video"] and slow.sdp.count("m=") == 1
    assert slow is SendsFrameEvery(5.0).clip(Clip.load(name)), "made once"
    player = Playback(slow, random.Random(5), started_at_unix_s=STARTED_AT_S)
    stamps: dict[int, float] = {}
    while player.due_us < 2 * slow.duration_us:
        due_s = player.due_us / 1e6
        for packet in player.next_batch():
            if not packet.is_rtcp:
                stamps.setdefault(parse_header(packet.data).timestamp, due_s)
    assert {b - a for a, b in itertools.pairwise(stamps)} == {5 * 90_000}
    assert all(abs(b - a - 5) < 0.1 for a, b in itertools.pairwise(stamps.values()))


def test_lost_packets_are_gaps_in_the_numbers() -> None:
    numbers, plain = sequences(delivered(LosesPackets(10))), sequences(PLAIN)
    assert numbers == [each for each in plain if each % 10]
    assert len(numbers) < len(plain)


def test_repeated_packets_follow_themselves() -> None:
    numbers, plain = sequences(delivered(RepeatsPackets(10))), sequences(PLAIN)
    assert list(dict.fromkeys(numbers)) == plain
    assert len(numbers) - len(plain) == sum(each % 10 == 0 for each in plain) > 0


def test_reordered_packets_are_the_same_in_another_order() -> None:
    packets = delivered(ReordersPackets())
    assert sequences(packets) != sequences(PLAIN) and sorted(packets) == sorted(PLAIN)
    steps = {(b - a) % 65536 for a, b in itertools.pairwise(sequences(packets))}
    assert steps == {1, 2, 65535}


def reports(packets: list[OutgoingPacket]) -> list[tuple[int, int]]:
    """NTP seconds and RTP timestamp of each sender report."""
    found = []
    for packet in packets:
        if packet.is_rtcp:
            kind, seconds, _, timestamp = struct.unpack_from(">xBxxxxxxIII", packet.data)
            assert kind == 200
            found.append((seconds, timestamp))
    return found


def test_a_clock_that_is_off_shows_in_reports_alone() -> None:
    wrong = delivered(HasWrongClock(-86_400))
    assert [seconds for seconds, _ in reports(PLAIN)][:2] == [STARTED_AT_S + NTP_EPOCH_OFFSET_S] * 2
    assert reports(wrong) == [(seconds - 86_400, timestamp) for seconds, timestamp in reports(PLAIN)]
    assert [each for each in wrong if not each.is_rtcp] == [each for each in PLAIN if not each.is_rtcp]


def test_timestamps_jump_after_a_while() -> None:
    jump = JumpsTimestamps(1 << 31, after_s=5)
    batch = next(batches())
    assert jump.deliver(batch, 4.9) == batch
    for before, after in zip(batch, jump.deliver(batch, 5.0), strict=True):
        if before.is_rtcp:
            (was,), (now,) = reports([before]), reports([after])
            assert was[0] == now[0] and (now[1] - was[1]) % 2**32 == 1 << 31
        else:
            was_at, now_at = parse_header(before.data).timestamp, parse_header(after.data).timestamp
            assert (now_at - was_at) % 2**32 == 1 << 31 and before.data[8:] == after.data[8:]


def test_media_without_reports() -> None:
    assert reports(PLAIN) and not reports(delivered(SendsNoReports()))
    assert sequences(delivered(SendsNoReports())) == sequences(PLAIN)


async def test_behaviours_combine_with_a_fault() -> None:
    it = SimulatedCamera(Clip.load("h264"), behaviours=(SendsFrameEvery(5.0),))
    it.fault = Fault.CODEC_CHANGE
    assert [track.encoding for track in it.playing_clip.tracks] == ["H265"]
    assert len(it.playing_clip.batches) > 400
