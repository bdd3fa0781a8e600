"""Where pictures and key frames begin, by codec; the bytes are written by hand from the formats' documents."""

from __future__ import annotations

import pytest

from restream.demo.clips import CLIPS, Clip
from restream.domain.rtp.key_frames import FIRST, KEY, LOOKS, NOTHING, PICTURE
from restream.domain.rtsp.codecs import CODECS
from tests.unit.rtp_streams import (
    AUD,
    IDR,
    IDR_BEHIND,
    PPS,
    RECOVERY,
    SLICE,
    SLICE_BEHIND,
    SPS,
    aggregate,
    fragments,
)

P, PF, PK, PFK = PICTURE, PICTURE | FIRST, PICTURE | KEY, PICTURE | FIRST | KEY
START = b"\0\0\0\1"


def hevc(kind: int, body: bytes = b"\xaf") -> bytes:
    return bytes([kind << 1, 1]) + body


def hevc_fragment(kind: int, flags: int, body: bytes = b"\xaf") -> bytes:
    return bytes([49 << 1, 1, flags | kind]) + body


def hevc_aggregate(*units: bytes) -> bytes:
    return bytes([48 << 1, 1]) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def vvc(kind: int) -> bytes:
    return bytes([0, kind << 3 | 1, 0x80])


CASES: dict[str, tuple[tuple[str, bytes, int], ...]] = {
    "h264": (
        ("slice", SLICE, PF),
        ("slice behind the first", SLICE_BEHIND, P),
        ("slice partition A", b"\x42\x88", PF),
        ("slice partition B, which begins with its number", b"\x43\x88", P),
        ("IDR", IDR, PFK),
        ("IDR slice behind the first", IDR_BEHIND, P),
        ("SPS", SPS, KEY),
        ("PPS", PPS, NOTHING),
        ("delimiter", AUD, NOTHING),
        ("recovery point", RECOVERY, KEY),
        ("another SEI", b"\x06\x05\x10", NOTHING),
        ("SEI cut off", b"\x06", NOTHING),
        ("IDR cut off", b"\x65", P),
        ("begin of an IDR", fragments(IDR, 3)[0], PFK),
        ("middle of an IDR", fragments(IDR, 3)[1], P),
        ("end of an IDR", fragments(IDR, 3)[2], P),
        ("begin of a slice", fragments(SLICE, 2)[0], PF),
        ("begin of an SPS in fragments", fragments(SPS, 2)[0], KEY),
        ("end of an SPS in fragments", fragments(SPS, 2)[1], NOTHING),
        ("FU-B", b"\x7d\x85\0\0\x88", PFK),
        ("fragment without a body", b"\x7c\x85", NOTHING),
        ("fragment without a header", b"\x7c", NOTHING),
        ("STAP-A of parameters", aggregate(AUD, SPS, PPS), KEY),
        ("STAP-A of everything", aggregate(SPS, PPS, IDR), PFK),
        ("STAP-A of a slice", aggregate(AUD, SLICE), PF),
        ("STAP-A that lies", aggregate(AUD, IDR)[:-1], NOTHING),
        ("STAP-A with an empty unit", aggregate(b"", IDR), NOTHING),
        ("STAP-A of nothing", b"\x78", NOTHING),
        ("STAP-B", b"\x79\0\0" + aggregate(SPS)[1:], KEY),
        ("start code, SPS", START + SPS + START + IDR, KEY),
        ("short start code, IDR", START[1:] + IDR, PFK),
        ("start code alone", START, NOTHING),
        ("zeros", b"\0\0\0\0\0", NOTHING),
    ),
    "hevc": (
        ("TRAIL_R", hevc(1), PF),
        ("TRAIL_R behind the first", hevc(1, b"\x2f"), P),
        ("TRAIL_N, whose type is 0", hevc(0), PF),
        ("IDR_W_RADL", hevc(19), PFK),
        ("CRA", hevc(21), PFK),
        ("BLA_W_LP", hevc(16), PFK),
        ("RASL", hevc(9), PF),
        ("VPS", hevc(32), KEY),
        ("SPS", hevc(33), KEY),
        ("PPS", hevc(34), NOTHING),
        ("recovery point", hevc(39, b"\x06\x01"), KEY),
        ("another SEI", hevc(39, b"\x01\x01"), NOTHING),
        ("header alone", hevc(19, b""), P),
        ("half a header", b"\x26", P),
        ("begin of an IDR", hevc_fragment(20, 0x80), PFK),
        ("middle of an IDR", hevc_fragment(20, 0), P),
        ("end of a VPS", hevc_fragment(32, 0x40), NOTHING),
        ("fragment without a body", hevc_fragment(20, 0x80, b""), NOTHING),
        ("AP of parameters", hevc_aggregate(hevc(32), hevc(33), hevc(34)), KEY),
        ("AP of everything", hevc_aggregate(hevc(32), hevc(33), hevc(34), hevc(19)), PFK),
        ("AP that lies", hevc_aggregate(hevc(19))[:-1], NOTHING),
        ("AP with one byte", hevc_aggregate(b"\x26"), NOTHING),
        ("start code, VPS", START + hevc(32), KEY),
        ("start code alone", START, NOTHING),
    ),
    "vvc": (
        ("TRAIL", vvc(0), P),
        ("IDR_W_RADL", vvc(7), PK),
        ("CRA", vvc(9), PK),
        ("SPS", vvc(15), KEY),
        ("PPS", vvc(16), NOTHING),
        ("begin of an IDR", bytes([0, 29 << 3 | 1, 0x87]), PK),
        ("middle of an IDR", bytes([0, 29 << 3 | 1, 0x07]), P),
        ("AP", bytes([0, 28 << 3 | 1, 0, 3]) + vvc(14) + b"\0\3" + vvc(8), PK),
        ("header alone", vvc(7)[:2], NOTHING),
    ),
    "mpeg4": (
        ("I-VOP", b"\0\0\1\xb6\x10", PFK),
        ("P-VOP", b"\0\0\1\xb6\x50", PF),
        ("headers, I-VOP", b"\0\0\1\xb0\x01\0\0\1\xb5\x09\0\0\1\xb6\x10", PFK),
        ("headers alone", b"\0\0\1\xb0\x01\0\0\1\xb5\x09", KEY),
        ("VOP cut off", b"\0\0\1\xb6", KEY),
        ("rest of a VOP", b"\x12\x34\x56", P),
    ),
    "mpeg2video": (
        ("I", b"\0\0\x19\0", PK),
        ("P", b"\0\0\x1a\0", P),
        ("B", b"\0\0\x1b\0", P),
        ("cut off", b"\0\0\x19", NOTHING),
    ),
    "mjpeg": (
        ("begin", b"\0\0\0\0\1\x50\x28\x2d", PFK),
        ("rest", b"\0\0\5\x78\1\x50\x28\x2d", P),
        ("rest far behind", b"\0\1\0\0\1\x50\x28\x2d", P),
        ("cut off", b"\0\0\0", NOTHING),
    ),
    "vp8": (
        ("key frame", b"\x10\x50\x3b\x01", PFK),
        ("predicted", b"\x10\x51\x3b\x01", PF),
        ("rest of partition 0", b"\x00\x50", P),
        ("partition 1", b"\x11\x50", P),
        ("key frame, short picture number", b"\x90\x80\x11\x50", PFK),
        ("key frame, long picture number", b"\x90\x80\x92\x11\x50", PFK),
        ("key frame, everything", b"\x90\xf0\x92\x11\x01\x20\x50", PFK),
        ("predicted, everything", b"\x90\xf0\x92\x11\x01\x20\x51", PF),
        ("descriptor cut off", b"\x90", NOTHING),
        ("descriptor without a frame", b"\x90\x80\x92", PF),
    ),
    "vp9": (
        ("key frame", b"\x8c\x11", PFK),
        ("predicted", b"\xcc\x11", PF),
        ("rest", b"\x84\x11", P),
    ),
    "av1": (
        ("sequence begins", b"\x18\x0a", PFK),
        ("temporal unit begins", b"\x10\x32", PF),
        ("continued", b"\x90\x32", P),
    ),
    "h263": (("anything", b"\x04\0", PFK),),
}
FLAT = [(codec, *case) for codec, cases in CASES.items() for case in cases]


