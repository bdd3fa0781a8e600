"""Reports over HTTP and on the command line, from a real PostgreSQL."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import openpyxl
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from restream.config.places import ROOT
from restream.config.settings import load_settings
from restream.domain.access.caller import Caller, Role
from restream.interfaces.http.app import build_app
from restream.interfaces.http.auth import Access
from restream.interfaces.http.reports import Reports
from restream.interfaces.http.rights import CALLER
from restream.service.reporting import NO_HISTORY, make_report
from tests.support.service import command

SCHEMA = (ROOT / "etc" / "schema_history.sql").read_text(encoding="utf-8")
FILL = """
INSERT INTO restream_span (node, id, camera, began, ended, state, cause, side, site, name)
SELECT 'a', n, n::text, '2026-10-01 00:00+02', '2026-10-02 00:00+02', CASE n % 4 WHEN 0 THEN 'down' ELSE 'healthy' END,
    CASE n % 4 WHEN 0 THEN 'unreachable' ELSE '' END, CASE n % 4 WHEN 0 THEN 'network' ELSE 'none' END,
    CASE n % 2 WHEN 0 THEN 'North' ELSE 'South' END, 'Camera ' || n FROM generate_series(1, 8) AS n"""


@pytest.fixture
async def tables(dsn: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(dsn)
    await connection.execute(SCHEMA)
    await connection.execute(FILL)
    yield connection
    await connection.close()


@pytest.fixture
async def client(dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TestClient[Any, Any]]:
    monkeypatch.setenv("RESTREAM_HISTORY__ZONE", "Europe/Berlin")
    settings = load_settings(pg_dsn=dsn)
    reports = Reports(lambda asked, sites: make_report(settings, None, asked, sites), NO_HISTORY)
    async with TestClient(TestServer(build_app(Access(), reports.routes()))) as found:
        yield found


async def test_each_format_by_name_and_by_what_is_taken(
    client: TestClient[Any, Any], tables: asyncpg.Connection[Any]
) -> None:
    document = await (await client.get("/api/report?day=2026-10-01")).json()
    assert document["total"]["availability"] == 0.75 and len(document["cameras"]) == 8
    assert [site["figures"]["availability"] for site in document["sites"]] == [0.5, 1.0]
    for query, headers, kind, begins in (
        ("&format=csv&language=de", {}, "text/csv", b"\xef\xbb\xbfKamera,"),
        ("&format=text&language=ru", {}, "text/plain", "Доступность".encode()),
        ("&format=pdf", {}, "application/pdf", b"%PDF"),
        ("", {"Accept": "text/html, text/csv;q=0.9"}, "text/csv", b"\xef\xbb\xbfCamera"),
    ):
        answer = await client.get(f"/api/report?day=2026-10-01{query}", headers=headers)
        assert (answer.status, answer.content_type) == (200, kind)
        assert (await answer.read()).startswith(begins)
        assert "restream-2026-10-01." in answer.headers["Content-Disposition"]
    answer = await client.get("/api/report?from=2026-10-01&to=2026-10-02&format=xlsx&site=North")
    book = openpyxl.load_workbook(io.BytesIO(await answer.read()))
    assert {row[2].value for row in book["By camera"].iter_rows(min_row=2)} == {"North"}


async def test_of_sites_that_somebody_does_not_see_nothing_is_told(
    dsn: str, tables: asyncpg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESTREAM_HISTORY__ZONE", "Europe/Berlin")
    settings = load_settings(pg_dsn=dsn)
    reports = Reports(lambda asked, sites: make_report(settings, None, asked, sites), NO_HISTORY)

    @web.middleware
    async def door(request: web.Request, handler: Any) -> Any:
        request[CALLER] = Caller("wall", Role.SEE, frozenset({"North"}))
        return await handler(request)

    app = web.Application(middlewares=[door])
    app.add_routes(reports.routes())
    async with TestClient(TestServer(app)) as client:
        for query, found in (("", {"North"}), ("&site=South", set()), ("&site=South,North", {"North"})):
            document = await (await client.get(f"/api/report?day=2026-10-01{query}")).json()
            assert {camera["site"] for camera in document["cameras"]} == found


async def test_what_is_wrong_is_one_line(client: TestClient[Any, Any], tables: asyncpg.Connection[Any]) -> None:
    for query, told in (
        ("day=soon", "day: expected a day"),
        ("zone=Mars", "zone: expected"),
        ("format=doc", "format: expected one of"),
        ("month=2026-10&day=2026-10-01", "one range"),
        ("moth=2026-10", "unknown parameter"),
        ("language=fr", "language: expected"),
    ):
        answer = await client.get(f"/api/report?{query}")
        assert answer.status == 400 and told in (await answer.json())["error"]


async def test_without_history_it_says_what_to_do(client: TestClient[Any, Any]) -> None:
    answer = await client.get("/api/report")
    assert answer.status == 404 and "init-db --history" in (await answer.json())["error"]


@pytest.mark.timeout(300)
async def test_on_the_command_line(dsn: str, tables: asyncpg.Connection[Any], tmp_path: Any) -> None:
    settings = {"PG_DSN": dsn, "RESTREAM_HISTORY__ZONE": "Europe/Berlin"}
    code, output, errors = await command("report", "--day", "2026-10-01", "--site", "North", overrides=settings)
    assert (code, errors) == (0, "") and "Camera 4" in output and "Camera 3" not in output
    assert "50.000 %" in output and "Europe/Berlin" in output
    file = tmp_path / "r.xlsx"
    code, _, errors = await command("report", "--month", "2026-10", "-o", str(file), overrides=settings)
    assert (code, errors) == (0, "") and file.read_bytes().startswith(b"PK")
    code, _, errors = await command("report", "--week", "soon", overrides=settings)
    assert code == 2 and "week: expected a week" in errors
