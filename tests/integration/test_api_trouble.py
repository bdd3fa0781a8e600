"""What is wrong with the way to a media server's control API is told for what it is; the server itself is there."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from restream.adapters.server.mediamtx_http import MediamtxServer
from restream.demo.embedded import free_port
from restream.domain.camera.secret import Secret
from restream.domain.server.api_trouble import ApiTrouble
from tests.support.servers import RealMediamtx

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PAGE = "<html><form action=/login><input name=password></form></html>"
EVERYBODY = {"user": "any", "permissions": [{"action": "publish"}, {"action": "read"}]}


@asynccontextmanager
async def api_of(answer: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Something that answers every request like this; its address without the scheme."""
    application = web.Application()
    application.router.add_route("*", "/{anything:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def rtsp() -> AsyncIterator[str]:
    """A publish address that is there."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"rtsp://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def trouble_of(api_url: str, rtsp_url: str, **login: object) -> tuple[ApiTrouble | None, str]:
    server = MediamtxServer(api_url, rtsp_url, **login)  # type: ignore[arg-type]
    try:
        status = await server.observe()
    finally:
        await server.close()
    assert status.reachable and status.view is None, status
    assert "s3cret" not in repr(status)
    return status.trouble, status.detail


def answering(status: int, text: str, content_type: str = "application/json", **headers: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text, content_type=content_type, headers=headers)

    return answer


async def hanging(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    raise AssertionError


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (answering(401, '{"status":"error"}'), ApiTrouble.USER),
        (answering(403, ""), ApiTrouble.USER),
        (answering(404, "404 page not found", "text/plain"), ApiTrouble.NOT_FOUND),
        (answering(200, PAGE, "text/html"), ApiTrouble.FOREIGN),
        (answering(200, PAGE), ApiTrouble.FOREIGN),
        (answering(200, "[]"), ApiTrouble.FOREIGN),
        (answering(200, '{"status":"ok"}'), ApiTrouble.FOREIGN),
        (answering(200, ""), ApiTrouble.FOREIGN),
        (answering(302, "", Location="/login"), ApiTrouble.FOREIGN),
        (answering(502, PAGE, "text/html"), ApiTrouble.FOREIGN),
        (answering(500, '{"status":"error"}'), ApiTrouble.ERROR),
        (answering(400, "<h1>The plain HTTP request was sent to HTTPS port</h1>", "text/html"), ApiTrouble.TLS),
        (hanging, ApiTrouble.TIMEOUT),
    ],
)
async def test_an_answer_is_told_for_what_it_is(answer: Handler, trouble: ApiTrouble) -> None:
    async with api_of(answer) as address, rtsp() as rtsp_url:
        login = {"user": "restream", "password": Secret("s3cret")}
        assert (await trouble_of(f"http://{address}", rtsp_url, **login))[0] is trouble


async def test_nobody_listens() -> None:
    async with rtsp() as rtsp_url:
        assert (await trouble_of(f"http://127.0.0.1:{free_port()}", rtsp_url))[0] is ApiTrouble.OFF
        # Something that speaks no HTTP at all.
        address = rtsp_url.partition("://")[2]
        assert (await trouble_of(f"http://{address}", rtsp_url))[0] is ApiTrouble.FOREIGN


def certificate(directory: Path) -> tuple[Path, Path]:
    """Key and certificate that nobody trusts."""
    key, certificate = directory / "server.key", directory / "server.crt"
    subprocess.run(
        (
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-keyout", str(key), "-out", str(certificate)),
        ),
        check=True,
        capture_output=True,
    )
    return key, certificate


async def test_tls_on_one_side_only(tmp_path: Path) -> None:
    key, chain = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, key)
    good = answering(200, '{"items":[]}')
    async with api_of(good) as plain, api_of(good, context) as encrypted, rtsp() as rtsp_url:
        assert (await trouble_of(f"https://{plain}", rtsp_url))[0] is ApiTrouble.TLS
        # A certificate that is not trusted.
        assert (await trouble_of(f"https://{encrypted}", rtsp_url))[0] is ApiTrouble.TLS


async def test_the_real_server_with_tls_and_with_users(tmp_path: Path, mediamtx: RealMediamtx) -> None:
    key, chain = certificate(tmp_path)
    encrypted = {"apiEncryption": True, "apiServerKey": str(key), "apiServerCert": str(chain)}
    guarded = RealMediamtx({"authInternalUsers": [EVERYBODY]})
    for server, trouble in ((RealMediamtx(encrypted), ApiTrouble.TLS), (guarded, ApiTrouble.USER)):
        await server.start()
        try:
            assert (await trouble_of(server.api_url, server.rtsp_url))[0] is trouble
        finally:
            await server.stop()
    https = mediamtx.api_url.replace("http://", "https://")
    assert (await trouble_of(https, mediamtx.rtsp_url))[0] is ApiTrouble.TLS
