"""One client of a simulated camera: the RTSP dialogue, with the faults of the camera in it, and the paced media."""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
import struct
import time
from typing import Protocol

from restream.demo.camera_faults import HANGS, MUTE, Fault
from restream.demo.clips import Clip, Playback
from restream.demo.delivery import Delivery, parse_transport
from restream.demo.rtsp import Request, RtspConnection

_PUBLIC = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"
_GARBAGE = b"\x16\x03\x01\x02\x00\x01 this is no RTSP \xff\xfe\r\n\r\n"
_MAX_LAG_US = 1_000_000


class SessionOwner(Protocol):
    """The camera, as its sessions see it."""

    clip: Clip
    rng: random.Random
    describes_total: int
    sessions: set[CameraSession]

    @property
    def fault(self) -> Fault:
        """What goes wrong now."""

    @property
    def playing_clip(self) -> Clip:
        """What new sessions are offered."""

    def admit(self, session: CameraSession) -> None:
        """A client has connected."""

    def challenge(self, nonce: str) -> str:
        """Value of the `WWW-Authenticate` header."""

    def admits(self, request: Request, nonce: str) -> bool:
        """Whether the credentials of a request are right."""


class CameraSession(RtspConnection):
    """One client of a camera; paces its own playback."""

    def __init__(self, camera: SessionOwner) -> None:
        super().__init__()
        self._camera = camera
        self._nonce = secrets.token_hex(16)
        self._session = secrets.token_hex(8)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._started_at_s = 0.0
        self.playback: Playback | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        super().connection_made(transport)
        self._delivery = Delivery(self.transport)
        self._camera.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone: nothing is played any more."""
        self._stop_playing()
        self._delivery.close()
        self._camera.sessions.discard(self)
        super().connection_lost(exc)

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None and not self.transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def on_request(self, request: Request) -> None:
        """Answer one request, or not, as the fault of the camera has it."""
        camera, fault = self._camera, self._camera.fault
        if fault in (Fault.SILENT, Fault.FREEZE) or HANGS.get(fault) == request.method:
            return
        if fault is Fault.GARBAGE:
            self.transport.write(_GARBAGE)
        elif request.method == "OPTIONS":
            self.reply(request, 200, {"Public": _PUBLIC})
        elif fault is Fault.SERVER_ERROR:
            self.reply(request, 503)
        elif not camera.admits(request, self._nonce):
            self.reply(request, 401, {"WWW-Authenticate": camera.challenge(self._nonce)})
        elif request.method == "DESCRIBE":
            self._describe(request)
        elif request.method == "SETUP":
            self._setup(request)
        elif request.method == "PLAY":
            self._play(request)
        elif request.method == "GET_PARAMETER":
            self._answer(request, 200)
        elif request.method == "TEARDOWN":
            self._answer(request, 200)
            self._stop_playing()
            self.transport.close()
        else:
            self.reply(request, 501)

    def _answer(self, request: Request, status: int, headers: dict[str, str] | None = None) -> None:
        self.reply(request, status, {"Session": f"{self._session};timeout=60", **(headers or {})})

    def _describe(self, request: Request) -> None:
        camera = self._camera
        camera.describes_total += 1
        if camera.fault is Fault.NOT_FOUND:
            self.reply(request, 404)
            return
        headers = {"Content-Base": request.uri.rstrip("/") + "/", "Content-Type": "application/sdp"}
        self.reply(request, 200, headers, camera.playing_clip.sdp.encode())

    def _setup(self, request: Request) -> None:
        offer = parse_transport(request.headers.get("transport", ""))
        if offer is None or offer.record or (self._camera.fault is Fault.UDP_ONLY and offer.channels):
            self._answer(request, 461)
        elif request.track is None or request.track >= len(self._camera.clip.tracks):
            self._answer(request, 404)
        else:
            try:
                self._answer(request, 200, {"Transport": self._delivery.add(request.track, offer)})
            except OSError:  # out of UDP ports
                self._answer(request, 503)

    def _play(self, request: Request) -> None:
        if not self._delivery.tracks:
            self._answer(request, 455)
            return
        camera = self._camera
        self.playback = playback = Playback(camera.playing_clip, camera.rng, started_at_unix_s=time.time())
        base = request.uri.rstrip("/")
        numbers = (
            f"url={base}/streamid={track};seq={each.sequence};rtptime={each.timestamp(0)}"
            for track, each in enumerate(playback.numbering)
            if track in self._delivery.tracks
        )
        self._answer(request, 200, {"Range": "npt=0.000-", "RTP-Info": ",".join(numbers)})
        self._stop_timer()
        self._started_at_s = self._loop.time()
        self._tick()

    def _tick(self) -> None:
        playback, fault = self.playback, self._camera.fault
        if playback is None or self.transport.is_closing():
            return
        now_us = int((self._loop.time() - self._started_at_s) * 1e6)
        if now_us - playback.due_us > _MAX_LAG_US:  # the event loop was held up: no burst of stale media
            playback.skip(now_us - playback.due_us)
        if fault in MUTE:
            playback.skip(now_us - playback.due_us + playback.clip.batch_us)
        packets: list[tuple[int, bool, bytes]] = []
        while playback.due_us <= now_us:
            packets += playback.next_batch(audio=fault is not Fault.SILENT_AUDIO)
        self._delivery.send(packets)
        self._timer = self._loop.call_at(self._started_at_s + playback.due_us / 1e6, self._tick)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _stop_playing(self) -> None:
        self._stop_timer()
        self.playback = None
