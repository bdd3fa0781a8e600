"""`/api/incidents`: which there are, which there were, and what is done about them."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

import msgspec
from aiohttp import web

from restream.domain.access.accounts import TOKEN_HOLDER
from restream.domain.news.incident import LONGEST_NAME, LONGEST_TEXT, Deed, Entry, Incident
from restream.domain.one_line import one_line
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.confined import incident_for
from restream.interfaces.documents.incidents import (
    DeedDocument,
    IncidentDocument,
    IncidentsDocument,
    incident_document,
)
from restream.interfaces.http.answer import json_answer
from restream.interfaces.http.query import Query
from restream.interfaces.http.rights import caller_of

MOST_INCIDENTS = 1000
DEFAULT_INCIDENTS = 200
_BODY_S = 10.0
_LONGEST_SNOOZE_S = 31 * 24 * 3600.0


Cameras = Mapping[str, CameraDocument]
"""By id."""


class IncidentDesk(Protocol):
    """Who has the incidents. Times are Unix time in seconds."""

    @property
    def open(self) -> Mapping[str, Incident]:
        """By id, oldest first."""

    def find(self, incident_id: str, /) -> Incident | None:
        """One that is open, or ended within the last day."""

    async def between(self, since: float, until: float, limit: int, /) -> Sequence[Incident]:
        """Of those that were open between two moments, the newest so many, oldest first."""

    def record(self, incident_id: str, entry: Entry, /) -> Incident | None:
        """Add an entry; None: there is no such incident."""


class Incidents:
    """Handlers of `/api/incidents…`."""

    def __init__(self, desk: Callable[[], IncidentDesk], page: str = "", cameras: Callable[[], Cameras] = dict) -> None:
        """`page`: where that is, as operators reach it; `cameras`: of whose sites callers may see some alone."""
        self._desk = desk
        self._page = page
        self._cameras = cameras

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        return [
            web.get("/api/incidents", self.listed),
            web.get("/api/incidents/{id}", self.one),
            *(web.post(f"/api/incidents/{{id}}/{deed}", partial(self.act, deed)) for deed in Deed),
        ]

    async def listed(self, request: web.Request) -> web.Response:
        """Those that are open, or with `since` those of a time."""
        query = Query(request.query).only("since", "until", "limit")
        limit = query.number("limit", DEFAULT_INCIDENTS, MOST_INCIDENTS)
        since, until = moment(query, "since"), moment(query, "until")
        caller, cameras = caller_of(request), self._cameras()
        if since is None and until is None:
            found: Sequence[Incident] = list(self._desk().open.values())
            seen = [each for each in found if incident_for(caller, each, cameras)][:limit]
        else:
            last = until if until is not None else time.time()
            # The newest ones may all be of other sites.
            most = limit if caller.sites is None else MOST_INCIDENTS
            found = await self._desk().between(since if since is not None else 0.0, last, most)
            seen = [each for each in found if incident_for(caller, each, cameras)][-limit:] if limit else []
        return json_answer(IncidentsDocument(tuple(self._shown(request, each) for each in seen)))

    async def one(self, request: web.Request) -> web.Response:
        """One that is open, or was lately."""
        Query(request.query).only()
        return json_answer(self._shown(request, self._desk().find(request.match_info["id"])))

    def _shown(self, request: web.Request, incident: Incident | None) -> IncidentDocument:
        """As the caller sees it. Raises HTTPNotFound."""
        caller, cameras = caller_of(request), self._cameras()
        found = incident_for(caller, incident, cameras) if incident is not None else None
        if found is None:
            raise _unknown()
        return incident_document(found, self._page)

    def _allow(self, request: web.Request, deed: Deed) -> None:
        """Nobody silences what is of sites that he does not see. Raises HTTPNotFound, HTTPForbidden."""
        incident = self._desk().find(request.match_info["id"])
        shown = self._shown(request, incident)
        if deed is Deed.NOTE or incident is None or incident.ended is not None or shown.total == len(incident.members):
            return
        raise web.HTTPForbidden(reason="it has cameras of sites that you do not see: all you can add is a note")

    async def act(self, deed: Deed, request: web.Request) -> web.Response:
        """Do something about an incident."""
        Query(request.query).only()
        body = await _body(request)
        who, text = signature(request, body.who), one_line(body.text)[:LONGEST_TEXT]
        if deed is Deed.NOTE and not text:
            raise web.HTTPBadRequest(reason="text: a note needs one")
        self._allow(request, deed)
        now = time.time()
        entry = Entry(secrets.token_hex(8), now, who, deed, text, _until(deed, body, now))
        return json_answer(self._shown(request, self._desk().record(request.match_info["id"], entry)))


def _unknown() -> web.HTTPNotFound:
    return web.HTTPNotFound(reason="there is no such incident, or it ended more than a day ago")


def moment(query: Query, name: str) -> float | None:
    """A moment as Unix time (s); None when it is not given. Raises HTTPBadRequest that names the parameter."""
    text = query.text(name)
    # A plus that was not encoded came as a blank.
    return None if text is None else parsed_moment(text.replace(" ", "+"), name)


def signature(request: web.Request, given: str) -> str:
    """Who did something: whoever is signed in under a name of his own, else as he signs."""
    name = caller_of(request).name
    return one_line(name if name not in ("", TOKEN_HOLDER) else given)[:LONGEST_NAME]


def parsed_moment(text: str, name: str) -> float:
    """A moment as Unix time (s). Raises HTTPBadRequest that names the parameter."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise web.HTTPBadRequest(reason=f"{name}: expected a moment like 2026-01-05T10:00:40Z") from None


def _until(deed: Deed, body: DeedDocument, now: float) -> float:
    if deed is not Deed.SNOOZE:
        return 0.0
    if body.until is None:
        raise web.HTTPBadRequest(reason="until: snooze needs a moment like 2026-01-05T10:00:40Z")
    until = parsed_moment(body.until, "until")
    if until > now + _LONGEST_SNOOZE_S:
        raise web.HTTPBadRequest(reason="until: 31 days at most")
    return max(until, 1.0)


async def _body(request: web.Request) -> DeedDocument:
    try:
        async with asyncio.timeout(_BODY_S):
            body = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(reason=f"the body did not come within {_BODY_S:g} s") from None
    try:
        return msgspec.json.decode(body or b"{}", type=DeedDocument)
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(reason='expected {"who": "…", "text": "…", "until": "…"}') from None
