"""Cameras that mean harm to our own probe, and probes that end too soon: bounded, and nothing is left."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from restream.adapters.rtsp.prober import RtspProber
from restream.demo.behaviours.table import BEHAVIOURS
from restream.demo.cameras import SimulatedCamera
from restream.demo.certificates import self_signed
from restream.demo.clips import Clip
from restream.domain.camera.urls import parse_source
from restream.domain.engine import Media, ProbeFailure
from restream.domain.life.cause import Cause
from tests.support.eventually import eventually
from tests.support.hostile_camera import MODES, HostileCamera
from tests.support.looks import USUAL, Nobody, failure, full_port, look
from tests.support.raw_camera import RawCamera, Talks, answer, silence

MOST_BYTES = 8 << 20
SDP_HEAD = b"RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\n"


def endless(piece: bytes, every_s: float = 0.0, first: bytes = b"") -> Talks:
    """Says this for ever; what is said to it is not read any more."""

    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(first)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(every_s)

    return talks


@pytest.mark.parametrize(
    ("talks", "cause", "words"),
    [
        (silence, Cause.TIMEOUT, "no answer to DESCRIBE"),
        (endless(b"R", 0.05), Cause.TIMEOUT, "no answer to DESCRIBE"),
        (endless(b"X-a: b\r\n", 0.05, b"RTSP/1.0 200 OK\r\n"), Cause.TIMEOUT, "no answer to DESCRIBE"),
        (endless(b"a=x\r\n", 0.05, SDP_HEAD + b"\r\n"), Cause.NO_MEDIA, "the session description has no media"),
        (endless(bytes(65536)), Cause.NOT_RTSP, "bytes that are no RTSP"),
        (endless(b"$\0\0\0" * 16384), Cause.CAMERA_ERROR, "more than any answer has"),
        (endless(b"OPTIONS * RTSP/1.0\r\n\r\n" * 3000), Cause.CAMERA_ERROR, "more than any answer has"),
        (endless(b"X-a: " + b"b" * 65536), Cause.NOT_RTSP, "bytes that are no RTSP"),
        (endless(b"X-a: b\r\n" * 999, 0, b"RTSP/1.0 200 OK\r\n"), Cause.NOT_RTSP, "a header of more than"),
        (endless(b"a=x\r\n" * 999, 0, SDP_HEAD + b"\r\n"), Cause.NOT_RTSP, "a body of more than"),
        (endless(b"RTSP/1.0 100 Continue\r\n\r\n", 0.05), Cause.TIMEOUT, "no answer to DESCRIBE"),
    ],
)
async def test_what_is_said_without_end(talks: Talks, cause: Cause, words: str) -> None:
    tracemalloc.start()
    try:
        async with RawCamera(talks) as it, asyncio.timeout(60):
            # What is told before the time is over may be half a megabyte, read by a process that is traced.
            ends_by_time = cause in (Cause.TIMEOUT, Cause.NO_MEDIA)
            found = await failure(it.url(), answer_timeout_s=0.4 if ends_by_time else 30)
            assert (found.cause, words in found.detail) == (cause, True), found
            await eventually(lambda: it.open_connections == 0, 2)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("mode", MODES)
async def test_a_hostile_camera(mode: str) -> None:
    prober = RtspProber(Nobody(), 0.5)
    async with HostileCamera(mode) as it, asyncio.timeout(prober.limit_s(USUAL) + 5):
        found = await prober.probe(parse_source(it.url), USUAL)
    assert "sEcret" not in repr(found)
    if isinstance(found.outcome, ProbeFailure):
        assert found.outcome.detail.isprintable() and len(found.outcome.detail) <= 200
    assert len(found.choice) < 25_000 and all(len(each) < 300 for each in found.choice)


async def test_one_that_answers_each_question_just_in_time() -> None:
    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.3)
        writer.write(answer("302 Found", f"Location: /{it.connections_total}"))
        await silence(reader, writer)

    async with RawCamera(talks) as it:
        found = await failure(it.url(), answer_timeout_s=5)
        assert found.cause is Cause.CAMERA_ERROR and it.connections_total == 4


async def test_the_whole_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restream.adapters.rtsp.prober._CONNECT_TIMEOUT_S", 0.5)
    monkeypatch.setattr("restream.adapters.rtsp.prober._ANSWERS", 1)

    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(1.5)
        writer.write(answer("401 Unauthorized", 'WWW-Authenticate: Digest realm="x", nonce="y"'))
        await silence(reader, writer)

    async with RawCamera(talks) as it:
        found = await look(it.url("admin:secret"), answer_timeout_s=2)
        assert found.outcome == ProbeFailure(Cause.TIMEOUT, "the conversation was not over within 2.5 s (describe)")
        assert [each.answer for each in found.steps] == ["RTSP/1.0 401 Unauthorized", ""]
        await eventually(lambda: it.open_connections == 0, 2)


async def test_one_that_closes_after_each_answer() -> None:
    asks = answer("401 Unauthorized", 'WWW-Authenticate: Digest realm="x", nonce="y"', body="")
    answers = [asks, answer().replace(b"Content-Length", b"Content-Type: application/sdp\r\nX-Length")]

    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers[it.connections_total - 1])

    async with RawCamera(talks) as it:
        found = await look(it.url("admin:secret"))
        assert isinstance(found.outcome, Media) and it.connections_total == 2


@pytest.mark.program("openssl")
@pytest.mark.parametrize("secure", [False, True])
async def test_a_connection_that_is_left_is_not_heard_any_more(secure: bool) -> None:
    noise = asyncio.Event()
    asks = answer("401 Unauthorized", "Connection: close", 'WWW-Authenticate: Basic realm="x"', body="")

    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if it.connections_total == 1:
            writer.write(asks)
            while not noise.is_set():
                writer.write(answer("500 Too Late") * 100)
                await asyncio.sleep(0)
            return
        await asyncio.sleep(0.05)
        writer.write(answer())
        await silence(reader, writer)

    async with RawCamera(talks, tls=self_signed() if secure else None) as it:
        found = await look(it.url("admin:secret"))
        noise.set()
        assert isinstance(found.outcome, Media), found.outcome


def running() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {task for task in (asyncio.current_task(),) if task}


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """A connection that nobody closes is a ResourceWarning, and an error here."""
    yield
    gc.collect()


@pytest.mark.program("openssl")
@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("secure", [False, True])
async def test_a_probe_may_be_cancelled_at_any_moment(secure: bool) -> None:
    tls = self_signed() if secure else None
    behaviours = BEHAVIOURS["closes_after_401"]
    clip = Clip.load("h264_aac")
    async with SimulatedCamera(clip, login="admin", password="x", behaviours=behaviours, tls=tls) as it:
        before = running()
        for steps in range(120):
            asking = asyncio.create_task(look(it.url()))
            for _ in range(steps // 2):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            assert not [task for task in running() - before if "rtsp" in task.get_name()]
        await eventually(lambda: it.open_connections == 0, 5)
        assert it.connections_total > 20, "some came far"
        assert isinstance((await look(it.url())).outcome, Media)


@pytest.mark.usefixtures("nothing_left")
async def test_a_cancelled_connection_leaves_no_task() -> None:
    with full_port() as port:
        asking = asyncio.create_task(look(f"rtsp://127.0.0.1:{port}/x"))
        await eventually(lambda: [task for task in running() if task.get_name() == "rtsp connection"], 2)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert running() == set()
