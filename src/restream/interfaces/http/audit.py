"""What is asked of the service is recorded: who, when, what, on what, from where, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Middleware

from restream.domain.access.audit import AuditEntry, AuditQuery, AuditResult
from restream.domain.access.caller import Role
from restream.interfaces.documents.audit import audit_document
from restream.interfaces.http.answer import json_answer
from restream.interfaces.http.auth import AUTHENTICATED, Handler
from restream.interfaces.http.query import Query
from restream.interfaces.http.rights import caller_of, is_safe

MOST_ENTRIES = 10_000
MOST_ENTRY_ID = 10**15 - 1
Record = Callable[[AuditEntry], None]
Find = Callable[[AuditQuery], Awaitable[Sequence[AuditEntry]]]

_WHO = web.RequestKey("audited_who", str)
_DETAIL = web.RequestKey("audited_detail", str)
_TOO_MANY = 429
# What a client may do as often as it likes is not recorded of those who are not known.
_LOGINS = (204, 401)


def note(request: web.Request, *, who: str = "", detail: str = "") -> None:
    """What a handler knows better than the door: who it was, or how much was done."""
    if who:
        request[_WHO] = who
    if detail:
        request[_DETAIL] = detail


def audited(record: Record) -> Middleware:
    """Middleware that records whatever may change something, also what was refused to somebody who is known.

    Of those who are not known logins alone are, whose number is limited: a flood fills no disk.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        if is_safe(request) or resource is None:
            return await handler(request)
        status, why = 500, ""
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as error:
            status, why = error.status, error.reason
            raise
        finally:
            known = request.get(AUTHENTICATED, False) or caller_of(request).may(Role.OPERATE)
            if status != _TOO_MANY and (known or (resource.canonical == "/api/login" and status in _LOGINS)):
                record(_entry(request, resource.canonical, status, why))
        return response

    return middleware


def routes(find: Find) -> list[web.RouteDef]:
    """`GET /api/audit`."""

    async def audit(request: web.Request) -> web.Response:
        query = Query(request.query).only("since", "who", "action", "target", "limit")
        found = await find(
            AuditQuery(
                limit=query.number("limit", 100, MOST_ENTRIES),
                since=query.number("since", 0, MOST_ENTRY_ID),
                who=query.text("who"),
                action=query.text("action"),
                target=query.text("target"),
            )
        )
        return json_answer([audit_document(entry) for entry in found])

    return [web.get("/api/audit", audit)]


def _entry(request: web.Request, path: str, status: int, why: str) -> AuditEntry:
    caller = caller_of(request)
    words = [part for part in path.split("/")[2:] if not part.startswith("{")]
    return AuditEntry(
        at=time.time(),
        action="/".join(words) if request.method == "POST" else f"{request.method.lower()} {'/'.join(words)}",
        result=_result(status),
        who=request.get(_WHO, caller.name),
        role=caller.role or "",
        address=caller.address,
        target=" ".join(request.match_info.values()),
        detail=why or request.get(_DETAIL, ""),
    )


def _result(status: int) -> AuditResult:
    if status < 400:
        return AuditResult.DONE
    return AuditResult.REFUSED if status < 500 else AuditResult.FAILED
