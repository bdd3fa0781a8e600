"""Simulated IP cameras: RTSP servers that play pre-recorded clips and misbehave on demand.

`python -m restream.demo.cameras --count N --port-base P` serves N of them from one process.
"""

import argparse
import asyncio
import json
import random
import secrets
import signal
import socket
import struct
import sys
import time
from contextlib import AsyncExitStack
from enum import StrEnum
from typing import Literal, Self
from urllib.parse import quote, unquote

from restream.demo.clips import CLIPS, Clip, Playback
from restream.demo.rtp import Delivery
from restream.demo.rtsp import Request, RtspConnection, basic_ok, digest_ok, parse_transport

_REALM = "camera"
_PUBLIC = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"
_GARBAGE = b"\x16\x03\x01\x02\x00\x01 this is no RTSP \xff\xfe\r\n\r\n"
_MAX_LAG_US = 1_000_000


class Fault(StrEnum):
    """What goes wrong at the camera.

    A fault takes effect at once. Faults of the opening dialogue (REFUSE, UNAUTHORIZED, NOT_FOUND, SERVER_ERROR, HANG_*,
    GARBAGE) drop live sessions, so that their clients meet the fault when they come back. SILENT, FREEZE and NO_PACKETS
    keep them open without a packet; media goes on when the fault ends. DROP and RESET happen once, then NONE is back.
    """

    NONE = "none"
    REFUSE = "refuse"
    SILENT = "silent"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    SERVER_ERROR = "server_error"
    FREEZE = "freeze"
    HANG_DESCRIBE = "hang_describe"
    HANG_SETUP = "hang_setup"
    HANG_PLAY = "hang_play"
    NO_PACKETS = "no_packets"
    DROP = "drop"
    RESET = "reset"
    CODEC_CHANGE = "codec_change"
    SILENT_AUDIO = "silent_audio"
    GARBAGE = "garbage"


_HANGS = {Fault.HANG_DESCRIBE: "DESCRIBE", Fault.HANG_SETUP: "SETUP", Fault.HANG_PLAY: "PLAY"}
_MUTE = {Fault.SILENT, Fault.FREEZE, Fault.NO_PACKETS}
_DROPPING = {Fault.REFUSE, Fault.UNAUTHORIZED, Fault.NOT_FOUND, Fault.SERVER_ERROR, Fault.GARBAGE, Fault.DROP, *_HANGS}


class _Connection(RtspConnection):
    """One client of a camera; paces its own playback."""

    def __init__(self, camera: "SimulatedCamera") -> None:
        super().__init__()
        self._camera = camera
        self._nonce = secrets.token_hex(16)
        self._session = secrets.token_hex(8)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._started_at_s = 0.0
        self.playback: Playback | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._delivery = Delivery(self.transport)
        self._camera.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_playing()
        self._delivery.close()
        self._camera.forget(self)

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None and not self.transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def on_request(self, request: Request) -> None:
        camera, fault = self._camera, self._camera.fault
        if fault in (Fault.SILENT, Fault.FREEZE) or _HANGS.get(fault) == request.method:
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
        if offer is None or offer.record:
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
        self.playback = playback = Playback(
            camera.playing_clip,
            camera.rng,
            started_at_unix_s=time.time(),
            sender_reports=camera.sender_reports,
        )
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
        if fault in _MUTE:
            playback.skip(now_us - playback.due_us + playback.clip.batch_us)
        packets: list[tuple[int, bool, bytes]] = []
        while playback.due_us <= now_us:
            packets += playback.next_batch(audio=fault is not Fault.SILENT_AUDIO)
        if packets:
            self._delivery.send(packets)
        self._timer = self._loop.call_at(self._started_at_s + playback.due_us / 1e6, self._tick)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _stop_playing(self) -> None:
        self._stop_timer()
        self.playback = None


