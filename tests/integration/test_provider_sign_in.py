"""Sign-in by an identity provider: a real one on loopback, one that lies, and the whole way in Chromium."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from restream.adapters.oidc_provider import OidcProvider
from restream.demo.embedded import free_port
from restream.domain.access.accounts import Accounts
from restream.domain.access.audit import AuditEntry
from restream.domain.access.caller import Role
from restream.domain.access.grants import Grant, Grants
from restream.domain.camera.secret import Secret
from restream.domain.server.trust import SYSTEM
from restream.interfaces.http import page
from restream.interfaces.http.app import build_app
from restream.interfaces.http.auth import COOKIE, Access
from restream.interfaces.http.provider_sign_in import ProviderSignIn
from restream.interfaces.http.session import Sessions
from restream.ports.sign_in import Attempt, ProviderError
from tests.browser.conftest import CHROMIUM, async_playwright, expect
from tests.conftest import needs
from tests.support.eventually import eventually

USERS = (
    {"sub": "1", "name": "x", "preferred_username": "Anna\u202e", "groups": ["staff", "cctv"]},
    {"sub": "2", "preferred_username": "bert", "groups": ["staff"]},
    {"sub": "3", "preferred_username": "token", "groups": ["admins", "cctv"]},
)
BY_VALUE = {"admins": Grant(Role.CONFIGURE), "cctv": Grant(Role.OPERATE, frozenset({"North"}))}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider of PyPI (Authlib in Flask), as a process of its own."""
    port = free_port()
    users = [part for user in USERS for part in ("--user-claims", json.dumps(user))]
    process = subprocess.Popen(
        (sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *users),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    async def answers() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    asyncio.run(eventually(answers, 60, "the provider answers"))
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(20)


class Door:
    """The service's door, with a provider; `recorded` is the audit log."""

    def __init__(self, issuer: str, page_url: str = "") -> None:
        self.by_value: dict[str, Grant] = dict(BY_VALUE)
        self.provider = OidcProvider(issuer, "restream", Secret("s&cret"), scopes=("openid", "profile"), trust=SYSTEM)
        self.issuer = issuer
        self.page_url = page_url
        self.recorded: list[AuditEntry] = []
        self.access = Access(accounts=self.accounts, closed=True)

    def accounts(self) -> Accounts:
        return Accounts.of([], Grants(self.issuer, "groups", self.by_value))

    def app(self) -> web.Application:
        signing_in = ProviderSignIn(self.access, lambda: self.provider, lambda: self.page_url, self.recorded.append)
        routes = [*Sessions(self.access).routes(), *signing_in.routes(), *page.routes()]
        return build_app(self.access, routes)


@asynccontextmanager
async def door(issuer: str, page_url: str = "") -> AsyncIterator[tuple[Door, TestClient[Any, Any]]]:
    it = Door(issuer, page_url)
    jar = aiohttp.CookieJar(unsafe=True)
    async with TestClient(TestServer(it.app()), cookie_jar=jar) as client:
        yield it, client
    await it.provider.close()


async def sign_in(client: TestClient[Any, Any], subject: str) -> aiohttp.ClientResponse:
    """As a browser does it, with the form of the provider; the answer to the callback."""
    async with client.get("/api/oidc/login", allow_redirects=False) as answer:
        assert answer.status == 302
        there = answer.headers["Location"]
    async with client.session.post(there, data={"sub": subject}, allow_redirects=False) as answer:
        back = urlsplit(answer.headers["Location"])
    return await client.get(f"{back.path}?{back.query}", allow_redirects=False)


async def test_who_has_a_role_is_let_in_until_it_is_taken(issuer: str) -> None:
    async with door(issuer) as (it, client):
        answer = await sign_in(client, "1")
        assert (answer.status, answer.headers["Location"]) == (302, "../../")
        cookie = answer.cookies[COOKIE]
        assert (cookie["samesite"], cookie["httponly"]) == ("Strict", True)
        async with client.get("/api/session") as answer:
            session = await answer.json()
        assert (session["name"], session["role"], session["sites"]) == ("Anna", "operate", ["North"])
        assert session["sign_in"] == ["oidc"]
        assert [(each.action, each.who, each.result) for each in it.recorded] == [("login", "Anna", "done")]
        # A configuration that is read again counts at once, for sessions too.
        it.by_value["cctv"] = Grant(Role.SEE, frozenset({"South"}))
        async with client.get("/api/session") as answer:
            assert ((await answer.json())["role"], (await answer.json())["sites"]) == ("see", ["South"])
        del it.by_value["cctv"]
        async with client.get("/api/session") as answer:
            assert not (await answer.json())["authenticated"]


async def test_who_has_none_is_told_so_and_nobody_is_taken_for_one_of_ours(issuer: str) -> None:
    async with door(issuer) as (it, client):
        answer = await sign_in(client, "2")
        assert (
            answer.status == 403 and "nothing here is granted" in await answer.text() and COOKIE not in answer.cookies
        )
        assert [(each.who, each.result) for each in it.recorded] == [("bert", "refused")]
        await sign_in(client, "3")
        async with client.get("/api/session") as answer:
            assert (await answer.json())["name"] == "token (oidc)"


async def test_a_sign_in_is_of_the_browser_that_began_it_and_of_one_time(issuer: str) -> None:
    async with door(issuer, "https://nvr.example/cams/") as (_, client):
        async with client.get("/api/oidc/login", allow_redirects=False) as answer:
            asked = parse_qs(urlsplit(answer.headers["Location"]).query)
            assert asked["redirect_uri"] == ["https://nvr.example/cams/api/oidc/callback"]
            assert asked["code_challenge_method"] == ["S256"] and asked["nonce"] != asked["state"]
            assert asked["scope"] == ["openid profile"] and "s&cret" not in answer.headers["Location"]
        for query in ("", f"?state=x{asked['state'][0]}&code=a", "?code=a"):
            async with client.get(f"/api/oidc/callback{query}", headers={"Accept-Language": "de-DE"}) as answer:
                assert answer.status == 400 and "in einem anderen Browser" in await answer.text()
        # What fails ends the attempt: its state is good for one time.
        async with client.get(f"/api/oidc/callback?state={asked['state'][0]}&code=a") as answer:
            assert answer.status == 400


async def test_a_provider_that_is_away_is_one_clear_sentence() -> None:
    async with door(f"http://127.0.0.1:{free_port()}") as (_, client), client.get("/api/oidc/login") as answer:
        assert answer.status == 502 and "Local users can still log in" in await answer.text()


# -- a provider that lies ----------------------------------------------------------------------------------------------


class Liar:
    """Signs whatever it is told to, with whatever key."""

    def __init__(self) -> None:
        self.keys = [RSAKey.generate_key(2048, {"kid": "1"})]
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "1"}
        self.signed_with: Any = self.keys[0]
        self.claims: dict[str, Any] = {}
        self.asked_for_keys = 0
        self.url = ""

    def app(self) -> web.Application:
        async def configuration(_: web.Request) -> web.Response:
            names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            return web.json_response({"issuer": self.url, **{name: f"{self.url}/{name}" for name in names}})

        async def keys(_: web.Request) -> web.Response:
            self.asked_for_keys += 1
            return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})

        async def token(request: web.Request) -> web.Response:
            form = await request.post()
            assert form["code_verifier"] == "verifier" and request.headers["Authorization"].startswith("Basic ")
            now = int(time.time())
            claims = {"iss": self.url, "aud": "restream", "sub": "1", "iat": now, "exp": now + 60, "nonce": "nonce"}
            claims = {key: each for key, each in (claims | self.claims).items() if each is not None}
            return web.json_response({"id_token": jwt.encode(self.header, claims, self.signed_with)})

        app = web.Application()
        app.add_routes([web.get("/.well-known/openid-configuration", configuration), web.get("/jwks_uri", keys)])
        app.add_routes([web.post("/token_endpoint", token)])
        return app


