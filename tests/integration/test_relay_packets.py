"""What the relay tells of a camera's packets is what was done to them on their way."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from restream.adapters.relay.engine import RelayEngine
from restream.adapters.relay.workers import RelayWorkers
from restream.demo.behaviours.behaviour import Behaviour
from restream.demo.behaviours.media import SendsNo
from restream.demo.behaviours.network import HasWrongClock, LosesPackets, ReordersPackets, RepeatsPackets
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from restream.demo.rtp import OutgoingPacket, parse_header
from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.options import RtspTransport
from restream.domain.camera.urls import CameraTypes
from restream.domain.engine import Advance, AudioStream, Media, VideoStream
from restream.domain.relay.plan import RelaySettings
from restream.domain.rtp.report import TrackReport
from restream.domain.rtp.stream_report import StreamReport
from restream.domain.server.target import Target
from tests.support.eventually import eventually
from tests.support.servers import TestServer

_LASTS_S = 4.0
_VIDEO, _AUDIO = 0, 1
TCP, UDP = RtspTransport.TCP, RtspTransport.UDP


class Passes(Behaviour):
    """Notes the media packets that pass here."""

    def __init__(self) -> None:
        self.packets: list[OutgoingPacket] = []

    def deliver(self, packets: list[OutgoingPacket], played_s: float) -> list[OutgoingPacket]:
        self.packets += [each for each in packets if not each.is_rtcp]
        return packets

    def numbers(self, track: int) -> list[int]:
        return [parse_header(each.data).sequence for each in self.packets if each.track == track]


class Fate(NamedTuple):
    """What became of the packets of a track, as far as one can tell who receives them."""

    packets: int
    lost: int
    reordered: int
    duplicates: int
    frames: int
    """Of packets that came in order."""
    bytes: int


def fate(sent: Passes, arrived: Passes, track: int, transport: RtspTransport) -> Fate:
    place = {number: at for at, number in enumerate(sent.numbers(track))}
    came = [place[number] for number in arrived.numbers(track)]
    # Whoever receives knows of nothing before the first; what is late there has been counted already, for all he knows.
    known = {at for at in came if at >= came[0]}
    late = {at for index, at in enumerate(came) if came[0] <= at < max(came[: index + 1]) and at not in came[:index]}
    data = {place[parse_header(each.data).sequence]: each.data for each in arrived.packets if each.track == track}
    return Fate(
        packets=len(known),
        lost=max(came) + 1 - came[0] - len(known),
        reordered=len(late),
        duplicates=len(came) - len(known),
        # Over UDP they are put in order before they are looked at.
        frames=len({parse_header(data[at]).timestamp for at in (known if transport is UDP else known - late)}),
        bytes=sum(len(data[at]) for at in known),
    )


def told(report: TrackReport) -> Fate:
    return Fate(report.packets, report.lost, report.reordered, report.duplicates, report.frames, report.bytes)


@pytest.fixture
async def workers() -> AsyncIterator[RelayWorkers]:
    found = RelayWorkers(1)
    yield found
    await found.close()


class Watched:
    """A camera that is relayed, what it sends, what arrives of that, and what is told of it."""

    def __init__(self, behaviours: tuple[Behaviour, ...], transport: RtspTransport = TCP) -> None:
        self.network, self.transport = behaviours, transport
        self.sent, self.arrived = Passes(), Passes()
        stops = SendsNo(after_s=_LASTS_S)
        self.camera = SimulatedCamera(Clip.load("h264_aac"), behaviours=(stops, self.sent, *behaviours, self.arrived))
        # Which packets are hit follows from their numbers.
        self.camera.rng = random.Random(7)
        self.stream: StreamReport | None = None

    def advanced(self, advance: Advance) -> None:
        self.stream = advance.stream

    async def relay(self, name: str, workers: RelayWorkers, server: TestServer) -> StreamReport:
        """Until the camera has fallen silent, and that was told."""
        engine = RelayEngine(RelaySettings(answer_timeout_s=5), workers)
        async with self.camera:
            row = {"id": name, "rtsp_url": self.camera.url(), "options": {"rtsp_transport": self.transport.value}}
            camera = RowReader(CameraTypes.parse({"default": "{link}"}), "cam{id}").read(row)
            assert isinstance(camera, Camera)
            media = Media(VideoStream("h264", 320, 180), AudioStream("aac", 16000, 1))
            publication = await engine.start(
                engine.plan(camera, media, Target(rtsp_url=server.rtsp_url)), self.advanced
            )
            await eventually(self._silent, 15, "the camera has fallen silent")
            await publication.stop()
        assert self.stream is not None
        return self.stream

    def _silent(self) -> bool:
        age_s = self.stream.video.last_frame_age_s if self.stream else None
        return age_s is not None and age_s > 0.5


NETWORKS: dict[str, tuple[Behaviour, ...]] = {
    "a good one": (),
    "one that loses": (LosesPackets(10),),
    "one that repeats": (RepeatsPackets(7),),
    "one that reorders": (ReordersPackets(),),
    "one that does it all": (ReordersPackets(), LosesPackets(9), RepeatsPackets(4)),
}


KINDS = {LosesPackets: "lost", RepeatsPackets: "duplicates", ReordersPackets: "reordered"}


@pytest.mark.parametrize("transport", [TCP, UDP])
async def test_the_numbers_told_are_what_happened(
    workers: RelayWorkers, stand_in: TestServer, transport: RtspTransport
) -> None:
    watched = {name: Watched(network, transport) for name, network in NETWORKS.items()}
    relays = (each.relay(str(number), workers, stand_in) for number, each in enumerate(watched.values()))
    streams = dict(zip(watched, await asyncio.gather(*relays), strict=True))
    for name, each in watched.items():
        video, audio = (fate(each.sent, each.arrived, track, transport) for track in (_VIDEO, _AUDIO))
        stream = streams[name]
        assert stream.audio is not None
        assert (told(stream.video), told(stream.audio)) == (video, audio), name
        assert min(video.packets, audio.packets) > 40, name
        # Or nothing would have been compared.
        assert {kind for kind in KINDS.values() if getattr(video, kind) > 1} == {KINDS[type(it)] for it in each.network}


async def test_a_wrong_clock_is_told(workers: RelayWorkers, stand_in: TestServer) -> None:
    watched = {offset_s: Watched((HasWrongClock(offset_s),)) for offset_s in (0, -86_400, 3600)}
    relays = (each.relay(str(offset_s), workers, stand_in) for offset_s, each in watched.items())
    streams = await asyncio.gather(*relays)
    assert [stream.clock_offset_s for stream in streams] == [pytest.approx(offset_s, abs=1.0) for offset_s in watched]
