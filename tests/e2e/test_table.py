"""What a change of the table does, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip
from tests.e2e.conftest import PASSWORD, AddCamera
from tests.support.eventually import eventually
from tests.support.servers import TestServer
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.usefixtures("ffmpeg")
Database = asyncpg.Connection


async def _changed(service: RunningService, camera_id: str, pid: int) -> None:
    async def other() -> bool:
        return (await service.pids()).get(camera_id, pid) != pid

    await eventually(other, 20, f"camera {camera_id} restarts")


async def _gone(service: RunningService, camera_id: str) -> None:
    async def gone() -> bool:
        return camera_id not in await service.cameras()

    await eventually(gone, 20, f"camera {camera_id} is gone")


# With the trigger only a notification can be what acts (the next poll is an hour away); without it only the poll.
@pytest.mark.parametrize(("trigger", "poll_s"), [(True, "3600"), (False, "1")])
async def test_changes_act_on_their_camera_alone(
    tmp_path: Path,
    dsn: str,
    database: Database,
    add_camera: AddCamera,
    stand_in: TestServer,
    trigger: bool,
    poll_s: str,
) -> None:
    if not trigger:
        await database.execute("DROP TRIGGER cameras_changed ON cameras")
    await add_camera(1)
    second = await add_camera(2)
    overrides = {"PG_DSN": dsn, "RESTREAM_DATABASE__POLL_S": poll_s}
    async with running_service(tmp_path, server=stand_in, overrides=overrides) as service:
        await service.reach({"1": "healthy", "2": "healthy"})
        before = await service.pids()

        await add_camera(3)
        await service.reach({"3": "healthy"})

        await database.execute("UPDATE cameras SET name = 'Renamed', site = 'Hall' WHERE id = 2")

        async def renamed() -> bool:
            camera = (await service.cameras())["2"]
            return (camera["name"], camera["site"]) == ("Renamed", "Hall")

        await eventually(renamed, 20)
        assert (await service.pids())["2"] == before["2"]

        async with SimulatedCamera(Clip.load("h265"), login="admin", password=PASSWORD) as other:
            await database.execute("UPDATE cameras SET link = $1 WHERE id = 2", f"127.0.0.1:{other.port}")
            await _changed(service, "2", before["2"])
            assert (await service.cameras())["2"]["video"] == "hevc"
            assert second.open_connections == 0

            await database.execute("UPDATE cameras SET enabled = false WHERE id = 2")
            await service.reach({"2": "disabled"})

            async def closed() -> bool:
                return other.open_connections == 0

            await eventually(closed, 20)

        await database.execute("DELETE FROM cameras WHERE id = 3")
        await _gone(service, "3")
        assert (await service.pids()) == {"1": before["1"]}


async def test_classic_table_without_trigger_or_extra_columns(tmp_path: Path, dsn: str, stand_in: TestServer) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "CREATE TABLE cameras (id serial PRIMARY KEY, camera_type text, link text, login text, password text,"
            " channel integer)"
        )
        async with SimulatedCamera(Clip.load("h264"), login="admin", password=PASSWORD) as camera:
            await connection.execute(
                "INSERT INTO cameras (camera_type, link, login, password, channel) VALUES"
                " ('DAHUA', $1, 'admin', $2, 0), ('HIKVISION', NULL, NULL, NULL, NULL)",
                f"127.0.0.1:{camera.port}",
                PASSWORD,
            )
            async with running_service(tmp_path, f"--pg_dsn={dsn}", server=stand_in) as service:
                cameras = await service.reach({"1": "healthy", "2": "held"})
                assert cameras["2"]["verdict"]["reasons"][0]["code"] == "row_rejected"
                assert "link" in cameras["2"]["detail"]
    finally:
        await connection.close()


async def test_empty_table_is_a_normal_state(
    tmp_path: Path, dsn: str, database: Database, stand_in: TestServer
) -> None:
    async with running_service(tmp_path, server=stand_in, overrides={"PG_DSN": dsn}) as service:
        await service.component("database", "up")
        assert await service.cameras() == {}
        assert await service.stop() == 0


async def test_lost_database_changes_nothing_for_the_streams(
    tmp_path: Path, dsn: str, postgres: str, database: Database, add_camera: AddCamera, stand_in: TestServer
) -> None:
    for number in (1, 2):
        await add_camera(number)
    name = dsn.rpartition("/")[2]
    overrides = {"PG_DSN": dsn, "RESTREAM_DATABASE__POLL_S": "0.5"}
    admin = await asyncpg.connect(postgres)
    try:
        async with running_service(tmp_path, server=stand_in, overrides=overrides) as service:
            await service.reach({"1": "healthy", "2": "healthy"})
            before = await service.pids()
            # Nobody may connect, and who is connected is thrown out: the database is away for the service alone.
            await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'restream'"
            )
            await service.component("database", "down")
            await service.cycles(3)
            assert await service.pids() == before
            await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            await service.component("database", "up", 60)
            assert await service.pids() == before
            await database.execute("DELETE FROM cameras WHERE id = 2")
            await _gone(service, "2")
    finally:
        await admin.close()


async def test_missing_table_says_what_to_do(tmp_path: Path, dsn: str, stand_in: TestServer) -> None:
    async with running_service(tmp_path, server=stand_in, overrides={"PG_DSN": dsn}) as service:
        await service.component("database", "down")
        status = await service.get("/api/status")
        assert "init-db" in status["components"]["database"]["detail"]
