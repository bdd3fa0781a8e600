"""`GET /api/cameras/{id}/snapshot.jpg`: a still picture, taken from the media server and never from the camera."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from restream.domain.one_line import one_line
from restream.interfaces.http.elsewhere import Owners
from restream.interfaces.http.query import Query
from restream.ports.cameras import StillError

Take = Callable[[str], Awaitable[bytes | None]]
"""A JPEG of a camera; None when there is no such camera. Raises StillError."""


def routes(take: Take, owners: Owners) -> list[web.RouteDef]:
    async def still(request: web.Request) -> web.Response:
        Query(request.query).only()
        camera_id = request.match_info["id"]
        if (camera := owners.elsewhere(camera_id)) is not None:
            return await owners.still(camera, request)
        try:
            picture = await take(camera_id)
        except StillError as error:
            reason = one_line(str(error))
            if error.timed_out:
                raise web.HTTPGatewayTimeout(reason=reason) from None
            raise web.HTTPServiceUnavailable(reason=reason) from None
        if picture is None:
            raise web.HTTPNotFound(reason="there is no such camera")
        return web.Response(body=picture, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=5"})

    return [web.get("/api/cameras/{id}/snapshot.jpg", still)]
