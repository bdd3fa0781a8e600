"""A real MediaMTX over TLS, its control API and publishing by RTSPS: who is believed, and what is told otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from restream.adapters.ffmpeg.engine import FfmpegEngine
from restream.adapters.pull.media_server import FetchingServer, ServerCallError
from restream.adapters.relay.engine import RelayEngine
from restream.adapters.relay.workers import RelayWorkers
from restream.adapters.server.mediamtx_http import MediamtxServer
from restream.config.media_server_sections import MediamtxSection
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.embedded import free_port
from restream.demo.mediamtx import find_mediamtx
from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.secret import Secret
from restream.domain.camera.urls import CameraTypes
from restream.domain.engine import Advance, Media, VideoStream
from restream.domain.ffmpeg.plan import FfmpegSettings
from restream.domain.life.cause import Cause
from restream.domain.relay.plan import RelaySettings
from restream.domain.server.api_trouble import ApiTrouble
from restream.domain.server.target import Target
from restream.domain.server.trust import SYSTEM, UNCHECKED, Trust
from restream.interfaces.console.findings import CheckState
from restream.ports.cameras import Engine
from restream.preflight.services import _publish_address
from tests.conftest import needs
from tests.support.authority import ELSEWHERE, Authority
from tests.support.servers import RealMediamtx

pytestmark = pytest.mark.program("openssl")

CASES = {
    "fits": "",
    "wrong authority": "TLS: its certificate is of an authority that is not trusted here",
    "wrong host": "TLS: its certificate is for another",
    "expired": "TLS: its certificate has expired",
}


class World:
    """A server with one certificate for all, whom we believe, and what is wrong with that."""

    def __init__(self, folder: Path, case: str) -> None:
        authority, other = Authority(folder / "authority"), Authority(folder / "other")
        names = {"names": ELSEWHERE} if case == "wrong host" else {}
        pair = authority.issue("server", days=-1 if case == "expired" else 2, **names)
        key, certificate, port = str(pair.key), str(pair.certificate), free_port()
        api = {"apiEncryption": True, "apiServerKey": key, "apiServerCert": certificate}
        rtsp = {"rtspEncryption": "optional", "rtspServerKey": key, "rtspServerCert": certificate}
        self.server = RealMediamtx({**api, **rtsp, "rtspsAddress": f"127.0.0.1:{port}"})
        self.rtsps_url = f"rtsps://127.0.0.1:{port}"
        self.https_url = self.server.api_url.replace("http:", "https:")
        self.trust = Trust(str(other.ca if case == "wrong authority" else authority.ca))
        self.trouble = CASES[case]


@pytest.fixture(params=CASES)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    needs(request.config, find_mediamtx(), "mediamtx")
    found = World(tmp_path, request.param)
    await found.server.start()
    yield found
    await found.server.stop()


async def test_the_control_api(world: World) -> None:
    for trust, trouble in ((world.trust, world.trouble), (UNCHECKED, ""), (SYSTEM, "TLS: ")):
        server = MediamtxServer(world.https_url, world.rtsps_url, trust=trust)
        fetching = FetchingServer(world.rtsps_url, world.https_url, Secret("rtsp://127.0.0.1/x"), api_trust=trust)
        try:
            told = await server.observe()
            assert told.reachable
            if not trouble:
                assert told.view is not None, told.detail
                assert await fetching.log_level() == "warn"
                continue
            assert told.trouble is ApiTrouble.TLS and trouble in told.detail, told.detail
            with pytest.raises(ServerCallError, match=trouble.replace("(", r"\(")):
                await fetching.log_level()
        finally:
            await server.close()


@pytest.mark.program("ffmpeg")
@pytest.mark.parametrize("name", ["relay", "ffmpeg"])
async def test_publishing(world: World, name: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        workers = RelayWorkers(1)
        stack.push_async_callback(workers.close)
        relay, ffmpeg = RelayEngine(RelaySettings(answer_timeout_s=5), workers), FfmpegEngine(FfmpegSettings())
        engine: Engine = relay if name == "relay" else ffmpeg
        simulated = await stack.enter_async_context(SimulatedCamera(Clip.load("h264")))
        camera = RowReader(CameraTypes.parse({"default": "{link}"}), "cam{id}").read(
            {"id": 1, "rtsp_url": simulated.url()}
        )
        assert isinstance(camera, Camera)
        for trust, trouble in ((world.trust, world.trouble), (UNCHECKED, "")):
            moved = asyncio.Event()

            def advanced(advance: Advance, moved: asyncio.Event = moved) -> None:
                if advance.moved:
                    moved.set()

            target = Target(rtsp_url=world.rtsps_url, user="u", password=Secret("sEcret"), trust=trust)
            plan = engine.plan(camera, Media(VideoStream("h264", 320, 180), None), target)
            publication = await engine.start(plan, advanced)
            ended = asyncio.ensure_future(publication.ended())
            waiting = asyncio.ensure_future(moved.wait())
            await asyncio.wait({ended, waiting}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if trouble:
                ending = await asyncio.wait_for(ended, 5)
                assert ending.cause is Cause.SERVER_REFUSED and trouble in ending.detail, ending
                continue
            assert moved.is_set(), ended
            await publication.stop()
            await ended


async def test_what_check_says_of_the_publish_address(world: World) -> None:
    found = await _publish_address(world.rtsps_url, world.trust)
    assert found.state is (CheckState.FAIL if world.trouble else CheckState.OK)
    assert world.trouble in found.text and "rtspServerCert" in (found.todo if world.trouble else "rtspServerCert")
    unchecked = await _publish_address(world.rtsps_url, UNCHECKED)
    assert unchecked.state is CheckState.WARN and "not checked" in unchecked.text
    mixed = await _publish_address(world.server.rtsp_url.replace("rtsp:", "rtsps:"), world.trust)
    assert mixed.state is CheckState.FAIL and "must begin with rtsp" in mixed.todo, mixed


@pytest.mark.parametrize("answer", [b"", b"RTSP/1.0 400 Bad Request\r\n\r\n", None])
async def test_a_publish_address_that_does_not_speak_tls(answer: bytes | None) -> None:
    """However such a server takes a TLS hello: it resets, it answers in its own language, or it waits."""
    done = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if answer:
            writer.write(answer)
        elif answer is not None:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        else:
            await done.wait()
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        found = await _publish_address(f"rtsps://127.0.0.1:{server.sockets[0].getsockname()[1]}", UNCHECKED)
        done.set()
    assert found.state is CheckState.FAIL
    assert "must begin with rtsp" in found.todo or "does not speak TLS" in found.text, found


@pytest.mark.parametrize(
    ("ca", "verify", "api", "publish"),
    [
        (False, None, True, False),
        (True, None, True, True),
        (False, True, True, True),
        (False, False, False, False),
        (True, False, False, False),
    ],
)
def test_what_is_checked(tmp_path: Path, ca: bool, verify: bool | None, api: bool, publish: bool) -> None:
    keys = {"tls_ca": str(Authority(tmp_path / "authority").ca)} if ca else {}
    section = MediamtxSection.model_validate({**keys, "tls_verify": verify})
    assert (section.api_trust.verify, section.publish_trust.verify) == (api, publish)
