"""Login for browsers: the token once, then a cookie that pages cannot read."""

from __future__ import annotations

import asyncio
import time

import msgspec
from aiohttp import web

from restream.domain.access.caller import Role
from restream.interfaces.documents.answers import LoginDocument, SessionDocument
from restream.interfaces.http.answer import json_answer
from restream.interfaces.http.attempts import Attempts
from restream.interfaces.http.auth import AUTHENTICATED, COOKIE, SESSION_S, Access
from restream.interfaces.http.rights import caller_of

# Thirty bytes that take longer are no browser's.
_BODY_S = 10.0


class Sessions:
    """Handlers of `/api/login`, `/api/logout` and `/api/session`."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._tries = Attempts()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/login", self.login),
            web.post("/api/logout", self.logout),
            web.get("/api/session", self.session),
        ]

    async def login(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(_BODY_S):
                body = await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout(reason=f"the body did not come within {_BODY_S:g} s") from None
        try:
            token = msgspec.json.decode(body, type=LoginDocument).token
        except (ValueError, RecursionError):
            raise web.HTTPBadRequest(reason='expected {"token": "…"}') from None
        # Nothing is awaited between the limit and the comparison: tries side by side count like others.
        client = self._access.client(request)
        if self._tries.exhausted(client):
            raise web.HTTPTooManyRequests(reason="too many wrong tokens: wait a minute", headers={"Retry-After": "60"})
        value = self._access.session_for_token(token, time.time())
        if not self._tries.judge(client, token, value is not None) or value is None:
            raise web.HTTPUnauthorized(reason="this is not the token", headers={"WWW-Authenticate": "Bearer"})
        response = web.Response(status=204)
        secure = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
        response.set_cookie(
            COOKIE,
            value,
            max_age=SESSION_S,
            httponly=True,
            samesite="Strict",
            secure=secure,
        )
        return response

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
            )
        )
