"""Today's service, started on what every version has left: it goes on where that one ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from tests.support.eventually import eventually
from tests.support.recorded_state import NODE, OTHER, RecordedState, insert, insert_leases, recorded, store
from tests.support.servers import StandIn
from tests.support.service import command, running_service

pytestmark = pytest.mark.usefixtures("ffmpeg")


@pytest.mark.parametrize("state", recorded(), ids=lambda state: state.version)
async def test_the_service_goes_on(
    state: RecordedState, tmp_path: Path, dsn: str, redis_url: str, stand_in: StandIn
) -> None:
    connection = await asyncpg.connect(dsn)
    for name in ("schema.sql", "schema_events.sql", "schema_nodes.sql"):
        await connection.execute(state.text(name))
    await insert(connection, "cameras", state.rows)
    await insert_leases(connection, state.leases)
    overrides = {
        "PG_DSN": dsn,
        "RESTREAM_NODES__DSN": dsn,
        "RESTREAM_NODE__NAME": NODE,
        "RESTREAM_REDIS__URL": redis_url,
    }
    for arguments in (("init-db", "--events"), ("init-db", "--nodes")):
        code, _, errors = await command(*arguments, overrides=overrides)
        assert (code, errors) == (0, "")
    # The other node is one of that version, and lives.
    await connection.execute("UPDATE restream_node SET expires_at = now() + interval '1 hour', ttl_s = 3600")
    client: Any
    async with Redis.from_url(redis_url) as client:
        await store(client, state.keys)
        config = ("--config", str(state.folder / "restream.yml"))
        async with running_service(tmp_path, *config, server=stand_in, overrides=overrides) as service:
            cameras = await service.reach({"1": "down", "2": "down", "3": "healthy", "4": "healthy", "6": "disabled"})
            assert {key: each["node"] for key, each in cameras.items() if key in "1234"} == {
                "1": NODE,
                "2": NODE,
                "3": OTHER,
                "4": OTHER,
            }
            nodes = {each["name"]: each for each in (await service.get("/api/nodes"))["nodes"]}
            assert (nodes[OTHER]["version"], nodes[OTHER]["state"]) == (state.version, "alive")
            assert (nodes[OTHER]["shown"], nodes[OTHER]["problem"]) == (2, "")

            async def remembered() -> bool:
                ids = {each["id"] for each in await service.get("/api/events?limit=1000")}
                return ids > {each["id"] for each in map(json.loads, state.events) if each["node"] == NODE}

            await eventually(remembered, 20, "events of then beside those of now")

            assert await connection.fetchval("SELECT count(*) FROM restream_event WHERE node = $1", NODE)
            assert [line for line in service.log.splitlines() if "not understood" in line or "not shown" in line] == []
    await connection.close()
