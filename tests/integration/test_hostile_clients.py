"""HTTP clients that mean harm, against the whole door of the service on a real port."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from restream.config.outlet_sections import HttpSection
from restream.config.settings import Settings
from restream.domain.camera.secret import Secret
from restream.interfaces.http import page
from restream.interfaces.http.app import build_app
from restream.interfaces.http.auth import COOKIE, Access
from restream.interfaces.http.host_names import named
from restream.interfaces.http.query import Query
from restream.interfaces.http.session import Sessions
from restream.service.from_settings import access
from restream.service.listening_port import listening
from tests.support.eventually import eventually

TOKEN = "0123456789abcdef"


class Door:
    """A running application; `acted` counts what got through to act."""

    def __init__(self) -> None:
        self.port = 0
        self.acted = 0

    def routes(self) -> list[web.AbstractRouteDef]:
        async def read(request: web.Request) -> web.Response:
            Query(request.query).only("limit").number("limit", 0, 10)
            return web.json_response({"secret": "picture"})

        async def act(_: web.Request) -> web.Response:
            self.acted += 1
            return web.json_response({}, status=202)

        async def crash(_: web.Request) -> web.Response:
            raise RuntimeError("surprise")

        async def live(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.close()
            return socket

        async def leave(request: web.Request) -> web.StreamResponse:
            assert request.transport is not None
            request.transport.close()
            await web.WebSocketResponse().prepare(request)
            raise AssertionError("nobody is there")

        return [
            web.get("/api/leave", leave),
            web.get("/api/status", read),
            web.post("/api/cameras/{id}/restart", act),
            web.get("/api/crash/{what}", crash),
            web.get("/ws", live),
        ]

    async def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> tuple[int, CIMultiDictProxy[str], bytes]:
        """A request exactly as written, on a connection of its own."""
        given = {"Host": f"127.0.0.1:{self.port}", "Connection": "close", **(headers or {})}
        if body:
            given.setdefault("Content-Length", str(len(body)))
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        return await self.send(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("utf-8", "surrogateescape") + body)

    async def send(self, request: bytes) -> tuple[int, CIMultiDictProxy[str], bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            answer = await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = CIMultiDict(tuple(line.split(": ", 1)) for line in lines[1:])
        return int(lines[0].split()[1]) if lines[0] else 0, CIMultiDictProxy(headers), body

    async def status(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> int:
        return (await self.ask(method, path, headers, body))[0]


@asynccontextmanager
async def door(rules: Access, **limits: Any) -> AsyncIterator[Door]:
    it = Door()
    app = build_app(rules, [*it.routes(), *Sessions(rules).routes(), *page.routes()])
    async with listening(app, "127.0.0.1", 0, "http.port", **limits) as it.port:
        yield it


def rules(token: str | None = TOKEN, **others: Any) -> Access:
    return Access(Secret(token) if token else None, **others)


def local() -> Access:
    """What the default configuration makes: loopback, no token."""
    return access(Settings())


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# -- who it thinks it is talking to ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "10.0.0.5:8000", "[::2]", "localhost@evil", ""],
)
async def test_without_a_token_a_page_that_borrows_our_address_learns_and_does_nothing(host: str) -> None:
    async with door(local()) as it:
        # Such a page is of the same origin as we are, as far as its browser can tell, and may set most headers.
        forged = {"Host": host, "Origin": f"http://{host}", "X-Forwarded-Host": "127.0.0.1"}
        for method, path in (("GET", "/api/status"), ("POST", "/api/cameras/1/restart"), ("GET", "/"), ("GET", "/ws")):
            status, _, body = await it.ask(method, path, forged)
            assert status in (400, 421), (method, path)
            assert b"picture" not in body
    assert it.acted == 0


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LOCALHOST.", "127.0.0.1", "127.3.2.1:1", "[::1]:8000"]
)
async def test_without_a_token_this_machine_may(host: str) -> None:
    async with door(local()) as it:
        assert await it.status("GET", "/api/status", {"Host": host}) == 200


@pytest.mark.parametrize(
    ("configured", "host", "status"),
    [
        ({}, "wall.example", 421),
        ({"allowed_hosts": ("wall.example",)}, "wall.example:443", 200),
        ({"allowed_hosts": ("wall.example",)}, "localhost", 200),
        ({"allowed_hosts": ("wall.example",)}, "other.example", 421),
        # Behind a proxy with a name of its own: the token is what counts.
        ({"token": TOKEN}, "wall.example", 200),
        ({"token": TOKEN, "allowed_hosts": ("wall.example",)}, "other.example", 421),
        ({"token": TOKEN, "auth": "none"}, "wall.example", 421),
        ({"auth": "none", "host": "0.0.0.0"}, "10.0.0.5:8000", 200),
        ({"auth": "none", "host": "0.0.0.0", "allowed_hosts": ("wall.example",)}, "10.0.0.5", 421),
    ],
)
async def test_names_the_service_answers_to(configured: dict[str, Any], host: str, status: int) -> None:
    async with door(access(Settings(http=HttpSection(**configured)))) as it:
        assert await it.status("GET", "/api/status", {"Host": host, **bearer(TOKEN)}) == status


async def test_the_metrics_port_follows_the_same_rule() -> None:
    async def scrape(_: web.Request) -> web.Response:
        return web.Response(text="restream_cameras 1")

    app = web.Application(middlewares=[named(())])
    app.add_routes([web.get("/metrics", scrape)])
    it = Door()
    async with listening(app, "127.0.0.1", 0, "metrics.port") as it.port:
        assert await it.status("GET", "/metrics", {"Host": "evil.example"}) == 421
        assert await it.status("GET", "/metrics") == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://[", "http://", "https://127.0.0.1.evil.example"]
)
async def test_pages_of_other_sites_cannot_act(origin: str) -> None:
    async with door(local()) as it:
        forged = {"Origin": origin, "Content-Type": "text/plain"}
        assert await it.status("POST", "/api/cameras/1/restart", forged, b"{}") == 403
        assert await it.status("GET", "/ws", {"Origin": origin, "Upgrade": "websocket"}) == 403
        preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        status, headers, _ = await it.ask("OPTIONS", "/api/cameras/1/restart", preflight)
        assert status == 405 and not [name for name in headers if name.lower().startswith("access-control")]
    assert it.acted == 0


# -- guessing the token ------------------------------------------------------------------------------------------------


_numbers = itertools.count()


async def _guesses(it: Door, how: str, count: int, **headers: str) -> list[int]:
    async def guess() -> int:
        wrong = f"wrong {next(_numbers)}"
        if how == "bearer":
            return await it.status("GET", "/api/status", {**bearer(wrong), **headers})
        return await it.status("POST", "/api/login", headers, json.dumps({"token": wrong}).encode())

    return list(await asyncio.gather(*(guess() for _ in range(count))))


@pytest.mark.parametrize("how", ["bearer", "login"])
async def test_guesses_are_limited_also_side_by_side(how: str) -> None:
    async with door(rules()) as it:
        answers = await _guesses(it, how, 40)
        # The tenth wrong bearer token is told already that it was the last one.
        refused = 10 if how == "login" else 9
        assert (answers.count(401), answers.count(429)) == (refused, 40 - refused)
        # From now on nothing tells right from wrong: not the status, and not the question who one is.
        right = bearer(TOKEN) if how == "bearer" else {}
        body = b"" if how == "bearer" else json.dumps({"token": TOKEN}).encode()
        method, path = ("GET", "/api/status") if how == "bearer" else ("POST", "/api/login")
        status, headers, _ = await it.ask(method, path, right, body)
        assert (status, headers.get("Retry-After"), "Set-Cookie" in headers) == (429, "60", False)
        if how == "bearer":
            _, _, document = await it.ask("GET", "/api/session", right)
            assert json.loads(document)["authenticated"] is False
            assert await it.status("POST", "/api/cameras/1/restart", right) == 429
    assert it.acted == 0


async def test_guesses_by_the_question_who_one_is_count_as_well() -> None:
    async with door(rules()) as it:
        for number in range(10):
            await it.ask("GET", "/api/session", bearer(f"wrong {number}"))
        assert await it.status("GET", "/api/status", bearer(TOKEN)) == 429


async def test_who_is_logged_in_stays_so_while_a_neighbour_guesses() -> None:
    async with door(rules()) as it:
        _, headers, _ = await it.ask("POST", "/api/login", body=json.dumps({"token": TOKEN}).encode())
        cookie = {"Cookie": headers["Set-Cookie"].partition(";")[0]}
        await _guesses(it, "bearer", 20)
        assert await it.status("GET", "/api/status", cookie) == 200


async def test_a_program_that_repeats_its_old_token_locks_nobody_out() -> None:
    async with door(rules()) as it:
        assert {await it.status("GET", "/api/status", bearer("stale")) for _ in range(40)} == {401}
        assert await it.status("GET", "/api/status", bearer(TOKEN)) == 200


async def test_wrong_tokens_do_no_harm_where_everybody_may_read() -> None:
    async with door(rules(auth="none")) as it:
        await _guesses(it, "bearer", 20)
        assert await it.status("GET", "/api/status", bearer("stale")) == 200
        assert await it.status("POST", "/api/cameras/1/restart", bearer(TOKEN)) == 429


async def test_a_forwarded_address_counts_only_from_a_trusted_proxy() -> None:
    async with door(rules()) as it:
        # Nobody gets new guesses by calling himself another.
        for number in range(10):
            await _guesses(it, "login", 1, **{"X-Forwarded-For": f"10.0.0.{number}"})
        assert await _guesses(it, "login", 1, **{"X-Forwarded-For": "10.0.0.99"}) == [429]
    proxies = (ip_network("127.0.0.1/32"), ip_network("10.1.0.0/16"))
    async with door(rules(proxies=proxies)) as it:
        # What the client wrote there itself stands before what the proxies added.
        await _guesses(it, "login", 10, **{"X-Forwarded-For": "8.8.8.8, 10.0.0.1, 10.1.0.1"})
        assert await _guesses(it, "login", 1, **{"X-Forwarded-For": "9.9.9.9, 10.0.0.1"}) == [429]
        assert await _guesses(it, "login", 1, **{"X-Forwarded-For": "10.0.0.2"}) == [401]
        await _guesses(it, "login", 10, **{"X-Forwarded-For": "2001:db8::1"})
        assert await _guesses(it, "login", 1, **{"X-Forwarded-For": "2001:db8::ffff:2"}) == [429]
        assert await _guesses(it, "login", 1, **{"X-Forwarded-For": "nonsense"}) == [401]


@pytest.mark.parametrize("token", ["", " ", "\x80", "ü", TOKEN[:-1], TOKEN + " x", TOKEN.upper(), "\udcff" * 40])
async def test_what_is_not_the_token_is_refused(token: str) -> None:
    async with door(rules()) as it:
        assert await it.status("GET", "/api/status", bearer(token)) in (400, 401)


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        ".",
        "99999999999.",
        "99999999999.00",
        "9" * 400 + ".x",
        "٩٩٩٩٩٩٩٩٩٩٩.x",
        "-1.x",
        "1e9.x",
        "\udcff.\udcff",
        '"',
    ],
)
async def test_forged_sessions_are_refused(cookie: str) -> None:
    async with door(rules()) as it:
        assert await it.status("GET", "/api/status", {"Cookie": f"{COOKIE}={cookie}"}) in (400, 401)


async def test_the_cookie_is_for_browsers_alone() -> None:
    async with door(rules()) as it:
        login = json.dumps({"token": TOKEN}).encode()
        _, headers, _ = await it.ask("POST", "/api/login", {"X-Forwarded-Proto": "https"}, login)
        kept = {part.strip().lower() for part in headers["Set-Cookie"].split(";")[1:]}
        assert {"httponly", "samesite=strict", "secure", "path=/"} <= kept
        assert TOKEN not in headers["Set-Cookie"]


# -- the form of requests ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/static/../page.py",
        "/static/%2e%2e/http/page.py",
        "/static/..%2fhttp%2fpage.py",
        "/static/..%5chttp%5cpage.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/js/../../http/page.py",
        "/static/%00",
        "/static/app.js%00.css",
        "/static/" + "a" * 5000,
        "/static/%ff%fe",
        "/static/js",
        "/static/%2e",
    ],
)
async def test_no_other_file_is_served(path: str) -> None:
    async with door(local()) as it:
        status, _, body = await it.ask("GET", path)
        assert status == 404, body
        assert b"root:" not in body and b"import" not in body


async def test_a_link_in_the_static_files_leads_nowhere_new() -> None:
    root = page.STATIC.resolve()
    served = [path.resolve() for path in page.FILES.values()]
    assert served and all(path.is_relative_to(root) for path in served)


@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "PATCH", "PROPFIND", "CONNECT", "FOO"])
async def test_other_methods_are_refused_and_echo_nothing(method: str) -> None:
    async with door(local()) as it:
        status, _, body = await it.ask(method, "/api/status", {"X-Probe": "marker"})
        assert status in (400, 404, 405) and b"marker" not in body


async def test_head_tells_no_more_than_get() -> None:
    async with door(rules()) as it:
        assert await it.status("HEAD", "/api/status") == 401
        assert (await it.ask("HEAD", "/api/status", bearer(TOKEN)))[2] == b""
        assert await it.status("HEAD", "/api/cameras/1/restart", bearer(TOKEN)) == 405
    assert it.acted == 0


async def test_bodies_are_bounded_also_when_they_are_compressed() -> None:
    async with door(rules()) as it:
        assert await it.status("POST", "/api/login", body=b"x" * 70_000) == 413
        bomb = gzip.compress(b'{"token": "' + b"0" * 50_000_000 + b'"}')
        assert len(bomb) < 64 * 1024
        assert await it.status("POST", "/api/login", {"Content-Encoding": "gzip"}, bomb) == 400
        deep = b"[" * 60_000
        assert await it.status("POST", "/api/login", body=deep) == 400


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X%d: 1\r\n" % n for n in range(10_000)) + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        b"GET / HTTP/1.1\r\nHo\x00st: localhost\r\n\r\n",
    ],
    ids=range(9),
)
async def test_what_is_no_request_is_refused_at_once(request_bytes: bytes) -> None:
    async with door(local()) as it:
        status, headers, _ = await it.send(request_bytes)
        assert status in (0, 400, 413, 414, 431)
        assert "Set-Cookie" not in headers


@pytest.mark.parametrize("text", ["%0d%0aSet-Cookie:%20a=b", "%0aX: y", "%00", "%ff", "ü", "%ED%A0%80", "<script>"])
async def test_nothing_that_is_sent_comes_back_as_a_header(text: str) -> None:
    async with door(local()) as it:
        for path in (f"/api/status?{text}=1", f"/api/status?limit={text}", f"/api/nothing/{text}"):
            status, headers, body = await it.ask("GET", path)
            assert status in (400, 404)
            assert "Set-Cookie" not in headers and "X" not in headers
            if headers.get("Content-Type", "").startswith("application/json"):
                assert set(json.loads(body)) == {"error"}


async def test_a_failing_handler_tells_nothing_and_logs_one_line(caplog: pytest.LogCaptureFixture) -> None:
    async with door(local()) as it:
        with caplog.at_level(logging.ERROR):
            status, _, body = await it.ask("GET", "/api/crash/a%0d%0aERROR%20forged%1b[31m")
    assert status == 500 and b"surprise" not in body
    (message,) = {record.getMessage() for record in caplog.records}
    assert message.isprintable()


async def test_a_client_that_leaves_before_its_answer_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    async with door(local()) as it:
        assert await it.status("GET", "/api/leave", {**upgrade, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}) == 0
        assert await it.status("GET", "/api/status") == 200
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/status", 200),
        ("GET", "/api/nothing", 404),
        ("GET", "/api/crash/1", 500),
        ("GET", "/api/status?x=1", 400),
        ("PUT", "/api/status", 405),
        ("POST", "/api/login", 400),
        ("GET", "/api/session", 200),
    ],
)
@pytest.mark.filterwarnings("default")
async def test_every_answer_says_how_browsers_must_treat_it(method: str, path: str, status: int) -> None:
    async with door(rules()) as it:
        answered, headers, _ = await it.ask(method, path, bearer(TOKEN))
    assert answered == status
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert SAFE.items() <= dict(headers).items()


async def test_refusals_say_so_too() -> None:
    async with door(rules()) as it:
        for headers in ({}, {"Origin": "https://evil.example"}):
            _, answered, _ = await it.ask("POST", "/api/cameras/1/restart", headers)
            assert answered["Cache-Control"] == "no-store" and SAFE.items() <= dict(answered).items()


# -- time and room -----------------------------------------------------------------------------------------------------


async def _trickle(port: int, first: bytes, rest: bytes) -> float:
    """Seconds until the server gives up on a client that sends `rest` over and over, a little at a time."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ended = asyncio.ensure_future(reader.read())
    writer.write(first)
    try:
        while not ended.done() and loop.time() - began < 30:
            writer.write(rest)
            await asyncio.wait({ended}, timeout=0.1)
    finally:
        ended.cancel()
        writer.close()
    return loop.time() - began


