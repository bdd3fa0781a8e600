"""Who may ask: a bearer token, when one is configured."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from restream.domain.secret import Secret

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# Asked by orchestrators that hold no token; they tell nothing but a word.
_OPEN = frozenset({"/livez", "/readyz"})


def require_token(token: Secret | None) -> Middleware:
    """Middleware that answers 401 to requests without the token; without a token everybody may ask."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if token is None or request.path in _OPEN or _carries(request, token):
            return await handler(request)
        return web.json_response(
            {"error": "a token is needed: send it as `Authorization: Bearer …`"},
            status=401,
            headers={"WWW-Authenticate": "Bearer"},
        )

    return middleware


def _carries(request: web.Request, token: Secret) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # Header bytes that are no UTF-8 come as surrogates.
    sent = given.strip().encode("utf-8", "surrogateescape")
    return scheme.lower() == "bearer" and hmac.compare_digest(sent, token.reveal().encode())
