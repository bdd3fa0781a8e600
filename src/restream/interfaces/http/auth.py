"""Who asks, and whether he may: bearer tokens and session cookies, where the configuration lets somebody in by them."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from restream.domain.access.accounts import Account, AccountKind, Accounts
from restream.domain.access.caller import EVERYBODY, NOBODY, Caller, Role
from restream.domain.camera.secret import Secret
from restream.interfaces.documents.answers import SignIn
from restream.interfaces.http import signing
from restream.interfaces.http.attempts import Attempts, Network, client_of
from restream.interfaces.http.rights import ASKING, CALLER, Reach, Right, is_safe, right_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SiteOf = Callable[[str], str | None]
"""The site of a camera, by its id; None: there is no such camera."""

COOKIE = "restream_session"
AUTHENTICATED = web.RequestKey("authenticated", bool)
STILL_CALLER: web.RequestKey[Callable[[], Caller | None]] = web.RequestKey("still_caller", Callable)  # type: ignore[arg-type]
"""Who the request shows its sender to be by now: of one that lasts, as `/ws`."""
SESSION_S = 12 * 3600
# A pass of another node, in the name of whoever asked it.
_NODE = "node"
_HOLDER = Caller("token", Role.CONFIGURE)


def _nobody() -> Accounts:
    return Accounts()


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
    accounts: Callable[[], Accounts] = _nobody
    """Who is let in beside the holder of the token; others while the service runs."""
    closed: bool = False
    """There were such accounts at the start: the last one that goes opens nothing."""
    key: Secret = field(default_factory=lambda: Secret(secrets.token_urlsafe(32)))
    """Signs the sessions of accounts."""

    @property
    def guarded(self) -> bool:
        """Whether acting needs somebody who is known."""
        return self.token is not None or self.closed or bool(self.accounts())

    @property
    def token_to_read(self) -> bool:
        """Whether also reading does."""
        return self.guarded and self.auth == "token"

    def authenticate(self, request: web.Request) -> Caller | None:
        """Who shows a token, or a session. A wrong token counts: ask once per request."""
        now, address = time.time(), self.client(request)
        # A session is signed with a whole key: guessing one is no use, so it needs no limit.
        if (caller := self._by_session(request.cookies.get(COOKIE, ""), address, now)) is not None:
            return caller
        given = _bearer(request)
        if given is None:
            return None
        caller = self.bearer(given, address)
        return caller if self.tries.judge(address, given, caller is not None) else None

    def recognise(self, request: web.Request) -> Caller | None:
        """As `authenticate`, of one that was right once: nothing is counted, and nobody has to wait."""
        now, address = time.time(), self.client(request)
        caller = self._by_session(request.cookies.get(COOKIE, ""), address, now)
        given = _bearer(request)
        return caller if caller is not None or given is None else self.bearer(given, address)

    def stranger(self, request: web.Request) -> Caller:
        """Who shows nothing, and what he may."""
        if not self.guarded:
            return replace(EVERYBODY, address=self.client(request))
        known_by = self.client(request)
        return Caller("", Role.SEE, None, known_by) if self.auth == "none" else replace(NOBODY, address=known_by)

    def client(self, request: web.Request) -> str:
        return client_of(request, self.proxies)

    def bearer(self, given: str, address: str) -> Caller | None:
        """Whose token this is. Compares in constant time."""
        sent = _sent(given)
        if self.token is not None and hmac.compare_digest(sent, self.token.reveal().encode()):
            return replace(_HOLDER, address=address)
        account = self.accounts().holder(sent, time.time())
        return account.caller(address) if account is not None else None

    def session(self, now: float, lasts_s: float = SESSION_S) -> str:
        """A cookie's value for the holder of the token. Raises ValueError without one."""
        if self.token is None:
            raise ValueError("there is no token to sign with")
        return signing.written(self.token, now + lasts_s)

    def session_of(self, account: Account, now: float) -> str:
        """A cookie's value for the holder of an account; another password or token ends it."""
        return signing.written(self.key, now + SESSION_S, account.kind, account.session_name, account.fingerprint)

    @property
    def sign_in(self) -> tuple[SignIn, ...]:
        """Ways to log in that there are."""
        kinds = self.accounts().kinds
        tokens = self.token is not None or AccountKind.TOKEN in kinds
        known = ((SignIn.PASSWORD, AccountKind.USER in kinds), (SignIn.TOKEN, tokens))
        return (*(way for way, there in known if there), *[SignIn.OIDC] * (AccountKind.PROVIDER in kinds))

    def user(self, name: str) -> Account | None:
        """The account of a user."""
        return self.accounts().named(AccountKind.USER, name, time.time())

    def session_for_token(self, given: str, now: float) -> str | None:
        """A cookie's value for whoever has this token; None: nobody has."""
        sent = _sent(given)
        if self.token is not None and hmac.compare_digest(sent, self.token.reveal().encode()):
            return self.session(now)
        account = self.accounts().holder(sent, now)
        return self.session_of(account, now) if account is not None else None

    def pass_for(self, lasts_s: float) -> Mapping[str, str]:
        """A cookie that opens a service with the same token for so long; the token itself goes nowhere."""
        name, now = ASKING.get().name, time.time()
        if self.token is not None and name in ("", _HOLDER.name):
            return {COOKIE: self.session(now, lasts_s)}
        # It tells in whose name we ask: what was allowed here is allowed there.
        return {COOKIE: signing.written(self.key, now + lasts_s, _NODE, name)} if self.guarded else {}

    def _by_session(self, value: str, address: str, now: float) -> Caller | None:
        found = signing.read(value, now) if value else None
        if found is None:
            return None
        if not found.kind:
            known = self.token is not None and found.is_signed(self.token)
            return replace(_HOLDER, address=address, expires_at=found.expires_at) if known else None
        if found.kind == _NODE:
            by_node = Caller(found.name, Role.CONFIGURE, None, address, found.expires_at)
            return by_node if found.is_signed(self.key) else None
        account = self.accounts().named(found.kind, found.name, now)
        known = account is not None and found.is_signed(self.key, account.fingerprint)
        return account.caller(address, found.expires_at) if known and account is not None else None

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


