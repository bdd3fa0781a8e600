"""Who may ask, and who may act: a bearer token or a session cookie, when a token is configured."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from restream.domain.secret import Secret

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = "restream_session"
SESSION_S = 12 * 3600
# Asked by orchestrators and the login page, which hold no token; none of them tells anything of the fleet.
_OPEN = frozenset({"/", "/livez", "/readyz", "/api/login", "/api/logout", "/api/session", "/openapi.json"})
_OPEN_PREFIX = "/static/"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of this service: `token` None means that none is configured."""

    token: Secret | None = None
    auth: Literal["token", "none"] = "token"
    cors_origins: Collection[str] = ()

    @property
    def token_to_read(self) -> bool:
        return self.token is not None and self.auth == "token"

    def authenticated(self, request: web.Request) -> bool:
        """Whether the request carries the token or a session of it."""
        if self.token is None:
            return False
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.knows(given.strip()):
            return True
        return self._valid_session(request.cookies.get(COOKIE, ""))

    def knows(self, given: str) -> bool:
        """Compares in constant time. Header bytes that are no UTF-8 come as surrogates."""
        sent = given.encode("utf-8", "surrogateescape")
        return self.token is not None and hmac.compare_digest(sent, self.token.reveal().encode())

    def may_read(self, request: web.Request) -> bool:
        return not self.token_to_read or self.authenticated(request)

    def may_write(self, request: web.Request) -> bool:
        """Writes need the token whenever there is one, also where everybody may read."""
        return self.token is None or self.authenticated(request)

    def session(self, now: float) -> str:
        """A cookie's value: when it expires, signed with the token. Nothing is stored, so a restart ends no session."""
        expires = str(int(now + SESSION_S))
        return f"{expires}.{self._signature(expires)}"

    def _valid_session(self, value: str) -> bool:
        expires, _, signature = value.partition(".")
        sent = signature.encode("utf-8", "surrogateescape")
        fresh = expires.isascii() and expires.isdigit() and len(expires) < 15 and int(expires) > time.time()
        return fresh and hmac.compare_digest(sent, self._signature(expires).encode())

    def _signature(self, expires: str) -> str:
        key = self.token.reveal().encode() if self.token else b""
        return hmac.new(key, f"restream session {expires}".encode(), hashlib.sha256).hexdigest()

    def from_elsewhere(self, request: web.Request) -> bool:
        """Whether a browser sends this from a page of another site that is not listed in http.cors_origins."""
        origin = request.headers.get("Origin")
        if origin is None or origin in self.cors_origins:
            return False
        # A page of another site cannot set X-Forwarded-Host; a reverse proxy of ours does.
        hosts = (request.headers.get("Host"), request.headers.get("X-Forwarded-Host"))
        return urlsplit(origin).netloc not in hosts


def guard(access: Access) -> Middleware:
    """Middleware that answers 401 without the token, and 403 to writes from foreign pages."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        writes = request.method not in _SAFE_METHODS
        if (writes or request.path == "/ws") and access.from_elsewhere(request):
            return web.json_response({"error": "this origin is not in http.cors_origins"}, status=403)
        is_open = request.path in _OPEN or request.path.startswith(_OPEN_PREFIX)
        allowed = access.may_write(request) if writes else access.may_read(request)
        if is_open or allowed:
            return await handler(request)
        return web.json_response(
            {"error": "a token is needed: send it as `Authorization: Bearer …`"},
            status=401,
            headers={"WWW-Authenticate": "Bearer"},
        )

    return middleware


def cross_origin(access: Access) -> Middleware:
    """Middleware for browsers' pages of the listed origins (CORS)."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        listed = origin is not None and origin in access.cors_origins
        asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        response = web.Response(status=204) if asks and listed else await handler(request)
        if listed and origin is not None and not response.prepared:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
            response.headers["Access-Control-Expose-Headers"] = "ETag, X-Total-Count"
            if asks:
                response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST"
                response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, If-None-Match"
                response.headers["Access-Control-Max-Age"] = "600"
        if access.cors_origins and not response.prepared:
            response.headers["Vary"] = "Origin"
        return response

    return middleware
