"""`/api/rows…` over HTTP: bounds, and what is said of files that cannot be read."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from restream.domain.camera.row_changes import RowTable
from restream.interfaces.http.answer import errors_as_json
from restream.interfaces.http.rows import MOST_BYTES, RowFiles
from tests.support.openapi import answer_schema, misfits
from tests.unit.test_row_files import TABLE


class Service:
    table: RowTable | None = TABLE
    query: str | None = None


@pytest.fixture
async def service() -> Service:
    return Service()


@pytest.fixture
async def client(service: Service) -> AsyncIterator[TestClient[Any, Any]]:
    app = web.Application(middlewares=[errors_as_json])
    app.add_routes(RowFiles(lambda: service.table, lambda: service.query).routes())
    async with TestClient(TestServer(app)) as client:
        yield client


async def compare(client: TestClient[Any, Any], body: bytes, query: str = "") -> tuple[int, Any]:
    async with client.post(f"/api/rows/dry-run{query}", data=io.BytesIO(body)) as answer:
        return answer.status, await answer.json()


async def test_what_a_file_would_change_is_told_with_the_statements(
    service: Service, client: TestClient[Any, Any]
) -> None:
    body = b"id,name,password\n7,Door,another\n"
    status, found = await compare(client, body, "?table=video.cams")
    assert misfits(found, answer_schema("/api/rows/dry-run", method="post")) == []
    assert status == 200 and "UPDATE video.cams SET" in found["sql"] and "'another'" in found["sql"]
    found.pop("sql")
    assert "another" not in str(found) and found["counts"]["changed"] == 1
    service.query = "SELECT * FROM a JOIN b USING (id)"
    assert (await compare(client, body))[1]["sql"] is None
    assert (await compare(client, b"id,link\n7,\n"))[1]["sql"] is None, "what is refused has no statements"


@pytest.mark.parametrize(
    ("body", "query", "status", "said"),
    [
        (b"", "", 400, "is empty"),
        (b"id,name\n1,M\xfcller\n", "", 400, "line 2 is not UTF-8"),
        (b"id,name\n7,M\xfcller\n", "?encoding=latin-1", 200, ""),
        (b"id\n7\n", "?table=x;y", 400, "table: expected the name of a table"),
        (b"id\n7\n", "?colour=x", 400, "colour"),
        (b"x" * (MOST_BYTES + 1), "", 413, "8 MiB"),
    ],
)
async def test_what_cannot_be_taken_is_told(
    client: TestClient[Any, Any], body: bytes, query: str, status: int, said: str
) -> None:
    found = await compare(client, body, query)
    assert found[0] == status and said in found[1].get("error", "")


async def test_the_file_has_no_secret_and_changes_nothing(client: TestClient[Any, Any]) -> None:
    async with client.get("/api/rows.csv") as answer:
        body = await answer.read()
    assert answer.status == 200 and b"***" in body
    assert not any(secret in body for secret in (b"sEcret", b"hid-den", b"-dash"))
    counts = (await compare(client, body))[1]["counts"]
    assert counts["unchanged"] == len(TABLE.rows) and sum(counts.values()) == len(TABLE.rows)


async def test_a_fifth_file_beside_four_has_to_wait(client: TestClient[Any, Any]) -> None:
    last = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"id\n"
        await last.wait()
        yield b"7\n"

    async def status() -> int:
        async with client.post("/api/rows/dry-run", data=slowly()) as answer:
            return answer.status

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        asked = [group.create_task(status()) for _ in range(5)]
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert [each.result() for each in done] == [503]
        last.set()
    assert sorted(each.result() for each in asked) == [200] * 4 + [503]


async def test_before_the_table_was_read_there_is_nothing_to_compare_with(
    service: Service, client: TestClient[Any, Any]
) -> None:
    service.table = None
    assert (await compare(client, b"id\n7\n"))[0] == 503
    async with client.get("/api/rows.csv") as answer:
        assert answer.status == 503