def guard(access: Access, site_of: SiteOf = lambda _: None) -> Middleware:
    """Middleware that answers 401 to who is not known, 429 to who was wrong too often, 403 to who may not, and to
    writes of foreign pages, 404 for cameras of sites that the caller does not see.

    `request[CALLER]` tells handlers who asks.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if (not is_safe(request) or request.path == "/ws") and access.from_elsewhere(request):
            return web.json_response({"error": "this origin is not in http.cors_origins"}, status=403)
        known = access.authenticate(request)
        request[AUTHENTICATED] = known is not None
        caller = request[CALLER] = known or access.stranger(request)
        ASKING.set(caller)
        request[STILL_CALLER] = partial(access.recognise, request) if known else lambda: caller
        right = right_of(request)
        if right.role is None:
            return await handler(request)
        if not caller.may(right.role):
            return _not_known(access, request) if known is None else _not_allowed(caller, right.role)
        if caller.sites is not None and (refusal := _not_seen(caller, caller.sites, right, request, site_of)):
            return refusal
        return await handler(request)

    return middleware


def _not_known(access: Access, request: web.Request) -> web.Response:
    if _bearer(request) is not None and access.tries.exhausted(access.client(request)):
        return web.json_response(
            {"error": "too many wrong tokens: wait a minute"}, status=429, headers={"Retry-After": "60"}
        )
    return web.json_response(
        {"error": "a token is needed: send it as `Authorization: Bearer <token>`"},
        status=401,
        headers={"WWW-Authenticate": "Bearer"},
    )


def _not_allowed(caller: Caller, needed: Role) -> web.Response:
    text = f"this needs the role {needed}: {caller.name} has {caller.role}"
    return web.json_response({"error": text}, status=403)


def _not_seen(
    caller: Caller, sites: Collection[str], right: Right, request: web.Request, site_of: SiteOf
) -> web.Response | None:
    if right.reach is Reach.FLEET:
        text = f"this is of the whole fleet: {caller.name} sees {', '.join(sorted(sites))} alone"
        return web.json_response({"error": text}, status=403)
    if right.reach is Reach.CAMERA:
        site = site_of(request.match_info["id"])
        if site is None or not caller.sees(site):
            return web.json_response({"error": "there is no such camera"}, status=404)
    return None


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
