"""Two services, each with cameras of its own, on one Redis and one media server."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.servers import TestServer
from tests.support.service import running_service

pytestmark = pytest.mark.usefixtures("ffmpeg")


async def test_readers_see_the_cameras_of_all_that_live(
    tmp_path: Path, dsn: str, redis_url: str, add_camera: AddCamera, stand_in: TestServer
) -> None:
    overrides = {}
    for number, node in ((1, "site-a"), (2, "site-b")):
        await add_camera(number)
        (tmp_path / node).mkdir()
        overrides[node] = {
            "PG_DSN": dsn,
            "RESTREAM_REDIS__URL": redis_url,
            "RESTREAM_NODE__NAME": node,
            "RESTREAM_DATABASE__QUERY": f"SELECT * FROM cameras WHERE id = {number}",
        }
    client = Redis.from_url(redis_url)

    async def seen(*ids: str) -> bool:
        assert {key.decode() for key in await client.hkeys("restream:cameras")} == set(ids)
        whole = json.loads(await client.get("restream:snapshot") or "{}")
        assert {camera["id"] for camera in whole["cameras"]} == set(ids)
        return True

    async def paths_once() -> bool:
        streams = json.loads(await client.get("mediamtx:streams:latest") or "[]")
        return sorted(stream["name"] for stream in streams) == ["cam1", "cam2"]

    try:
        async with (
            running_service(tmp_path / "site-a", server=stand_in, overrides=overrides["site-a"]) as a,
            running_service(tmp_path / "site-b", server=stand_in, overrides=overrides["site-b"]) as b,
        ):
            await a.reach({"1": "healthy"})
            await b.reach({"2": "healthy"})
            await eventually(lambda: seen("1", "2"), 20)
            await eventually(paths_once, 20)
            assert (await b.get("/api/status"))["node"] == "site-b"
            assert {event["node"] for event in await b.get("/api/events")} == {"site-b"}
            await a.stop(signal.SIGKILL)
            await eventually(lambda: seen("2"), 20)
            assert set(await b.cameras()) == {"2"}
            async with running_service(tmp_path / "site-a", server=stand_in, overrides=overrides["site-a"]) as again:
                await again.reach({"1": "healthy"})
                await eventually(lambda: seen("1", "2"), 20)
                events = await again.get("/api/events?limit=1000")
                assert {event["node"] for event in events} == {"site-a"}
                assert len([event for event in events if event["camera"] == "1" and event["after"] == "running"]) == 2
    finally:
        await client.aclose()
