"""The servers that the service depends on, each a process of its own that can be killed, stopped and started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterable
from typing import Protocol
from urllib.parse import urlsplit

import psutil

from restream.adapters.processes.child_process import ChildProcess
from restream.demo.embedded import embedded_postgres, embedded_redis, free_port
from restream.demo.media_server import StandInServer
from restream.domain.ffmpeg.invocation import Invocation
from tests.support.gate import Gate
from tests.support.servers import RealMediamtx, TestServer, fetched


class Stoppable(Protocol):
    """Something whose processes can be suspended."""

    def processes(self) -> Iterable[psutil.Process]: ...


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
        self.process = await ChildProcess.spawn(command, lambda _: ready.set())
        await asyncio.wait_for(ready.wait(), 20)

    async def stop(self) -> None:
        if self.process is not None:
            await self.process.stop(3)
            await self.process.ended()
            self.process = None


class Redis:
    """A Redis that keeps nothing: after a restart it is empty."""

    def __init__(self) -> None:
        self._port = free_port()
        self._stack = contextlib.AsyncExitStack()
        self.url = f"redis://127.0.0.1:{self._port}/0"

    async def start(self) -> None:
        await self._stack.enter_async_context(embedded_redis(self._port))

    async def stop(self) -> None:
        await self._stack.aclose()

    def processes(self) -> list[psutil.Process]:
        return [each for each in psutil.Process().children() if str(self._port) in _words(each)]


class Database:
    """A PostgreSQL, which the service reaches through a gate and the test directly."""

    def __init__(self) -> None:
        self._port = free_port()
        self._stack = contextlib.AsyncExitStack()
        self.gate = Gate(self._port)
        self.password = "dbSecret4711"
        self.dsn = f"postgresql://restream:{self.password}@127.0.0.1:{self.gate.port}/postgres"
        self.own_dsn = urlsplit(self.dsn)._replace(netloc=f"restream@127.0.0.1:{self._port}").geturl()

    async def start(self) -> None:
        await self._stack.enter_async_context(embedded_postgres(self._port))
        await self._stack.enter_async_context(self.gate)

    async def stop(self) -> None:
        await self._stack.aclose()

    def processes(self) -> list[psutil.Process]:
        """The postmaster, then its children."""
        masters = [each for each in psutil.Process().children() if {"-p", str(self._port)} <= set(_words(each))]
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
