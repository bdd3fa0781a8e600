"""Key frames of cameras from the media server they are published to: a reader that goes after one picture."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from restream.adapters.rtsp.addresses import Resolver
from restream.adapters.rtsp.connection import server_tls
from restream.adapters.rtsp.wire import MEDIA_SERVER, Wire
from restream.adapters.tls import tls_trouble
from restream.domain.camera.camera import Camera
from restream.domain.rtp.key_frame_assembly import CODECS, KeyFrameAssembly
from restream.domain.rtsp.client import RtspClient
from restream.domain.rtsp.codecs import parameter_sets
from restream.domain.rtsp.dialogue import Conversation
from restream.domain.rtsp.events import Failed, Interleaved, MediaPacket, Playing, RtspEvent
from restream.domain.rtsp.tracks import Track
from restream.domain.rtsp.url import Credentials, parse_url
from restream.domain.server.identity import ServerId
from restream.domain.server.trust import Trust
from restream.ports.pictures import KeyFrame, NoKeyFrameError

LIMIT_S = 30.0
"""How long a key frame is waited for: cameras that save bits send one in twenty seconds."""
_MOST_BYTES = 64 << 20
_CONNECT_TIMEOUT_S, _ANSWER_TIMEOUT_S = 5.0, 10.0
_DOLLAR, _HEAD = 0x24, 4


@dataclass(frozen=True, slots=True)
class ReadingPlace:
    """A media server as its readers need to know it."""

    rtsp_url: str
    reader: Credentials | None
    trust: Trust


class OwnReadings:
    """Which paths we read just now, so that nobody takes us for a viewer."""

    def __init__(self) -> None:
        self._places: dict[object, tuple[ServerId, str]] = {}

    @contextmanager
    def reading(self, server: ServerId, path: str) -> Iterator[None]:
        """A path is being read."""
        reading = object()
        self._places[reading] = (server, path)
        try:
            yield
        finally:
            del self._places[reading]

    def under_way(self) -> frozenset[object]:
        """All of them, to be given to `lasting`."""
        return frozenset(self._places)

    def lasting(self, since: frozenset[object], server: ServerId) -> Mapping[str, int]:
        """By path, how many of those are still under way at a server."""
        places = (place for reading, place in self._places.items() if reading in since)
        return Counter(path for each, path in places if each == server)


class ServerKeyFrames:
    """Reads one key frame at a time of a path; the path must flow already, since whoever reads would wake it."""

    def __init__(
        self, places: Mapping[ServerId, ReadingPlace], readings: OwnReadings, *, limit_s: float = LIMIT_S
    ) -> None:
        self._places, self._readings, self._limit_s = places, readings, limit_s
        self._resolver = Resolver()

    def adopt(self, places: Mapping[ServerId, ReadingPlace]) -> None:
        """Other addresses and logins, from the next picture on."""
        self._places = places

    async def latest(self, camera: Camera) -> KeyFrame | None:
        """The next one that the server sends. Raises NoKeyFrameError."""
        place = self._places.get(camera.server)
        parts = parse_url(f"{place.rtsp_url}/{camera.path}") if place is not None else None
        if place is None or parts is None:
            raise NoKeyFrameError(f"the media server {camera.server} is not read by RTSP")
        try:
            tls = server_tls(place.trust)
        except OSError as error:
            raise NoKeyFrameError(tls_trouble(error) or f"TLS: {error.strerror}") from None
        wanted = Conversation(
            allowed=frozenset({"video"}),
            connect_timeout_s=_CONNECT_TIMEOUT_S,
            answer_timeout_s=min(_ANSWER_TIMEOUT_S, self._limit_s),
        )
        client = RtspClient(parts[0], place.reader, wanted, lambda: secrets.token_hex(8))
        with self._readings.reading(camera.server, camera.path):
            return await _Reading(client, tls, self._resolver).read(self._limit_s)


class _Reading:
    """One conversation."""

    def __init__(self, client: RtspClient, tls: ssl.SSLContext, resolver: Resolver) -> None:
        self._client = client
        self._wire = Wire(client, self._heard, tls, resolver, MEDIA_SERVER, on_received=self._look)
        self._assembly: KeyFrameAssembly | None = None
        self._track: Track | None = None
        self._place = -1
        self._channels = Interleaved(-1, -1)
        self._frame: KeyFrame | None = None
        self._is_unknown = False

    async def read(self, limit_s: float) -> KeyFrame | None:
        end = await self._wire.run(limit_s, _MOST_BYTES)
        if self._frame is not None or self._is_unknown:
            return self._frame
        words = end.failure.words if isinstance(end, Failed) else "the stream ended before a key frame came"
        raise NoKeyFrameError(f"no key frame from the media server: {words}")

    def take(self, buffer: bytes, at: int, now: float) -> int:
        """Whole interleaved frames, from `at` on."""
        size, rtp, assembly = len(buffer) - _HEAD, self._channels.rtp, self._assembly
        while at <= size and buffer[at] == _DOLLAR:
            begin = at + _HEAD
            end = begin + (buffer[at + 2] << 8 | buffer[at + 3])
            if end > size + _HEAD:
                break
            if buffer[at + 1] == rtp and assembly is not None and self._frame is None:
                self._keep(assembly.take(buffer, begin, end))
            at = end
        return at

    def _heard(self, event: RtspEvent) -> None:
        if isinstance(event, Playing):
            self._begin(event)
        elif isinstance(event, MediaPacket) and event.track == self._place and not event.is_rtcp:
            self._take(event.payload)

    def _take(self, packet: bytes) -> None:
        """One that came in the midst of an answer."""
        if self._assembly is not None and self._frame is None:
            self._keep(self._assembly.take(packet, 0, len(packet)))
            self._look()

    def _begin(self, playing: Playing) -> None:
        found = next((each for each in enumerate(playing.tracks) if each[1].is_video), None)
        if found is None or found[1].stream.codec not in CODECS:
            self._is_unknown = True
            # Not from within an event of the wire.
            asyncio.get_running_loop().call_soon(self._wire.close)
            return
        self._place, self._track = found
        encoding = self._track.encoding
        self._channels = playing.channels[self._place]
        self._assembly = KeyFrameAssembly(self._track.stream.codec, encoding.payload_type, parameter_sets(encoding))
        self._client.frames = self

    def _keep(self, data: bytes | None) -> None:
        if data is not None and self._track is not None:
            self._frame = KeyFrame(self._track.stream.codec, data, time.time())

    def _look(self) -> None:
        if self._frame is not None:
            asyncio.get_running_loop().call_soon(self._wire.close)
