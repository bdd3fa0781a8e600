"""This service, in the ways in which it can run."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import urlsplit

import aiohttp
import psutil

from bench.alternative import Alternative
from bench.outside import Outside
from bench.stage import Server, fill, service_environment, start_service
from restream.demo.embedded import embedded_postgres, embedded_redis, free_port

# What cameras send is written every five seconds.
_KEPT_AFTER_S = 10.0


class Restream(Alternative):
    """This service, with its default settings but for those given (`RESTREAM_…`)."""

    def __init__(self, directory: str, settings: Mapping[str, str], name: str = "restream") -> None:
        self.name = name
        self._directory = directory
        self._settings = settings
        self._environment: dict[str, str] = {}
        self._service: asyncio.subprocess.Process | None = None
        self._urls: Sequence[str] = ()
        self.api_url = ""

    @contextlib.asynccontextmanager
    async def running(self, server: Server, urls: Sequence[str]) -> AsyncIterator[None]:
        async with embedded_postgres() as dsn:
            await fill(dsn, urls)
            port = free_port()
            self.api_url = f"http://127.0.0.1:{port}"
            self._environment = {**service_environment(server, dsn, port, self._directory), **self._settings}
            self._urls = urls
            self.began = time.monotonic()
            await self._start()
            try:
                yield
            finally:
                await self._stop()

    async def _start(self) -> None:
        self._service = await start_service(self._environment)

    async def _stop(self) -> None:
        assert self._service is not None
        with contextlib.suppress(ProcessLookupError):
            self._service.send_signal(signal.SIGTERM)
        await self._service.wait()

    def supervisors(self) -> list[psutil.Process]:
        assert self._service is not None
        return [psutil.Process(self._service.pid)]


class RestartedRestream(Restream):
    """This service once more, after a life in which it came to know the cameras (Redis keeps what they send)."""

    def __init__(self, directory: str, settings: Mapping[str, str]) -> None:
        super().__init__(directory, settings, "restream, restarted")

    @contextlib.asynccontextmanager
    async def running(self, server: Server, urls: Sequence[str]) -> AsyncIterator[None]:
        async with embedded_redis() as redis_url:
            self._settings = {**self._settings, "RESTREAM_REDIS__URL": redis_url}
            async with super().running(server, urls):
                self.began = 0.0
                async with aiohttp.ClientSession() as session:
                    await self.outside(server, session).until_available(len(urls))
                await asyncio.sleep(_KEPT_AFTER_S)
                await self._stop()
                self.began = time.monotonic()
                await self._start()
                yield


class RelayingRestream(Restream):
    """This service, with packets handed on by its workers."""

    def __init__(self, directory: str, settings: Mapping[str, str]) -> None:
        super().__init__(directory, {**settings, "RESTREAM_CAMERAS__ENGINE": "relay"}, "restream, relay")

    def carrier(self, outside: Outside, number: int) -> psutil.Process | None:
        """The worker that is connected to the camera."""
        del outside
        camera = urlsplit(self._urls[number - 1])
        for worker in relay_workers(self.supervisors()[0]):
            if (camera.hostname, camera.port) in peers_of(worker):
                return worker
        raise RuntimeError(f"no worker is connected to {camera.hostname}:{camera.port}")


class PullingRestream(Restream):
    """This service, with the media server fetching the cameras where it says."""

    def __init__(self, directory: str, settings: Mapping[str, str]) -> None:
        self._port = free_port()
        where = {"RESTREAM_CAMERAS__ENGINE": "pull", "RESTREAM_PULL__PORT": str(self._port)}
        super().__init__(directory, {**settings, **where}, "restream, pull")

    def paths(self, urls: Sequence[str]) -> Mapping[str, object]:
        """The one entry that leads to the service."""
        del urls
        directory = f"rtsp://127.0.0.1:{self._port}/default/$G1"
        return {"~^(cam.+)$": {"source": directory, "sourceOnDemand": True, "rtspTransport": "tcp"}}

    def carrier(self, outside: Outside, number: int) -> psutil.Process | None:
        """None: the media server fetches."""
        del outside, number
        return None


def peers_of(process: psutil.Process) -> set[tuple[str, int]]:
    """Host and port of everybody it is connected to over TCP."""
    connections = process.net_connections("tcp")
    return {(each.raddr.ip, each.raddr.port) for each in connections if each.raddr and each.status == "ESTABLISHED"}


def relay_workers(service: psutil.Process) -> list[psutil.Process]:
    """The processes that relay, the first ones first."""
    return [each for each in service.children() if "restream.adapters.relay.worker" in each.cmdline()]
