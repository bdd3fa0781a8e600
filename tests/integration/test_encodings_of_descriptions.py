"""Tracks of several encodings: what a real ffprobe takes them for is what the engine says of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from restream.demo.embedded import free_port
from restream.domain.ffmpeg.encoding import misread_as
from restream.domain.rtsp.description import read_description
from restream.domain.rtsp.tracks import choose_tracks
from restream.domain.rtsp.url import RtspUrl

pytestmark = pytest.mark.usefixtures("ffmpeg")

_HEAD = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
TRACKS = {
    "video 96 98": ("98 H265/90000", "96 H264/90000"),
    "video 98 96": ("98 H265/90000", "96 H264/90000"),
    "video 96 99": ("99 X-SECRET/90000", "96 H264/90000"),
    "video 96 26": ("26 JPEG/90000", "96 H264/90000"),
    "audio 0 8": ("0 PCMU/8000", "8 PCMA/8000"),
    "audio 0 97": ("97 MPEG4-GENERIC/16000/1",),
    "audio 97 0": ("97 MPEG4-GENERIC/16000/1", "0 PCMU/8000"),
    "audio 97 98": ("98 OPUS/48000/2", "97 MPEG4-GENERIC/16000/1"),
    "audio 97": ("97 MPEG4-GENERIC/16000/1",),
}


async def taken_for(file: Path, sdp: str) -> str:
    """The codec that ffprobe tells of a description's one track, without a packet of it."""
    file.write_text(sdp)
    process = await asyncio.create_subprocess_exec(
        *("ffprobe", "-v", "error", "-protocol_whitelist", "file,udp,rtp", "-analyzeduration", "1"),
        *("-timeout", "100000", "-listen_timeout", "1", "-show_entries", "stream=codec_name", "-of", "csv=p=0", file),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    return output.decode().strip()


async def test_what_a_track_is_taken_for(tmp_path: Path) -> None:
    expected, found = {}, {}
    for number, (line, mapped) in enumerate(TRACKS.items()):
        kind, types = line.split(" ", 1)
        maps = "".join(f"a=rtpmap:{each}\r\n" for each in mapped)
        sdp = f"{_HEAD}m={kind} {free_port()} RTP/AVP {types}\r\n{maps}"
        description = read_description(sdp.encode())
        assert description is not None
        (track,) = choose_tracks(description, RtspUrl(False, "127.0.0.1", None, "/")).tracks
        expected[line] = misread_as(track.stream.codec, track.stream.offered) or track.stream.codec
        found[line] = taken_for(tmp_path / f"{number}.sdp", sdp)
    answers = await asyncio.gather(*found.values())
    assert dict(zip(found, answers, strict=True)) == expected
    assert expected["video 96 98"] == "hevc" and expected["video 98 96"] == "hevc"
