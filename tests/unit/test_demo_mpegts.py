"""Cutting a transport stream into RTP packets."""

import pytest

from restream.demo.clip_file import ClipError
from restream.demo.mpegts import clip_of
from restream.demo.sdp import sdp_tracks


def piece(number: int, pcr: int | None = None) -> bytes:
    """One transport packet, `pcr` in ticks of 90 kHz."""
    if pcr is None:
        return bytes([0x47, 0, 0, 0x10, number]).ljust(188, b"\0")
    return (bytes([0x47, 0, 0, 0x30, 7, 0x10]) + (pcr << 7).to_bytes(5, "big") + bytes([0, 0, number])).ljust(
        188, b"\0"
    )


def test_seven_pieces_to_a_packet_at_the_time_of_their_clock() -> None:
    start = (1 << 33) - 90_000 * 10
    pieces = [piece(number) for number in range(20)]
    pieces[2], pieces[9], pieces[15] = piece(2, start), piece(9, start + 9_000), piece(15, start + 90_000)
    clip = clip_of(b"".join(pieces))
    assert [packet.payload for packet in clip.packets] == [
        b"".join(pieces[:7]),
        b"".join(pieces[7:14]),
        b"".join(pieces[14:]),
    ]
    assert [(packet.offset_us, packet.ticks) for packet in clip.packets] == [(0, 0), (100_000, 9_000), (10**6, 90_000)]
    assert clip.duration_us == 1_066_667
    (track,) = sdp_tracks(clip.sdp)
    assert (track.payload_type, track.encoding, track.clock_rate) == (33, "MP2T", 90_000)
    assert all(packet.marker_and_type == 33 for packet in clip.packets)


@pytest.mark.parametrize("stream", [b"", piece(0), piece(0, 1) + b"\x47", piece(0, 1) + b"\x46" + bytes(187)])
def test_what_is_no_stream_with_a_clock(stream: bytes) -> None:
    with pytest.raises(ClipError):
        clip_of(stream)
