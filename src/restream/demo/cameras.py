"""Simulated IP cameras: RTSP servers that play pre-recorded clips and misbehave on demand.

`python -m restream.demo.cameras --count N --port-base P` serves N of them from one process.
"""

import argparse
import asyncio
import json
import random
import signal
import socket
import sys
from contextlib import AsyncExitStack
from typing import Literal, Self
from urllib.parse import quote, unquote

from restream.demo.camera_faults import DROPPING, Fault
from restream.demo.camera_session import CameraSession
from restream.demo.clips import CLIPS, Clip
from restream.demo.credentials import basic_ok, digest_ok
from restream.demo.rtsp import Request

__all__ = ["Fault", "SimulatedCamera"]

_REALM = "camera"


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
    ) -> None:
        self.clip = clip
        self.login = login
        self.password = password
        self.auth = auth
        self.host = host
        self.port = port
        self.rng = random.Random()  # noqa: S311 - numbers, not secrets
        self.connections_total = 0
        self.auth_failures_total = 0
        self.describes_total = 0
        self.sessions: set[CameraSession] = set()
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
        if self._opening:
            await asyncio.gather(self._opening, return_exceptions=True)
            self._opening = None
        while self.sessions:
            session = next(iter(self.sessions))
            session.transport.abort()
            await session.lost.wait()

    def url(self, with_credentials: bool = True, path: str = "stream") -> str:
        """RTSP URL; login and password percent-encoded."""
        credentials = ""
        if with_credentials and self.login is not None:
            credentials = f"{quote(self.login, safe='')}:{quote(self.password or '', safe='')}@"
        return f"rtsp://{credentials}{self.host}:{self.port}/{path}"

    @property
    def open_connections(self) -> int:
        """Clients that are connected now."""
        return len(self.sessions)

    @property
    def playing_clip(self) -> Clip:
        """What new sessions are offered: the clip, or after CODEC_CHANGE the same sound with another video codec."""
        if self._fault is not Fault.CODEC_CHANGE:
            return self.clip
        is_h265 = any(track.encoding == "H265" for track in self.clip.tracks)
        return self.clip.with_video_of(Clip.load("h264" if is_h265 else "h265"))

    @property
    def fault(self) -> Fault:
        """What goes wrong now; see Fault."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        # A new listener opens a moment later; `set_fault` waits for it.
        changed_clip = (fault is Fault.CODEC_CHANGE) != (self._fault is Fault.CODEC_CHANGE)
        self._fault = fault
        for session in tuple(self.sessions):
            if fault is Fault.RESET:
                session.reset()
            elif fault in DROPPING:
                session.transport.abort()
            elif changed_clip and session.playback:
                session.playback.switch(self.playing_clip)
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
        self._server = await asyncio.get_running_loop().create_server(
            lambda: CameraSession(self), sock=held, backlog=128
        )
        if not self._running or self._fault is Fault.REFUSE:  # changed again meanwhile
            self._close_listener()
            if self._running:
                self._hold_port()

    def _close_listener(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    def admit(self, session: CameraSession) -> None:
        """A client has connected; it is cut off when the camera refuses."""
        self.connections_total += 1
        self.sessions.add(session)
        if self._fault is Fault.REFUSE or not self._running:  # was in the backlog
            session.transport.abort()

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
    """Command line: serve cameras until SIGTERM, print their URLs first."""
    parser = argparse.ArgumentParser(description="Serve simulated cameras until SIGTERM.")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--port-base", type=int, default=0, help="first of consecutive ports; 0: free ports")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--clip", choices=CLIPS, default="h264")
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.count, arguments.port_base, arguments.host, Clip.load(arguments.clip)))


if __name__ == "__main__":
    main()
