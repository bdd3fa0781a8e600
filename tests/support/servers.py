"""Media servers for tests: the stand-in and a real MediaMTX behind one face."""

from __future__ import annotations

import contextlib
from typing import Any, Protocol

import aiohttp

from restream.adapters.processes.child_process import ChildProcess
from restream.demo.embedded import free_port
from restream.demo.media_server import StandInServer
from restream.demo.mediamtx import configuration, find_mediamtx, running_mediamtx


class TestServer(Protocol):
    """A media server that a test can stop and start again on the same ports."""

    __test__ = False

    name: str
    rtsp_url: str
    api_url: str

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class StandIn:
    """The product's own double."""

    name = "stand-in"

    def __init__(self) -> None:
        self._ports = (free_port(), free_port())
        self.rtsp_url, self.api_url = (f"rtsp://127.0.0.1:{self._ports[0]}", f"http://127.0.0.1:{self._ports[1]}")
        self.server: StandInServer | None = None

    async def start(self) -> None:
        self.server = StandInServer(rtsp_port=self._ports[0], api_port=self._ports[1])
        await self.server.start()

    async def stop(self) -> None:
        if self.server is not None:
            await self.server.stop()
            self.server = None


class RealMediamtx:
    """The real thing, from PATH or MEDIAMTX_BIN; `others` are keys of mediamtx.yml."""

    name = "mediamtx"

    def __init__(self, others: dict[str, object] | None = None) -> None:
        rtsp_port, api_port = free_port(), free_port()
        self.srt_port = free_port()
        self.rtsp_url, self.api_url = f"rtsp://127.0.0.1:{rtsp_port}", f"http://127.0.0.1:{api_port}"
        srt = {"srt": True, "srtAddress": f"127.0.0.1:{self.srt_port}"}
        self._document = configuration(rtsp_port, api_port, {**srt, **(others or {})})
        self._stack = contextlib.AsyncExitStack()
        self.process: ChildProcess | None = None

    async def start(self) -> None:
        binary = find_mediamtx()
        assert binary is not None
        self.process = await self._stack.enter_async_context(running_mediamtx(binary, self._document))

    async def stop(self) -> None:
        await self._stack.aclose()
        self.process = None


def fetched(directory_port: int, server: str = "default", token: str = "", prefix: str = "cam") -> dict[str, object]:
    """`paths` of a mediamtx.yml whose cameras, by the prefix of their paths, are asked for at the directory."""
    source = f"rtsp://127.0.0.1:{directory_port}/{token}{server}/$G1"
    return {f"~^({prefix}.+)$": {"source": source, "sourceOnDemand": True, "rtspTransport": "tcp"}, "all_others": {}}


async def paths(server: TestServer) -> dict[str, dict[str, Any]]:
    """The server's paths by name, as its control API tells them."""
    url = f"{server.api_url}/v3/paths/list?itemsPerPage=100000"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return {item["name"]: item for item in (await response.json())["items"]}


async def tracks(server: TestServer) -> dict[str, list[str]]:
    """Codecs of every path that is available."""
    return {name: item["tracks"] for name, item in (await paths(server)).items() if item["ready"]}
