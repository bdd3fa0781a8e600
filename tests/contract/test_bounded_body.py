"""Bodies of any length, over a real connection: no more is read than was asked for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from restream.adapters.bounded_body import BodyTooLargeError, read_body
from tests.support.eventually import eventually

LIMIT_BYTES = 100_000


class EndlessServer:
    """Answers with a body that ends after `length_bytes`, or never (None)."""

    def __init__(self, length_bytes: int | None) -> None:
        self.length_bytes = length_bytes
        self.hung_up = False
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        left = self.length_bytes
        try:
            while left is None or left > 0:
                some = 1000 if left is None else min(1000, left)
                writer.write(b"x" * some)
                left = None if left is None else left - some
                await writer.drain()
        except ConnectionError:
            self.hung_up = True
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def answering(length_bytes: int | None) -> AsyncIterator[tuple[aiohttp.ClientResponse, EndlessServer]]:
    scripted = EndlessServer(length_bytes)
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    async with server, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        async with session.get(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/") as response:
            yield response, scripted
        if length_bytes is None:
            await eventually(lambda: scripted.hung_up, 5, "the connection is closed, nobody reads on")


@pytest.mark.parametrize("length_bytes", [0, 1, LIMIT_BYTES - 1, LIMIT_BYTES])
async def test_a_body_within_the_limit_is_whole(length_bytes: int) -> None:
    async with answering(length_bytes) as (response, _):
        assert await read_body(response, LIMIT_BYTES) == b"x" * length_bytes


@pytest.mark.parametrize("length_bytes", [LIMIT_BYTES + 1, None], ids=["too long", "endless"])
async def test_a_longer_one_is_an_error_that_has_its_beginning(length_bytes: int | None) -> None:
    async with answering(length_bytes) as (response, _):
        with pytest.raises(BodyTooLargeError, match="too large") as caught:
            await read_body(response, LIMIT_BYTES)
    assert caught.value.beginning == b"x" * LIMIT_BYTES


async def test_a_body_that_breaks_off_is_aiohttps_error() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, aiohttp.ClientSession() as session, session.get(url) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await read_body(response, LIMIT_BYTES)
