"""`/api/maintenance`: windows of planned work, made, listed and ended."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
from aiohttp import web

from restream.domain.maintenance.window import (
    LONGEST_S,
    LONGEST_TITLE,
    MOST_NAMES,
    Calendar,
    MaintenanceWindow,
    Stretch,
)
from restream.domain.one_line import one_line
from restream.interfaces.documents.confined import may_plan, window_for
from restream.interfaces.documents.maintenance import NewWindowDocument, WindowsDocument, window_document
from restream.interfaces.http.answer import json_answer
from restream.interfaces.http.incidents import Cameras, parsed_moment, signature
from restream.interfaces.http.query import Query
from restream.interfaces.http.rights import caller_of

_BODY_S = 10.0
_LONGEST_ID = 256
_NOT_YOURS = "you see some sites alone: name cameras and sites of these, no media server, and not everything"


class MaintenanceDesk(Protocol):
    """Who has the windows. Times are Unix time in seconds."""

    kept: bool

    @property
    def windows(self) -> Sequence[MaintenanceWindow]:
        """Those that are not over."""

    def next(self, window: MaintenanceWindow, /) -> Stretch | None:
        """When it is the next time, or now."""

    def put(self, window: MaintenanceWindow, /) -> bool:
        """Add one; False: there are too many."""

    def end(self, window_id: str, wall: float, /) -> MaintenanceWindow | None:
        """End one; None: there is none of this id."""


class Maintenance:
    """Handlers. `checked` raises ValueError for a calendar that is none, one line that begins with the key."""

    def __init__(
        self,
        desk: Callable[[], MaintenanceDesk],
        checked: Callable[[Calendar], Calendar],
        cameras: Callable[[], Cameras] = dict,
    ) -> None:
        self._desk = desk
        self._checked = checked
        self._cameras = cameras

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        return [
            web.get("/api/maintenance", self.listed),
            web.post("/api/maintenance", self.make),
            web.post("/api/maintenance/{id}/end", self.end),
        ]

    async def listed(self, request: web.Request) -> web.Response:
        """Those that are not over."""
        Query(request.query).only()
        desk, now = self._desk(), time.time()
        caller, cameras = caller_of(request), self._cameras()
        seen = ((window_for(caller, each, cameras), desk.next(each)) for each in desk.windows)
        found = tuple(window_document(each, span, now) for each, span in seen if each is not None)
        return json_answer(WindowsDocument(desk.kept, found))

    async def make(self, request: web.Request) -> web.Response:
        """A new one."""
        Query(request.query).only()
        desk, now = self._desk(), time.time()
        try:
            body = await _body(request)
            window = self._window(body, signature(request, body.who), now)
        except ValueError as error:
            raise web.HTTPBadRequest(reason=one_line(str(error))) from None
        if not may_plan(caller_of(request), window, self._cameras()):
            raise web.HTTPForbidden(reason=_NOT_YOURS)
        if not desk.put(window):
            raise web.HTTPConflict(reason="there are too many maintenance windows: end some first")
        return json_answer(window_document(window, desk.next(window), now), status=201)

    async def end(self, request: web.Request) -> web.Response:
        """It is over now."""
        Query(request.query).only()
        now, window_id = time.time(), request.match_info["id"]
        caller, cameras = caller_of(request), self._cameras()
        known = next((each for each in self._desk().windows if each.id == window_id), None)
        seen = known is not None and window_for(caller, known, cameras) is not None
        if seen and known is not None and not may_plan(caller, known, cameras):
            raise web.HTTPForbidden(reason=_NOT_YOURS)
        window = self._desk().end(window_id, now) if seen else None
        if window is None:
            raise web.HTTPNotFound(reason="there is no such maintenance window, or it is over")
        return json_answer(window_document(window, None, now))

    def _window(self, body: NewWindowDocument, who: str, now: float) -> MaintenanceWindow:
        """Raises ValueError, HTTPBadRequest."""
        begin = parsed_moment(body.begin, "begin") if body.begin is not None else now
        end = parsed_moment(body.end, "end") if body.end is not None else None
        calendar = None
        if body.cron is not None:
            if body.duration_s is None:
                raise ValueError("duration_s: a calendar needs it")
            calendar = self._checked(Calendar(body.cron.strip(), body.duration_s, body.zone))
        elif end is None:
            raise ValueError("end: needed, unless there is a calendar (cron, duration_s)")
        if end is not None and (end <= max(begin, now) or (calendar is None and end - begin > LONGEST_S)):
            raise ValueError("end: expected a moment to come, after begin, within 31 days of it")
        cameras, sites, servers = (frozenset(filter(None, each)) for each in (body.cameras, body.sites, body.servers))
        named = (cameras, sites, servers)
        if sum(map(len, named)) > MOST_NAMES or any(len(name) > _LONGEST_ID for names in named for name in names):
            raise ValueError(f"cameras, sites, servers: {MOST_NAMES} names at most")
        if any(named) is body.everything:
            raise ValueError("cameras, sites, servers: name some, or set everything to true, and not both")
        return MaintenanceWindow(
            secrets.token_hex(6),
            one_line(body.title)[:LONGEST_TITLE],
            begin,
            end,
            calendar,
            cameras,
            sites,
            servers,
            who=who,
            made=now,
        )


async def _body(request: web.Request) -> NewWindowDocument:
    try:
        async with asyncio.timeout(_BODY_S):
            body = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(reason=f"the body did not come within {_BODY_S:g} s") from None
    try:
        return msgspec.json.decode(body, type=NewWindowDocument)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ValueError(f"the body: {error}") from None
    except ValueError:
        raise ValueError("the body: expected JSON") from None
