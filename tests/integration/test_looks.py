"""What a look tells beside the media: the camera's clock and software, and what ffprobe adds where it is asked."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from restream.adapters.rtsp.prober import RtspProber
from restream.domain.camera.options import CameraOptions
from restream.domain.camera.urls import SourceUrl, parse_source
from restream.domain.engine import AudioStream, Media, ProbeFailure, VideoStream
from restream.domain.life.cause import Cause
from restream.domain.look import Look
from tests.support.looks import USUAL, look
from tests.support.raw_camera import RawCamera, answer, silence

MPEGTS = "v=0\r\ns=x\r\nm=video 0 RTP/AVP 33\r\na=control:t0\r\n"
ASKS = 'WWW-Authenticate: Digest realm="x", nonce="y", algorithm=SHA-256'


def date(ahead_s: float = 0) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=ahead_s), usegmt=True)


@pytest.mark.parametrize(
    ("ahead_s", "zone", "offset_s"),
    [
        (0, "GMT", 0),
        (-86_400, "GMT", -86_400),
        (7200, "", 7200),
        (7200, "-0000", 7200),
        (0, "+0200", -7200),
    ],
)
async def test_the_cameras_clock(ahead_s: float, zone: str, offset_s: float) -> None:
    found = await looked(date(ahead_s).replace("GMT", zone))
    assert found.clock_offset_s is not None
    assert abs(found.clock_offset_s - offset_s) <= 30


@pytest.mark.parametrize("said", ["tomorrow", "Sat, 99 Nov 99999 25:61:61 GMT", ""])
async def test_a_clock_that_cannot_be_read(said: str) -> None:
    assert (await looked(said)).clock_offset_s is None


async def looked(said: str) -> Look:
    """What a look tells of a camera whose answer has this date."""

    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer("200 OK", f"Date: {said}", "Server: Camera\x1b[31m 1.0"))
        await silence(reader, writer)

    async with RawCamera(talks) as it:
        found = await look(it.url())
    assert found.software == "Camera [31m 1.0"
    return found


async def test_a_clock_that_was_told_some_time_ago() -> None:
    told = date(-100)

    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal told
        await reader.readuntil(b"\r\n\r\n")
        told = date(-100)
        writer.write(answer("401 Unauthorized", f"Date: {told}", ASKS, body=""))
        await silence(reader, writer)

    async with RawCamera(talks) as it:
        found = await look(it.url("admin:x"), answer_timeout_s=3)
    assert isinstance(found.outcome, ProbeFailure) and found.outcome.cause is Cause.TIMEOUT
    assert found.clock_offset_s is not None and -101 <= found.clock_offset_s <= -99


class Other:
    """Finds what it is told to find."""

    def __init__(self, outcome: Media | ProbeFailure) -> None:
        self.outcome = outcome

    def limit_s(self, options: CameraOptions) -> float:
        return 1.0

    async def probe(self, source: SourceUrl, options: CameraOptions) -> Look:
        return Look(outcome=self.outcome, by="ffprobe", at=0.0, took_s=1.0)


TS = Media(VideoStream("h264", 320, 180), AudioStream("aac", 16000, 1, adts=True))


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (TS, Media(TS.video, TS.audio, login=("SHA-256",))),
        (ProbeFailure(Cause.AUTH_FAILED, "401"), ProbeFailure(Cause.AUTH_UNSUPPORTED, "401")),
        (ProbeFailure(Cause.TIMEOUT, "late"), ProbeFailure(Cause.TIMEOUT, "late")),
    ],
)
async def test_what_a_description_does_not_tell(found: Media | ProbeFailure, told: Media | ProbeFailure) -> None:
    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer("401 Unauthorized", ASKS, body=""))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(body=MPEGTS))

    async with RawCamera(talks) as it:
        prober = RtspProber(Other(found), 2.0)
        seen = await prober.probe(parse_source(it.url("admin:x")), USUAL)
    assert (seen.outcome, seen.by) == (told, "ffprobe")
    assert len(seen.steps) == 2 and seen.took_s > 1 and seen.at > 1_000_000_000


async def test_what_is_no_rtsp_is_asked_by_the_other_one() -> None:
    prober = RtspProber(Other(TS), 2.0)
    seen = await prober.probe(parse_source("http://127.0.0.1:1/x"), USUAL)
    assert (seen.outcome, seen.by, seen.steps) == (TS, "ffprobe", ())
