"""One client of a simulated camera: the RTSP dialogue, with the camera's behaviours in it, and the paced media."""

from __future__ import annotations

import asyncio
import random
import re
import secrets
import socket
import struct
import time
from typing import Protocol

from restream.demo.behaviours.behaviour import METHODS, Behaviour, CameraReply, ConnectionRecord, VisitedCamera
from restream.demo.clips import Clip, Playback
from restream.demo.delivery import Delivery, parse_transport
from restream.demo.rtp import OutgoingPacket
from restream.demo.rtsp import Request, RtspConnection, response

_MAX_LAG_US = 1_000_000
_MOST_METHODS = 1000
_CONTROL = re.compile(rb"(?m)^a=control:.*streamid=(\d{1,3})\r?$")


class SessionOwner(VisitedCamera, Protocol):
    """The camera, as its sessions see it."""

    rng: random.Random
    describes_total: int
    sessions: set[CameraSession]

    @property
    def behaviours(self) -> tuple[Behaviour, ...]:
        """What it does differently now; see Behaviour."""

    @property
    def playing_clip(self) -> Clip:
        """What new sessions are offered."""

    def admit(self, session: CameraSession) -> None:
        """A client has connected."""

    def plays(self) -> None:
        """A client has its session."""


class CameraSession(RtspConnection):
    """One client of a camera; paces its own playback."""

    def __init__(self, camera: SessionOwner) -> None:
        super().__init__()
        self._camera = camera
        self._session = secrets.token_hex(8)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._started_at_s = 0.0
        self._asked_at_s = 0.0
        self.playback: Playback | None = None
        self.record = ConnectionRecord(self._loop.time())

    @property
    def camera(self) -> SessionOwner:
        """Whom the client visits."""
        return self._camera

    @property
    def now_s(self) -> float:
        """The event loop's clock."""
        return self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        super().connection_made(transport)
        self._delivery = Delivery(self.transport)
        self._camera.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone: nothing is played any more."""
        self._stop_playing()
        self._delivery.close()
        self.record.closed_at_s = self.now_s
        self._camera.sessions.discard(self)
        super().connection_lost(exc)

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None and not self.transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def on_request(self, request: Request) -> None:
        """Answer one request, or not, as the behaviours of the camera have it."""
        self._asked_at_s = self.now_s
        if len(self.record.methods) < _MOST_METHODS:
            self.record.methods.append(request.method)
        behaviours = self._camera.behaviours
        answers = (behaviour.answer(request, self) for behaviour in behaviours)
        reply = next((answer for answer in answers if answer is not None), None)
        if reply is None:
            reply = self._usual(request)
        if isinstance(reply, bytes):
            self.write_answer(reply)
            return
        for behaviour in behaviours:
            reply = behaviour.edit(request, reply)
        data = response(request, reply.status, reply.headers, reply.body, reply.reason)
        for behaviour in behaviours:
            data = behaviour.wire(data, self)
        self.write_answer(data)
        if reply.closes:
            self._stop_playing()
            self.transport.close()
        elif request.method == "PLAY" and reply.status == 200 and self.playback:
            self._tick()

    def _usual(self, request: Request) -> CameraReply:
        match request.method:
            case "OPTIONS":
                return CameraReply(200, (("Public", ", ".join(METHODS)),))
            case "DESCRIBE":
                return self._describe(request)
            case "SETUP":
                return self._setup(request)
            case "PLAY":
                return self._play(request)
            case "GET_PARAMETER":
                return self._reply(200)
            case "TEARDOWN":
                self.record.torn_down_at_s = self.now_s
                return CameraReply(200, self._reply(200).headers, closes=True)
            case _:
                return CameraReply(501)

    def _reply(self, status: int, *headers: tuple[str, str]) -> CameraReply:
        return CameraReply(status, (("Session", f"{self._session};timeout=60"), *headers))

    def _describe(self, request: Request) -> CameraReply:
        self._camera.describes_total += 1
        headers = (("Content-Base", request.uri.rstrip("/") + "/"), ("Content-Type", "application/sdp"))
        return CameraReply(200, headers, self._camera.playing_clip.sdp.encode())

    def _setup(self, request: Request) -> CameraReply:
        offer = parse_transport(request.headers.get("transport", ""))
        if offer is None or offer.record:
            return self._reply(461)
        track = self._asked_track(request)
        if track is None:
            return self._reply(404)
        for behaviour in self._camera.behaviours:
            offer = behaviour.setup(offer)
        try:
            transport = self._delivery.add(track, offer)
        except OSError:  # out of UDP ports
            return self._reply(503)
        if self.record.set_up_at_s is None:
            self.record.set_up_at_s = self.now_s
        return self._reply(200, ("Transport", transport))

    def _asked_track(self, request: Request) -> int | None:
        """Number of the track, if it is in the description as clients of this camera get it, sending or not."""
        reply = CameraReply(200, body=self._camera.playing_clip.sdp.encode())
        for behaviour in self._camera.behaviours:
            reply = behaviour.edit(Request("DESCRIBE", request.uri, {}), reply)
        described = {int(number) for number in _CONTROL.findall(reply.body)}
        asked = request.track if described else 0  # no control: the URL of the whole is that of its one track
        return asked if asked in (described or {0}) else None

    def _play(self, request: Request) -> CameraReply:
        if not self._delivery.tracks:
            return self._reply(455)
        self._stop_playing()
        camera = self._camera
        self.playback = playback = Playback(camera.playing_clip, camera.rng, started_at_unix_s=time.time())
        camera.plays()
        self._started_at_s = self.now_s
        base = request.uri.rstrip("/")
        numbers = (
            f"url={base}/streamid={track};seq={each.sequence};rtptime={each.timestamp(0)}"
            for track, each in enumerate(playback.numbering)
            if track in self._delivery.tracks
        )
        return self._reply(200, ("Range", "npt=0.000-"), ("RTP-Info", ",".join(numbers)))

    def _tick(self) -> None:
        playback, behaviours = self.playback, self._camera.behaviours
        if playback is None or self.transport.is_closing():
            return
        if any(behaviour.gives_up(self.now_s - self._asked_at_s) for behaviour in behaviours):
            self.transport.abort()
            return
        now_us = int((self.now_s - self._started_at_s) * 1e6)
        if now_us - playback.due_us > _MAX_LAG_US:  # the event loop was held up: no burst of stale media
            playback.skip(now_us - playback.due_us)
        packets = self._due_packets(playback, behaviours, now_us)
        for behaviour in behaviours:
            packets = behaviour.deliver(packets, now_us / 1e6)
        self._delivery.send(packets, before_frame=b"".join(behaviour.before_frame() for behaviour in behaviours))
        self._timer = self._loop.call_at(self._started_at_s + playback.due_us / 1e6, self._tick)

    def _due_packets(self, playback: Playback, behaviours: tuple[Behaviour, ...], now_us: int) -> list[OutgoingPacket]:
        played_s, tracks = now_us / 1e6, playback.clip.tracks
        silent = {
            number
            for number, track in enumerate(tracks)
            if any(behaviour.silences(track, played_s) for behaviour in behaviours)
        }
        if len(silent) == len(tracks):  # the recording waits
            playback.skip(now_us - playback.due_us + playback.clip.batch_us)
        packets: list[OutgoingPacket] = []
        while playback.due_us <= now_us:
            packets += playback.next_batch(
                silent=silent,
                withholds=lambda track, packet: any(each.withholds(track, packet, played_s) for each in behaviours),
            )
        return packets

    def _stop_playing(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self.playback = None
