"""The JSON API over the latest snapshot. Every error is `{"error": …}` with the right status."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from aiohttp import web

from restream.domain.secret import Secret
from restream.domain.snapshot import Snapshot
from restream.interfaces import render
from restream.interfaces.http.auth import Handler, require_token
from restream.interfaces.http.query import number, select_cameras

logger = logging.getLogger(__name__)

_MAX_BODY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ApiContext:
    """What the handlers need: the latest snapshot, and what does not change while the service runs."""

    snapshot: Callable[[], Snapshot]
    stderr_tail: Callable[[str], tuple[str, ...]]
    bases: Callable[[], render.PublicBases]
    events: Callable[[int, str | None, int], list[render.Document]]
    """Recorded events after an id, of one camera or all, at most so many."""
    node: str
    version: str
    started_at: float


class Api:
    """Handlers of `/api/…` and of the health probes."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/status", self.status),
            web.get("/api/cameras", self.cameras),
            web.get("/api/cameras/{id}", self.camera),
            web.get("/api/streams", self.streams),
            web.get("/api/streams/latest", self.latest_streams),
            web.get("/api/events", self.events),
            web.get("/livez", self.livez),
            web.get("/readyz", self.readyz),
        ]

    async def status(self, _: web.Request) -> web.Response:
        context = self._context
        snapshot = context.snapshot()
        return _json(render.status(snapshot, node=context.node, version=context.version, started_at=context.started_at))

    async def cameras(self, request: web.Request) -> web.Response:
        found, total = select_cameras(render.summaries(self._context.snapshot()), request.query)
        return _json(found, headers={"X-Total-Count": str(total)})

    async def events(self, request: web.Request) -> web.Response:
        since = number(request.query, "since", 0, 10**12)
        limit = number(request.query, "limit", 100, 10_000)
        return _json(self._context.events(since, request.query.get("camera"), limit))

    async def camera(self, request: web.Request) -> web.Response:
        camera_id = request.match_info["id"]
        document = render.details(self._context.snapshot(), camera_id, self._context.bases())
        if document is None:
            raise web.HTTPNotFound(reason="there is no such camera")
        return _json({**document, "stderr_tail": list(self._context.stderr_tail(camera_id))})

    async def streams(self, _: web.Request) -> web.Response:
        return _json(render.streams(self._context.snapshot()))

    async def latest_streams(self, _: web.Request) -> web.Response:
        server = self._context.snapshot().server
        if server.observed_at is None:
            return _json({"error": "no data"})
        return _json(render.latest_streams(server))

    async def livez(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(self, _: web.Request) -> web.Response:
        draining = self._context.snapshot().draining
        return web.json_response({"status": "stopping" if draining else "ready"}, status=503 if draining else 200)


def _json(document: object, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(document), content_type="application/json", charset="utf-8", headers=headers)


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn aiohttp's HTML errors, and surprises, into the API's form."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return web.json_response({"error": error.reason}, status=error.status, headers=headers)
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        return web.json_response({"error": "internal error, see the log of the service"}, status=500)


def build_app(context: ApiContext, token: Secret | None) -> web.Application:
    """The application that listens on `http.port`."""
    app = web.Application(middlewares=[errors_as_json, require_token(token)], client_max_size=_MAX_BODY_BYTES)
    app.add_routes(Api(context).routes())
    return app
