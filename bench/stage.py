"""What every benchmark plays on: a media server, a database with rows, and the service as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from restream.adapters.postgres import execute_script
from restream.config.places import ROOT
from restream.demo.embedded import free_port
from restream.demo.media_server import StandInServer
from restream.demo.mediamtx import configuration, find_mediamtx, running_mediamtx
from restream.domain.camera.secret import Secret


@dataclass(frozen=True, slots=True)
class Server:
    """A media server that runs: MediaMTX where there is one, else the stand-in."""

    name: str
    rtsp_url: str
    api_url: str


@contextlib.asynccontextmanager
async def media_server(
    rtsp_port: int = 0, api_port: int = 0, others: Mapping[str, object] | None = None
) -> AsyncIterator[Server]:
    """Run a media server; ports of 0 are free ones, `others` goes into MediaMTX's configuration."""
    rtsp_port, api_port = rtsp_port or free_port(), api_port or free_port()
    urls = f"rtsp://127.0.0.1:{rtsp_port}", f"http://127.0.0.1:{api_port}"
    binary = find_mediamtx()
    if binary is None:
        async with StandInServer(rtsp_port=rtsp_port, api_port=api_port):
            yield Server("stand-in", *urls)
        return
    async with running_mediamtx(binary, configuration(rtsp_port, api_port, others)):
        yield Server("MediaMTX", *urls)


async def fill(dsn: Secret, urls: Sequence[str]) -> None:
    """Make the cameras table with one row per URL."""
    await execute_script(dsn, (ROOT / "etc" / "schema.sql").read_text(encoding="utf-8"))
    connection = await asyncpg.connect(dsn.reveal())
    try:
        rows = [(f"Camera {number}", url) for number, url in enumerate(urls, 1)]
        await connection.executemany("INSERT INTO cameras (name, rtsp_url) VALUES ($1, $2)", rows)
    finally:
        await connection.close()


def service_environment(server: Server, dsn: Secret, port: int, log_directory: str) -> dict[str, str]:
    """The service's settings: defaults, but for where things are."""
    return {
        **os.environ,
        "PG_DSN": dsn.reveal(),
        "LOGS_DIRECTORY": log_directory,
        "RESTREAM_HTTP__PORT": str(port),
        "RESTREAM_METRICS__PORT": str(free_port()),
        "RESTREAM_MEDIAMTX__RTSP_URL": server.rtsp_url,
        "RESTREAM_MEDIAMTX__API_URL": server.api_url,
        "RESTREAM_REDIS__URL": "",
        "RESTREAM_JSON_FILE__PATH": f"{log_directory}/streams.json",
    }


async def start_service(environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    """Start the service, in a session of its own as an init does (sched(7), autogroup); its output is not wanted."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "srvc_restream.py"), "run"),
        env=dict(environment),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