ATTEMPT = Attempt("state", "nonce", "verifier", "http://nvr/api/oidc/callback")


@asynccontextmanager
async def lying() -> AsyncIterator[tuple[Liar, OidcProvider]]:
    it = Liar()
    async with TestServer(it.app()) as server:
        it.url = str(server.make_url("")).rstrip("/")
        provider = OidcProvider(it.url, "restream", Secret("s"), scopes=("openid",), trust=SYSTEM)
        try:
            yield it, provider
        finally:
            await provider.close()


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"aud": "other"},
        {"aud": ["restream", "other"], "azp": "other"},
        {"exp": 1},
        {"exp": None},
        {"iat": 4e9},
        {"nonce": "of another attempt"},
        {"nonce": None},
        {"sub": None},
    ],
)
async def test_a_token_for_somebody_else_or_of_another_time_is_not_believed(claims: dict[str, Any]) -> None:
    async with lying() as (it, provider):
        assert (await provider.claims(ATTEMPT, "code"))["sub"] == "1"
        it.claims = claims
        with pytest.raises(ProviderError):
            await provider.claims(ATTEMPT, "code")


async def test_clocks_may_differ_by_a_minute() -> None:
    async with lying() as (it, provider):
        it.claims = {"iat": int(time.time()) + 30, "exp": int(time.time()) - 30}
        assert (await provider.claims(ATTEMPT, "code"))["sub"] == "1"


