"""The application that listens on `http.port`."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from restream.interfaces.http.answer import errors_as_json
from restream.interfaces.http.audit import Record, audited
from restream.interfaces.http.auth import Access, Handler, SiteOf, cross_origin, guard
from restream.interfaces.http.host_names import named

_MAX_BODY_BYTES = 64 * 1024

# For everything that is no page; the page has its own.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def build_app(
    access: Access,
    routes: Iterable[web.AbstractRouteDef],
    site_of: SiteOf = lambda _: None,
    record: Record = lambda _: None,
) -> web.Application:
    """All rooms of the HTTP interface behind the same door; without `site_of` no camera is of any site, without
    `record` nobody learns who did what."""
    app = web.Application(
        middlewares=[
            hardened,
            cross_origin(access),
            errors_as_json,
            named(access.hosts),
            audited(record),
            guard(access, site_of),
        ],
        client_max_size=_MAX_BODY_BYTES,
    )
    app.add_routes(routes)
    return app


@web.middleware
async def hardened(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell browsers neither to keep, nor to guess at, nor to frame what is answered."""
    response = await handler(request)
    if not response.prepared:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
    return response
