"""Session descriptions of cameras, and what they tell of pictures and sound."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.engine import AudioStream, VideoStream
from restream.domain.rtsp.codecs import audio_stream, codec_of, video_stream
from restream.domain.rtsp.description import (
    MAX_MEDIA,
    Direction,
    MediaDescription,
    SessionDescription,
    read_description,
)
from restream.domain.rtsp.picture import Picture, read_h264, read_h265

DATA = Path(__file__).parents[1] / "data" / "rtsp" / "descriptions"
RECORDED = [
    pytest.param(json.loads(path.read_text()), id=f"{path.parent.name}-{path.stem}")
    for path in sorted(DATA.glob("*/*.json"))
]
H264 = "a=rtpmap:96 H264/90000"


def media_of(*lines: str, end: str = "\r\n") -> tuple[MediaDescription, ...]:
    found = read_description(end.join(("v=0", "s=x", *lines, "")).encode("latin-1"))
    assert found is not None
    return found.media


def test_descriptions_were_recorded() -> None:
    assert len(RECORDED) >= 28


@pytest.mark.parametrize("recorded", RECORDED)
def test_what_ffprobe_says_of_the_same_stream(recorded: dict[str, Any]) -> None:
    said = recorded["ffprobe"]
    (media,) = media_of(*recorded["sdp"].splitlines())
    if media.kind == "audio":
        audio = audio_stream(media.formats[0])
        # Layer 2 and layer 3 share a name in RTP.
        assert audio.codec == said["codec_name"].replace("mp3", "mp2")
        assert audio.sample_rate_hz in (0, int(said["sample_rate"]))
        assert audio.channels in (0, said["channels"])
        assert audio.sample_rate_hz or audio.codec == "mp2"
        return
    video = video_stream(media, media.formats[0])
    assert video.codec == said["codec_name"]
    if video.codec in ("h264", "hevc", "mpeg4"):
        assert (video.width, video.height) == (said["width"], said["height"])
    else:
        assert (video.width, video.height) in ((0, 0), (said["width"], said["height"]))
    if video.codec in ("h264", "hevc"):
        assert video.profile == said["profile"]
        numerator, denominator = map(int, said["r_frame_rate"].split("/"))
        assert video.fps == pytest.approx(numerator / denominator, rel=0.001)


CAMERA = (
    "o=- 1 1 IN IP4 0.0.0.0",
    "b=AS:5050",
    "a=control:rtsp://192.168.1.64/ISAPI/",
    "a=range:npt=now-",
    "m=video 0 RTP/AVP 96 98",
    "b=AS:5000",
    "a=recvonly",
    "a=x-dimensions:1920,1080",
    "a=control:trackID=1",
    "a=control:trackID=9",
    "a=framerate:25.000000",
    "a=rtpmap:98 H265/90000",
    "a=rtpmap:96 H264/90000",
    "a=rtpmap:96 H263/90000",
    "a=fmtp:96 profile-level-id=420029; packetization-mode=1; sprop-parameter-sets=Z01AKY==",
    "a=Media_header:MEDIAINFO=494D4B48;",
    "m=audio 0/2 RTP/AVP 0",
    "a=sendonly",
    "m=application 0 RTP/AVP 107",
    "a=rtpmap:107 vnd.onvif.metadata/90000",
)


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\n\n", "\r\n \0", "\0\r\n"])
def test_a_camera_s_description(end: str) -> None:
    description = read_description(end.join((*CAMERA, "")).encode())
    assert description is not None
    assert (description.control, description.range) == ("rtsp://192.168.1.64/ISAPI/", "npt=now-")
    video, audio, metadata = description.media
    assert (video.kind, video.port, video.protocol, video.control) == ("video", 0, "RTP/AVP", "trackID=1")
    assert (video.direction, video.frame_rate, video.bandwidth_bps) == (Direction.RECVONLY, 25.0, 5_000_000)
    assert video.size == (1920, 1080)
    assert [(each.payload_type, each.encoding, each.clock_rate_hz) for each in video.formats] == [
        (96, "H264", 90000),
        (98, "H265", 90000),
    ]
    assert video.formats[0].parameters == {
        "profile-level-id": "420029",
        "packetization-mode": "1",
        "sprop-parameter-sets": "Z01AKY==",
    }
    assert (audio.formats[0].encoding, audio.direction) == ("PCMU", Direction.SENDONLY)
    assert metadata.formats[0].encoding == "VND.ONVIF.METADATA"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("m=video 0 RTP/AVP 96", ("video", 0, "RTP/AVP", [96])),
        ("m=video 0 RTP/AVP", ("video", 0, "RTP/AVP", [96])),  # the rtpmap tells
        ("m=video 0 RTP/AVP 97", ("video", 0, "RTP/AVP", [96])),
        ("m=VIDEO\t5004 rtp/savp  96", ("video", 5004, "RTP/SAVP", [96])),
        ("m=video RTP/AVP 96", ("video", 0, "RTP/AVP", [96])),
        ("m=video 0 RTP/AVP 96 96 x 999 ²", ("video", 0, "RTP/AVP", [96])),
        ("m=video", ("video", 0, "", [96])),
        ("m=", ("", 0, "", [96])),
        ("m=video 123456789012345678901234567890 RTP/AVP 96", ("video", 0, "", [96])),
        ("m=video 0 RTP/AVP 26", ("video", 0, "RTP/AVP", [26])),
    ],
)
def test_media_lines(line: str, expected: tuple[str, int, str, list[int]]) -> None:
    (found,) = media_of(line, H264)
    assert (found.kind, found.port, found.protocol, [each.payload_type for each in found.formats]) == expected


def test_the_direction_of_the_session_is_that_of_media_without_one() -> None:
    first, second = media_of("a=recvonly", "m=video 0 RTP/AVP 96", "m=audio 0 RTP/AVP 0", "a=sendonly", "a=inactive")
    assert (first.direction, second.direction) == (Direction.RECVONLY, Direction.SENDONLY)


def test_parameters_that_stand_in_another_section() -> None:
    video, _ = media_of("m=video 0 RTP/AVP 96", H264, "m=audio 0 RTP/AVP 0", "a=fmtp:96 profile-level-id=64001f")
    assert video_stream(video, video.formats[0]).profile == "High"


@pytest.mark.parametrize("body", [b"", b"\0\0", b"hello", b"<html>a=b</html>", b"\r\n\r\n"])
def test_no_description(body: bytes) -> None:
    assert read_description(body) is None


def test_a_description_without_media() -> None:
    assert read_description(b"v=0\r\ns=x\r\n") == SessionDescription()


@pytest.mark.parametrize(
    "lines",
    [
        ["m=video 0 RTP/AVP 96"] * 10_000,
        ["m=video 0 RTP/AVP 96", *["a=rtpmap:96 H264/90000"] * 10_000],
        ["m=video 0 RTP/AVP 96", *[f"a=x{number}:1" for number in range(10_000)]],
        ["m=video 0 RTP/AVP " + "96 " * 20_000],
        ["m=video 0 RTP/AVP 96", "a=fmtp:96 " + "a=b;" * 15_000],
        ["m=video 0 RTP/AVP 96", "a=rtpmap:96" + " " * 60_000 + "x"],
        ["m=video 0 RTP/AVP 96", "a=framesize:" + "1 " * 30_000],
    ],
    ids=["media", "rtpmaps", "attributes", "payload types", "parameters", "spaces", "sizes"],
)
def test_a_long_description_takes_bounded_time(lines: list[str]) -> None:
    began = time.process_time()
    media = media_of(*lines)
    assert len(media) <= MAX_MEDIA
    for each in media:
        video_stream(each, each.formats[0])
    assert time.process_time() - began < 1.0


# A camera's own: 1920x1080 with cropping, and timing in which emulation is prevented.
SPS = base64.b64decode("Z2QAKqwsaoHgCJ+WbgoCCoAAAAMAgAAAD0IA")


def test_a_parameter_set_that_is_cut_tells_what_is_left() -> None:
    assert read_h264(SPS) == Picture(1920, 1080, 15.0, "High")
    assert read_h264(SPS[:-6]) == Picture(1920, 1080, None, "High")
    assert read_h264(SPS[:8]) == Picture()


@given(st.binary(max_size=200), st.sampled_from([b"\x67\x64\0\x2a", b"\x67\x42\0\x1e", b"\x42\x01\x01\x01", b""]))
def test_no_parameter_set_raises(data: bytes, begin: bytes) -> None:
    for read in (read_h264, read_h265):
        found = read(begin + data)
        assert 0 <= found.width <= 16_384 and 0 <= found.height <= 16_384
        assert found.fps is None or 0 < found.fps <= 500


@pytest.mark.parametrize("data", [b"\0" * 60_000, b"\xff" * 60_000, b"\xaa" * 60_000, b"\x55" * 60_000])
def test_a_long_parameter_set_takes_bounded_time(data: bytes) -> None:
    began = time.process_time()
    for begin in (b"\x67\x64\0\x2a", b"\x42\x01\x01\x01"):
        read_h264(begin + data)
        read_h265(begin + data)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("rtpmap", "fmtp", "expected"),
    [
        ("MPEG4-GENERIC/16000/1", "streamtype=5; config=1408", AudioStream("aac", 16000, 1)),
        ("MPEG4-GENERIC/44100/2", "mode=AAC-hbr", AudioStream("aac", 44100, 2)),
        ("mpeg4-generic/22050", "config=139056e5a5", AudioStream("aac", 22050, 2)),
        ("MPEG4-GENERIC/22050/2", "config=2B920880", AudioStream("aac", 44100, 2)),  # SBR
        ("MPEG4-GENERIC/8000", "config=zz", AudioStream("aac", 8000, 1)),
        ("MP4A-LATM/90000", "cpresent=0;config=400024203fc0", AudioStream("aac", 44100, 2)),
        ("G722/8000", "", AudioStream("adpcm_g722", 16000, 1)),
        ("opus/48000/2", "", AudioStream("opus", 48000, 2)),
        ("PCMA/8000", "", AudioStream("pcm_alaw", 8000, 1)),
        ("G726-32/8000", "", AudioStream("adpcm_g726le", 8000, 1)),
        ("X-UNKNOWN/8000", "", AudioStream("x-unknown", 8000, 1)),
        ("MPA/90000", "", AudioStream("mp2", 0, 0)),
    ],
)
def test_sound(rtpmap: str, fmtp: str, expected: AudioStream) -> None:
    (media,) = media_of("m=audio 0 RTP/AVP 97", f"a=rtpmap:97 {rtpmap}", f"a=fmtp:97 {fmtp}")
    assert audio_stream(media.formats[0]) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("m=video 0 RTP/AVP 26", "a=framerate:5", "a=x-dimensions: 704, 576"), VideoStream("mjpeg", 704, 576, 5.0)),
        (("m=video 0 RTP/AVP 26", "a=framesize:26 640-480"), VideoStream("mjpeg", 640, 480)),
        (("m=video 0 RTP/AVP 26", "a=framesize:26 99999-480", "a=framerate:0"), VideoStream("mjpeg", 0, 0)),
        (("m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000"), VideoStream("h264", 0, 0)),
        (
            ("m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=fmtp:96 profile-level-id=42c01e"),
            VideoStream("h264", 0, 0, None, "Constrained Baseline"),
        ),
        (
            ("m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=fmtp:96 sprop-parameter-sets=,,!,Z0,aM4="),
            VideoStream("h264", 0, 0),
        ),
        (
            ("m=video 0 RTP/AVP 96", "a=rtpmap:96 H265/90000", "a=fmtp:96 profile-id=1; sprop-sps=AAAA"),
            VideoStream("hevc", 0, 0, None, "Main"),
        ),
        (("m=video 0 RTP/AVP 96",), VideoStream("", 0, 0)),
    ],
)
def test_video(lines: tuple[str, ...], expected: VideoStream) -> None:
    (media,) = media_of(*lines)
    assert video_stream(media, media.formats[0]) == expected


@given(st.lists(st.sampled_from(CAMERA) | st.text(alphabet="mavb=: /0129\0éM", max_size=30)), st.binary(max_size=50))
def test_no_description_raises(lines: list[str], tail: bytes) -> None:
    description = read_description("\r\n".join(lines).encode("latin-1", "replace") + tail)
    for media in description.media if description else ():
        for each in media.formats:
            assert codec_of(each) == video_stream(media, each).codec == audio_stream(each).codec
