"""`/api/incidents` over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from restream.domain.news.incident import Bond, Entry, Incident, IncidentScope
from restream.interfaces.http.answer import errors_as_json
from restream.interfaces.http.incidents import Incidents
from tests.support.openapi import conforms

CAMERAS = frozenset({"1", "2", "3"})
OPEN = Incident("a1", Bond(IncidentScope.SITE, "North", "contact"), "refused", "camera", 1e9, CAMERAS, CAMERAS, 3)


class Desk:
    """One incident is open."""

    def __init__(self) -> None:
        self.open = {"a1": OPEN}
        self.asked: list[tuple[float, float, int]] = []

    def find(self, incident_id: str) -> Incident | None:
        return self.open.get(incident_id)

    async def between(self, since: float, until: float, limit: int) -> Sequence[Incident]:
        self.asked.append((since, until, limit))
        return [OPEN]

    def record(self, incident_id: str, entry: Entry) -> Incident | None:
        if incident_id not in self.open:
            return None
        self.open[incident_id] = self.open[incident_id].with_entries((entry,))
        return self.open[incident_id]


Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def desk() -> Desk:
    return Desk()


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[Client]:
    app = web.Application(middlewares=[errors_as_json])
    app.add_routes(Incidents(lambda: desk, "http://nvr:8000/").routes())
    async with TestClient(TestServer(app)) as client:
        yield client


async def answer(client: Client, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with client.request(method, path, json=body) as response:
        return response.status, await response.json()


async def test_open_incidents_and_those_of_a_time(desk: Desk, client: Client) -> None:
    status, found = await answer(client, "GET", "/api/incidents")
    conforms(found, "Incidents")
    (incident,) = found["incidents"]
    assert (status, incident["scope"], incident["place"], incident["cameras"]) == (
        200,
        "site",
        "North",
        ["1", "2", "3"],
    )
    assert incident["link"] == "http://nvr:8000/#incident=a1"
    path = "/api/incidents?since=2001-09-09T01:46:40Z&until=2001-09-09T03:46:40%2B02:00&limit=7"
    status, found = await answer(client, "GET", path)
    assert (status, desk.asked) == (200, [(1e9, 1e9, 7)])
    assert (await answer(client, "GET", "/api/incidents/a1"))[1] == incident
    assert (await answer(client, "GET", "/api/incidents/b2"))[0] == 404


async def test_what_is_done_about_one_is_kept_with_it(client: Client) -> None:
    status, found = await answer(
        client, "POST", "/api/incidents/a1/acknowledge", {"who": "Ann\n", "text": "on\x00 my way"}
    )
    conforms(found, "Incident")
    assert status == 200
    assert (found["acknowledged"]["who"], found["acknowledged"]["text"]) == ("Ann", "on my way")
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert (await answer(client, "POST", "/api/incidents/a1/snooze", {"until": until}))[1]["snoozed_until"] == until
    assert (await answer(client, "POST", "/api/incidents/a1/withdraw"))[1]["acknowledged"] is None
    status, found = await answer(client, "POST", "/api/incidents/a1/note", {"text": "a switch"})
    assert [each["deed"] for each in found["entries"]] == ["acknowledge", "snooze", "withdraw", "note"]


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("note", {}, 400, "text"),
        ("snooze", {}, 400, "until"),
        ("snooze", {"until": "soon"}, 400, "until"),
        ("snooze", {"until": "9999-01-01T00:00:00Z"}, 400, "31 days"),
        ("note", [], 400, "expected"),
        ("note", {"text": 5}, 400, "expected"),
        ("note?x=1", {"text": "a"}, 400, "x"),
        ("dance", {}, 404, ""),
    ],
)
async def test_what_makes_no_sense_is_told(client: Client, path: str, body: Any, status: int, said: str) -> None:
    found = await answer(client, "POST", f"/api/incidents/a1/{path}", body)
    assert found[0] == status and said in found[1]["error"]
    for query in ("since=yesterday", "limit=-1", "open=1"):
        assert (await answer(client, "GET", f"/api/incidents?{query}"))[0] == 400
