"""The running service against its own description: what is asked is understood, what is answered is told."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from yarl import URL

from restream.config.places import ROOT
from restream.demo.cameras import Fault
from restream.demo.embedded import free_port
from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.openapi import DOCUMENT, MESSAGE, answer_schema, conforms, misfits
from tests.support.servers import TestServer
from tests.support.service import RunningService, running_service
from tests.support.visionaire import ScriptedServer
from tests.support.visionaire import fleet as streams

pytestmark = pytest.mark.usefixtures("ffmpeg")
Database = asyncpg.Connection

JSON = "application/json"
# Answered so, although what is asked for is right: nobody asks for an upgrade, there is no picture of most cameras,
# most texts are no range of time and no file of rows, there is no identity provider, a moment may be over, and nobody
# signs in by a token and as a user at once.
_CONFIG = """
[[operations]]
include-name = "GET /ws"
checks.positive_data_acceptance.expected-statuses = ["4xx"]

[[operations]]
include-name = "GET /api/report"
checks.positive_data_acceptance.expected-statuses = ["4xx"]

[[operations]]
include-name = "POST /api/incidents/{id}/note"
checks.positive_data_acceptance.expected-statuses = ["2xx", "4xx"]

[[operations]]
include-name = "POST /api/incidents/{id}/snooze"
checks.positive_data_acceptance.expected-statuses = ["2xx", "4xx"]

[[operations]]
include-name = "POST /api/login"
checks.positive_data_acceptance.expected-statuses = ["2xx", "4xx"]

[[operations]]
include-name = "POST /api/maintenance"
checks.positive_data_acceptance.expected-statuses = ["2xx", "4xx"]

[[operations]]
include-name = "POST /api/rows/dry-run"
checks.positive_data_acceptance.expected-statuses = ["2xx", "4xx"]

[[operations]]
include-name = "GET /api/oidc/login"
checks.positive_data_acceptance.expected-statuses = ["4xx"]

[[operations]]
include-name = "GET /api/oidc/callback"
checks.positive_data_acceptance.expected-statuses = ["4xx"]

