"""The relay against every camera behaviour that is known from the field: what comes of it, and what is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import pytest

from restream.adapters.relay.engine import RelayEngine
from restream.adapters.relay.workers import RelayWorkers
from restream.demo.behaviours.behaviour import Behaviour
from restream.demo.behaviours.table import BEHAVIOURS
from restream.demo.cameras import SimulatedCamera
from restream.demo.certificates import self_signed
from restream.demo.clips import Clip
from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.urls import CameraTypes
from restream.domain.engine import Advance, AudioStream, Ending, Media, VideoStream
from restream.domain.life.cause import Cause
from restream.domain.relay.plan import RelaySettings
from restream.domain.server.target import Target
from tests.support.servers import TestServer, tracks

PASSWORD = "@:/?#%&'ö"
MEDIA = Media(VideoStream("h264", 320, 180), AudioStream("aac", 16000, 1))
_BOTH = ["H264", "MPEG-4 Audio"]
# What ends before media move; everything else is relayed, whole.
ENDINGS: dict[str, Cause] = {
    "no_challenge": Cause.AUTH_FAILED,
    "forbidden": Cause.REQUEST_REFUSED,
    "describe_503": Cause.BUSY,
    "describe_500": Cause.CAMERA_ERROR,
    "describe_400": Cause.REQUEST_REFUSED,
    "describe_400_closes": Cause.REQUEST_REFUSED,
    "describe_551": Cause.CAMERA_ERROR,
    "setup_453": Cause.BUSY,
    "play_454": Cause.REQUEST_REFUSED,
    "redirect_loop": Cause.CAMERA_ERROR,
    "udp_only": Cause.TRANSPORT_REFUSED,
    "tcp_answered_as_udp": Cause.TRANSPORT_REFUSED,
    "empty_sdp": Cause.CAMERA_ERROR,
    "no_sdp": Cause.CAMERA_ERROR,
    # Closed by the server, which receives nothing either.
    "no_media": Cause.NO_MEDIA,
}
TRACKS = {
    **{name: ["H264"] for name in ("audio_setup_500", "audio_setup_400", "no_controls", "frame_every_5_s")},
    "other_codec": ["H265", "MPEG-4 Audio"],
}


# Nobody could see anything yet.
SILENT = {"key_frame_after_20_s"}


@pytest.fixture
async def workers() -> AsyncIterator[RelayWorkers]:
    found = RelayWorkers(1)
    yield found
    await found.close()


class Relayed:
    """One camera that is relayed to a path of its own."""

    def __init__(self, name: str, behaviours: Sequence[Behaviour], *, secure: bool = False) -> None:
        tls = self_signed() if secure else None
        self.simulated = SimulatedCamera(
            Clip.load("h264_aac"), login="admin", password=PASSWORD, behaviours=behaviours, tls=tls
        )
        self.name = name
        self.path = name.replace(" ", "_")
        self.moves = 0
        self.ending: Ending | None = None

    def advanced(self, advance: Advance) -> None:
        self.moves += advance.moved

    async def relay(self, engine: RelayEngine, server: TestServer, wait_s: float) -> None:
        """Until media move, or it has ended, or the time is over."""
        row = {"id": self.path, "rtsp_url": self.simulated.url()}
        camera = RowReader(CameraTypes.parse({"default": "{link}"}), "{id}").read(row)
        assert isinstance(camera, Camera)
        plan = engine.plan(camera, MEDIA, Target(rtsp_url=server.rtsp_url))
        publication = await engine.start(plan, self.advanced)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                self.ending = await publication.ended()
        self.log = publication.log
        self.publication = publication


async def test_every_behaviour_that_is_known(workers: RelayWorkers, media_server: TestServer) -> None:
    relayed = [Relayed(name, behaviours) for name, behaviours in BEHAVIOURS.items()]
    relayed += [Relayed("secure", (), secure=True)]
    engine = RelayEngine(RelaySettings(answer_timeout_s=5), workers)
    async with contextlib.AsyncExitStack() as stack:
        for each in relayed:
            await stack.enter_async_context(each.simulated)
        await asyncio.gather(*(each.relay(engine, media_server, 14) for each in relayed))
        seen = await tracks(media_server)
        ended = {each.name: each.ending.cause for each in relayed if each.ending is not None}
        moved = {each.name for each in relayed if each.moves >= 2}
        await asyncio.gather(*(each.publication.stop() for each in relayed))
    assert ended == ENDINGS
    assert moved == {each.name for each in relayed} - ENDINGS.keys() - SILENT
    for each in relayed:
        if each.name in moved:
            assert seen[each.path] == TRACKS.get(each.name, _BOTH), each.name
        assert each.simulated.auth_failures_total <= (each.name in ("forbidden", "no_challenge")), each.name
        assert PASSWORD not in repr((each.ending, each.log)), each.name
    assert workers.relays == 0
