"""Somebody who is confined to a site asks the running service everything that can be asked, and learns of no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from tests.support.eventually import eventually
from tests.support.servers import TestServer
from tests.support.service import RunningService, running_service

Database = asyncpg.Connection
TOKENS = [
    {"name": "anna", "token": "token of anna", "role": "configure", "sites": ["North"]},
    {"name": "root", "token": "token of root", "role": "configure"},
]
# Whatever tells of the camera that is not hers: its id, name, site, host, type, path.
HIDDEN = ("4711", "Secluded", "Southern", "192.0.2.66", "SECLUDEDTYPE")
# What may be asked of whom; the rest is answered 403.
OF_THE_FLEET = {
    *("/api/visionaire", "/api/alerts", "/api/alerts/test", "/api/audit", "/metrics"),
    *("/api/rows.csv", "/api/rows/dry-run"),
}
BODIES: dict[str, Any] = {
    "/api/actions": {"action": "restart", "cameras": ["4711"]},
    "/api/maintenance": {"title": "x", "end": "2099-01-01T00:00:00Z", "begin": "2098-12-31T00:00:00Z", "sites": ["S"]},
    "/api/login": {"token": "token of anna"},
}


async def ask(service: RunningService, who: str, method: str, path: str, body: Any = None) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer token of {who}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, service.base_url + path, json=body) as answer,
    ):
        return answer.status, (await answer.read()).decode("utf-8", "replace")


def asked(document: Any, incident: str, window: str) -> Iterator[tuple[str, str, str]]:
    """Every operation of the document: method, its path, the path that is asked."""
    known = {"{picture}": "1700000000000", "{file}": "page.css"}
    for path, methods in document["paths"].items():
        thing = incident if "/incidents/" in path else window if "/maintenance/" in path else "4711"
        for method in methods:
            found = path.replace("{id}", thing)
            for name, value in known.items():
                found = found.replace(name, value)
            yield method.upper(), path, found


async def test_nothing_of_other_sites_is_told_by_any_operation(
    tmp_path: Path,
    dsn: str,
    stand_in: TestServer,
    database: Database,  # type: ignore[type-arg]
) -> None:
    await database.execute(
        "INSERT INTO cameras (id, name, site, camera_type, link, login, password) VALUES "
        "(1, 'Gate', 'North', 'DAHUA', '127.0.0.1:9', 'admin', 'x'), "
        "(4711, 'Secluded', 'Southern', 'SECLUDEDTYPE', '192.0.2.66', 'admin', 'x')"
    )
    settings = {"PG_DSN": dsn, "RESTREAM_API__TOKENS": json.dumps(TOKENS)}
    async with running_service(tmp_path, server=stand_in, overrides=settings) as service:

        async def of(who: str, path: str) -> Any:
            return json.loads((await ask(service, who, "GET", path))[1])

        async def hidden() -> Any:
            found = (await of("root", "/api/incidents"))["incidents"]
            return next((each["id"] for each in found if "4711" in each["cameras"]), None)

        async def hers() -> Any:
            return next((each["id"] for each in (await of("anna", "/api/incidents"))["incidents"]), None)

        plan = {"title": "Secluded work", "end": "2098-12-31T01:00:00Z", "begin": "2098-12-31T00:00:00Z"}
        status, made = await ask(service, "root", "POST", "/api/maintenance", plan | {"sites": ["Southern"]})
        assert status == 201
        both = plan | {"title": "Both", "sites": ["Southern", "North"], "cameras": ["4711"]}
        shared = json.loads((await ask(service, "root", "POST", "/api/maintenance", both))[1])["id"]
        incident = await eventually(hidden, 90)
        mine = await eventually(hers, 60)
        assert mine != incident and len((await of("root", "/api/incidents"))["incidents"]) == 2

        document = await of("root", "/openapi.json")
        for method, path, found in asked(document, incident, json.loads(made)["id"]):
            status, text = await ask(service, "anna", method, found, BODIES.get(path))
            if path == "/ws":
                continue
            if path in OF_THE_FLEET:
                assert status == 403, (method, path, text)
            elif "{id}" in path:
                assert status in (404, 400), (method, path, text)
            elif method == "POST" and path == "/api/maintenance":
                assert status == 403, text
            else:
                assert status < 500 or status == 503, (method, path, text)
            # What she asked for herself may come back.
            told = text.replace('"id":"4711"', "") if path == "/api/actions" else text
            learnt = [word for word in HIDDEN if word in told]
            assert not learnt or path in ("/openapi.json", "/static/{file}", "/"), (method, path, learnt)

        # What is partly hers is shown in part, and only a note can be added to it.
        (window,) = (await of("anna", "/api/maintenance"))["windows"]
        assert (window["id"], window["sites"], window["cameras"]) == (shared, ["North"], [])
        assert (await ask(service, "anna", "POST", f"/api/maintenance/{shared}/end"))[0] == 403
        assert (await ask(service, "anna", "POST", f"/api/incidents/{mine}/acknowledge"))[0] == 200

        url = service.base_url + "/ws?topics=cameras,status,events,host,streams,incidents"
        headers = {"Authorization": "Bearer token of anna"}
        async with aiohttp.ClientSession(headers=headers) as session, session.ws_connect(url) as socket:
            first = await socket.receive_json(timeout=20)
            assert [each["id"] for each in first["incidents"]] == [mine]
            assert (await ask(service, "root", "POST", f"/api/incidents/{incident}/note", {"text": "x"}))[0] == 200
            assert (await ask(service, "root", "POST", "/api/cameras/4711/hold"))[0] == 202
            messages = [json.dumps(first), *[(await socket.receive_str(timeout=20)) for _ in range(4)]]
            assert not [word for word in HIDDEN for message in messages if word in message]