[[operations]]
include-name = "GET /api/cameras/{id}/snapshot.jpg"
checks.not_a_server_error.expected-statuses = ["2xx", "4xx", "503", "504"]
"""


@pytest.fixture
async def fleet(database: Database, add_camera: AddCamera) -> dict[str, str]:
    """Cameras in every state that lasts, and the state of each."""
    await add_camera(1, "h264_aac", site="North", options='{"priority": 5, "input": {"max_delay": "500000"}}')
    await add_camera(2, password="wrong")
    await add_camera(3, link=f"127.0.0.1:{free_port()}")
    await add_camera(4, enabled=False)
    await add_camera(5, options='{"colour": 1}')
    await (await add_camera(6)).set_fault(Fault.FREEZE)
    return {"1": "healthy", "2": "held", "3": "backoff", "4": "disabled", "5": "held"}


@pytest.mark.parametrize("token", ["", "a token"])
async def test_whatever_is_asked_the_answer_is_a_described_one(
    tmp_path: Path, dsn: str, fleet: dict[str, str], stand_in: TestServer, token: str
) -> None:
    overrides = {"PG_DSN": dsn, "RESTREAM_HTTP__TOKEN": token, "RESTREAM_HOST__INTERVAL_S": "1"}
    config = tmp_path / "schemathesis.toml"
    config.write_text(_CONFIG, encoding="utf-8")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with running_service(tmp_path, server=stand_in, overrides=overrides) as service:
        async with aiohttp.ClientSession(service.base_url, headers=headers) as session:

            async def measured() -> bool:
                async with session.get("/api/host") as response:
                    return response.status == 200

            await eventually(measured, 20)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", "--no-color"),
            # A dozen invented tokens, and even the right one has to wait: tests/integration/test_hostile_clients.py.
            *("--checks", "all", "--exclude-checks", "ignored_auth"),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", "15", "--max-failures", "5"),
            *("--generation-database", "none", "--seed", "1"),
            *(argument for name, value in headers.items() for argument in ("-H", f"{name}: {value}")),
            f"{service.base_url}/openapi.json",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=tmp_path,
        )
        try:
            told, _ = await asyncio.wait_for(process.communicate(), 90)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, told.decode()
        assert await service.get("/livez") == {"status": "alive"}


async def _messages(service: RunningService) -> AsyncIterator[dict[str, Any]]:
    topics = "cameras,status,events,host,streams"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{service.base_url}/ws?topics={topics}", max_msg_size=0) as socket,
    ):
        async for message in socket:
            yield message.json()


async def _everything(service: RunningService, cameras: list[str]) -> None:
    """Every JSON document that can be had by GET."""
    for path, item in DOCUMENT["paths"].items():
        if JSON not in item.get("get", {}).get("responses", {}).get("200", {}).get("content", {}):
            continue
        if "{id}" in path and not path.startswith("/api/cameras/"):
            continue
        for camera_id in cameras if "{id}" in path else [""]:
            answer = await service.get(path.replace("{id}", camera_id))
            assert misfits(answer, answer_schema(path)) == [], f"{path} {camera_id}"


async def test_answers_and_messages_are_as_described_while_cameras_come_and_go(
    tmp_path: Path, dsn: str, database: Database, fleet: dict[str, str], media_server: TestServer
) -> None:
    await database.execute((ROOT / "etc" / "schema_history.sql").read_text(encoding="utf-8"))
    phases: set[str] = set()
    kinds: set[str] = set()
    async with ScriptedServer(streams(2)) as third_party:
        overrides = {
            "PG_DSN": dsn,
            "RESTREAM_HOST__INTERVAL_S": "1",
            "RESTREAM_VISIONAIRE__HOSTS": json.dumps([third_party.url]),
        }
        async with running_service(tmp_path, server=media_server, overrides=overrides) as service:

            async def follow() -> None:
                async for message in _messages(service):
                    assert misfits(message, MESSAGE) == []
                    kinds.add(message["type"])
                    kinds.update(key for key, value in message.items() if value)

            following = asyncio.create_task(follow())

            async def reached() -> bool:
                cameras = await service.cameras()
                for camera_id, camera in cameras.items():
                    conforms(camera, "Camera")
                    details = await service.get(f"/api/cameras/{camera_id}")
                    conforms(details, "CameraDetails")
                    phases.update((camera["phase"], details["phase"]))
                states = {key: (each["verdict"]["health"], each["phase"]) for key, each in cameras.items()}
                return all(state in states.get(key, ()) for key, state in fleet.items())

            await eventually(reached, 40)
            await eventually(lambda: "host" in kinds, 20)
            await _everything(service, list(fleet))
            async with aiohttp.ClientSession(service.base_url) as session:
                async with session.get("/api/cameras/1/snapshot.jpg") as response:
                    assert (response.status, response.content_type) == (200, "image/jpeg")
                async with session.get("/api/cameras/2/snapshot.jpg") as response:
                    assert response.status == 503
                    conforms(await response.json(), "Error")
            await database.execute("DELETE FROM cameras WHERE id = 1")
            await eventually(lambda: "removed" in kinds or following.done(), 20)
            assert not following.done(), following
            following.cancel()
    assert phases >= {"running", "held", "backoff", "disabled"}
    assert kinds >= {"snapshot", "delta", "cameras", "removed", "status", "events", "host", "streams"}


async def test_what_is_told_before_anything_is_known_is_as_described(
    tmp_path: Path, dsn: str, fleet: dict[str, str]
) -> None:
    nowhere = {
        "RESTREAM_MEDIAMTX__API_URL": f"http://127.0.0.1:{free_port()}",
        "RESTREAM_MEDIAMTX__RTSP_URL": f"rtsp://127.0.0.1:{free_port()}",
    }
    async with running_service(tmp_path, overrides={"PG_DSN": dsn, **nowhere}) as service:
        await service.component("mediamtx", "down")
        assert await service.get("/api/streams/latest") == {"error": "no data"}
        await service.reach({"1": "waiting"})
        for path in ("/api/status", "/api/cameras", "/api/streams", "/api/streams/latest", "/api/events"):
            assert misfits(await service.get(path), answer_schema(path)) == [], path
        for camera_id in fleet:
            conforms(await service.get(f"/api/cameras/{camera_id}"), "CameraDetails")


async def test_files_that_are_not_the_pages_are_not_there(tmp_path: Path, dsn: str) -> None:
    async with running_service(tmp_path, overrides={"PG_DSN": dsn}) as service, aiohttp.ClientSession() as session:
        for file in ("%00", "a" * 300, "%2e%2e%2fhttp/page.py", "..%2fhost.py", "js", "js/"):
            async with session.get(URL(f"{service.base_url}/static/{file}", encoded=True)) as response:
                assert (response.status, await response.json()) == (404, {"error": "there is no such file"}), file
        async with session.get(f"{service.base_url}/static/js/boot.js") as response:
            assert response.status == 200
