"""`/api/cameras/{id}/pictures`: what a camera has shown, the pictures that are kept, and that one is right as it is."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from restream.interfaces.documents.pictures import PicturesDocument
from restream.interfaces.http.answer import json_answer
from restream.interfaces.http.elsewhere import Owners
from restream.interfaces.http.query import Query
from restream.interfaces.http.rights import caller_of

_PICTURE = re.compile(r"[0-9]{10,15}")


@dataclass(frozen=True, slots=True)
class PicturesContext:
    """What is known of cameras' pictures."""

    document: Callable[[str], Awaitable[PicturesDocument | None]]
    """None: there is no such camera."""
    picture: Callable[[str, int], Awaitable[bytes | None]]
    """A JPEG that is kept, by when it was taken (Unix time, ms)."""
    accept: Callable[[str, str], Awaitable[str | None]]
    """By camera, and who says so. Why the last picture cannot be accepted as it is; empty: it is; None: there is no
    such camera."""


def routes(known: Callable[[], PicturesContext], owners: Owners) -> list[web.RouteDef]:
    async def pictures(request: web.Request) -> web.Response:
        Query(request.query).only()
        camera_id = request.match_info["id"]
        if (camera := owners.elsewhere(camera_id)) is not None:
            return await owners.pictures(camera, request)
        return json_answer(_found(await known().document(camera_id)))

    async def picture(request: web.Request) -> web.Response:
        Query(request.query).only()
        camera_id, name = request.match_info["id"], request.match_info["picture"]
        if not _PICTURE.fullmatch(name):
            raise web.HTTPNotFound(reason="there is no such picture")
        if (camera := owners.elsewhere(camera_id)) is not None:
            return await owners.still(camera, request, f"pictures/{name}.jpg")
        jpeg = await known().picture(camera_id, int(name))
        if jpeg is None:
            raise web.HTTPNotFound(reason="there is no such picture, or it is not kept any more")
        # What was taken then never changes.
        return web.Response(body=jpeg, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400"})

    async def accept(request: web.Request) -> web.Response:
        Query(request.query).only()
        camera_id = request.match_info["id"]
        if (camera := owners.elsewhere(camera_id)) is not None:
            return await owners.pictures(camera, request, accept=True)
        caller = caller_of(request)
        who = f"{caller.name or 'somebody'} at {caller.address}" if caller.address else caller.name or "somebody"
        refusal = await known().accept(camera_id, who)
        if refusal:
            raise web.HTTPConflict(reason=refusal)
        return json_answer(_found(None if refusal is None else await known().document(camera_id)))

    return [
        web.get("/api/cameras/{id}/pictures", pictures),
        web.get("/api/cameras/{id}/pictures/{picture}.jpg", picture),
        web.post("/api/cameras/{id}/pictures/accept", accept),
    ]


def _found(document: PicturesDocument | None) -> PicturesDocument:
    if document is None:
        raise web.HTTPNotFound(reason="there is no such camera")
    return document
