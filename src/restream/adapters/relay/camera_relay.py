"""One camera in a worker: its conversation, the one with the media server, and the packets from one to the other."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
from dataclasses import replace

from restream.adapters.relay.messages import Begin, KeyFrameTold, RelayAdvance
from restream.adapters.relay.receiver import Receiver
from restream.adapters.rtsp.addresses import Resolver
from restream.adapters.rtsp.connection import server_tls
from restream.adapters.rtsp.trouble import told as cause_and_words
from restream.adapters.rtsp.wire import MEDIA_SERVER, Wire
from restream.adapters.tls import tls_trouble
from restream.domain.camera.options import RtspTransport
from restream.domain.engine import Ending
from restream.domain.life.attribution import CUT_FOR_SILENCE_S
from restream.domain.life.cause import Cause
from restream.domain.relay.forwarder import Forwarder, lanes_of
from restream.domain.rtp.key_frame_assembly import CODECS, KeyFrameAssembly
from restream.domain.rtp.meter import TrackMeter
from restream.domain.rtp.stream_report import StreamReport
from restream.domain.rtsp.announcement import announcement, obstacle
from restream.domain.rtsp.client import RtspClient
from restream.domain.rtsp.codecs import parameter_sets
from restream.domain.rtsp.dialogue import Conversation
from restream.domain.rtsp.events import (
    Announced,
    Failed,
    Interleaved,
    MediaPacket,
    Playing,
    RtspEvent,
    SetUpOverUdp,
)
from restream.domain.rtsp.failure import Failure
from restream.domain.rtsp.publisher import PublisherEvent, Recording, RtspPublisher

MOST_UNSENT_BYTES = 2 << 20
"""What the media server has not taken yet: then pictures are left out, up to the next key frame. One of 4K is less."""
_LITTLE_UNSENT_BYTES = MOST_UNSENT_BYTES // 8
# A media server is near, and answers at once or not at all.
_SERVER_TIMEOUT_S = 10.0


class CameraRelay:
    """`run` relays until one side ends it, or `stop` is called; then nothing of it is left."""

    def __init__(self, begin: Begin, tls: ssl.SSLContext, resolver: Resolver) -> None:
        self._begin = begin
        self._tls, self._resolver = tls, resolver
        self._loop = asyncio.get_running_loop()
        source = begin.source.place
        self._receiver = Receiver(lambda: self._from_camera, self._take_frames, self._hand_on, self._missed)
        wanted = Conversation(
            allowed=frozenset(begin.allowed),
            answer_timeout_s=begin.answer_timeout_s,
            user_agent=begin.user_agent,
            transports=begin.transports,
            ports=self._receiver.ports,
        )
        self._camera = RtspClient(source.url, source.credentials, wanted, _cnonce)
        self._from_camera = Wire(self._camera, self._camera_says, tls, resolver, on_received=self._hand_on)
        self._server: RtspPublisher | None = None
        self._to_server: Wire[PublisherEvent] | None = None
        self._server_task: asyncio.Task[None] | None = None
        self._ending: asyncio.Future[Ending] = self._loop.create_future()
        self._forwarder: Forwarder | None = None
        self._video: TrackMeter | None = None
        self._audio: TrackMeter | None = None
        self._playing: Playing | None = None
        self._came_on: tuple[Interleaved, ...] = ()
        """Channels of all tracks of the camera; `_playing` has those that are handed on."""
        self._meters: list[TrackMeter] = []
        self._recording = self._key_frame_wanted = False
        self._written_bytes = self._unsent_bytes = 0
        self._frames = self._taken_bytes = 0
        self._taken_at = self._handed_on_at = 0.0

    async def run(self) -> Ending:
        """How it ended, had nobody asked for it."""
        camera_task = asyncio.create_task(self._hold(self._from_camera), name="relay camera")
        try:
            return await self._ending
        finally:
            self._recording = False
            self._from_camera.close()
            self._receiver.close()
            if self._to_server is not None:
                self._to_server.close()
            tasks = [task for task in (camera_task, self._server_task) if task is not None]
            # A farewell is bounded by the conversations.
            await asyncio.wait(tasks)

    async def _hold(self, wire: Wire[RtspEvent] | Wire[PublisherEvent]) -> None:
        try:
            await wire.run()
        except Exception as error:
            self._end(Cause.INTERNAL, f"internal error in the relay: {type(error).__name__}: {error}")

    def stop(self) -> None:
        """Say goodbye to both sides."""
        self._end(Cause.STOPPED, "stopped")

    def _end(self, cause: Cause, detail: str) -> None:
        if not self._ending.done():
            self._ending.set_result(Ending(cause, detail, self.log))

    @property
    def log(self) -> tuple[str, ...]:
        """What both sides have said so far, masked."""
        said = [("camera", self._camera.said)] + ([("media server", self._server.said)] if self._server else [])
        lines = (
            f"[{who}] {each.method}: {each.answer or 'no answer'} ({1000 * each.seconds:.0f} ms)"
            for who, told in said
            for each in told.exchanges
        )
        reasons = self._playing.reasons if self._playing is not None else ()
        return (*lines, *(f"[camera] {reason}" for reason in (*reasons, *self._receiver.remarks())))

    # -- the camera ----------------------------------------------------------------------------------------------------

    def _camera_says(self, event: RtspEvent) -> None:
        if isinstance(event, MediaPacket):
            self._take(event)
        elif isinstance(event, SetUpOverUdp):
            self._receiver.set_up(event)
        elif isinstance(event, Playing):
            self._publish(event)
        elif isinstance(event, Failed):
            self._end(*cause_and_words(event.failure, self._from_camera.refusal))
        elif isinstance(event, Announced) and event.description is not None:
            self._end(Cause.SOURCE_ENDED, "the camera describes other media from now on")

    def _take(self, packet: MediaPacket) -> None:
        """One that came before the forwarder did, or in the midst of an answer."""
        if self._forwarder is not None and self._playing is not None:
            rtp, rtcp = self._came_on[packet.track]
            head = bytes((0x24, rtcp if packet.is_rtcp else rtp)) + len(packet.payload).to_bytes(2, "big")
            self._forwarder.take(head + packet.payload, 0, self._loop.time())

    def _take_frames(self, frames: bytes, at: float) -> None:
        """Packets that came over UDP."""
        if self._forwarder is None:
            return
        try:
            self._forwarder.take(frames, 0, at)
        except Exception as error:
            self._end(Cause.INTERNAL, f"internal error in the relay: {type(error).__name__}: {error}")

    def _missed(self) -> None:
        """No datagram has come."""
        self._end(Cause.NO_MEDIA, self._nothing_came)

    @property
    def _nothing_came(self) -> str:
        way_out = "" if RtspTransport.TCP in self._begin.transports else "; options.rtsp_transport: tcp needs no ports"
        return f"no packet has come over UDP: is there a firewall between the camera and this host?{way_out}"

    def _publish(self, playing: Playing) -> None:
        self._came_on = playing.channels
        refused = [(track, why) for track in playing.tracks if not track.is_video and (why := obstacle(track))]
        left_out = {track.index for track, _ in refused}
        carried = [each for each in zip(playing.tracks, playing.channels, strict=True) if each[0].index not in left_out]
        tracks, channels = tuple(track for track, _ in carried), tuple(pair for _, pair in carried)
        reasons = (*playing.reasons, *(f"track {track.index} is left out: {why}" for track, why in refused))
        self._playing = playing = replace(playing, tracks=tracks, channels=channels, reasons=reasons)
        self._meters = [
            TrackMeter(each.stream.codec, each.encoding.clock_rate_hz, each.encoding.payload_type) for each in tracks
        ]
        by_kind = {track.is_video: meter for track, meter in zip(tracks, self._meters, strict=True)}
        self._video, self._audio = by_kind[True], by_kind.get(False)
        self._receiver.listen(self._came_on, over_udp=playing.over_udp)
        self._receiver.measure(channels, self._meters)
        wall = time.time() - self._loop.time()
        self._forwarder = self._camera.frames = Forwarder(lanes_of(playing, self._meters, channels), wall)
        place = self._begin.destination.place
        try:
            tls = server_tls(self._begin.trust) if place.url.secure else self._tls
        except OSError as error:
            self._end(Cause.SERVER_REFUSED, tls_trouble(error) or f"TLS: mediamtx.tls_ca: {error.strerror}")
            return
        sdp = announcement(tracks)
        self._server = RtspPublisher(
            place.url, place.credentials, sdp, channels, _cnonce, answer_timeout_s=_SERVER_TIMEOUT_S
        )
        self._to_server = Wire(
            self._server, self._server_says, tls, self._resolver, MEDIA_SERVER, 2 * MOST_UNSENT_BYTES
        )
        self._server_task = asyncio.create_task(self._hold(self._to_server), name="relay server")

    # -- the media server ----------------------------------------------------------------------------------------------

    def _server_says(self, event: PublisherEvent) -> None:
        if isinstance(event, Failed):
            self._end(*self._blamed(event.failure))
        elif isinstance(event, Recording) and self._forwarder is not None and self._playing is not None:
            if event.channels != self._playing.channels:
                self._forwarder.reroute(lanes_of(self._playing, self._meters, event.channels), self._loop.time())
            self._recording, self._taken_at = True, self._loop.time()
            self._handed_on_at = self._taken_at
            self._hand_on()

    def _blamed(self, failure: Failure) -> tuple[Cause, str]:
        """A server that closes a stream in which nothing comes is not the one to blame."""
        refusal = self._to_server.refusal if self._to_server is not None else None
        if isinstance(refusal, ssl.SSLCertVerificationError):
            return Cause.SERVER_REFUSED, failure.words
        if failure.cause is Cause.SERVER_GONE and self._receiver.is_missing:
            return Cause.NO_MEDIA, self._nothing_came
        silence_s = self._loop.time() - self._handed_on_at
        is_silent = silence_s >= CUT_FOR_SILENCE_S and not (self._forwarder and self._forwarder.withholds)
        if failure.cause is Cause.SERVER_GONE and self._recording and is_silent:
            cause = Cause.STALLED if self._written_bytes else Cause.NO_MEDIA
            return cause, f"the camera has sent nothing for {silence_s:.0f} s, and the media server closed the stream"
        return failure.cause, failure.words

    def _hand_on(self) -> None:
        """More has come of the camera."""
        forwarder, wire = self._forwarder, self._to_server
        if forwarder is None or wire is None:
            return
        if not self._recording:
            if forwarder.ready_bytes > MOST_UNSENT_BYTES:
                forwarder.discard(self._loop.time())
            return
        data = forwarder.data_to_send()
        if not data and not forwarder.congested:
            return
        if data:
            self._written_bytes += len(data)
            self._handed_on_at = self._loop.time()
        self._unsent_bytes = unsent = wire.write(data)
        if unsent > MOST_UNSENT_BYTES:
            forwarder.congested = True
        elif unsent < _LITTLE_UNSENT_BYTES:
            forwarder.congested = False

    # -- its pictures --------------------------------------------------------------------------------------------------

    def want_key_frame(self) -> None:
        """The next one is kept, for `key_frame`."""
        self._key_frame_wanted = True

    def key_frame(self) -> KeyFrameTold | None:
        """The one that was wanted, once; None: none was, or it has not come yet."""
        forwarder, playing = self._forwarder, self._playing
        if not self._key_frame_wanted or forwarder is None or playing is None:
            return None
        track = next(each for each in playing.tracks if each.is_video)
        codec, encoding = track.stream.codec, track.encoding
        if codec not in CODECS or forwarder.key_frame is not None:
            data, forwarder.key_frame, self._key_frame_wanted = forwarder.key_frame or b"", None, False
            return KeyFrameTold(self._begin.number, codec, data)
        if forwarder.tap is None:
            forwarder.tap = KeyFrameAssembly(codec, encoding.payload_type, parameter_sets(encoding))
        return None

    # -- how it goes on ------------------------------------------------------------------------------------------------

    def progress(self, now: float) -> RelayAdvance | None:
        """What has come on since the last time; None: no media is handed on yet."""
        if self._video is None or self._forwarder is None or self._to_server is None or not self._recording:
            return None
        self._unsent_bytes = self._to_server.write(b"")
        taken = self._written_bytes - self._unsent_bytes
        if taken > self._taken_bytes or not self._unsent_bytes:
            self._taken_at = now
        elif now - self._taken_at > self._begin.stall_timeout_s:
            self._end(Cause.SERVER_GONE, f"the media server has taken nothing for {now - self._taken_at:.0f} s")
        report = self._receiver.report(self._video, now)
        # Until a key frame has come there is nothing to be seen, however much arrives.
        moved = report.key_frames > 0 and report.frames > self._frames and taken > self._taken_bytes
        self._frames, self._taken_bytes = report.frames, taken
        stream = StreamReport(report, self._receiver.report(self._audio, now) if self._audio is not None else None)
        return RelayAdvance(self._begin.number, moved, report.frames, taken, self._forwarder.dropped_packets, stream)


def _cnonce() -> str:
    return secrets.token_hex(8)
