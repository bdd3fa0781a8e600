"""Reports over HTTP: the format by name, or by what the client takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from aiohttp import web

from restream.domain.access.caller import Caller
from restream.interfaces.http.query import Query
from restream.interfaces.http.rights import caller_of
from restream.interfaces.reports.availability_report import AvailabilityReport
from restream.interfaces.reports.period import PeriodError
from restream.interfaces.reports.renderings import RENDERINGS, FormatMissingError, ReportFormat, file_name
from restream.interfaces.reports.words import LANGUAGES, ReportWords
from restream.ports.cameras import DatabaseError

MOST_AT_ONCE = 4
"""Reports that are made or wait: of a large fleet each takes seconds."""
RANGE = ("day", "week", "month", "from", "to", "zone")

MakeReport = Callable[[Mapping[str, str | None], Collection[str] | None], Awaitable[AvailabilityReport | None]]
"""The report of a range, of some sites or all. Raises PeriodError, DatabaseError."""


class Reports:
    """Handler of `/api/report`."""

    def __init__(self, make: MakeReport, no_history: str) -> None:
        self._make = make
        self._no_history = no_history
        self._turn = asyncio.Lock()
        self._asking = 0

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        return [web.get("/api/report", self.report)]

    async def report(self, request: web.Request) -> web.Response:
        """How available cameras were in a range."""
        query = Query(request.query).only(*RANGE, "site", "format", "language")
        asked = {key: query.text(key) for key in RANGE}
        form = ReportFormat(query.choice("format", tuple(ReportFormat)) or _taken(request))
        words = ReportWords(query.choice("language", LANGUAGES) or "en")
        sites = _seen(caller_of(request), query.choices("site") or None)
        if self._asking >= MOST_AT_ONCE:
            raise web.HTTPServiceUnavailable(reason="other reports are being made", headers={"Retry-After": "10"})
        self._asking += 1
        try:
            async with self._turn:
                found = await self._make(asked, sites)
                if found is None:
                    raise web.HTTPNotFound(reason=self._no_history)
                body = await asyncio.to_thread(RENDERINGS[form].render, found, words)
        except PeriodError as error:
            raise web.HTTPBadRequest(reason=str(error)) from None
        except FormatMissingError as error:
            raise web.HTTPNotImplemented(reason=str(error)) from None
        except DatabaseError as error:
            raise web.HTTPBadGateway(reason=f"database: {error}") from None
        finally:
            self._asking -= 1
        return _answer(found, form, body)


def _seen(caller: Caller, wanted: Collection[str] | None) -> Collection[str] | None:
    """The sites a report is made of: those that are wanted, as far as the caller sees them."""
    if caller.sites is None or wanted is None:
        return caller.sites if wanted is None else wanted
    return caller.sites & set(wanted)


def _answer(report: AvailabilityReport, form: ReportFormat, body: bytes) -> web.Response:
    rendering = RENDERINGS[form]
    text = form in (ReportFormat.TEXT, ReportFormat.CSV, ReportFormat.JSON)
    headers = {"Cache-Control": "no-store"}
    if form is not ReportFormat.JSON:
        headers["Content-Disposition"] = f'attachment; filename="{file_name(report, form)}"'
    response = web.Response(
        body=body, content_type=rendering.media_type, charset="utf-8" if text else None, headers=headers
    )
    if text and len(body) > 1024:
        response.enable_compression()
    return response


def _taken(request: web.Request) -> ReportFormat:
    """By the header `Accept`: the first that is named; JSON where none is."""
    for each in request.headers.get("Accept", "").split(","):
        named = each.partition(";")[0].strip().lower()
        found = next((form for form, rendering in RENDERINGS.items() if rendering.media_type == named), None)
        if found is not None:
            return found
    return ReportFormat.JSON