async def test_only_keys_of_the_provider_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    async with lying() as (it, provider):
        await provider.claims(ATTEMPT, "code")
        other = RSAKey.generate_key(2048, {"kid": "2"})
        forged = (({"alg": "RS256", "kid": "1"}, other), ({"alg": "HS256", "kid": "1"}, OctKey.generate_key(256)))
        for it.header, it.signed_with in forged:
            with pytest.raises(ProviderError):
                await provider.claims(ATTEMPT, "code")
        asked = it.asked_for_keys
        # A new key is asked for, however often unknown ones are named not more than once in ten seconds.
        it.header, it.signed_with = {"alg": "RS256", "kid": "2"}, other
        with pytest.raises(ProviderError):
            await provider.claims(ATTEMPT, "code")
        assert it.asked_for_keys == asked
        it.keys.append(other)
        monkeypatch.setattr("restream.adapters.oidc_provider._KEYS_AGAIN_S", 0.0)
        assert (await provider.claims(ATTEMPT, "code"))["sub"] == "1"


async def test_a_provider_calls_itself_what_the_configuration_does() -> None:
    async with lying() as (it, provider):
        it.url = "http://127.0.0.1:1/other"
        with pytest.raises(ProviderError, match="it calls itself"):
            await provider.address(ATTEMPT)


# -- in a browser, behind a proxy with a prefix ------------------------------------------------------------------------


@asynccontextmanager
async def proxy(inner: str) -> AsyncIterator[str]:
    """A reverse proxy that has the page below /cams/; its address."""

    async def forward(request: web.Request) -> web.Response:
        url = f"{inner}/{request.match_info['rest']}?{request.query_string}"
        headers = {name: value for name, value in request.headers.items() if name not in ("Host", "Accept-Encoding")}
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(
                request.method, url, headers=headers, data=await request.read(), allow_redirects=False
            ) as answer,
        ):
            response = web.Response(body=await answer.read(), status=answer.status)
            kept = ("Location", "Set-Cookie", "Content-Type", "Content-Security-Policy", "Referrer-Policy")
            for name in kept:
                for value in answer.headers.getall(name, ()):
                    response.headers.add(name, value)
            return response

    app = web.Application()
    app.add_routes([web.route("*", "/cams/{rest:.*}", forward)])
    async with TestServer(app) as server:
        # Another site than the provider's: cookies are as strict as they are meant.
        yield f"http://localhost:{server.port}/cams/"


async def test_the_whole_way_in_a_browser(issuer: str, request: pytest.FixtureRequest) -> None:
    needs(request.config, async_playwright and CHROMIUM, "Chromium with Playwright")
    it = Door(issuer)
    async with TestServer(it.app()) as server, proxy(str(server.make_url("")).rstrip("/")) as address:
        it.page_url = address
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            tab = await browser.new_page(locale="en-US")
            await tab.goto(address)
            assert not await tab.locator("#token").is_visible()
            await tab.get_by_role("link", name="Sign in with your organisation's account").click()
            await tab.get_by_role("button", name="1", exact=True).click()
            await tab.wait_for_url(address)
            session = await tab.evaluate("fetch('api/session').then((answer) => answer.json())")
            assert (session["name"], session["role"]) == ("Anna", "operate")
            await tab.context.clear_cookies()
            await tab.goto(f"{address}api/oidc/login")
            await tab.get_by_role("button", name="2", exact=True).click()
            await expect(tab.locator("body")).to_contain_text("nothing here is granted to you")
            await tab.get_by_role("link", name="Back").click()
            await tab.wait_for_url(address)
            await browser.close()
    await it.provider.close()
