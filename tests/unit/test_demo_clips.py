"""The committed clips and their endless playback."""

import itertools
import random

import pytest

from restream.demo.clip_file import ClipError, decode, encode
from restream.demo.clips import CLIPS, CLIPS_FOLDER, Clip, Playback
from restream.demo.rtp import RTP_HEADER_BYTES, RtpHeader, parse_header

LOOPS = 3


def playback(clip: Clip, *, sender_reports: bool = False) -> Playback:
    return Playback(clip, random.Random(3), started_at_unix_s=1_000_000.0, sender_reports=sender_reports)


def headers_by_track(player: Playback, until_us: int) -> dict[int, list[RtpHeader]]:
    found: dict[int, list[RtpHeader]] = {}
    while player.due_us < until_us:
        for track, is_rtcp, packet in player.next_batch():
            assert not is_rtcp
            found.setdefault(track, []).append(parse_header(packet))
    return found


def steps(values: list[int], bits: int) -> set[int]:
    return {(later - earlier) % (1 << bits) for earlier, later in itertools.pairwise(values)}


@pytest.mark.parametrize("name", CLIPS)
def test_committed_clips_are_small_and_start_with_parameter_sets(name: str) -> None:
    assert (CLIPS_FOLDER / f"{name}.clip").stat().st_size <= 150_000
    clip = Clip.load(name)
    assert clip.tracks[0].media == "video"
    assert ("sprop-parameter-sets" in clip.sdp) != ("sprop-sps" in clip.sdp)
    first = next(packet.payload for packet in clip.packets if packet.track == 0)
    # An aggregation packet (RFC 6184 STAP-A, RFC 7798 AP) carries them before the key frame.
    assert first[0] & 0x1F == 24 if clip.tracks[0].encoding == "H264" else first[0] >> 1 == 48
    offsets_us = [packet.offset_us for packet in clip.packets] + [clip.duration_us]
    assert max(later - earlier for earlier, later in itertools.pairwise(offsets_us)) <= 200_000


def test_the_small_clip_is_one_of_64_kbit_and_five_pictures_a_second() -> None:
    clip = Clip.load("h264_small")
    sent_bytes = sum(RTP_HEADER_BYTES + len(packet.payload) for packet in clip.packets)
    assert 60_000 < 8_000_000 * sent_bytes / clip.duration_us < 66_000
    assert len({packet.ticks for packet in clip.packets}) * 1_000_000 == 5 * clip.duration_us


@pytest.mark.parametrize("name", CLIPS)
def test_numbers_rise_evenly_across_loops(name: str) -> None:
    clip = Clip.load(name)
    tracks = headers_by_track(playback(clip), clip.duration_us * LOOPS)
    assert tracks.keys() == set(range(len(clip.tracks)))
    for track, headers in tracks.items():
        assert steps([header.sequence for header in headers], 16) == {1}
        stamps = list(dict.fromkeys(header.timestamp for header in headers))
        assert len(steps(stamps, 32)) == 1, "every frame is as long as the others, at the seam too"
        assert len({header.ssrc for header in headers}) == 1
        played = len(stamps) * steps(stamps, 32).pop()
        assert played * 1_000_000 == clip.duration_us * LOOPS * clip.tracks[track].clock_rate


def test_two_playbacks_differ() -> None:
    clip, rng = Clip.load("h264"), random.Random(1)
    one, other = (Playback(clip, rng, started_at_unix_s=0.0).numbering[0] for _ in range(2))
    assert one.ssrc != other.ssrc and one.origin != other.origin


def test_sender_reports_come_first_and_every_five_seconds() -> None:
    clip = Clip.load("h264_aac")
    player = playback(clip, sender_reports=True)
    times_us = []
    while player.due_us < 20_000_000:
        due_us = player.due_us
        reports = [track for track, is_rtcp, _ in player.next_batch() if is_rtcp]
        if reports:
            assert reports == [0, 1]
            times_us.append(due_us)
    assert times_us[0] == 0
    assert all(abs(b - a - 5_000_000) < 70_000 for a, b in itertools.pairwise(times_us))
    assert len(times_us) == 4


def test_nothing_of_a_silent_track_is_sent() -> None:
    player = playback(Clip.load("h264_aac"), sender_reports=True)
    sent = [track for _ in range(200) for track, _, _ in player.next_batch(silent={1})]
    assert set(sent) == {0}


def test_a_skipped_gap_shows_in_timestamps_only() -> None:
    player = playback(Clip.load("h264"))
    before = parse_header(player.next_batch()[-1][2])
    due_us = player.due_us
    player.skip(2_000_000)
    assert player.due_us == due_us + 2_000_000
    after = parse_header(player.next_batch()[0][2])
    assert (after.timestamp - before.timestamp) % 2**32 == 180_000 + 6000
    assert (after.sequence - before.sequence) % 65536 == 1


def test_switching_keeps_numbers_and_payload_types() -> None:
    clip = Clip.load("h264_aac")
    changed = clip.with_video_of(Clip.load("h265"))
    assert [track.encoding for track in changed.tracks] == ["H265", "MPEG4-GENERIC"]
    player = playback(clip)
    before = headers_by_track(player, 1_000_000)
    player.switch(changed)
    after = headers_by_track(player, 12_000_000)
    for track in (0, 1):
        joined = before[track] + after[track]
        assert steps([header.sequence for header in joined], 16) == {1}
        assert len({header.payload_type for header in joined}) == 1
        assert max(steps([header.timestamp for header in joined], 32)) < 90_000


@pytest.mark.parametrize("data", [b"", b"RCLP", b"XXXX" + bytes(8), (CLIPS_FOLDER / "h264.clip").read_bytes()[:-1]])
def test_damaged_files(data: bytes) -> None:
    with pytest.raises(ClipError):
        Clip.from_bytes("x", data)


def test_a_file_is_written_as_it_was_read() -> None:
    data = (CLIPS_FOLDER / "h264_aac.clip").read_bytes()
    sdp, duration_us, packets = decode(data)
    assert encode(sdp, 2, duration_us, packets) == data


def test_unknown_name() -> None:
    with pytest.raises(ClipError):
        Clip.load("nope")
