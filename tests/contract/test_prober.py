"""What every prober promises: our own conversation and ffprobe, at simulated cameras and at a real MediaMTX."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from restream.adapters.ffmpeg.ffprobe import FfprobeProber
from restream.adapters.rtsp.prober import RtspProber
from restream.demo.behaviours.table import BEHAVIOURS
from restream.demo.cameras import Fault, SimulatedCamera
from restream.demo.certificates import make_certificate, self_signed
from restream.demo.clips import Clip
from restream.demo.embedded import free_port
from restream.demo.mediamtx import find_mediamtx
from restream.domain.camera.options import CameraOptions, parse_options
from restream.domain.camera.urls import parse_source
from restream.domain.engine import AudioStream, Media, ProbeFailure, VideoStream
from restream.domain.ffmpeg.plan import FfmpegSettings
from restream.domain.life.cause import Cause
from restream.domain.look import Look
from restream.ports.cameras import Prober
from tests.support.eventually import eventually
from tests.support.servers import RealMediamtx, tracks

pytestmark = [pytest.mark.usefixtures("ffmpeg")]

LOGIN, PASSWORD = "ad min", "p:w/ß@%?#[]&"
H264 = VideoStream("h264", 320, 180, 15.0, "Main")
HEVC = VideoStream("hevc", 320, 180, None, "Main")  # its rate is told by the description alone
AAC, PCMA = AudioStream("aac", 16000, 1), AudioStream("pcm_alaw", 8000, 1)
CLIPS = {
    "h264_aac": Media(H264, AAC),
    "h264": Media(H264),
    "h264_pcma": Media(H264, PCMA),
    "h265": Media(HEVC),
}
# Those where a description tells what ffprobe sees, too.
SEEN_BY_BOTH = (
    *("basic_only", "digest_then_basic", "login_for_options", "stale_nonces", "tcp_only", "stray_line_ends"),
    *("line_feeds_only", "absolute_controls", "private_controls", "no_content_base", "clock_of_1970"),
)
REFUSALS = {
    "describe_400": Cause.REQUEST_REFUSED,
    "describe_500": Cause.CAMERA_ERROR,
}


@pytest.fixture(params=["rtsp", "ffprobe"])
def prober(request: pytest.FixtureRequest) -> Prober:
    ffprobe = FfprobeProber(FfmpegSettings(probe_timeout_s=10))
    return ffprobe if request.param == "ffprobe" else RtspProber(ffprobe, 10.0)


def camera(clip: str = "h264_aac", *names: str, tls: bool = False) -> SimulatedCamera:
    behaviours = list(chain.from_iterable(BEHAVIOURS[name] for name in names))
    return SimulatedCamera(
        Clip.load(clip),
        login=LOGIN,
        password=PASSWORD,
        behaviours=behaviours,
        tls=self_signed() if tls else None,
    )


async def look(prober: Prober, url: str, options: CameraOptions = CameraOptions()) -> Look:  # noqa: B008
    async with asyncio.timeout(prober.limit_s(options) + 5):
        return await prober.probe(parse_source(url), options)


async def media(prober: Prober, url: str) -> Media:
    """What is found, without what only one of them can tell."""
    found = (await look(prober, url)).outcome
    assert isinstance(found, Media), found
    video = replace(found.video, fps=None) if found.video.codec == "hevc" else found.video
    return replace(found, video=video, login=())


async def failure(prober: Prober, url: str, options: CameraOptions = CameraOptions()) -> ProbeFailure:  # noqa: B008
    found = (await look(prober, url, options)).outcome
    assert isinstance(found, ProbeFailure), found
    assert found.detail.isprintable() and PASSWORD not in found.detail
    return found


@pytest.mark.program("openssl")
@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("clip", CLIPS)
async def test_what_a_camera_sends(prober: Prober, clip: str, tls: bool) -> None:
    async with camera(clip, tls=tls) as it:
        assert await media(prober, it.url()) == CLIPS[clip]
        await eventually(lambda: it.open_connections == 0, 2)
        assert it.auth_failures_total == 0


@pytest.mark.parametrize("name", SEEN_BY_BOTH)
async def test_what_cameras_of_the_field_send(prober: Prober, name: str) -> None:
    async with camera("h264_aac", name) as it:
        assert await media(prober, it.url()) == CLIPS["h264_aac"]


async def test_a_look_says_when_and_by_whom(prober: Prober) -> None:
    async with camera() as it:
        first = await look(prober, it.url())
        second = await look(prober, it.url())
    assert first.by == ("ffprobe" if isinstance(prober, FfprobeProber) else "rtsp")
    assert first.at + first.took_s <= second.at + 0.05 and 0 < first.took_s < 10
    assert PASSWORD not in repr(first) and quote(PASSWORD, safe="") not in repr(first)


async def test_the_row_does_not_want_sound(prober: Prober) -> None:
    options = parse_options({"input": {"allowed_media_types": "video"}})
    async with camera() as it:
        found = (await look(prober, it.url(), options)).outcome
        assert isinstance(found, Media) and found.audio is None


@pytest.mark.parametrize("name", REFUSALS)
async def test_who_refuses(prober: Prober, name: str) -> None:
    async with camera("h264", name) as it:
        found = await failure(prober, it.url())
        assert found.cause is REFUSALS[name]


async def test_what_goes_wrong(prober: Prober) -> None:
    async with camera() as it:
        right, it.password = it.url(), "another one"
        assert (await failure(prober, right)).cause is Cause.AUTH_FAILED
        it.password = PASSWORD
        it.fault = Fault.NOT_FOUND
        assert (await failure(prober, right)).cause is Cause.NOT_FOUND
        it.fault = Fault.HANG_DESCRIBE
        hurried = parse_options({"input": {"timeout": 1_500_000}})
        assert (await failure(prober, right, hurried)).cause is Cause.TIMEOUT
    assert (await failure(prober, right)).cause is Cause.REFUSED
    assert (await failure(prober, "rtsp://camera.invalid/x")).cause is Cause.DNS


async def test_a_cancelled_probe_leaves_nothing_behind(prober: Prober) -> None:
    async with camera() as it:
        it.fault = Fault.HANG_DESCRIBE
        before = asyncio.all_tasks()
        asking = asyncio.create_task(look(prober, it.url()))
        await eventually(lambda: it.open_connections, 5)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert asking.cancelled()
        await eventually(lambda: it.open_connections == 0, 5)
        assert not [child for child in psutil.Process().children() if child.name() == "ffprobe"]
        assert not [task for task in asyncio.all_tasks() - before if "rtsp" in task.get_name()]


@pytest.fixture
async def mediamtx_camera() -> AsyncIterator[tuple[RealMediamtx, str]]:
    """A MediaMTX that asks for a login and has TLS; and the address of its rtsps."""
    if find_mediamtx() is None:
        pytest.skip("no mediamtx on PATH or in MEDIAMTX_BIN")
    port = free_port()
    viewer = {"user": "admin", "pass": "sEcret@1", "permissions": [{"action": "read"}]}
    others = [{"action": action} for action in ("publish", "api")]
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = make_certificate(Path(folder))
        server = RealMediamtx(
            {
                "rtspEncryption": "optional",
                "rtspsAddress": f"127.0.0.1:{port}",
                "rtspServerKey": str(key),
                "rtspServerCert": str(certificate),
                "rtspAuthMethods": ["digest"],
                "authInternalUsers": [viewer, {"user": "any", "permissions": others}],
            }
        )
        await server.start()
        yield server, f"rtsps://127.0.0.1:{port}"
        await server.stop()


@pytest.mark.program("openssl")
async def test_mediamtx_as_the_camera(prober: Prober, mediamtx_camera: tuple[RealMediamtx, str]) -> None:
    server, secure = mediamtx_camera
    login = f"admin:{quote('sEcret@1')}@"
    async with camera() as it:
        process = await asyncio.create_subprocess_exec(
            *("ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", it.url(), "-c", "copy"),
            *("-f", "rtsp", "-rtsp_transport", "tcp", f"{server.rtsp_url}/cam1"),
        )
        try:

            async def published() -> bool:
                return "cam1" in await tracks(server)

            await eventually(published, 15)
            for base in (server.rtsp_url, secure):
                found = await media(prober, f"{base.replace('://', f'://{login}')}/cam1")
                assert found == CLIPS["h264_aac"], base
            found_not = await failure(prober, f"{server.rtsp_url.replace('://', f'://{login}')}/cam2")
            assert found_not.cause is Cause.NOT_FOUND
            # Each wrong try is answered after 2 s.
            wrong = await failure(prober, f"{server.rtsp_url.replace('://', '://admin:x@')}/cam1")
            assert wrong.cause is Cause.AUTH_FAILED
        finally:
            process.terminate()
            await process.wait()
