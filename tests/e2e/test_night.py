"""A night of the running service: a recorder dies, somebody takes it in hand, maintenance calls nobody."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import aiohttp.test_utils
import asyncpg
import pytest
from aiohttp import web

from restream.config.places import ROOT
from restream.demo.embedded import free_port
from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.servers import TestServer
from tests.support.service import RunningService, environment, running_service

pytestmark = pytest.mark.usefixtures("ffmpeg")
Database = asyncpg.Connection


async def post(service: RunningService, path: str, body: Any) -> Any:
    async with aiohttp.ClientSession() as session, session.post(service.base_url + path, json=body) as response:
        assert response.status < 300, await response.text()
        return await response.json()


async def open_incidents(service: RunningService) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await service.get("/api/incidents"))["incidents"]
    return found


async def test_a_recorder_dies_at_night_and_maintenance_calls_nobody(
    tmp_path: Path, dsn: str, database: Database, add_camera: AddCamera, stand_in: TestServer
) -> None:
    await database.execute((ROOT / "etc" / "schema_records.sql").read_text(encoding="utf-8"))
    await add_camera(1, site="South")
    for number in (11, 12, 13):
        await add_camera(number, link=f"127.0.0.1:{free_port()}", site="North")
    # Switched off as every night: by its row, and by its site.
    later = f"{datetime.now(UTC) + timedelta(hours=6):%H:%M}-{datetime.now(UTC) + timedelta(hours=7):%H:%M}"
    schedule = {"hours": later, "time_zone": "UTC"}
    nowhere = f"127.0.0.1:{free_port()}"
    await add_camera(21, link=nowhere, site="East", options=json.dumps({"schedule": schedule}))
    await add_camera(22, link=nowhere, site="Office")
    overrides = {"PG_DSN": dsn, "RESTREAM_CAMERAS__SCHEDULES": json.dumps({"Office": schedule})}
    alerts = {"RESTREAM_ALERTS__PAGE_URL": "https://cameras.example/"}
    async with (
        webhook(alerts) as messages,
        running_service(tmp_path, server=stand_in, overrides={**overrides, **alerts}) as service,
    ):
        (incident,) = await eventually(lambda: open_incidents(service), 60)
        assert (incident["scope"], incident["place"], incident["cameras"]) == ("host", "127.0.0.1", ["11", "12", "13"])
        taken = await post(service, f"/api/incidents/{incident['id']}/acknowledge", {"who": "Ann", "text": "power"})
        assert taken["acknowledged"]["who"] == "Ann"
        await eventually(lambda: database.fetchval("SELECT count(*) FROM restream_incident_entry"), 20)
        await eventually(lambda: messages, 60)
        told = [(each["kind"], each["scope"], each["total"], each["incident"], each["link"]) for each in messages]
        assert told == [("down", "host", 3, incident["id"], f"https://cameras.example/#incident={incident['id']}")]
        for camera in ("21", "22"):
            found = await service.get(f"/api/cameras/{camera}")
            assert [each["code"] for each in found["verdict"]["reasons"]] == ["not_scheduled", "refused"]
            assert (found["verdict"]["health"], found["availability"]["1h"]["uptime_ratio"]) == ("disabled", None)
            assert found["availability"]["1h"]["longest_outage_s"] == 0

    async with running_service(tmp_path, server=stand_in, overrides=overrides) as service:
        await eventually(lambda: open_incidents(service), 60)
        (again,) = await open_incidents(service)
        assert (again["id"], again["began"]) == (incident["id"], incident["began"])
        assert again["acknowledged"]["text"] == "power", "what was done outlives the service"
        end = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        await post(service, "/api/maintenance", {"sites": ["North"], "end": end, "title": "new recorder"})
        listed = await run_command(service, "maintenance")
        assert "sites North" in listed and "new recorder" in listed
        again_and_again = ("--for", "2", "--server", "default", "--cron", "0 2 * * 0", "--zone", "Europe/Berlin")
        assert "(0 2 * * 0, Europe/Berlin)" in await run_command(service, "maintenance", *again_and_again)
        assert "cron" in await run_command(service, "maintenance", "--for", "2", "--all", "--cron", "soon", code=3)
        cameras = await service.reach({"11": "disabled", "12": "disabled", "13": "disabled", "1": "healthy"})
        codes = [reason["code"] for reason in cameras["11"]["verdict"]["reasons"]]
        assert codes == ["maintenance", "refused"]

        async def over() -> bool:
            return not await open_incidents(service)

        await eventually(over, 60, "no incident of what is planned")
        metrics = await _text(service, "/metrics")
        assert 'restream_camera_in_maintenance{camera="11",name="Camera 11"} 1' in metrics
        assert 'restream_camera_in_maintenance{camera="1",name="Camera 1"} 0' in metrics
        kept = await database.fetchrow("SELECT ended IS NOT NULL AS over, most FROM restream_incident")
        assert kept is not None and kept["most"] == 3
        await database.execute("UPDATE cameras SET options = NULL WHERE id = 21")
        cameras = await service.reach({"21": "down", "22": "disabled"})
        assert [each["code"] for each in cameras["21"]["verdict"]["reasons"]] == ["refused"]


async def test_a_switch_that_does_not_answer_is_one_message_of_all_behind_it(
    tmp_path: Path, dsn: str, add_camera: AddCamera, stand_in: TestServer
) -> None:
    switch, link = free_port(), {"parent": "core", "tcp": ""}
    await add_camera(1, link=f"127.0.0.1:{free_port()}", site="North")
    await add_camera(2, link=f"127.0.0.1:{free_port()}", options=json.dumps({"parent": "switch"}), site="South")
    parents = {"core": {}, "switch": {**link, "tcp": f"127.0.0.1:{switch}", "sites": ["North"]}}
    overrides = {
        "PG_DSN": dsn,
        "RESTREAM_NETWORK__PARENTS": json.dumps(parents),
        "RESTREAM_NETWORK__INTERVAL_S": "1",
        "RESTREAM_ALERTS__DOWN_AFTER_S": "15",
    }
    async with (
        webhook(overrides) as messages,
        running_service(tmp_path, server=stand_in, overrides=overrides) as service,
    ):
        (incident,) = await eventually(lambda: open_incidents(service), 60)
        assert (incident["scope"], incident["place"], incident["cameras"]) == ("parent", "switch", ["1", "2"])
        await eventually(lambda: messages, 60)
        told = [(each["scope"], each["place"], each["total"], each["incident"]) for each in messages]
        assert told == [("parent", "switch", 2, incident["id"])], "neither the cameras nor the component"
        assert [each["parent"] for each in await service.get("/api/cameras")] == ["switch", "switch"]

        async def state() -> str:
            return str((await service.get("/api/status"))["components"]["parent:switch"]["state"])

        assert await state() == "down"
        assert 'restream_component_up{component="parent:switch"} 0' in await _text(service, "/metrics")
        async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", switch):
            await eventually(lambda: up(state), 20)


async def up(state: Callable[[], Awaitable[str]]) -> bool:
    return await state() == "up"


@contextlib.asynccontextmanager
async def webhook(overrides: dict[str, str]) -> AsyncIterator[list[Any]]:
    """Somebody who is told of everything: his messages, and how the service finds him."""
    taken: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        taken.append(await request.json())
        return web.Response()

    application = web.Application()
    application.router.add_post("/", take)
    async with aiohttp.test_utils.TestServer(application) as server:
        overrides["RESTREAM_ALERTS__WEBHOOKS"] = json.dumps([str(server.make_url("/"))])
        yield taken


async def run_command(service: RunningService, *arguments: str, code: int = 0) -> str:
    """What a command beside the service says."""
    port = service.base_url.rpartition(":")[2].strip("/")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "srvc_restream.py"), *arguments),
        env=environment({"RESTREAM_HTTP__PORT": port}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == code, said.decode()
    return said.decode()


async def _text(service: RunningService, path: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(service.base_url + path) as response:
        return await response.text()
