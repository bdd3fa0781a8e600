"""The JSON API over the latest rendering. Every error is `{"error": …}` with the right status."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from restream.interfaces.documents.answers import (
    AcceptedDocument,
    Action,
    AliveDocument,
    ErrorDocument,
    NotReady,
    NotReadyDocument,
    ReadyDocument,
    StuckDocument,
)
from restream.interfaces.documents.camera_details import CameraDetailsDocument
from restream.interfaces.documents.confined import (
    cameras_for,
    events_for,
    nodes_for,
    paths_for,
    status_for,
    streams_for,
)
from restream.interfaces.documents.csv_table import MEDIA_TYPE, cameras_csv
from restream.interfaces.documents.events import EventKind
from restream.interfaces.documents.nodes import NodesDocument
from restream.interfaces.documents.rendering import Rendering
from restream.interfaces.documents.status import StatusDocument
from restream.interfaces.documents.streams import latest_streams, observed_at, streams
from restream.interfaces.documents.visionaire import VisionaireDocument
from restream.interfaces.http.answer import json_answer
from restream.interfaces.http.answer_cache import AnswerCache
from restream.interfaces.http.elsewhere import Owners
from restream.interfaces.http.query import Query, select_cameras
from restream.interfaces.http.rights import caller_of
from restream.ports.nodes import NodeCaller, Peers
from restream.ports.outlets import EventRecord

MOST_EVENTS = 10_000
# Ids of events begin at the milliseconds of Unix time.
MOST_EVENT_ID = 10**15 - 1


@dataclass(frozen=True, slots=True)
class ApiContext:
    """What the handlers ask; all but `act` only look."""

    rendering: Callable[[], Rendering]
    status: Callable[[], StatusDocument]
    started: Callable[[], bool]
    """Whether any cycle has completed."""
    silent_s: Callable[[], float | None]
    """For how long no cycle has completed, once that is too long."""
    details: Callable[[str], CameraDetailsDocument | None]
    events: Callable[..., Sequence[EventRecord]]
    """`(after_id, *, camera_id, kind, limit)`."""
    act: Callable[[str, Action], str | None]
    """Why an action makes no sense for a camera as it is; empty when it is done, None when there is no such camera."""
    visionaire: Callable[[], VisionaireDocument]
    nodes: Callable[[], NodesDocument] = lambda: NodesDocument(None, ())
    peers: Callable[[], Peers | None] = lambda: None
    caller: NodeCaller | None = None
    """Who asks other nodes."""


class Api:
    """Handlers of `/api/…` and of the health probes."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._answers = AnswerCache()
        self._owners = Owners(context.rendering, context.peers, context.caller)

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        return [
            web.get("/api/status", self.status),
            web.get("/api/cameras", self.cameras),
            web.get("/api/cameras.csv", self.cameras_csv),
            web.get("/api/cameras/{id}", self.camera),
            *(web.post(f"/api/cameras/{{id}}/{action}", partial(self.act, action)) for action in Action),
            web.get("/api/streams", self.streams),
            web.get("/api/streams/latest", self.latest_streams),
            web.get("/api/host", self.host),
            web.get("/api/visionaire", self.visionaire),
            web.get("/api/nodes", self.nodes),
            web.get("/api/events", self.events),
            web.get("/livez", self.livez),
            web.get("/readyz", self.readyz),
        ]

    async def status(self, request: web.Request) -> web.Response:
        """Counts, components, the service itself."""
        Query(request.query).only()
        cameras = self._context.rendering().cameras
        return json_answer(status_for(caller_of(request), self._context.status(), cameras))

    async def cameras(self, request: web.Request) -> web.Response:
        """Cameras in short: filtered, sorted, paged."""
        rendering, caller = self._context.rendering(), caller_of(request)

        def make() -> tuple[bytes, Mapping[str, str]]:
            found, total = select_cameras(cameras_for(caller, rendering.cameras).values(), Query(request.query))
            body = b"[" + b",".join(rendering.encoded[each.id] for each in found) + b"]"
            return body, {"X-Total-Count": str(total)}

        return await self._answers.answer(request, f"{rendering.status.instance}-{rendering.version}", make)

    async def cameras_csv(self, request: web.Request) -> web.Response:
        """The same cameras, as a file for spreadsheets."""
        cameras = cameras_for(caller_of(request), self._context.rendering().cameras)
        found, total = select_cameras(cameras.values(), Query(request.query))
        # Thousands of lines take longer than the loop may stand still.
        body = await asyncio.to_thread(cameras_csv, found)
        headers = {"X-Total-Count": str(total), "Content-Disposition": 'attachment; filename="cameras.csv"'}
        response = web.Response(body=body, content_type=MEDIA_TYPE, charset="utf-8", headers=headers)
        response.enable_compression()
        return response

    async def camera(self, request: web.Request) -> web.Response:
        """Everything that is known of a camera."""
        Query(request.query).only()
        camera_id = request.match_info["id"]
        if (camera := self._owners.elsewhere(camera_id)) is not None:
            return await self._owners.details(camera, request)
        document = self._context.details(camera_id)
        if document is None:
            raise web.HTTPNotFound(reason="there is no such camera")
        return json_answer(document)

    async def act(self, action: Action, request: web.Request) -> web.Response:
        """Ask for something to be done with a camera."""
        Query(request.query).only()
        camera_id = request.match_info["id"]
        if (camera := self._owners.elsewhere(camera_id)) is not None:
            return await self._owners.act(camera, action, request)
        refusal = self._context.act(camera_id, action)
        if refusal is None:
            raise web.HTTPNotFound(reason="there is no such camera")
        if refusal:
            raise web.HTTPConflict(reason=refusal)
        return json_answer(AcceptedDocument(camera_id, action), status=202)

    async def streams(self, request: web.Request) -> web.Response:
        """Every path of the media server."""
        Query(request.query).only()
        rendering = self._context.rendering()
        found = streams(rendering.snapshot, rendering.elsewhere)
        return json_answer(streams_for(caller_of(request), found, rendering.cameras))

    async def latest_streams(self, request: web.Request) -> web.Response:
        """The classic array."""
        Query(request.query).only()
        rendering = self._context.rendering()
        servers = rendering.snapshot.servers
        if observed_at(servers) is None:
            return json_answer(ErrorDocument("no data"))
        return json_answer(latest_streams(servers, paths_for(caller_of(request), rendering)))

    async def host(self, request: web.Request) -> web.Response:
        """The latest measurement of the host."""
        Query(request.query).only()
        document = self._context.rendering().host
        if document is None:
            raise web.HTTPServiceUnavailable(reason="the host has not been measured yet")
        return json_answer(document)

    async def visionaire(self, request: web.Request) -> web.Response:
        """Third-party stream servers."""
        Query(request.query).only()
        return json_answer(self._context.visionaire())

    async def nodes(self, request: web.Request) -> web.Response:
        """The services that share the cameras."""
        Query(request.query).only()
        cameras = self._context.rendering().cameras
        return json_answer(nodes_for(caller_of(request), self._context.nodes(), cameras))

    async def events(self, request: web.Request) -> web.Response:
        """What happened lately."""
        query = Query(request.query).only("since", "camera", "kind", "limit")
        caller, limit = caller_of(request), query.number("limit", 100, MOST_EVENTS)
        found = self._context.events(
            query.number("since", 0, MOST_EVENT_ID),
            camera_id=query.text("camera"),
            kind=query.choice("kind", tuple(EventKind)),
            # The newest ones may all be of other sites.
            limit=limit if caller.sites is None else MOST_EVENTS,
        )
        seen = events_for(caller, found, self._context.rendering().cameras)
        return json_answer(seen[-limit:] if limit else [])

    async def livez(self, _: web.Request) -> web.Response:
        """Whether cycles complete."""
        return self._stuck() or json_answer(AliveDocument())

    async def readyz(self, _: web.Request) -> web.Response:
        """Whether the service is in operation."""
        if self._context.rendering().snapshot.draining:
            return json_answer(NotReadyDocument(NotReady.STOPPING), status=503)
        if stuck := self._stuck():
            return stuck
        started = self._context.started()
        return json_answer(ReadyDocument()) if started else json_answer(NotReadyDocument(NotReady.STARTING), status=503)

    def _stuck(self) -> web.Response | None:
        silent_s = self._context.silent_s()
        if silent_s is None:
            return None
        return json_answer(StuckDocument("stuck", round(silent_s, 1)), status=503)
