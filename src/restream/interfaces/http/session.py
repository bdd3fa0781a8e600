"""Login for browsers: the token once, then a cookie that pages cannot read."""

from __future__ import annotations

import time
from collections import OrderedDict

import orjson
from aiohttp import web

from restream.interfaces.http.auth import COOKIE, SESSION_S, Access

# Ten wrong tokens a minute from one address: a typist is never stopped, a dictionary is.
_MOST_FAILURES = 10
_WINDOW_S = 60.0
_MOST_ADDRESSES = 1000


class Sessions:
    """Handlers of `/api/login`, `/api/logout` and `/api/session`."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/login", self.login),
            web.post("/api/logout", self.logout),
            web.get("/api/session", self.session),
        ]

    async def login(self, request: web.Request) -> web.Response:
        address = request.remote or ""
        if self._too_many(address):
            raise web.HTTPTooManyRequests(reason="too many wrong tokens: wait a minute")
        try:
            document = orjson.loads(await request.read())
        except ValueError:
            document = None
        token = document.get("token") if isinstance(document, dict) else None
        if not isinstance(token, str):
            raise web.HTTPBadRequest(reason='expected {"token": "…"}')
        if not self._access.knows(token):
            self._failures.setdefault(address, []).append(time.monotonic())
            while len(self._failures) > _MOST_ADDRESSES:
                self._failures.popitem(last=False)
            raise web.HTTPUnauthorized(reason="this is not the token", headers={"WWW-Authenticate": "Bearer"})
        self._failures.pop(address, None)
        response = web.Response(status=204)
        secure = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
        response.set_cookie(
            COOKIE,
            self._access.session(time.time()),
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
        document = {
            "token_required": access.token_to_read,
            "authenticated": access.authenticated(request),
            "may_write": access.may_write(request),
        }
        return web.json_response(document)

    def _too_many(self, address: str) -> bool:
        since = time.monotonic() - _WINDOW_S
        recent = [at for at in self._failures.get(address, ()) if at > since]
        if recent:
            self._failures[address] = recent
        else:
            self._failures.pop(address, None)
        return len(recent) >= _MOST_FAILURES
