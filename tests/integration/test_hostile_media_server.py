"""A media server, or whoever stands in its place, whose control API means harm."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from restream.adapters.server.mediamtx_http import MediamtxServer
from restream.domain.server.mediamtx import MAX_ITEMS
from restream.ports.servers import ServerStatus
from tests.support.eventually import eventually

Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]
GOOD = {"name": "cam1", "ready": True, "source": {"type": "rtspSession", "id": "s1"}, "inboundBytes": 5}


class Api:
    """Answers of one fake control API, by the last part of the path: `info`, `paths`, `srtconns`, `rtspsessions`."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = {"info": document({"version": "v1.20.1"}), "paths": items(GOOD), **answers}
        self.port = 0
        self.open = 0
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while line := await reader.readline():
                while (await reader.readline()).strip():
                    pass
                path = line.split()[1].decode()
                self.asked.append(path)
                name = path.removeprefix("/v3/").partition("/")[0]
                answer = self.answers.get(name, head(404) + b"\r\n")
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                else:
                    await answer(writer)
        except (OSError, IndexError):
            pass
        finally:
            self.open -= 1
            writer.close()


def head(status: int = 200, length: int = 0, **others: str) -> bytes:
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in others.items())
    return f"HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{fields}".encode()


def body(content: bytes, **others: str) -> bytes:
    return head(length=len(content), **others) + b"\r\n" + content


def document(value: Any) -> bytes:
    return body(orjson.dumps(value))


def items(*values: Any) -> bytes:
    return document({"itemCount": len(values), "items": list(values)})