@pytest.mark.parametrize(
    ("codec", "data", "expected"),
    [(codec, data, expected) for codec, _, data, expected in FLAT],
    ids=[f"{codec}: {name}" for codec, name, *_ in FLAT],
)
def test_what_a_packet_carries(codec: str, data: bytes, expected: int) -> None:
    assert LOOKS[codec](data, 0, len(data)) == expected
    # The same within a buffer in which something stands behind it.
    buffer = memoryview(b"\xff" * 5 + data + b"\xff" * 40)
    assert LOOKS[codec](buffer, 5, 5 + len(data)) == expected


def test_every_look_is_a_codec_that_cameras_describe() -> None:
    assert set(CODECS.values()) > LOOKS.keys()


@pytest.mark.parametrize("name", CLIPS)
def test_the_clips_have_a_key_frame_every_second(name: str) -> None:
    clip = Clip.load(name)
    (video,) = (index for index, track in enumerate(clip.tracks) if track.media == "video")
    look = LOOKS[CODECS[clip.tracks[video].encoding]]
    ticks: set[int] = {
        packet.ticks
        for packet in clip.packets
        if packet.track == video and look(packet.payload, 0, len(packet.payload)) & KEY
    }
    assert sorted(ticks) == [second * 90_000 for second in range(7)]
