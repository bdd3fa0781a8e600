"""The preflight check against real servers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from aiohttp import web

from restream.adapters.postgres_leases import PostgresLeases
from restream.config.places import ROOT
from restream.config.settings import Settings
from restream.demo.embedded import free_port
from restream.demo.mediamtx import find_mediamtx
from restream.domain.camera.secret import Secret
from restream.domain.fleet.node import NodeName, NodeTraits
from restream.interfaces.console.findings import CheckState, Finding
from restream.preflight import ANY_CAMERA, examine
from tests.conftest import needs
from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.servers import RealMediamtx, TestServer, fetched

Database = asyncpg.Connection


def settings(tmp_path: Path, **sections: dict[str, Any]) -> Settings:
    """Nothing that this machine runs by chance is asked."""
    closed = free_port()
    defaults: dict[str, dict[str, Any]] = {
        "http": {"port": 0},
        "metrics": {"port": None},
        "redis": {"url": None},
        "json_file": {"path": str(tmp_path / "streams.json")},
        "mediamtx": {"api_url": f"http://127.0.0.1:{closed}", "rtsp_url": f"rtsp://127.0.0.1:{closed}"},
    }
    return Settings(**{**defaults, **sections})


async def by_name(wanted: Settings, camera: str | None = None) -> dict[str, Finding]:
    return {finding.name: finding for finding in await examine(wanted, camera)}


async def test_all_is_there(
    tmp_path: Path,
    dsn: str,
    database: Database,
    redis_url: str,
    ffmpeg: str,
    media_server: TestServer,
    add_camera: AddCamera,
) -> None:
    await add_camera(1)
    mediamtx = {"api_url": media_server.api_url, "rtsp_url": media_server.rtsp_url}
    found = await by_name(
        settings(tmp_path, database={"dsn": dsn}, redis={"url": redis_url}, mediamtx=mediamtx), ANY_CAMERA
    )
    wrong = [finding for finding in found.values() if finding.state is CheckState.FAIL]
    assert not wrong
    assert {
        found[name].state for name in ("ffmpeg", "database", "cameras", "trigger", "camera", "mediamtx", "redis")
    } == {CheckState.OK}
    assert "h264" in found["camera"].text


async def test_nothing_is_there(tmp_path: Path) -> None:
    closed = free_port()
    found = await by_name(
        settings(
            tmp_path,
            database={"dsn": f"postgresql://u:hidden@127.0.0.1:{closed}/d"},
            redis={"url": f"redis://:hidden@127.0.0.1:{closed}/0"},
            ffmpeg={"binary": "/nonexistent/ffmpeg"},
        )
    )
    states = {name: found[name].state for name in ("database", "mediamtx", "redis", "ffmpeg")}
    assert states == {
        "database": CheckState.FAIL,
        "mediamtx": CheckState.FAIL,
        "redis": CheckState.WARN,
        "ffmpeg": CheckState.FAIL,
    }
    assert all(found[name].todo for name in states)
    assert "hidden" not in str(found)


async def test_rows_trigger_and_wrong_password(
    tmp_path: Path, dsn: str, database: Database, ffmpeg: str, add_camera: AddCamera
) -> None:
    await add_camera(1, password="wrong")
    await database.execute("INSERT INTO cameras (id) VALUES (2)")
    await database.execute("INSERT INTO cameras (id, camera_type, link) VALUES (3, 'HIKVISON', 'camera.invalid')")
    await database.execute("DROP TRIGGER cameras_changed ON cameras")
    found = await by_name(settings(tmp_path, database={"dsn": dsn}), "1")
    assert found["cameras"].state is CheckState.WARN
    assert "1 rows are not understood (2:" in found["cameras"].text
    assert found["types"].state is CheckState.WARN
    assert "1 rows have a type without a template of its own: HIKVISON (first row 3)" in found["types"].text
    assert found["trigger"].state is CheckState.WARN
    assert found["camera"].state is CheckState.FAIL
    assert "auth_failed" in found["camera"].text
    assert (await by_name(settings(tmp_path, database={"dsn": dsn}), "7"))["camera"].state is CheckState.FAIL


async def test_no_table(tmp_path: Path, dsn: str) -> None:
    found = await by_name(settings(tmp_path, database={"dsn": dsn}))
    assert "init-db" in found["database"].todo


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ('{"status": "alive"}', CheckState.WARN),
        ('{"status":"alive"}', CheckState.WARN),
        ("hello", CheckState.FAIL),
    ],
)
async def test_a_port_that_is_taken(tmp_path: Path, body: str, state: CheckState) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body)

    app = web.Application()
    app.router.add_get("/livez", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        finding = (await by_name(settings(tmp_path, http={"port": port})))["http port"]
    finally:
        await runner.cleanup()
    assert finding.state is state


async def test_a_port_that_says_nothing_is_bounded(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        async with asyncio.timeout(20):
            mediamtx = {"api_url": f"http://127.0.0.1:{port}", "rtsp_url": f"rtsp://127.0.0.1:{port}"}
            found = await by_name(settings(tmp_path, http={"port": port}, mediamtx=mediamtx))
    assert found["http port"].state is CheckState.FAIL
    assert found["mediamtx"].state is CheckState.FAIL


async def test_an_api_that_is_switched_off(tmp_path: Path, stand_in: TestServer) -> None:
    mediamtx = {"api_url": f"http://127.0.0.1:{free_port()}", "rtsp_url": stand_in.rtsp_url}
    finding = (await by_name(settings(tmp_path, mediamtx=mediamtx)))["mediamtx"]
    assert finding.state is CheckState.WARN
    assert "api: yes" in finding.todo


async def test_unwritable_json_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = await by_name(settings(tmp_path, json_file={"path": str(tmp_path / "file" / "streams.json")}))
    assert found["JSON file"].state is CheckState.FAIL


async def test_cameras_that_are_to_be_fetched(
    tmp_path: Path, dsn: str, database: Database, add_camera: AddCamera, request: pytest.FixtureRequest
) -> None:
    needs(request.config, find_mediamtx(), "MediaMTX")
    port = free_port()
    await add_camera(1)
    for document, state, text in (
        ({"paths": {"all_others": {}}}, CheckState.FAIL, "no path entry"),
        ({"paths": fetched(port)}, CheckState.OK, "1 cameras"),
    ):
        server = RealMediamtx({**document, "logLevel": "debug"})
        await server.start()
        mediamtx = {"api_url": server.api_url, "rtsp_url": server.rtsp_url}
        sections = {"database": {"dsn": dsn}, "pull": {"port": port}, "mediamtx": mediamtx}
        found = await by_name(settings(tmp_path, **sections, cameras={"engine": "pull"}))
        await server.stop()
        assert (found["path entries"].state, found["pull port"].state) == (state, CheckState.OK)
        assert text in found["path entries"].text
        if state is CheckState.FAIL:
            assert f"{{source: rtsp://127.0.0.1:{port}/default/$G1" in found["path entries"].todo
        assert "passwords" in found["mediamtx log"].text
    assert "path entries" not in await by_name(settings(tmp_path, **sections))


@pytest.fixture
async def leases(dsn: str) -> AsyncIterator[Database]:
    connection = await asyncpg.connect(dsn)
    await connection.execute((ROOT / "etc" / "schema_nodes.sql").read_text(encoding="utf-8"))
    yield connection
    await connection.close()


def sharing(tmp_path: Path, dsn: str, **nodes: Any) -> Settings:
    own = {"dsn": dsn, "heartbeat_s": 0.5, "ttl_s": 3, "fence": "time", **nodes}
    return settings(tmp_path, node={"name": "a"}, nodes=own, http={"port": free_port()}, ffmpeg={"stop_grace_s": 0.5})


async def test_the_tables_of_nodes_and_who_may_use_them(tmp_path: Path, dsn: str, database: Database) -> None:
    found = await by_name(sharing(tmp_path, dsn))
    assert (found["nodes"].state, "node name" in found) == (CheckState.FAIL, False)
    assert "restream_node" in found["nodes"].text and "init-db --nodes" in found["nodes"].todo


async def test_a_user_without_rights_is_told_which(tmp_path: Path, dsn: str, leases: Database) -> None:
    await leases.execute("DROP ROLE IF EXISTS half; CREATE ROLE half LOGIN PASSWORD 'hidden'")
    try:
        await leases.execute(
            "GRANT SELECT, INSERT, UPDATE ON restream_node, restream_assignment, restream_duty TO half"
        )
        parts = urlsplit(dsn)
        half = parts._replace(netloc=f"half:hidden@{parts.netloc.rpartition('@')[2]}").geturl()
        found = await by_name(sharing(tmp_path, half))
        assert found["nodes"].state is CheckState.FAIL
        for wanted in ("DELETE on restream_node", "DELETE on restream_duty", "USAGE on restream_epoch"):
            assert wanted in found["nodes"].text
        assert "SELECT on" not in found["nodes"].text and "hidden" not in str(found)
    finally:
        await leases.execute("DROP OWNED BY half; DROP ROLE half")


async def test_a_name_that_another_service_has(tmp_path: Path, dsn: str, leases: Database) -> None:
    wanted, table = sharing(tmp_path, dsn), PostgresLeases(Secret(dsn))
    found = await by_name(wanted)
    assert (found["nodes"].state, found["clocks"].state) == (CheckState.OK, CheckState.OK)
    assert "new" in found["node name"].text

    async def renew() -> None:
        while True:
            await table.beat(NodeName("a"), "1", NodeTraits(), 1.0)
            await asyncio.sleep(0.2)

    other = asyncio.create_task(renew())
    try:

        async def known() -> bool:
            return bool(await leases.fetch("SELECT FROM restream_node"))

        await eventually(known, 10)
        assert (await by_name(wanted))["node name"].state is CheckState.FAIL
    finally:
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)
        await table.close()
    # Its service has just ended.
    assert (await by_name(wanted))["node name"].state is CheckState.OK


async def test_a_fence_by_servers_that_do_not_answer(tmp_path: Path, dsn: str, leases: Database) -> None:
    assert (await by_name(sharing(tmp_path, dsn, fence="server")))["fence"].state is CheckState.FAIL


async def test_a_fence_by_a_server_of_each_host(
    tmp_path: Path, dsn: str, leases: Database, media_server: TestServer
) -> None:
    wanted = sharing(tmp_path, dsn, fence="server")
    mediamtx = wanted.mediamtx.model_copy(update={"api_url": media_server.api_url, "rtsp_url": media_server.rtsp_url})
    found = await by_name(wanted.model_copy(update={"mediamtx": mediamtx}))
    assert (found["fence"].state, "loopback" in found["fence"].text) == (CheckState.WARN, True)
