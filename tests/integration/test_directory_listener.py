"""The directory's port: who may have it, for how long, and how many at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from restream.adapters.pull import listener
from restream.adapters.pull.listener import DirectoryListener
from restream.domain.camera.secret import Secret
from restream.domain.rtsp.directory import Directory
from restream.ports.cameras import PublisherError
from tests.support.eventually import eventually

QUESTION = b"DESCRIBE rtsp://127.0.0.1/default/cam1 RTSP/1.0\r\nCSeq: 1\r\n\r\n"
Guest = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def directory() -> AsyncIterator[DirectoryListener]:
    found = DirectoryListener(Directory(), "127.0.0.1", 0)
    found.directory.open("default/cam1", Secret("rtsp://a:b@10.0.0.1/"), lambda: None)
    await asyncio.gather(found.listen(), found.listen())
    yield found
    await found.close()


@contextlib.asynccontextmanager
async def guest(directory: DirectoryListener) -> AsyncIterator[Guest]:
    reader, writer = await asyncio.open_connection("127.0.0.1", directory.port)
    yield reader, writer
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def sent_away(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(10_000), 5) == b""
    except OSError:
        return True


async def test_a_question_in_pieces_is_answered(directory: DirectoryListener) -> None:
    async with guest(directory) as (reader, writer):
        for letter in QUESTION:
            writer.write(bytes((letter,)))
        await writer.drain()
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(
            b"RTSP/1.0 302 Found\r\nCSeq: 1\r\nLocation: rtsp://a:b@"
        )


async def test_a_port_that_is_taken_is_one_line(directory: DirectoryListener) -> None:
    second = DirectoryListener(Directory(), "127.0.0.1", directory.port)
    with pytest.raises(
        PublisherError, match=r"cannot listen on 127\.0\.0\.1:\d+ \(pull\.port\): Address already in use"
    ):
        await second.listen()
    await second.close()


async def test_who_says_nothing_is_sent_away(directory: DirectoryListener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_PATIENCE_S", 0.2)
    async with guest(directory) as (reader, writer):
        writer.write(QUESTION[:-1])
        assert await sent_away(reader)


async def test_who_speaks_something_else_is_sent_away(directory: DirectoryListener) -> None:
    async with guest(directory) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n\r\n" + bytes(10_000))
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"RTSP/1.0 400 ")


async def test_there_is_room_for_so_many(directory: DirectoryListener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_MOST_GUESTS", 1)
    async with guest(directory) as (first, writer):
        writer.write(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
        assert (await first.readuntil(b"\r\n\r\n")).startswith(b"RTSP/1.0 200 OK")
        async with guest(directory) as (reader, _):
            assert await sent_away(reader)

    async def has_room() -> bool:
        async with guest(directory) as (reader, writer):
            writer.write(QUESTION)
            with contextlib.suppress(OSError):
                return (await reader.read(1000)).startswith(b"RTSP/1.0 ")
            return False

    await eventually(has_room, 5)


async def test_after_the_end_nobody_is_answered(directory: DirectoryListener) -> None:
    port = directory.port
    async with guest(directory) as (reader, writer):
        writer.write(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await directory.close()
        assert await sent_away(reader)
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)
