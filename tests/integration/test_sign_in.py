"""Users with passwords against the door of the service: logging in, being wrong, being removed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from restream.adapters.passwords import Argon2Passwords, hash_password
from restream.domain.access.accounts import Account, AccountKind, Accounts
from restream.domain.access.caller import Role
from restream.domain.camera.secret import Secret
from restream.interfaces.http.app import build_app
from restream.interfaces.http.auth import COOKIE, Access
from restream.interfaces.http.session import Sessions
from restream.ports.passwords import PasswordsBusyError

PASSWORD = "correct horse"
ANNA = Account(AccountKind.USER, "anna", Role.OPERATE, Secret(hash_password(PASSWORD)), frozenset({"North"}))
KEY = Secret("a key that all nodes share, 32 ..")


class Counted:
    """Compares at once, and counts; `busy` sends everybody away."""

    def __init__(self) -> None:
        self.compared: list[bool] = []
        self.busy = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def matches(self, known: Secret | None, password: str) -> bool:
        if self.busy:
            raise PasswordsBusyError
        self.compared.append(known is not None)
        await self.gate.wait()
        return known is not None and password == PASSWORD


class Door:
    """A running application, whose accounts tests change."""

    def __init__(self, passwords: Any, key: Secret = KEY) -> None:
        self.accounts = Accounts.of([ANNA])
        self.access = Access(accounts=lambda: self.accounts, closed=True, key=key)
        self.passwords = passwords
        self.client: TestClient[Any, Any]

    def app(self) -> web.Application:
        async def status(_: web.Request) -> web.Response:
            return web.json_response({})

        return build_app(self.access, [*Sessions(self.access, self.passwords).routes(), web.get("/api/status", status)])

    async def login(self, user: str = "anna", password: str = PASSWORD, **headers: str) -> tuple[int, str]:
        """Status, and the cookie."""
        body = {"user": user, "password": password}
        async with self.client.post("/api/login", json=body, headers=headers) as answer:
            cookie = answer.cookies.get(COOKIE)
            self.client.session.cookie_jar.clear()
            return answer.status, cookie.value if cookie is not None else ""

    async def status(self, cookie: str) -> int:
        async with self.client.get("/api/status", headers={"Cookie": f"{COOKIE}={cookie}"}) as answer:
            return answer.status


@asynccontextmanager
async def door(passwords: Any = None, key: Secret = KEY) -> AsyncIterator[Door]:
    it = Door(passwords or Counted(), key)
    async with TestClient(TestServer(it.app())) as it.client:
        yield it


async def test_a_user_logs_in_with_the_password_and_out_of_every_node() -> None:
    passwords = Argon2Passwords()
    async with door(passwords) as it, door(passwords) as other, door(passwords, Secret("x" * 32)) as stranger:
        code, cookie = await it.login()
        assert code == 204 and await it.status(cookie) == 200
        assert await other.status(cookie) == 200, "nodes that share the key share sessions"
        assert await stranger.status(cookie) == 401
        async with it.client.get("/api/session", headers={"Cookie": f"{COOKIE}={cookie}"}) as answer:
            session = await answer.json()
        assert (session["name"], session["role"], session["sites"]) == ("anna", "operate", ["North"])
        assert session["sign_in"] == ["password"] and session["authenticated"]
        assert (await it.login(password="wrong"))[0] == (await it.login("nobody"))[0] == 401
    passwords.close()


@pytest.mark.parametrize("how", ["removed", "password changed"])
async def test_sessions_end_with_the_account_they_were_made_for(how: str) -> None:
    async with door() as it:
        _, cookie = await it.login()
        new = Account(ANNA.kind, ANNA.name, ANNA.role, Secret(hash_password("another horse")), ANNA.sites)
        it.accounts = Accounts() if how == "removed" else Accounts.of([new])
        assert await it.status(cookie) == 401


async def test_who_is_removed_while_the_password_is_compared_gets_nothing() -> None:
    passwords = Counted()
    async with door(passwords) as it:
        passwords.gate.clear()
        trying = asyncio.create_task(it.login())
        while not passwords.compared:
            await asyncio.sleep(0.01)
        it.accounts = Accounts()
        passwords.gate.set()
        assert await trying == (401, "")


async def test_a_name_that_is_not_known_costs_as_much_as_one_that_is_and_is_told_alike() -> None:
    passwords = Counted()
    async with door(passwords) as it:
        answers = []
        for user in ("anna", "nobody", "token", ""):
            async with it.client.post("/api/login", json={"user": user, "password": "wrong"}) as answer:
                answers.append((answer.status, await answer.text()))
        assert len(set(answers)) == 1
        assert passwords.compared == [True, False, False, False]


async def test_wrong_passwords_are_limited_also_side_by_side() -> None:
    passwords = Counted()
    async with door(passwords) as it:
        passwords.gate.clear()
        tries = [asyncio.create_task(it.login(password=f"wrong {number}")) for number in range(40)]
        while sum(each.done() for each in tries) < 30:
            await asyncio.sleep(0.01)
        passwords.gate.set()
        codes = [code for code, _ in await asyncio.gather(*tries)]
        assert (codes.count(401), codes.count(429)) == (10, 30) and len(passwords.compared) == 10
        # From now on nothing tells right from wrong.
        assert (await it.login())[0] == 429


async def test_a_user_is_guarded_from_many_addresses_together() -> None:
    async with door() as it:
        sessions = Sessions(it.access, Counted())
        for number in range(50):
            with pytest.raises(web.HTTPUnauthorized):
                await sessions._by_password(f"10.0.0.{number}", "anna", f"wrong {number}")
        with pytest.raises(web.HTTPTooManyRequests):
            await sessions._by_password("10.0.1.1", "anna", PASSWORD)
        # Others are not kept out, and who has a session goes on.
        with pytest.raises(web.HTTPUnauthorized):
            await sessions._by_password("10.0.1.1", "bert", PASSWORD)


async def test_a_right_password_does_not_count_however_often() -> None:
    async with door() as it:
        assert {(await it.login())[0] for _ in range(20)} == {204}


async def test_too_many_at_once_are_told_to_come_again() -> None:
    passwords = Counted()
    async with door(passwords) as it:
        passwords.busy = True
        async with it.client.post("/api/login", json={"user": "anna", "password": PASSWORD}) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user": "anna"},
        {"password": "x"},
        {"user": "anna", "password": PASSWORD, "token": "x"},
        {"user": ["anna"], "password": "x"},
        {"user": "anna", "password": "x" * 300},
        {"user": "x" * 300, "password": "x"},
        [],
    ],
)
async def test_what_is_no_login_is_refused_and_compared_with_nothing(body: Any) -> None:
    passwords = Counted()
    async with door(passwords) as it, it.client.post("/api/login", data=json.dumps(body)) as answer:
        assert answer.status == 400 and passwords.compared == []


async def test_names_come_back_in_no_header() -> None:
    async with door() as it:
        it.accounts = Accounts.of([Account(ANNA.kind, "anna\r\nX: y; Анна", ANNA.role, ANNA.proof)])
        code, cookie = await it.login("anna\r\nX: y; Анна")
        assert code == 204 and cookie.isascii() and cookie.isprintable()
        assert set(cookie) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
        assert await it.status(cookie) == 200
