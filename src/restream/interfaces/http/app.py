"""The application that listens on `http.port`."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from restream.interfaces.http.answer import errors_as_json
from restream.interfaces.http.auth import Access, cross_origin, guard

_MAX_BODY_BYTES = 64 * 1024


def build_app(access: Access, routes: Iterable[web.AbstractRouteDef]) -> web.Application:
    """All rooms of the HTTP interface behind the same door."""
    app = web.Application(
        middlewares=[cross_origin(access), errors_as_json, guard(access)], client_max_size=_MAX_BODY_BYTES
    )
    app.add_routes(routes)
    return app
