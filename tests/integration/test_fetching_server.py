"""What a media server that fetches tells of itself when a camera is lost: whether it is there, and since when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from restream.adapters.pull.enquiry import Enquiry
from restream.adapters.pull.media_server import FetchingServer
from restream.domain.camera.secret import Secret
from restream.domain.life.cause import Cause
from restream.domain.rtsp.failure import Failure, Stage

_NOBODY: Any = None
"""No camera is asked."""
_LOST = Failure(Cause.SERVER_GONE, Stage.PLAYING, "the connection was closed")


@asynccontextmanager
async def fetching(says: bytes, info: Any) -> AsyncIterator[FetchingServer]:
    """A server that says this on its RTSP port, and tells this of itself."""

    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        await writer.drain()
        writer.close()

    async def tell(_: web.Request) -> web.Response:
        return web.json_response(info)

    app = web.Application()
    app.router.add_get("/v3/info", tell)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with await asyncio.start_server(speak, "127.0.0.1", 0) as rtsp:
        port, api_port = rtsp.sockets[0].getsockname()[1], runner.addresses[0][1]
        yield FetchingServer(f"rtsp://127.0.0.1:{port}", f"http://127.0.0.1:{api_port}", Secret("rtsp://x"))
    await runner.cleanup()


def _started(seconds_ago: float) -> dict[str, str]:
    return {"version": "v1", "started": (datetime.now(UTC) - timedelta(seconds=seconds_ago)).isoformat()}


@pytest.mark.parametrize(("says", "there"), [(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", True), (b"", False)])
async def test_one_that_takes_a_connection_and_says_nothing_is_ending(says: bytes, there: bool) -> None:
    async with fetching(says, {}) as server:
        assert await server.answers() is there


@pytest.mark.parametrize("info", [{}, [], {"started": 7}, {"started": "yesterday"}, {"started": "2026-01-01T00:00:00"}])
async def test_an_age_that_is_not_told_is_none(info: Any) -> None:
    async with fetching(b"", info) as server:
        assert await server.age_s() is None


async def test_an_age_is_told_by_the_servers_own_clock() -> None:
    async with fetching(b"", _started(40)) as server:
        assert await server.age_s() == pytest.approx(41, abs=5)
    async with fetching(b"", _started(-3600)) as server:
        assert await server.age_s() is None


async def test_one_that_is_younger_than_the_session_has_been_restarted() -> None:
    async with fetching(b"RTSP/1.0 200 OK\r\n\r\n", _started(2)) as server:
        ending = await Enquiry(_NOBODY, server, _NOBODY, asyncio.Semaphore()).lost(_LOST, held_s=30)
    assert ending.cause is Cause.SERVER_GONE
    assert "started again" in ending.detail
