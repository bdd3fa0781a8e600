"""`/api/rows…`: the cameras table as a file, and what a file would change in it. Nothing is ever written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from restream.domain.camera.row_changes import Effect, RowTable
from restream.interfaces.documents.csv_table import MEDIA_TYPE
from restream.interfaces.documents.rows import RowChangesDocument, changes_document
from restream.interfaces.http.answer import json_answer
from restream.interfaces.http.audit import note
from restream.interfaces.http.body import bounded_body
from restream.interfaces.http.query import Query
from restream.interfaces.rows.csv_file import RowsFileError, read_rows, rows_csv
from restream.interfaces.rows.statements import change_statements, script, table_of

MOST_BYTES = 8 << 20
_BODY_S = 30.0
_MOST_AT_ONCE = 4


class RowFiles:
    """Handlers. `table`: the rows as they were read last, None: not yet; `query`: `database.query`."""

    def __init__(self, table: Callable[[], RowTable | None], query: Callable[[], str | None]) -> None:
        self._table = table
        self._query = query
        self._turn = asyncio.Lock()
        self._asking = 0

    def routes(self) -> list[web.RouteDef]:
        """Both."""
        return [web.get("/api/rows.csv", self.export), web.post("/api/rows/dry-run", self.compare)]

    async def export(self, request: web.Request) -> web.Response:
        """All rows, without their secrets."""
        Query(request.query).only()
        body = await asyncio.to_thread(rows_csv, self._read())
        headers = {"Content-Disposition": 'attachment; filename="rows.csv"'}
        response = web.Response(body=body, content_type=MEDIA_TYPE, charset="utf-8", headers=headers)
        response.enable_compression()
        return response

    async def compare(self, request: web.Request) -> web.Response:
        """What a file would change."""
        query = Query(request.query).only("encoding", "table")
        table, encoding, named = self._read(), query.text("encoding") or "utf-8", query.text("table")
        try:
            target = table_of(self._query(), named)
        except ValueError as error:
            if named is not None:
                raise web.HTTPBadRequest(reason=f"table: {error}") from None
            target = None
        if self._asking >= _MOST_AT_ONCE:
            raise web.HTTPServiceUnavailable(reason="other files are being looked at", headers={"Retry-After": "10"})
        self._asking += 1
        try:
            body = await bounded_body(request, MOST_BYTES, _BODY_S)
            async with self._turn:
                found = await asyncio.to_thread(_compared, table, body, encoding, target)
        except RowsFileError as error:
            raise web.HTTPBadRequest(reason=str(error)) from None
        finally:
            self._asking -= 1
        counts = found.counts
        note(request, detail=f"{counts.new} new, {counts.changed} changed, {counts.refused} refused")
        return json_answer(found)

    def _read(self) -> RowTable:
        table = self._table()
        if table is None:
            raise web.HTTPServiceUnavailable(reason="the table has not been read yet")
        return table


def _compared(table: RowTable, body: bytes, encoding: str, target: str | None) -> RowChangesDocument:
    changes = table.compare(read_rows(body, table.reader.columns, encoding=encoding))
    refused = any(each.effect is Effect.REFUSED for each in changes)
    statements = [] if target is None else list(change_statements(changes, target, table.reader.columns))
    return changes_document(changes, None if refused or not statements else script(statements))
