"""The port `MediaServer`, and what publishers meet, on the stand-in and on a real MediaMTX."""

from __future__ import annotations

import socket

import pytest

from restream.adapters.server.mediamtx_http import MediamtxServer
from restream.demo.embedded import free_port
from tests.support.servers import TestServer


async def _check(api_url: str, rtsp_url: str) -> tuple[bool, str, str | None, str | None]:
    server = MediamtxServer(api_url, rtsp_url)
    try:
        status = await server.observe()
    finally:
        await server.close()
    view = status.view
    return status.reachable, status.detail, view and view.version, view and view.started


async def test_a_server_tells_version_and_start(media_server: TestServer) -> None:
    reachable, detail, version, started = await _check(media_server.api_url, media_server.rtsp_url)
    assert reachable
    assert version
    assert version in detail or "stand-in" in detail
    assert started


async def test_a_restart_changes_the_start(media_server: TestServer) -> None:
    before = await _check(media_server.api_url, media_server.rtsp_url)
    await media_server.stop()
    reachable, detail, _, _ = await _check(media_server.api_url, media_server.rtsp_url)
    assert not reachable
    assert media_server.api_url in detail
    await media_server.start()
    after = await _check(media_server.api_url, media_server.rtsp_url)
    assert after[0]
    assert before[3] != after[3]


async def test_without_the_api_rtsp_tells_that_the_server_is_there(media_server: TestServer) -> None:
    reachable, detail, version, _ = await _check(f"http://127.0.0.1:{free_port()}", media_server.rtsp_url)
    assert reachable
    assert version is None
    assert "RTSP answers" in detail


async def test_something_else_on_the_ports_is_no_media_server(postgres: str) -> None:
    port = postgres.partition("127.0.0.1:")[2].partition("/")[0]
    reachable, _, _, _ = await _check(f"http://127.0.0.1:{port}", f"rtsp://127.0.0.1:{port}")
    assert not reachable


@pytest.mark.parametrize("garbage", ["http://127.0.0.1:{}", "http://no.such.host.invalid:{}"])
async def test_a_check_never_raises(garbage: str) -> None:
    reachable, _, _, _ = await _check(garbage.format(free_port()), f"rtsp://127.0.0.1:{free_port()}")
    assert not reachable


async def test_a_server_that_hangs_is_not_there() -> None:
    # As after SIGSTOP: the kernel takes connections, nobody answers.
    with socket.socket() as hanging:
        hanging.bind(("127.0.0.1", 0))
        hanging.listen()
        port = hanging.getsockname()[1]
        reachable, detail, _, _ = await _check(f"http://127.0.0.1:{port}", f"rtsp://127.0.0.1:{port}")
    assert not reachable
    assert "no answer within" in detail
