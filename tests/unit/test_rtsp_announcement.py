"""What a media server is told of a camera's tracks: nothing that it is known to refuse, and nothing else."""

from __future__ import annotations

import base64

import pytest

from restream.demo.clips import Clip
from restream.domain.rtsp.announcement import announcement, obstacle
from restream.domain.rtsp.description import read_description
from tests.unit.scripted_server import TRACKS, tracks_of

H265 = Clip.load("h265").tracks[0].fmtp
H265_SPS = H265["sprop-sps"]
ANNEX_B_SPS = base64.b64encode(b"\0\0\0\1" + base64.b64decode(H265_SPS)).decode()
SPS, PPS = "Z01AHppkCgP/YC1AQEBQAAADABAAAAMDIPFi6g==", "aO48gA=="


def section(kind: str, number: int, rtpmap: str, fmtp: str = "") -> str:
    lines = [f"m={kind} 0 RTP/AVP {number}"]
    lines += [f"a=rtpmap:{number} {rtpmap}"] if rtpmap else []
    lines += [f"a=fmtp:{number} {fmtp}"] if fmtp else []
    return "\r\n".join((*lines, f"a=control:{kind}", ""))


VIDEO = section("video", 96, "H264/90000", "packetization-mode=1")


def announced(*sections: str) -> list[str]:
    return announcement(tracks_of("v=0\r\n" + "".join(sections))).decode("latin-1").split("\r\n")


def test_an_announcement() -> None:
    assert announcement(TRACKS).decode() == (
        "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:trackID=0\r\n"
        "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000/1\r\na=control:trackID=1\r\n"
    )


@pytest.mark.parametrize(
    ("kind", "number", "rtpmap", "told"),
    [
        ("video", 96, "h264", "H264/90000"),
        ("video", 96, "HEVC/90000", "H265/90000"),
        ("video", 26, "", "JPEG/90000"),
        ("audio", 8, "", "PCMA/8000/1"),
        ("audio", 97, "opus/48000", "OPUS/48000/2"),
        ("audio", 97, "opus/48000/1", "OPUS/48000/2"),
        ("audio", 97, "G726-32/8000", "G726-32/8000"),
        ("audio", 97, "L16/16000/2", "L16/16000/2"),
        ("audio", 97, "PCMU", "PCMU/8000"),
        ("audio", 14, "MPA", "MPA/90000"),
        ("audio", 97, "opus/16000/1", "OPUS/48000/2"),
        ("audio", 97, "MP4A-LATM/16000", "MP4A-LATM/16000"),
    ],
)
def test_each_payload_type_has_its_rtpmap(kind: str, number: int, rtpmap: str, told: str) -> None:
    own = section(kind, number, rtpmap)
    lines = announced(own) if kind == "video" else announced(VIDEO, own)
    assert f"m={kind} 0 RTP/AVP {number}" in lines
    assert f"a=rtpmap:{number} {told}" in lines


@pytest.mark.parametrize(
    ("rtpmap", "fmtp", "told"),
    [
        # gortsplib v5.6.4 refuses packetization-mode 0, and takes none for 0.
        ("H264/90000", "packetization-mode=0", "packetization-mode=1"),
        ("H264/90000", "profile-level-id=4D401E", "profile-level-id=4D401E; packetization-mode=1"),
        ("H264/90000", "packetization-mode=2", "packetization-mode=2"),
        ("H264/90000", "packetization-mode=x", "packetization-mode=1"),
        # Base64 as cameras write it, and what is none.
        ("H264/90000", "sprop-parameter-sets=aO48gA", "packetization-mode=1; sprop-parameter-sets=aO48gA=="),
        (
            "H264/90000",
            f"sprop-parameter-sets={SPS}, {PPS},",
            f"packetization-mode=1; sprop-parameter-sets={SPS},{PPS}",
        ),
        ("H264/90000", "sprop-parameter-sets=,", "packetization-mode=1"),
        ("H265/90000", f"sprop-sps={ANNEX_B_SPS};sprop-pps=RAHA,RAHB", f"sprop-sps={H265_SPS}; sprop-pps=RAHA"),
        ("H265/90000", "profile-id=1;sprop-sps=QgEB;sprop-vps=QA;sprop-max-don-diff=x", "profile-id=1"),
        ("MP4V-ES/90000", "profile-level-id=0x1; config=000001B001", "config=000001B001"),
    ],
)
def test_parameters_that_would_be_refused(rtpmap: str, fmtp: str, told: str) -> None:
    assert f"a=fmtp:96 {told}" in announced(section("video", 96, rtpmap, fmtp))


@pytest.mark.parametrize(
    ("rtpmap", "fmtp", "told"),
    [
        (
            "MPEG4-GENERIC/48000/2",
            'streamtype=4;profile-level-id=x;mode=AAC-hbr;config="1190"',
            "config=1190; mode=AAC-hbr; sizelength=13; indexlength=3; indexdeltalength=3",
        ),
        (
            "MPEG4-GENERIC/48000/2",
            "mode=AAC_hbr;sizeLength=12;config=1190",
            "sizelength=12; config=1190; mode=AAC-hbr; indexlength=3; indexdeltalength=3",
        ),
        ("MPEG4-GENERIC/48000/2", "mode=generic;sizeLength=16;config=1190", "sizelength=16; config=1190"),
        ("MP4A-LATM/16000", "config=40002820", "config=40002820; cpresent=0"),
    ],
)
def test_parameters_of_aac(rtpmap: str, fmtp: str, told: str) -> None:
    sections = VIDEO, section("audio", 97, rtpmap, fmtp)
    assert f"a=fmtp:97 {told}" in announced(*sections)
    assert [obstacle(track) for track in tracks_of("v=0\r\n" + "".join(sections))] == ["", ""]


@pytest.mark.parametrize(
    ("rtpmap", "fmtp", "why"),
    [
        ("MPEG4-GENERIC/48000/2", "mode=AAC-hbr", "its description lacks config"),
        ("MPEG4-GENERIC/48000/2", "mode=AAC-lbr;config=xyz", "its description lacks config and sizelength"),
        ("MP4A-LATM/90000", "cpresent=1", "its description lacks config"),
        ("VORBIS/48000/2", "", "its description lacks configuration"),
    ],
)
def test_a_track_that_would_have_the_stream_refused(rtpmap: str, fmtp: str, why: str) -> None:
    (_, track) = tracks_of("v=0\r\n" + VIDEO + section("audio", 97, rtpmap, fmtp))
    assert obstacle(track) == why


def test_nothing_of_a_camera_adds_a_line_or_grows_without_bound() -> None:
    many = ";".join(f"p{number}=1" for number in range(100))
    long = f"x={'y' * 20_000};z=a\x0bb;w\x01=1;ok=1;{many}"
    (fmtp,) = [line for line in announced(section("video", 96, "H264/90000", long)) if line.startswith("a=fmtp")]
    assert "ok=1" in fmtp and fmtp.count("=") <= 34 and fmtp.isprintable() and len(fmtp) < 400


def test_what_is_announced_can_be_read_again() -> None:
    description = read_description(announcement(TRACKS))
    assert description and [each.control for each in description.media] == ["trackID=0", "trackID=1"]
    assert [each.formats[0].encoding for each in description.media] == ["H264", "PCMU"]
