"""The servers that the service depends on, each a process of its own that can be killed, stopped and started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterable
from typing import Protocol

import psutil

from restream.adapters.processes.child_process import ChildProcess
from restream.demo.embedded import PostgresFiles, embedded_redis, free_port, postgres_files, serving
from restream.demo.media_server import StandInServer
from restream.domain.ffmpeg.invocation import Invocation
from tests.support.gate import Gate
from tests.support.servers import RealMediamtx, TestServer, fetched


class Stoppable(Protocol):
    """Something whose processes can be suspended."""

    def processes(self) -> Iterable[psutil.Process]: ...


class Restartable(Stoppable, Protocol):
    """It can also end, and be there again."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def signal_all(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)


class MediaServer:
    """The stand-in or a real MediaMTX, as a process. The real one fetches paths that begin with `FETCHED`."""

    FETCHED = "fetched"

    def __init__(self, name: str) -> None:
        self.directory_port: int | None = None
        self.server: TestServer = StandInProcess()
        if name == RealMediamtx.name:
            self.directory_port = free_port()
            self.server = RealMediamtx({"paths": fetched(self.directory_port, prefix=self.FETCHED)})
        self.rtsp_url, self.api_url = self.server.rtsp_url, self.server.api_url

    async def start(self) -> None:
        await self.server.start()

    async def stop(self) -> None:
        await self.server.stop()

    def processes(self) -> list[psutil.Process]:
        child: ChildProcess | None = getattr(self.server, "process", None)
        return [psutil.Process(child.pid)] if child is not None and child.running else []


class StandInProcess:
    """The product's double in a process of its own, so that it can hang as a whole."""

    name = "stand-in"

    def __init__(self) -> None:
        self._ports = (free_port(), free_port())
        self.rtsp_url, self.api_url = (f"rtsp://127.0.0.1:{self._ports[0]}", f"http://127.0.0.1:{self._ports[1]}")
        self.process: ChildProcess | None = None

    async def start(self) -> None:
        ready = asyncio.Event()
        command = Invocation((sys.executable, "-m", "tests.chaos.servers", *map(str, self._ports)))
        self.process = ChildProcess.spawn(command, lambda _: ready.set())
        await asyncio.wait_for(ready.wait(), 20)

    async def stop(self) -> None:
        if self.process is not None:
            await self.process.stop(3)
            await self.process.ended()
            self.process = None


class Redis:
    """A Redis that keeps nothing: after a restart it is empty."""

    def __init__(self) -> None:
        self.port = free_port()
        self._stack = contextlib.AsyncExitStack()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        await self._stack.enter_async_context(embedded_redis(self.port))

    async def stop(self) -> None:
        await self._stack.aclose()

    def processes(self) -> list[psutil.Process]:
        return [each for each in psutil.Process().children() if str(self.port) in _words(each)]


class Database:
    """A PostgreSQL, which services reach through gates and the test directly. What it was told outlives a restart."""

    def __init__(self) -> None:
        self.port = free_port()
        self.gate = Gate(self.port)
        self.gates = [self.gate]
        """All that lead here."""
        self.password = "dbSecret4711"
        self._files = contextlib.AsyncExitStack()
        self._running = contextlib.AsyncExitStack()
        self._data: PostgresFiles | None = None

    def dsn_by(self, gate: Gate) -> str:
        return f"postgresql://restream:{self.password}@127.0.0.1:{gate.port}/postgres"

    @property
    def dsn(self) -> str:
        return self.dsn_by(self.gate)

    @property
    def own_dsn(self) -> str:
        return f"postgresql://restream@127.0.0.1:{self.port}/postgres"

    async def start(self) -> None:
        self._data = await self._files.enter_async_context(postgres_files())
        await self.serve()
        for gate in self.gates:
            await self._files.enter_async_context(gate)

    async def stop(self) -> None:
        await self.rest()
        await self._files.aclose()

    async def serve(self, port: int = 0) -> None:
        """Go on, at another port if one is given: the gates lead there from then on."""
        assert self._data is not None
        self.port = port or self.port
        await self._running.enter_async_context(serving(self._data, self.port))
        for gate in self.gates:
            gate.target_port = self.port

    async def rest(self, number: signal.Signals = signal.SIGINT) -> None:
        """End all sessions, and this process, at once; SIGKILL leaves what only a recovery sets right."""
        processes = self.processes()
        signal_all(processes if number is signal.SIGKILL else processes[:1], number)
        await self._running.aclose()
        # Backends outlive a postmaster by a moment, and nobody else may have the data meanwhile.
        await asyncio.to_thread(psutil.wait_procs, processes, 10)

    def processes(self) -> list[psutil.Process]:
        """The postmaster, then its children."""
        masters = [each for each in psutil.Process().children() if {"-p", str(self.port)} <= set(_words(each))]
        return [*masters, *(child for master in masters for child in master.children(recursive=True))]

    def crash(self) -> None:
        """One backend dies by SIGKILL: PostgreSQL ends all others and recovers, as after any crash."""
        backends = [each for each in self.processes()[1:] if "restream" in " ".join(_words(each))]
        signal_all(backends[:1], signal.SIGKILL)


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


async def _serve(rtsp_port: int, api_port: int) -> None:
    async with StandInServer(rtsp_port=rtsp_port, api_port=api_port):
        os.write(1, b"ready\n")
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
