"""The relay with cameras that send over UDP: what arrives, what is told, and what is nobody's business."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from restream.adapters.relay.engine import RelayEngine
from restream.adapters.relay.worker_process import RelayPublication
from restream.adapters.relay.workers import RelayWorkers
from restream.demo.behaviours.behaviour import Behaviour
from restream.demo.behaviours.media import SendsNo
from restream.demo.behaviours.table import BEHAVIOURS
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.options import RtspTransport
from restream.domain.camera.urls import CameraTypes
from restream.domain.engine import Advance, AudioStream, Ending, Media, VideoStream
from restream.domain.life.cause import Cause
from restream.domain.relay.plan import RelaySettings
from restream.domain.rtp.rtcp import read_rtcp
from restream.domain.server.target import Target
from tests.support.eventually import eventually
from tests.support.servers import RealMediamtx, StandIn, TestServer, paths, tracks
from tests.support.udp_camera import UdpCamera

MEDIA = Media(VideoStream("h264", 320, 180), AudioStream("aac", 16000, 1))
_BOTH = ["H264", "MPEG-4 Audio"]


@pytest.fixture
async def workers() -> AsyncIterator[RelayWorkers]:
    found = RelayWorkers(1)
    yield found
    await found.close()


class Relayed:
    """One camera that is relayed."""

    def __init__(self, workers: RelayWorkers, server: TestServer, transport: RtspTransport = RtspTransport.UDP) -> None:
        self._engine = RelayEngine(RelaySettings(answer_timeout_s=5, rtsp_transport=transport), workers)
        self._server = server
        self.told: list[Advance] = []
        self.publication: RelayPublication | None = None

    async def begin(self, url: str, name: str = "1") -> RelayPublication:
        camera = RowReader(CameraTypes.parse({"default": "{link}"})).read({"id": name, "rtsp_url": url})
        assert isinstance(camera, Camera)
        plan = self._engine.plan(camera, MEDIA, Target(rtsp_url=self._server.rtsp_url))
        self.publication = await self._engine.start(plan, self.told.append)
        return self.publication

    @property
    def moves(self) -> int:
        return sum(each.moved for each in self.told)

    async def moves_on(self, by: int = 2) -> None:
        until = self.moves + by
        await eventually(lambda: self.moves >= until, 20, "media move")

    async def ending(self, within_s: float = 15) -> Ending:
        assert self.publication is not None
        async with asyncio.timeout(within_s):
            return await self.publication.ended()


def simulated(behaviours: Sequence[Behaviour] = (), clip: str = "h264_aac") -> SimulatedCamera:
    return SimulatedCamera(Clip.load(clip), login="admin", password="s3cret", behaviours=behaviours)


async def test_both_tracks_arrive_whole(workers: RelayWorkers, media_server: TestServer) -> None:
    relayed = Relayed(workers, media_server)
    async with simulated() as camera:
        publication = await relayed.begin(camera.url())
        await relayed.moves_on()
        assert (await tracks(media_server))["cam1"] == _BOTH
        (session,) = camera.sessions
        assert not session._delivery.is_tcp
        await publication.stop()
        await eventually(lambda: not camera.sessions, 5)
        assert camera.connections[-1].methods[-1] == "TEARDOWN"
    stream = relayed.told[-1].stream
    assert stream is not None and stream.audio is not None
    assert (stream.video.lost, stream.audio.lost, stream.video.reordered, stream.video.malformed) == (0, 0, 0, 0)
    assert stream.clock_offset_s == pytest.approx(0, abs=1)


@pytest.mark.parametrize(
    ("transport", "behaviours", "ends"),
    [
        (RtspTransport.AUTO, "udp_only", None),
        (RtspTransport.AUTO, "tcp_only", None),
        (RtspTransport.AUTO, "tcp_answered_as_udp", None),
        (RtspTransport.UDP, "udp_only", None),
        (RtspTransport.UDP, "udp_ports_untold", None),
        (RtspTransport.UDP, "udp_from_other_ports", None),
        (RtspTransport.UDP, "one_session", None),
        (RtspTransport.UDP, "tcp_only", Cause.TRANSPORT_REFUSED),
        (RtspTransport.TCP, "udp_only", Cause.TRANSPORT_REFUSED),
    ],
)
async def test_cameras_that_speak_one_of_them(
    workers: RelayWorkers, stand_in: StandIn, transport: RtspTransport, behaviours: str, ends: Cause | None
) -> None:
    relayed = Relayed(workers, stand_in, transport)
    async with simulated(BEHAVIOURS[behaviours]) as camera:
        publication = await relayed.begin(camera.url())
        if ends is not None:
            assert (await relayed.ending()).cause is ends
            return
        await relayed.moves_on()
        assert (await tracks(stand_in))["cam1"] == _BOTH
        await publication.stop()


async def test_what_others_send_is_nobody_s_business(workers: RelayWorkers, stand_in: StandIn) -> None:
    relayed = Relayed(workers, stand_in)
    async with simulated(BEHAVIOURS["udp_intruder"]) as camera:
        publication = await relayed.begin(camera.url())
        await relayed.moves_on(3)
        await publication.stop()
        log = publication.log
    stream = relayed.told[-1].stream
    assert stream is not None
    assert (stream.video.lost, stream.video.restarts, stream.video.foreign, stream.video.duplicates) == (0, 0, 0, 0)
    assert any("datagrams are left out: they came from others" in line for line in log)


async def test_a_firewall_is_told_as_one(workers: RelayWorkers, media_server: TestServer) -> None:
    relayed = Relayed(workers, media_server)
    async with simulated((SendsNo(),)) as camera:
        await relayed.begin(camera.url())
        ending = await relayed.ending()
    assert ending.cause is Cause.NO_MEDIA
    assert "no packet has come over UDP" in ending.detail
    assert "options.rtsp_transport: tcp" in ending.detail


async def test_a_camera_that_falls_silent_later_is_a_stall_as_ever(
    workers: RelayWorkers, mediamtx: RealMediamtx
) -> None:
    relayed = Relayed(workers, mediamtx)
    async with simulated((SendsNo(after_s=3),)) as camera:
        await relayed.begin(camera.url())
        ending = await relayed.ending(30)
    assert ending.cause is Cause.STALLED


async def test_from_a_media_server_to_another(workers: RelayWorkers, mediamtx: RealMediamtx) -> None:
    other = RealMediamtx({"rtspTransports": ["udp", "tcp"]})
    await other.start()
    first, second = Relayed(workers, other, RtspTransport.TCP), Relayed(workers, mediamtx)
    try:
        async with simulated() as camera:
            await first.begin(camera.url())
            await first.moves_on()
            publication = await second.begin(f"{other.rtsp_url}/cam1")
            await second.moves_on(8)
            assert (await tracks(mediamtx))["cam1"] == _BOTH
            assert (await paths(other))["cam1"]["readers"][0]["type"] == "rtspSession"
            await publication.stop()
            stream = second.told[-1].stream
            assert stream is not None and stream.video.lost == 0
    finally:
        await other.stop()


async def test_the_way_is_opened_and_reports_go_back(workers: RelayWorkers, stand_in: StandIn) -> None:
    relayed = Relayed(workers, stand_in)
    async with UdpCamera() as camera:
        publication = await relayed.begin(camera.url())
        await camera.played()
        assert camera.client_ports[0] % 2 == 0
        assert camera.client_ports[1] == camera.client_ports[0] + 1
        holes = await camera.heard(), await camera.heard(rtcp=True)
        assert [each[0].address[1] for each in holes] == list(camera.client_ports)
        assert [each[0].data[0] >> 6 for each in holes] == [2, 2]
        await camera.film(5.5)
        report = (await camera.heard(rtcp=True))[-1].data
        assert read_rtcp(report, 0, len(report)).intact
        # A report block about the camera's source, with its highest number.
        assert report[1] == 201 and report[8:12] == b"cam1"
        assert int.from_bytes(report[16:20], "big") > 40
        await publication.stop()


async def test_a_camera_that_closes_the_connection_after_play_goes_on(workers: RelayWorkers, stand_in: StandIn) -> None:
    relayed = Relayed(workers, stand_in)
    async with UdpCamera(leaves=True) as camera:
        publication = await relayed.begin(camera.url())
        await camera.played()
        await camera.film(5)
        assert relayed.moves >= 3
        assert not publication.ending.done()
        # At once, and at half of its timeout.
        since = camera.asked[camera.asked.index("PLAY") + 1 :]
        assert 2 <= since.count("OPTIONS") <= 4, since
        await publication.stop()


async def test_order_and_loss_are_told_as_over_tcp(workers: RelayWorkers, stand_in: StandIn) -> None:
    relayed = Relayed(workers, stand_in)
    async with UdpCamera() as camera:
        publication = await relayed.begin(camera.url())
        await camera.played()
        await camera.film(1)
        base = camera.sequence
        # One changes places, one comes twice, one never comes.
        for number in (2, 1, 3, 3, 4, 6, 7):
            camera.send(camera.picture(base + number))
        await camera.film(2)
        await publication.stop()
    stream = relayed.told[-1].stream
    assert stream is not None
    video = stream.video
    assert (video.reordered, video.duplicates, video.lost, video.restarts) == (1, 1, 1, 0)
