"""A media server that fetches cameras itself, with the service beside it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import quote

import aiohttp
import yaml

from restream.demo.embedded import free_port
from tests.e2e.conftest import PASSWORD
from tests.support.servers import RealMediamtx, fetched, paths
from tests.support.service import RunningService, running_service

TOKEN = "t0ken-of-the-directory"


class Site:
    """A media server that fetches, the service beside it, and all that the server wrote and told."""

    def __init__(self, server: RealMediamtx, service: RunningService, log: Path) -> None:
        self.server, self.service, self._log = server, service, log

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8")

    async def told(self) -> str:
        """What the server's API tells to whoever may use it."""
        lists = ("paths/list", "config/paths/list", "rtspsessions/list", "rtspconns/list", "config/global/get")
        async with aiohttp.ClientSession() as session:
            answers = [await (await session.get(f"{self.server.api_url}/v3/{name}")).text() for name in lists]
        return "".join(answers)

    async def received(self, path: str) -> int:
        found: int = (await paths(self.server)).get(path, {}).get("inboundBytes", 0)
        return found


@contextlib.asynccontextmanager
async def site(
    tmp_path: Path,
    dsn: str,
    overrides: Mapping[str, str] | None = None,
    paths: dict[str, object] | None = None,
    keys: Mapping[str, object] | None = None,
) -> AsyncIterator[Site]:
    """`keys` are of mediamtx.yml."""
    port, log = free_port(), tmp_path / "mediamtx.log"
    others: dict[str, object] = {
        "paths": fetched(port, token=f"{TOKEN}/") if paths is None else paths,
        "logLevel": "info",
        "logDestinations": ["file"],
        "logFile": str(log),
        **(keys or {}),
    }
    server = RealMediamtx(others)
    await server.start()
    config = tmp_path / "restream.yml"
    config.write_text(yaml.safe_dump({"pull": {"port": port, "token": TOKEN}}), encoding="utf-8")
    settings = {"PG_DSN": dsn, "RESTREAM_CAMERAS__ENGINE": "pull", **(overrides or {})}
    try:
        async with running_service(tmp_path, "--config", str(config), server=server, overrides=settings) as service:
            found = Site(server, service, log)
            yield found
            said = found.log + await found.told() + service.log
            assert PASSWORD not in said and quote(PASSWORD, safe="") not in said
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def viewer(found: Site, path: str = "cam1") -> AsyncIterator[None]:
    url = f"{found.server.rtsp_url}/{path}"
    watching = await asyncio.create_subprocess_exec(
        "ffmpeg", "-nostdin", "-loglevel", "quiet", "-rtsp_transport", "tcp", "-i", url, "-f", "null", "-"
    )
    try:
        yield
    finally:
        if watching.returncode is None:
            watching.kill()
        await watching.wait()
