"""Streams of ours, given to media servers over the wire, and read back; and what a real mediamtx refuses."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from restream.adapters.rtsp.addresses import Resolver
from restream.adapters.rtsp.connection import camera_tls
from restream.adapters.rtsp.wire import MEDIA_SERVER, Wire
from restream.demo.certificates import make_certificate
from restream.demo.clips import CLIPS, Clip
from restream.demo.embedded import free_port
from restream.demo.media_server import SinkFault
from restream.demo.mediamtx import find_mediamtx
from restream.domain.camera.secret import Secret
from restream.domain.life.cause import Cause
from restream.domain.rtsp.announcement import announcement
from restream.domain.rtsp.events import Failed, Finished
from restream.domain.rtsp.failure import Failure
from restream.domain.rtsp.media_session import Interleaved
from restream.domain.rtsp.publisher import PublisherEvent, Recording, RtspPublisher, usual_channels
from restream.domain.rtsp.tracks import Track
from restream.domain.server.target import Target
from tests.record_publishing import CASES, Case, hold
from tests.support.eventually import eventually
from tests.support.publishing import frames_of, tracks_of
from tests.support.servers import RealMediamtx, StandIn, TestServer, tracks
from tests.unit import test_rtsp_announcement as descriptions
from tests.unit.scripted_server import tracks_of as described
from tests.unit.test_rtsp_publications import CLOSED, REFUSED

from .test_demo_cameras import CODECS, codecs, ffprobe

needs_mediamtx = pytest.mark.skipif(find_mediamtx() is None, reason="no mediamtx on PATH or in MEDIAMTX_BIN")
REFUSES_ODD = (Interleaved(0, 2), Interleaved(5, 6))


class Publishing:
    """One stream of ours, over the wire."""

    def __init__(
        self, url: str, taken: Sequence[Track], channels: Sequence[Interleaved], user: str | None = None
    ) -> None:
        base, _, path = url.rpartition("/")
        parts = Target(rtsp_url=base, user=user, password=Secret("pUblish@1")).rtsp_parts(path)
        assert parts is not None
        self.events: list[PublisherEvent] = []
        self.recording = asyncio.Event()
        publisher = RtspPublisher(*parts, announcement(taken), channels, lambda: "0a4f113b")
        self.wire = Wire(publisher, self._heard, camera_tls(), Resolver(), MEDIA_SERVER)

    def _heard(self, event: PublisherEvent) -> None:
        self.events.append(event)
        self.recording.set()

    @property
    def channels(self) -> tuple[Interleaved, ...]:
        event = self.events[0]
        assert isinstance(event, Recording), event
        return event.channels


@contextlib.asynccontextmanager
async def publishing(
    url: str, clip: str = "h264_aac", channels: Sequence[Interleaved] | None = None, user: str | None = None
) -> AsyncIterator[Publishing]:
    """While it lasts the media of a clip flow."""
    loaded = Clip.load(clip)
    it = Publishing(url, tracks_of(loaded), channels or usual_channels(len(loaded.tracks)), user)

    async def media() -> None:
        async for data in frames_of(loaded, it.channels, 60):
            it.wire.write(data)

    async with asyncio.timeout(40):
        run = asyncio.create_task(it.wire.run())
        await it.recording.wait()
        sending = asyncio.create_task(media())
        try:
            yield it
        finally:
            sending.cancel()
            it.wire.close()
            end = await run
    assert end == Finished() and it.events[-1] == end


async def fails(url: str, user: str | None = None) -> Failure:
    clip = Clip.load("h264")
    async with asyncio.timeout(20):
        end = await Publishing(url, tracks_of(clip), usual_channels(1), user).wire.run()
    assert isinstance(end, Failed)
    return end.failure


@pytest.mark.program("ffprobe")
@pytest.mark.parametrize("clip", CLIPS)
async def test_what_is_published_can_be_read(media_server: TestServer, clip: str) -> None:
    async with publishing(f"{media_server.rtsp_url}/cam1", clip):
        ending = await ffprobe(f"{media_server.rtsp_url}/cam1", timeout_s=5)
        assert ending.exit_code == 0 and codecs(ending) == CODECS[clip]
    await eventually(lambda: gone(media_server), 5, "the path ends")


async def gone(server: TestServer) -> bool:
    return "cam1" not in await tracks(server)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ((Interleaved(6, 7), Interleaved(0, 1)), (Interleaved(6, 7), Interleaved(0, 1))),
        (REFUSES_ODD, usual_channels(2)),
        ((Interleaved(0, 1), Interleaved(1, 2)), usual_channels(2)),
    ],
)
async def test_channels(
    media_server: TestServer, wanted: tuple[Interleaved, ...], told: tuple[Interleaved, ...]
) -> None:
    async with publishing(f"{media_server.rtsp_url}/cam1", channels=wanted) as it:
        assert it.channels == told
        assert await eventually(lambda: tracks(media_server), 5) == {"cam1": ["H264", "MPEG-4 Audio"]}


async def test_a_server_that_stops_says_nothing(media_server: TestServer) -> None:
    with pytest.raises(AssertionError, match="server_gone"):
        async with publishing(f"{media_server.rtsp_url}/cam1") as it:
            await media_server.stop()
            await eventually(lambda: len(it.events) > 1, 5)
    end = it.events[-1]
    assert isinstance(end, Failed) and end.failure.cause is Cause.SERVER_GONE
    failure = await fails(f"{media_server.rtsp_url}/cam1")
    assert (failure.cause, failure.words) == (Cause.SERVER_GONE, "no connection (connect): Connection refused")


async def test_a_server_that_takes_nothing(stand_in: StandIn) -> None:
    assert stand_in.server is not None
    async with publishing(f"{stand_in.rtsp_url}/cam1") as it:
        stand_in.server.fault = SinkFault.STOP_READING
        unsent = 0
        for _ in range(200):
            unsent = it.wire.write(bytes((0x24, 0, 0xFF, 0xFF)) + bytes(0xFFFF))
        assert it.wire.write(b"") == unsent > 1_000_000
        began = asyncio.get_running_loop().time()
    # Its end is not waited for: what it does not read would not reach it.
    assert asyncio.get_running_loop().time() - began < 1.0
    assert it.wire.write(b"media") == 0


async def test_the_owner_says_why_it_ends(stand_in: StandIn) -> None:
    clip = Clip.load("h264")
    it = Publishing(f"{stand_in.rtsp_url}/cam1", tracks_of(clip), usual_channels(1))
    run = asyncio.create_task(it.wire.run())
    await it.recording.wait()
    it.wire.abandon(Cause.SERVER_GONE, "it takes no media")
    end = await run
    assert isinstance(end, Failed) and end.failure.words == "it takes no media"


@needs_mediamtx
@pytest.mark.program("openssl", "ffprobe")
async def test_over_tls(tmp_path: Path) -> None:
    key, certificate = make_certificate(tmp_path)
    port = free_port()
    files = {"rtspServerKey": str(key), "rtspServerCert": str(certificate)}
    server = RealMediamtx({"rtspEncryption": "optional", "rtspsAddress": f"127.0.0.1:{port}", **files})
    await server.start()
    try:
        async with publishing(f"rtsps://127.0.0.1:{port}/cam1"):
            ending = await ffprobe(f"{server.rtsp_url}/cam1", timeout_s=5)
            assert ending.exit_code == 0 and codecs(ending) == CODECS["h264_aac"]
        failure = await fails(f"rtsp://127.0.0.1:{port}/cam1")
        assert failure.words == "the connection ended (announce): the media server closed it"
    finally:
        await server.stop()


async def test_a_server_that_speaks_something_else(mediamtx: RealMediamtx) -> None:
    failure = await fails(f"rtsp://{mediamtx.api_url.partition('://')[2]}/cam1")
    assert (failure.cause, failure.words) == (Cause.SERVER_REFUSED, "a web server answers: HTTP/1.1 400 Bad Request")


@needs_mediamtx
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
async def test_what_mediamtx_does(case: Case) -> None:
    """As when it was recorded (tests/record_publishing.py)."""
    end = (await hold(replace(case, media_s=min(0.3, case.media_s)))).end
    if case.name in REFUSED:
        assert isinstance(end, Failed)
        assert (end.failure.stage, end.failure.cause, end.failure.words) == REFUSED[case.name]
    elif case.name in CLOSED:
        assert isinstance(end, Failed)
        assert (end.failure.stage, end.failure.cause) == ("recording", Cause.SERVER_GONE)
    else:
        assert end == Finished()


@needs_mediamtx
async def test_a_keep_alive_would_hold_a_stream_without_media() -> None:
    server = RealMediamtx({"readTimeout": "1s"})
    await server.start()
    clip = Clip.load("h264")
    it = Publishing(f"{server.rtsp_url}/cam1", tracks_of(clip), usual_channels(1))
    run = asyncio.create_task(it.wire.run())
    try:
        await it.recording.wait()
        for number in range(9, 13):
            await asyncio.sleep(0.5)
            it.wire.write(f"OPTIONS {server.rtsp_url}/cam1 RTSP/1.0\r\nCSeq: {number}\r\n\r\n".encode())
        assert await tracks(server) == {"cam1": ["H264"]} and len(it.events) == 1
        async with asyncio.timeout(5):
            assert isinstance(await run, Failed)
    finally:
        run.cancel()
        await server.stop()


VIDEO = (
    *(("H264", ""), ("H264", "packetization-mode=0"), ("H264/90000", "sprop-parameter-sets=Z00,aO,")),
    *(("HEVC/90000", "sprop-sps=QgEB"), ("H265/90000", "sprop-max-don-diff=x;sprop-pps=!!")),
    *(("MP4V-ES/90000", "profile-level-id=0x1;config=zz"), ("AV1/90000", "tier=high"), ("VP8/90000", "")),
    *(("VP9/90000", ""), ("H263-1998/90000", ""), ("H266/90000", ""), ("JPEG2000/90000", "")),
)
SOUND = (
    *(("opus/48000", ""), ("opus/48000/1", ""), ("PCMU", ""), ("L16/16000/2", "")),
    *(("G726-32/8000", ""), ("AC3/48000", ""), ("SPEEX/16000", "vbr=off"), ("AMR/8000", "octet-align=1")),
    ("MPEG4-GENERIC/16000", 'streamtype=4;profile-level-id=x;mode=AAC-hbr;config="1408"'),
    ("MPEG4-GENERIC/16000", "mode=AAC-lbr;sizelength=6;indexlength=2;indexdeltalength=2;config=1408"),
    ("MP4A-LATM/16000/1", "config=400028103FC0"),
)


async def test_mediamtx_takes_whatever_is_announced(mediamtx: RealMediamtx) -> None:
    section = descriptions.section
    sections = [
        *([section("video", 96, *each)] for each in VIDEO),
        *([descriptions.VIDEO, section("audio", 97, *each)] for each in SOUND),
        *([descriptions.VIDEO, section("audio", each, "")] for each in (0, 3, 4, 5, 8, 9, 10, 11, 14, 18)),
        *([section("video", each, "")] for each in (26, 31, 32, 33, 34)),
    ]

    async def publish(number: int, lines: list[str]) -> str:
        taken = described("v=0\r\n" + "".join(lines))
        assert len(taken) == len(lines), lines
        it = Publishing(f"{mediamtx.rtsp_url}/cam{number}", taken, usual_channels(len(taken)))
        run = asyncio.create_task(it.wire.run())
        await it.recording.wait()
        told = "" if isinstance(it.events[0], Recording) else f"{lines}: {it.events[0]}"
        it.wire.close()
        await run
        return told

    told = await asyncio.gather(*(publish(*each) for each in enumerate(sections)))
    assert "\n".join(each for each in told if each) == ""
