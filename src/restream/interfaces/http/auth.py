"""Who may ask, and who may act: a bearer token or a session cookie, when a token is configured."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from restream.domain.camera.secret import Secret
from restream.interfaces.http.attempts import Attempts, Network, client_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = "restream_session"
AUTHENTICATED = web.RequestKey("authenticated", bool)
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
    hosts: Collection[str] | None = None
    """Names by which the service may be called, beside loopback ones; None: any."""
    proxies: Collection[Network] = ()
    """Whose `X-Forwarded-For` is believed."""
    tries: Attempts = field(default_factory=Attempts)
    """Wrong bearer tokens."""

    @property
    def token_to_read(self) -> bool:
        return self.token is not None and self.auth == "token"

    def authenticate(self, request: web.Request) -> bool:
        """Whether the request carries the token or a session of it. A wrong token counts: ask once per request."""
        if self.token is None:
            return False
        # A session is signed with the whole token: guessing one is no use, so it needs no limit.
        if self._valid_session(request.cookies.get(COOKIE, "")):
            return True
        given = _bearer(request)
        return given is not None and self.tries.judge(self.client(request), given, self.knows(given))

    def client(self, request: web.Request) -> str:
        return client_of(request, self.proxies)

    def knows(self, given: str) -> bool:
        """Compares in constant time."""
        return self.token is not None and hmac.compare_digest(_sent(given), self.token.reveal().encode())

    def may_read(self, authenticated: bool) -> bool:
        return authenticated or not self.token_to_read

    def may_write(self, authenticated: bool) -> bool:
        """Writes need the token whenever there is one, also where everybody may read."""
        return authenticated or self.token is None

    def session(self, now: float, lasts_s: float = SESSION_S) -> str:
        """A cookie's value: when it expires, signed with the token. Nothing is stored, so a restart ends no session."""
        expires = str(int(now + lasts_s))
        return f"{expires}.{self._signature(expires)}"

    def pass_for(self, lasts_s: float) -> Mapping[str, str]:
        """A cookie that opens a service with the same token for so long; the token itself goes nowhere."""
        return {COOKIE: self.session(time.time(), lasts_s)} if self.token is not None else {}

    def _valid_session(self, value: str) -> bool:
        expires, _, signature = value.partition(".")
        fresh = expires.isascii() and expires.isdigit() and len(expires) < 15 and int(expires) > time.time()
        return fresh and hmac.compare_digest(_sent(signature), self._signature(expires).encode())

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
        try:
            site = urlsplit(origin).netloc
        except ValueError:
            return True
        # "null" has none: a page of a file or a sandbox.
        return not site or site not in hosts


def _sent(text: str) -> bytes:
    """Header bytes that are no UTF-8 come as surrogates."""
    return text.encode("utf-8", "surrogateescape")


def _bearer(request: web.Request) -> str | None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None


def guard(access: Access) -> Middleware:
    """Middleware that answers 401 without the token, 429 to who was wrong too often, 403 to writes of foreign pages.

    `request[AUTHENTICATED]` tells handlers whether the token or a session of it was there.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        writes = request.method not in _SAFE_METHODS
        if (writes or request.path == "/ws") and access.from_elsewhere(request):
            return web.json_response({"error": "this origin is not in http.cors_origins"}, status=403)
        is_open = request.path in _OPEN or request.path.startswith(_OPEN_PREFIX)
        authenticated = request[AUTHENTICATED] = access.authenticate(request)
        allowed = access.may_write(authenticated) if writes else access.may_read(authenticated)
        if is_open or allowed:
            return await handler(request)
        if _bearer(request) is not None and access.tries.exhausted(access.client(request)):
            return web.json_response(
                {"error": "too many wrong tokens: wait a minute"}, status=429, headers={"Retry-After": "60"}
            )
        return web.json_response(
            {"error": "a token is needed: send it as `Authorization: Bearer <token>`"},
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