async def test_headers_that_never_end_and_silence_are_cut_off() -> None:
    async with door(local(), patience_s=1.0) as it:
        slow = await asyncio.gather(
            _trickle(it.port, b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"X: 1\r\n"), _trickle(it.port, b"", b"")
        )
        assert max(slow) < 15


async def test_a_body_that_never_ends_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restream.interfaces.http.session._BODY_S", 0.5)
    async with door(rules()) as it:
        head = b"POST /api/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n"
        assert await _trickle(it.port, head, b" ") < 25


async def test_more_connections_than_there_is_room_for_are_turned_away() -> None:
    async with door(local(), most_connections=5) as it:
        held = [await asyncio.open_connection("127.0.0.1", it.port) for _ in range(5)]
        await eventually(lambda: _refused(it), 5, "the sixth is refused")
        for _, writer in held:
            writer.close()
        await eventually(lambda: _served(it), 5, "there is room again")


async def _refused(it: Door) -> bool:
    try:
        return await it.status("GET", "/api/status") == 0
    except ConnectionError:
        return True


async def _served(it: Door) -> bool:
    return not await _refused(it)


async def test_the_page_is_served_to_many_at_once() -> None:
    async with door(local()) as it, aiohttp.ClientSession() as session:

        async def load() -> int:
            async with session.get(f"http://127.0.0.1:{it.port}/") as response:
                return response.status

        assert set(await asyncio.gather(*(load() for _ in range(100)))) == {200}


def test_hosts_and_proxies_are_checked_when_the_configuration_is_read() -> None:
    wrong: Collection[dict[str, Any]] = (
        {"allowed_hosts": ["http://x"]},
        {"allowed_hosts": ["x:80"]},
        {"allowed_hosts": ["*"]},
        {"trusted_proxies": ["proxy.example"]},
        {"trusted_proxies": ["10.0.0.1/8"]},
    )
    for each in wrong:
        with pytest.raises(ValueError, match=next(iter(each))):
            HttpSection(**each)
