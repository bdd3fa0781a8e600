"""Simulated IP cameras: RTSP servers that play pre-recorded clips and misbehave on demand.

`python -m restream.demo.cameras --count N --port-base P` serves N of them from one process, with `--behaviour NAME`
as they are known from the field.
"""

import argparse
import asyncio
import json
import random
import signal
import socket
import ssl
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import reduce
from typing import Literal, Self
from urllib.parse import quote

from restream.demo.behaviours.behaviour import Behaviour, ConnectionRecord
from restream.demo.behaviours.login import ChecksLogin, LoginScheme
from restream.demo.behaviours.table import BEHAVIOURS
from restream.demo.camera_faults import BEHAVIOURS_OF_FAULTS, DROPPING, Fault
from restream.demo.camera_session import CameraSession
from restream.demo.clips import CLIPS, Clip
from restream.demo.credentials import IssuedNonces

__all__ = ["Fault", "SimulatedCamera"]


_MOST_CONNECTIONS = 10_000


class SimulatedCamera:
    """A camera on a port of its own; any path and query leads to its one stream.

    `connections` tells when each client came and went, `most_connections` how many there were at one time,
    `most_playing` how many of them with a session.
    """

    def __init__(
        self,
        clip: Clip,
        *,
        login: str | None = None,
        password: str | None = None,
        auth: Literal["digest", "basic"] = "digest",
        behaviours: Sequence[Behaviour] = (),
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.clip = clip
        self.tls = tls
        self.login = login
        self.password = password
        self.host = host
        self.port = port
        self.rng = random.Random()  # noqa: S311 - numbers, not secrets
        self.connections: deque[ConnectionRecord] = deque(maxlen=_MOST_CONNECTIONS)
        self.connections_total = 0
        self.most_connections = 0
        self.most_playing = 0
        self.nonces = IssuedNonces()
        self.auth_failures_total = 0
        self.describes_total = 0
        self.sessions: set[CameraSession] = set()
        self._fault = Fault.NONE
        self._behaviours: tuple[Behaviour, ...] = ()
        self._auth = LoginScheme.BASIC if auth == "basic" else LoginScheme.MD5
        self.behaviours = behaviours
        self._server: asyncio.Server | None = None
        self._held_port: socket.socket | None = None
        self._opening: asyncio.Task[None] | None = None
        self._running: bool | None = None  # None: not started yet

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
        """RTSP URL, or RTSPS; login and password percent-encoded."""
        credentials = ""
        if with_credentials and self.login is not None:
            credentials = f"{quote(self.login, safe='')}:{quote(self.password or '', safe='')}@"
        return f"{'rtsps' if self.tls else 'rtsp'}://{credentials}{self.host}:{self.port}/{path}"

    @property
    def open_connections(self) -> int:
        """Clients that are connected now."""
        return len(self.sessions)

    @property
    def playing_to(self) -> int:
        """Clients that have a session now."""
        return sum(session.playback is not None for session in self.sessions)

    @property
    def behaviours(self) -> tuple[Behaviour, ...]:
        """What it does differently now, those of its fault first; assigned are its own."""
        return self._behaviours

    @behaviours.setter
    def behaviours(self, own: Sequence[Behaviour]) -> None:
        self._own = tuple(own)
        if not any(isinstance(each, ChecksLogin) for each in own):  # else it says itself at which place it asks
            self._own = (ChecksLogin((self._auth,)), *own)
        self._compose()

    @property
    def playing_clip(self) -> Clip:
        """What new sessions are offered."""
        return reduce(lambda clip, behaviour: behaviour.clip(clip), self._behaviours, self.clip)

    @property
    def fault(self) -> Fault:
        """What goes wrong now; see Fault."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        # A new listener opens a moment later; `set_fault` waits for it.
        for session in tuple(self.sessions):
            if fault is Fault.RESET:
                session.reset()
            elif fault in DROPPING:
                session.transport.abort()
        self._fault = Fault.NONE if fault in (Fault.DROP, Fault.RESET) else fault
        self._compose()
        if not self._running:
            return
        if self._fault is Fault.REFUSE:
            self._close_listener()
            if self._held_port is None:
                self._hold_port()
        elif self._server is None and (self._opening is None or self._opening.done()):
            self._opening = asyncio.get_running_loop().create_task(self._open(), name=f"camera-{self.port}-listen")

    def _compose(self) -> None:
        before = self.playing_clip
        self._behaviours = (*BEHAVIOURS_OF_FAULTS.get(self._fault, ()), *self._own)
        clip = self.playing_clip
        for session in self.sessions:
            if clip is not before and session.playback:
                session.playback.switch(clip)

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
            lambda: CameraSession(self), sock=held, backlog=128, ssl=self.tls
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
        self.connections.append(session.record)
        self.sessions.add(session)
        self.most_connections = max(self.most_connections, len(self.sessions))
        if self._fault is Fault.REFUSE or self._running is False:  # was in the backlog
            session.transport.abort()

    def plays(self) -> None:
        """A client has its session."""
        self.most_playing = max(self.most_playing, self.playing_to)


async def _serve(count: int, port_base: int, make: Callable[[int], SimulatedCamera]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        ports = (port_base and port_base + index for index in range(count))
        cameras = [await stack.enter_async_context(make(port)) for port in ports]
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
    parser.add_argument("--login")
    parser.add_argument("--password", help="not for real ones: it shows in the list of processes")
    parser.add_argument("--behaviour", choices=BEHAVIOURS, action="append", default=[], help="may be given repeatedly")
    arguments = parser.parse_args()

    def make(port: int) -> SimulatedCamera:
        return SimulatedCamera(
            Clip.load(arguments.clip),
            login=arguments.login,
            password=arguments.password,
            behaviours=[each for name in arguments.behaviour for each in BEHAVIOURS[name]],
            host=arguments.host,
            port=port,
        )

    asyncio.run(_serve(arguments.count, arguments.port_base, make))


if __name__ == "__main__":
    main()
