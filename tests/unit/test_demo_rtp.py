"""RTP renumbering, sender reports, session descriptions."""

import contextlib
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.demo.rtp import Numbering, RtpError, parse_header
from restream.demo.sdp import SdpError, sdp_sections, sdp_tracks

SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1; profile-level-id=4D400C\r\na=control:streamid=0\r\n"
    "m=audio 0 RTP/AVP 8\r\na=control:streamid=1\r\n"
)


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.lists(st.integers(0, 90000), min_size=1, max_size=50))
def test_numbers_rise_and_wrap(sequence: int, timestamp: int, gaps: list[int]) -> None:
    numbering = Numbering(90000, ssrc=5, sequence=sequence, timestamp=timestamp)
    ticks = 0
    for index, gap in enumerate(gaps):
        ticks += gap
        header = parse_header(numbering.next_header(0x80, 0xE0, ticks, 10))
        assert header.sequence == (sequence + index) % 65536
        assert header.timestamp == (timestamp + ticks) % 2**32
        assert (header.marker, header.payload_type, header.ssrc) == (True, 96, 5)
    assert (numbering.packets_total, numbering.payload_bytes_total) == (len(gaps), 10 * len(gaps))


def test_a_random_start_is_never_near_zero() -> None:
    rng = random.Random(1)
    assert all(Numbering.random(90000, rng).origin >= 1 << 16 for _ in range(1000))


def test_sender_report() -> None:
    numbering = Numbering(90000, ssrc=7, sequence=0, timestamp=1000)
    numbering.next_header(0x80, 96, 0, 100)
    report = numbering.sender_report(1.5, 90)
    assert struct.unpack(">BBHIIIIII", report) == (0x80, 200, 6, 7, 2208988801, 1 << 31, 1090, 1, 100)


@pytest.mark.parametrize("packet", [b"", b"\x80" * 11, b"\x00" * 12])
def test_not_rtp(packet: bytes) -> None:
    with pytest.raises(RtpError):
        parse_header(packet)


def test_tracks_of_a_description() -> None:
    video, audio = sdp_tracks(SDP)
    assert (video.encoding, video.clock_rate, video.control) == ("H264", 90000, "streamid=0")
    assert video.fmtp["profile-level-id"] == "4D400C"
    assert (audio.media, audio.encoding, audio.payload_type, audio.clock_rate, audio.channels) == (
        *("audio", "PCMA", 8, 8000, 1),
    )
    assert sdp_tracks(SDP.replace("\r\n", "\n")) == [video, audio]
    head, sections = sdp_sections(SDP)
    assert head + "".join(sections) == SDP


@given(st.text(alphabet="m=video audio0RTP/AVP96\r\na=:rtpmap;H264", max_size=200))
def test_any_description_parses_or_raises_the_typed_error(text: str) -> None:
    with contextlib.suppress(SdpError):
        sdp_tracks("m=video 0 RTP/AVP 96\r\n" + text)