class SimulatedCamera:
    """A camera on a port of its own; any path and query leads to its one stream."""

    def __init__(
        self,
        clip: Clip,
        *,
        login: str | None = None,
        password: str | None = None,
        auth: Literal["digest", "basic"] = "digest",
        host: str = "127.0.0.1",
        port: int = 0,
        sender_reports: bool = True,
    ) -> None:
        self.clip = clip
        self.login = login
        self.password = password
        self.auth = auth
        self.host = host
        self.port = port
        self.sender_reports = sender_reports
        self.rng = random.Random()  # noqa: S311 - numbers, not secrets
        self.connections_total = 0
        self.auth_failures_total = 0
        self.describes_total = 0
        self._connections: set[_Connection] = set()
        self._all_closed = asyncio.Event()
        self._all_closed.set()
        self._fault = Fault.NONE
        self._server: asyncio.Server | None = None
        self._held_port: socket.socket | None = None
        self._opening: asyncio.Task[None] | None = None
        self._running = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; with port 0 the port found is kept for later starts."""
        if self._running:
            return
        self._hold_port()
        self._running = True
        if self._fault is not Fault.REFUSE:
            await self._open()

    async def stop(self) -> None:
        """Close everything; returns when every connection is gone."""
        self._running = False
        self._close_listener()
        if self._held_port:
            self._held_port.close()
            self._held_port = None
        for connection in tuple(self._connections):
            connection.transport.abort()
        if self._opening:
            await asyncio.gather(self._opening, return_exceptions=True)
            self._opening = None
        await self._all_closed.wait()

    def url(self, with_credentials: bool = True, path: str = "stream") -> str:
        """RTSP URL; login and password percent-encoded."""
        credentials = ""
        if with_credentials and self.login is not None:
            credentials = f"{quote(self.login, safe='')}:{quote(self.password or '', safe='')}@"
        return f"rtsp://{credentials}{self.host}:{self.port}/{path}"

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    @property
    def playing_clip(self) -> Clip:
        """What new sessions are offered: the clip, or after CODEC_CHANGE the same sound with another video codec."""
        if self._fault is not Fault.CODEC_CHANGE:
            return self.clip
        is_h265 = any(track.encoding == "H265" for track in self.clip.tracks)
        return self.clip.with_video_of(Clip.load("h264" if is_h265 else "h265"))

    @property
    def fault(self) -> Fault:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        # A new listener opens a moment later; `set_fault` waits for it.
        changed_clip = (fault is Fault.CODEC_CHANGE) != (self._fault is Fault.CODEC_CHANGE)
        self._fault = fault
        for connection in tuple(self._connections):
            if fault is Fault.RESET:
                connection.reset()
            elif fault in _DROPPING:
                connection.transport.abort()
            elif changed_clip and connection.playback:
                connection.playback.switch(self.playing_clip)
        if fault in (Fault.DROP, Fault.RESET):
            self._fault = Fault.NONE
        if not self._running:
            return
        if self._fault is Fault.REFUSE:
            self._close_listener()
            if self._held_port is None:
                self._hold_port()
        elif self._server is None and (self._opening is None or self._opening.done()):
            self._opening = asyncio.get_running_loop().create_task(self._open(), name=f"camera-{self.port}-listen")

    async def set_fault(self, fault: Fault) -> None:
        """Like assigning `fault`, and returns when the listener is as the fault wants it."""
        self.fault = fault
        if self._opening:
            await self._opening

    def _hold_port(self) -> None:
        # Bound but not listening: connects are refused, and nobody else can take the port meanwhile.
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind((self.host, self.port))
        except OSError:
            held.close()
            raise
        self._held_port = held
        self.port = held.getsockname()[1]

    async def _open(self) -> None:
        held, self._held_port = self._held_port, None
        if held is None:
            return
        self._server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), sock=held, backlog=128)
        if not self._running or self._fault is Fault.REFUSE:  # changed again meanwhile
            self._close_listener()
            if self._running:
                self._hold_port()

    def _close_listener(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    def admit(self, connection: _Connection) -> None:
        self.connections_total += 1
        self._connections.add(connection)
        self._all_closed.clear()
        if self._fault is Fault.REFUSE or not self._running:  # was in the backlog
            connection.transport.abort()

    def forget(self, connection: _Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._all_closed.set()

    def challenge(self, nonce: str) -> str:
        """Value of the `WWW-Authenticate` header."""
        if self.auth == "basic":
            return f'Basic realm="{_REALM}"'
        return f'Digest realm="{_REALM}", nonce="{nonce}", algorithm="MD5"'

    def admits(self, request: Request, nonce: str) -> bool:
        """Check credentials; wrong ones count as a failure, none at all only lead to the challenge."""
        given = request.headers.get("authorization", "")
        login, password = self.login, self.password or ""
        if self._fault is not Fault.UNAUTHORIZED:
            if login is None or f"user={login}&password={password}&" in unquote(request.uri):  # as some cameras do
                return True
            if self.auth == "basic" and basic_ok(given, login, password):
                return True
            if self.auth == "digest" and digest_ok(given, request.method, login, password, realm=_REALM, nonce=nonce):
                return True
        if given or login is None:
            self.auth_failures_total += 1
        return False


async def _serve(count: int, port_base: int, host: str, clip: Clip) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        cameras = [
            await stack.enter_async_context(SimulatedCamera(clip, host=host, port=port_base and port_base + index))
            for index in range(count)
        ]
        sys.stdout.write("READY " + json.dumps([camera.url() for camera in cameras]) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve simulated cameras until SIGTERM.")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--port-base", type=int, default=0, help="first of consecutive ports; 0: free ports")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--clip", choices=CLIPS, default="h264")
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.count, arguments.port_base, arguments.host, Clip.load(arguments.clip)))


if __name__ == "__main__":
    main()
