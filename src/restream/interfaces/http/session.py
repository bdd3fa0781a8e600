"""Login for browsers: a token or a password once, then a cookie that pages cannot read."""

from __future__ import annotations

import asyncio
import json
import time

import msgspec
from aiohttp import web
from msgspec import UNSET

from restream.domain.access.caller import Role
from restream.interfaces.documents.answers import LoginDocument, SessionDocument
from restream.interfaces.http.answer import json_answer
from restream.interfaces.http.attempts import Attempts
from restream.interfaces.http.audit import note
from restream.interfaces.http.auth import AUTHENTICATED, COOKIE, SESSION_S, Access
from restream.interfaces.http.rights import caller_of
from restream.ports.passwords import PasswordCheck, PasswordsBusyError

# From all addresses: more than one client may have, so that nobody is kept out by a neighbour's few guesses.
_MOST_FAILURES_OF_A_USER = 50
_LONGEST_PASSWORD = 256
# Thirty bytes that take longer are no browser's.
_BODY_S = 10.0


def _too_often(what: str) -> web.HTTPTooManyRequests:
    return web.HTTPTooManyRequests(reason=f"too many wrong {what}: wait a minute", headers={"Retry-After": "60"})


def _expected() -> web.HTTPBadRequest:
    return web.HTTPBadRequest(reason='expected {"token": "…"}, or {"user": "…", "password": "…"}')


def is_secure(request: web.Request) -> bool:
    """Whether the browser speaks TLS, to us or to a proxy."""
    return request.secure or request.headers.get("X-Forwarded-Proto") == "https"


def set_session(request: web.Request, response: web.Response, value: str) -> None:
    """A cookie that scripts cannot read, and that no page of another site sends along."""
    response.set_cookie(COOKIE, value, max_age=SESSION_S, httponly=True, samesite="Strict", secure=is_secure(request))


class Sessions:
    """Handlers of `/api/login`, `/api/logout` and `/api/session`; without `passwords` users have none."""

    def __init__(self, access: Access, passwords: PasswordCheck | None = None) -> None:
        self._access = access
        self._passwords = passwords
        self._tries = Attempts()
        self._tries_of_users = Attempts(_MOST_FAILURES_OF_A_USER)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/login", self.login),
            web.post("/api/logout", self.logout),
            web.get("/api/session", self.session),
        ]

    async def login(self, request: web.Request) -> web.Response:
        """A cookie, for a token or for a user and the password."""
        try:
            async with asyncio.timeout(_BODY_S):
                body = await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout(reason=f"the body did not come within {_BODY_S:g} s") from None
        try:
            told = msgspec.json.decode(body, type=LoginDocument)
        except (ValueError, RecursionError):
            raise _expected() from None
        client = self._access.client(request)
        if isinstance(told.token, str) and told.user is told.password is UNSET:
            value = self._by_token(request, client, told.token)
        elif isinstance(told.user, str) and isinstance(told.password, str) and told.token is UNSET:
            note(request, who=told.user if self._access.user(told.user) else "", detail="with a password")
            value = await self._by_password(client, told.user, told.password)
        else:
            raise _expected()
        response = web.Response(status=204)
        set_session(request, response, value)
        return response

    def _by_token(self, request: web.Request, client: str, token: str) -> str:
        # Nothing is awaited between the limit and the comparison: tries side by side count like others.
        if self._tries.exhausted(client):
            raise _too_often("tokens")
        value, holder = self._access.session_for_token(token, time.time()), self._access.bearer(token, client)
        note(request, who=holder.name if holder is not None else "", detail="with a token")
        if not self._tries.judge(client, token, value is not None) or value is None:
            raise web.HTTPUnauthorized(reason="this is not the token", headers={"WWW-Authenticate": "Bearer"})
        return value

    async def _by_password(self, client: str, user: str, password: str) -> str:
        if len(password) > _LONGEST_PASSWORD or len(user) > _LONGEST_PASSWORD:
            raise web.HTTPBadRequest(reason=f"user and password have at most {_LONGEST_PASSWORD} characters")
        if self._tries.exhausted(client) or self._tries_of_users.exhausted(user):
            raise _too_often("passwords")
        # Counted before they are compared, which takes a while: tries side by side count like others.
        given = json.dumps([user, password])
        self._tries.judge(client, given, False)
        self._tries_of_users.judge(user, given, False)
        account = self._access.user(user)
        try:
            right = self._passwords is not None and await self._passwords.matches(
                account.proof if account is not None else None, password
            )
        except PasswordsBusyError:
            raise web.HTTPServiceUnavailable(
                reason="too many log in at once: try again", headers={"Retry-After": "5"}
            ) from None
        # Who was removed meanwhile is not known any more.
        if not right or account is None or self._access.user(user) != account:
            raise web.HTTPUnauthorized(reason="user or password is wrong", headers={"WWW-Authenticate": "Bearer"})
        self._tries.forgive(client, given)
        self._tries_of_users.forgive(user, given)
        return self._access.session_of(account, time.time())

    async def logout(self, _: web.Request) -> web.Response:
        response = web.Response(status=204)
        response.del_cookie(COOKIE, httponly=True, samesite="Strict")
        return response

    async def session(self, request: web.Request) -> web.Response:
        access = self._access
        caller = caller_of(request)
        return json_answer(
            SessionDocument(
                token_required=access.token_to_read,
                authenticated=request[AUTHENTICATED],
                may_write=caller.may(Role.OPERATE),
                name=caller.name,
                role=caller.role,
                sites=None if caller.sites is None or caller.role is None else tuple(sorted(caller.sites)),
                sign_in=access.sign_in,
            )
        )
