"""Cameras of other nodes: what only their owner knows is asked of it, or it is said where to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec
from aiohttp import web

from restream.domain.fleet.node import FleetNode, NodeName
from restream.interfaces.documents.answers import AcceptedDocument, Action, ErrorDocument
from restream.interfaces.documents.bulk import BulkDocument, BulkOutcomeDocument, BulkRequestDocument, Outcome
from restream.interfaces.documents.camera_details import CameraDetailsDocument
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.nodes import page_of
from restream.interfaces.documents.pictures import PicturesDocument
from restream.interfaces.documents.rendering import Rendering
from restream.interfaces.documents.short_details import short_details
from restream.interfaces.documents.values import encode
from restream.interfaces.http.answer import json_answer
from restream.ports.nodes import NodeCaller, NodeError, Peers

PASSED_ON = "X-Restream-Node"
"""As in adapters/node_http.py: who asks is a node, and wants our own answer."""

_MOST_WORDS = 300
_JPEG = b"\xff\xd8\xff"
_NOT_LET_IN = "it does not let this node in: http.token must be the same on all nodes, and their clocks about right"


class Owners:
    """Whose a camera is, and what its owner answers."""

    def __init__(
        self, rendering: Callable[[], Rendering], peers: Callable[[], Peers | None], caller: NodeCaller | None
    ) -> None:
        self._rendering = rendering
        self._peers = peers
        self._caller = caller

    def elsewhere(self, camera_id: str) -> CameraDocument | None:
        """The camera, if it is not ours but another node's or nobody's; else None."""
        rendering = self._rendering()
        camera = rendering.cameras.get(camera_id)
        return None if camera is None or rendering.stored.cameras.get(camera_id) is camera else camera

    async def details(self, camera: CameraDocument, request: web.Request) -> web.Response:
        """Everything that its owner tells of it, or what lists show."""
        try:
            caller, page = self._reachable(camera, request)
            status, body = await caller.get(page, camera.id)
            if status != web.HTTPOk.status_code:
                raise NodeError(_refusal(status, body))
            found = msgspec.json.decode(body, type=CameraDetailsDocument)
            if found.id != camera.id:
                raise NodeError("it answers with another camera")
        except NodeError as error:
            return json_answer(short_details(camera, self._where(camera, str(error))))
        except (ValueError, RecursionError):
            return json_answer(short_details(camera, self._where(camera, "its answer cannot be understood")))
        return json_answer(found)

    async def act(self, camera: CameraDocument, action: Action, request: web.Request) -> web.Response:
        """Have its owner do it. Raises HTTPConflict, HTTPNotFound, HTTPBadGateway."""
        try:
            caller, page = self._reachable(camera, request)
        except NodeError as error:
            raise web.HTTPConflict(reason=self._where(camera, str(error))) from None
        try:
            status, body = await caller.post(page, camera.id, action)
        except NodeError as error:
            raise web.HTTPBadGateway(reason=self._where(camera, str(error))) from None
        if status == web.HTTPAccepted.status_code:
            return json_answer(AcceptedDocument(camera.id, action), status=status)
        kind = web.HTTPConflict if status == web.HTTPConflict.status_code else web.HTTPBadGateway
        raise kind(reason=self._where(camera, _refusal(status, body)))

    async def act_on_all(
        self, cameras: Sequence[CameraDocument], asked: BulkRequestDocument, request: web.Request
    ) -> Iterable[BulkOutcomeDocument]:
        """Have the node that has all these do it: an outcome for each."""
        try:
            caller, page = self._reachable(cameras[0], request)
            wanted = BulkRequestDocument(asked.action, [camera.id for camera in cameras], asked.dry_run)
            status, body = await caller.act(page, encode(wanted))
            if status not in (web.HTTPOk.status_code, web.HTTPAccepted.status_code):
                raise NodeError(_refusal(status, body))
            told = {each.id: each for each in msgspec.json.decode(body, type=BulkDocument).outcomes}
        except NodeError as error:
            told, why = {}, str(error)
        except (ValueError, RecursionError):
            told, why = {}, "its answer cannot be understood"
        else:
            why = "it says nothing of it"
        return [
            told.get(camera.id)
            or BulkOutcomeDocument(camera.id, camera.name, Outcome.REFUSED, self._where(camera, why))
            for camera in cameras
        ]

    async def still(self, camera: CameraDocument, request: web.Request, what: str = "snapshot.jpg") -> web.Response:
        """A picture of it. Raises HTTPServiceUnavailable."""
        try:
            caller, page = self._reachable(camera, request)
            status, body = await caller.get(page, camera.id, what)
            if status != web.HTTPOk.status_code:
                raise NodeError(_refusal(status, body))
            if not body.startswith(_JPEG):
                raise NodeError("it sends no picture")
        except NodeError as error:
            raise web.HTTPServiceUnavailable(reason=self._where(camera, str(error))) from None
        return web.Response(body=body, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=5"})

    async def pictures(self, camera: CameraDocument, request: web.Request, *, accept: bool = False) -> web.Response:
        """What its pictures have shown; `accept`: after the last one was accepted. Raises HTTPConflict,
        HTTPServiceUnavailable.
        """
        try:
            caller, page = self._reachable(camera, request)
            ask = caller.post(page, camera.id, "pictures/accept") if accept else caller.get(page, camera.id, "pictures")
            status, body = await ask
            if status == web.HTTPConflict.status_code:
                raise web.HTTPConflict(reason=self._where(camera, _refusal(status, body)))
            if status != web.HTTPOk.status_code:
                raise NodeError(_refusal(status, body))
            found = msgspec.json.decode(body, type=PicturesDocument)
        except NodeError as error:
            raise web.HTTPServiceUnavailable(reason=self._where(camera, str(error))) from None
        except (ValueError, RecursionError):
            reason = self._where(camera, "its answer cannot be understood")
            raise web.HTTPServiceUnavailable(reason=reason) from None
        return json_answer(found)

    def _reachable(self, camera: CameraDocument, request: web.Request) -> tuple[NodeCaller, str]:
        """Who asks, and at which address. Raises NodeError."""
        node = self._node(camera)
        if PASSED_ON in request.headers:
            raise NodeError("another node asks, and it has moved")
        if node is None:
            raise NodeError("no node has it now")
        page = page_of(node)
        if page is None or self._caller is None:
            raise NodeError("its nodes.url is not set, so that it cannot be asked from here")
        if not node.alive:
            raise NodeError("it is lost")
        return self._caller, page

    def _node(self, camera: CameraDocument) -> FleetNode | None:
        peers = self._peers()
        return peers.nodes.get(NodeName(camera.node)) if peers is not None else None

    def _where(self, camera: CameraDocument, why: str) -> str:
        """Whose it is, and where that is: one line."""
        node = self._node(camera)
        if node is None:
            return _one_line(f"camera {camera.id} is of no node: {why}")
        page = page_of(node)
        return _one_line(f"camera {camera.id} is of node {node.name}{f' ({page})' if page else ''}: {why}")


def _refusal(status: int, body: bytes) -> str:
    """What a node says, as far as it is words."""
    if status in (web.HTTPUnauthorized.status_code, web.HTTPForbidden.status_code):
        return _NOT_LET_IN
    try:
        return _one_line(msgspec.json.decode(body, type=ErrorDocument).error)
    except (ValueError, RecursionError):
        return f"it answers with status {status}"


def _one_line(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text[:_MOST_WORDS])
