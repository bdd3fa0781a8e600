"""A key frame is put together from packets as cameras send them, and never from a part of one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.rtp.jpeg import jpeg_file
from restream.domain.rtp.key_frame_assembly import MOST_BYTES, KeyFrameAssembly
from tests.unit.rtp_streams import (
    AUD,
    IDR,
    IDR_BEHIND,
    PPS,
    SLICE,
    SPS,
    TYPE,
    Camera,
    Sent,
    aggregate,
    fragments,
)

START = b"\0\0\0\1"
REST = bytes(40)


def frames(sent: list[Sent], codec: str = "h264", parameters: bytes = b"") -> list[bytes]:
    assembly = KeyFrameAssembly(codec, TYPE, parameters)
    found = (assembly.take(packet.data, 0, len(packet.data)) for packet in sent)
    return [each for each in found if each is not None]


def test_each_group_of_pictures_begins_with_one() -> None:
    whole = START + SPS + START + PPS + START + IDR + REST + (IDR[1:] + REST) * 2
    assert frames(Camera().pictures(3)) == [whole] * 3


def test_what_the_description_tells_goes_ahead() -> None:
    assert frames(Camera().frame(IDR, SLICE), parameters=START + SPS) == [START + SPS + START + IDR]


def test_all_slices_belong_to_it_whatever_the_markers_say() -> None:
    camera = Camera()
    sent = camera.frame(aggregate(SPS, PPS), IDR, IDR_BEHIND, markers=[True, True, True]) + camera.frame(SLICE)
    assert frames(sent) == [START + SPS + START + PPS + START + IDR + START + IDR_BEHIND]


def test_parameters_with_the_time_of_the_picture_before() -> None:
    camera = Camera()
    before = [camera.packet(SLICE), camera.packet(SPS), camera.packet(PPS)]
    camera.wait(0.04)
    assert frames(before + camera.frame(IDR) + camera.frame(SLICE)) == [START + SPS + START + PPS + START + IDR]


def test_a_frame_with_a_gap_is_none_and_the_next_one_is() -> None:
    camera = Camera()
    first, second, rest = camera.frame(SPS, *fragments(IDR, 4)), camera.frame(SPS, IDR), camera.frame(SLICE)
    assert frames(first[:2] + first[3:] + second + rest) == [START + SPS + START + IDR]


def test_packets_beside_it_are_passed_over() -> None:
    camera = Camera()
    other = camera.packet(b"\x00" * 8, kind=97)
    camera.numbering.sequence -= 1
    sent = [Sent(b"\x80", 0.0), other, *camera.frame(AUD, SPS, IDR), *camera.frame(SLICE)]
    assert frames(sent) == [START + SPS + START + IDR]


def test_what_is_too_large_is_given_up() -> None:
    camera, assembly = Camera(), KeyFrameAssembly("h264", TYPE)
    large = camera.frame(*fragments(IDR, 3))
    for packet in large[:1] + [camera.packet(large[1].data[12:] + bytes(60_000)) for _ in range(MOST_BYTES // 60_000)]:
        assert assembly.take(packet.data, 0, len(packet.data)) is None
    assert [each for packet in camera.pictures(2) if (each := assembly.take(packet.data, 0, len(packet.data)))]


def test_other_codecs_are_refused() -> None:
    with pytest.raises(ValueError, match="av1"):
        KeyFrameAssembly("av1", TYPE)


@given(st.sampled_from(["h264", "hevc", "mjpeg"]), st.lists(st.binary(max_size=40), max_size=30))
def test_nothing_that_a_camera_sends_raises(codec: str, payloads: list[bytes]) -> None:
    camera = Camera()
    for frame in frames([camera.packet(each) for each in payloads], codec):
        assert frame


@pytest.mark.parametrize("tables", [1, 2])
def test_a_picture_in_two_parts_with_its_tables(tables: int) -> None:
    own = bytes(range(1, 65)) * tables
    first = b"\0\0\0\0\1\xff\x28\x18" + bytes((0, 0, 0, len(own))) + own + b"abc"
    found = jpeg_file([first, b"\0\0\0\3\1\xff\x28\x18def"])
    assert found is not None
    assert found.startswith(b"\xff\xd8\xff\xdb\0\x43\0" + own[:64])
    assert (192).to_bytes(2, "big") + (320).to_bytes(2, "big") in found
    assert found.endswith(b"abcdef\xff\xd9")
    assert jpeg_file([first, b"\0\0\0\4\1\xff\x28\x18def"]) is None


@given(st.lists(st.binary(max_size=160), max_size=4))
def test_no_payloads_of_jpeg_raise(payloads: list[bytes]) -> None:
    assert jpeg_file(payloads) is None or payloads
