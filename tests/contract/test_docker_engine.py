"""The Docker Engine over its unix socket, against a scripted one and one that is not there."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from restream.adapters.server.docker_engine import DockerEngine

RUNNING = {
    "RestartCount": 2,
    "State": {"Status": "running", "Health": {"Status": "healthy"}, "StartedAt": "2026-01-02T03:04:05Z"},
}


@contextlib.asynccontextmanager
async def engine(tmp_path: Path, answer: bytes | None) -> AsyncIterator[tuple[DockerEngine, list[bytes]]]:
    """An Engine that gives one answer, or (None) none at all."""
    asked: list[bytes] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        asked.append(await reader.readline())
        with contextlib.suppress(ConnectionError):
            if answer is None:
                await reader.read(-1)
            else:
                writer.write(answer)
                await writer.drain()
            writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "docker.sock")
    async with server:
        yield DockerEngine(tmp_path / "docker.sock", timeout_s=0.5 if answer is None else 3), asked
        for writer in writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def http(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def test_state_health_and_restarts(tmp_path: Path) -> None:
    async with engine(tmp_path, http("200 OK", json.dumps(RUNNING).encode())) as (docker, asked):
        state = await docker.container("media/mtx")
    assert asked == [b"GET /containers/media%2Fmtx/json HTTP/1.1\r\n"]
    assert (state.up, state.health, state.restarts) == (True, "healthy", 2)
    assert state.started == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (http("404 Not Found", b"{}"), "there is no container m"),
        (http("500 Internal Server Error", b"{}"), "HTTP 500"),
        (http("200 OK", b"not json"), "not understood"),
        (http("200 OK", b" " * (2 << 20)), "too large"),
        (b"garbage\r\n\r\n", "not understood"),
        (b"", "not understood"),
        (None, "within 0.5 s"),
    ],
)
async def test_trouble_is_told_not_raised(tmp_path: Path, answer: bytes | None, problem: str) -> None:
    async with engine(tmp_path, answer) as (docker, _):
        state = await docker.container("m")
    assert problem in state.problem
    assert not state.up


async def test_no_engine(tmp_path: Path) -> None:
    state = await DockerEngine(tmp_path / "docker.sock").container("m")
    assert "No such file" in state.problem