async def trickle(writer: asyncio.StreamWriter) -> None:
    writer.write(head(length=1 << 30) + b"\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def flood(writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"items":[')
    while True:
        writer.write(b"{}," * 100_000)
        await writer.drain()


async def endless_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Header: " + b"y" * 1000 + b"\r\n")
        await writer.drain()


@asynccontextmanager
async def running(**answers: Answer) -> AsyncIterator[tuple[Api, MediamtxServer]]:
    api = Api(**answers)
    listener = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    api.port = listener.sockets[0].getsockname()[1]
    # Nothing speaks RTSP there.
    server = MediamtxServer(f"http://127.0.0.1:{api.port}", f"rtsp://127.0.0.1:{api.port}", user="u", password=None)
    try:
        yield api, server
    finally:
        await server.close()
        listener.close()
        await eventually(lambda: api.open == 0, 10, "all connections are closed")


async def observe(**answers: Answer) -> ServerStatus:
    """One look at the server; bounded in time, and what it says fits on a line."""
    async with running(**answers) as (_, server):
        loop = asyncio.get_running_loop()
        began = loop.time()
        status = await server.observe()
        assert loop.time() - began < 30
    assert status.detail.isprintable() and len(status.detail) < 500, status.detail
    return status


@pytest.mark.parametrize(
    "paths",
    [
        body(b""),
        body(b"null"),
        body(b'"items"'),
        body(b"[]"),
        body(b"1e999"),
        body(b'{"items":'),
        body(b"[" * 1_000_000),
        body(b'{"items":' * 100_000),
        body(b'{"items":[' + b"[" * 2000),
        body(b'{"items":[{"name":"\xff\xfe"}]}'),
        body(b'{"items":[{"name":"\\ud800"}]}'),
        body(b"\xff" * 1000),
        body(b"<html>"),
        head(302, Location="http://169.254.169.254/latest") + b"\r\n",
        head(500) + b"\r\n",
        head(204) + b"\r\n",
        head(length=1000) + b'\r\n{"items":[',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/9.9 999999 \x00\r\n\r\n",
        b"RTSP/2.0 nonsense\r\n\r\n",
        b"\x00" * 5000,
        b"a" * 200_000,
        trickle,
        endless_headers,
    ],
    ids=range(25),
)
async def test_what_is_no_list_is_no_list(paths: Answer) -> None:
    status = await observe(paths=paths)
    assert status.view is None or not status.view.paths


@pytest.mark.parametrize(
    "item",
    [
        None,
        [],
        "cam1",
        {},
        {"name": None},
        {"name": ["cam1"]},
        {"name": "a\nb"},
        {"name": "\x1b[31m"},
        {"name": "\u202egpj"},
        {"name": "x" * 201},
    ],
    ids=range(10),
)
async def test_an_item_without_a_usable_name_is_left_out(item: object) -> None:
    status = await observe(paths=items(item, GOOD))
    assert status.view is not None and set(status.view.paths) == {"cam1"}


async def test_values_of_wrong_types_and_sizes() -> None:
    hostile: list[Any] = [
        None,
        True,
        -1,
        2**64 - 1,
        1.5,
        1e308,
        "x" * 20_000,
        "a\nb\x1b",
        [1] * 1000,
        {"a": {"b": []}},
    ]
    keys = ("ready", "available", "source", "tracks", "tracks2", "readers", "inboundBytes", "availableTime")
    for value in hostile:
        item = {"name": "cam1", **dict.fromkeys(keys, value)}
        session = {
            "id": "s1",
            "state": "publish",
            **dict.fromkeys(("path", "remoteAddr", "user", "query", "msRTT"), value),
        }
        path = {**GOOD, "tracks": value, "readers": value}
        status = await observe(
            info=document({"version": value, "started": value}),
            paths=items(path, {**item, "name": "other"}),
            srtconns=items(session),
            rtspsessions=items(session),
        )
        assert status.view is not None
        view = status.view
        for text in (view.version, view.started, *(view.sessions["s1"].query, view.srt["s1"].path)):
            assert text is None or (text.isprintable() and len(text) <= 200)
        for found in view.paths.values():
            assert len(found.tracks) <= 32 and all(track.isprintable() for track in found.tracks)
            # What the stores take.
            orjson.dumps([found.inbound_bytes, found.readers])
            assert found.inbound_bytes < 2**63


async def test_more_paths_than_any_server_has_are_cut_off() -> None:
    many = b'{"items":[' + b",".join(b'{"name":"p%d"}' % number for number in range(MAX_ITEMS + 5000)) + b"]}"
    status = await observe(paths=body(many))
    assert status.view is not None and len(status.view.paths) == MAX_ITEMS


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
async def test_a_compressed_answer_is_neither_asked_for_nor_unpacked(encoding: str) -> None:
    bomb = gzip.compress(bytes(50 << 20), 9) if "gzip" in encoding else zlib.compress(bytes(50 << 20), 9)
    tracemalloc.start()
    try:
        status = await observe(paths=body(bomb, Content_Encoding=encoding))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert status.view is None
    assert peak_bytes < 20 << 20


@pytest.mark.parametrize("content", [b"{},", b"[],", b"0,", b'"",', b'{"":0},'])
async def test_a_large_answer_of_tiny_values_is_not_taken_apart(content: bytes) -> None:
    large = b'{"items":[' + content * ((24 << 20) // len(content)) + b"0]}"
    tracemalloc.start()
    try:
        status = await observe(paths=body(large), srtconns=body(large))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert status.view is None
    # Both answers a few times as bytes; decoded, each alone would be half a gigabyte.
    assert peak_bytes < 300 << 20


async def test_an_endless_answer_is_cut_off() -> None:
    status = await observe(paths=flood)
    assert status.view is None and "too large" in status.detail


async def test_lists_that_hang_do_not_pile_up_behind_one_that_fails() -> None:
    async with running(info=head(500) + b"\r\n", paths=trickle, srtconns=trickle) as (api, server):
        for _ in range(20):
            assert (await server.observe()).view is None
        await eventually(lambda: api.open <= 2, 10, "what is no longer waited for ends")


async def test_cookies_and_redirects_are_nobody_elses_business() -> None:
    async with running(info=body(b"{}", Set_Cookie="a=b"), paths=head(307, Location="/v3/info") + b"\r\n") as (
        api,
        server,
    ):
        for _ in range(3):
            await server.observe()
        assert {path.partition("?")[0] for path in api.asked if path.startswith("/")} == {
            "/v3/info",
            "/v3/paths/list",
            "/v3/srtconns/list",
        }
