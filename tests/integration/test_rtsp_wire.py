"""The wire alone: a conversation without the bounds of a probe, and a defect of our own."""

from __future__ import annotations

import asyncio

import pytest

from restream.adapters.rtsp.addresses import Resolver
from restream.adapters.rtsp.connection import camera_tls
from restream.adapters.rtsp.wire import Wire
from restream.domain.camera.urls import parse_source
from restream.domain.life.cause import Cause
from restream.domain.rtsp.client import RtspClient
from restream.domain.rtsp.dialogue import Conversation, Goal
from restream.domain.rtsp.events import Described, Failed, Finished, RtspEvent
from restream.domain.rtsp.url import source_parts
from tests.support.raw_camera import RawCamera, answer, silence


def wire(url: str, events: list[RtspEvent], resolver: Resolver | None = None) -> Wire:
    parts = source_parts(parse_source(url))
    assert parts is not None
    client = RtspClient(*parts, Conversation(Goal.DESCRIBE, answer_timeout_s=20), lambda: "0a4f113b")
    return Wire(client, events.append, camera_tls(), resolver or Resolver())


async def test_a_conversation_is_told_and_ends() -> None:
    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer())
        await silence(reader, writer)

    events: list[RtspEvent] = []
    async with RawCamera(talks) as it:
        assert await wire(it.url(), events).run() == Finished()
    assert [type(each) for each in events] == [Described, Finished]


async def test_a_camera_that_asks_and_does_not_read() -> None:
    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        while not writer.is_closing():
            writer.write(b"OPTIONS * RTSP/1.0\r\n\r\n" * 1000)
            await writer.drain()

    async with RawCamera(talks) as it, asyncio.timeout(30):
        end = await wire(it.url(), []).run()
    assert isinstance(end, Failed)
    assert (end.failure.cause, end.failure.words) == (Cause.CAMERA_ERROR, "it does not read what it is told")


async def test_a_defect_is_not_blamed_on_the_camera() -> None:
    class Broken(Resolver):
        async def addresses(self, host: str) -> tuple[str, ...]:
            raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        async with asyncio.timeout(5):
            await wire("rtsp://127.0.0.1:1/x", [], Broken()).run()


async def test_a_defect_of_who_hears_what_is_said_ends_the_conversation() -> None:
    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer())
        await silence(reader, writer)

    def broken(event: RtspEvent) -> None:
        raise RuntimeError("a defect")

    async with RawCamera(talks) as it:
        carried = wire(it.url(), [])
        carried._on_event = broken
        with pytest.raises(RuntimeError, match="a defect"):
            async with asyncio.timeout(5):
                await carried.run()
