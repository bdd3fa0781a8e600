"""The port itself: what is no HTTP."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiohttp import web

from restream.demo.embedded import free_port
from restream.service.listening_port import listening


@pytest.mark.parametrize("rest", [b"X: \x00secret", b"100%s", b"X: " + b"a" * 10_000])
async def test_what_is_no_http_is_refused_with_one_line_in_the_log(
    caplog: pytest.LogCaptureFixture, rest: bytes
) -> None:
    port = free_port()
    async with listening(web.Application(), "127.0.0.1", port, "http.port"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n" + rest + b"\r\n\r\n")
        assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.0 400")
        writer.close()
        await writer.wait_closed()
    (record,) = (each for each in caplog.records if each.levelno >= logging.WARNING)
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)
    assert "\n" not in record.getMessage()
    assert "secret" not in record.getMessage()
