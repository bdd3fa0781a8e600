"""A camera goes from engine to engine: each change restarts it once, and it never has two clients."""

from __future__ import annotations

import json
from pathlib import Path

import asyncpg
import pytest

from restream.demo.mediamtx import find_mediamtx
from tests.conftest import needs
from tests.e2e.conftest import AddCamera
from tests.support.eventually import eventually
from tests.support.fetching_site import Site, site
from tests.support.servers import paths

pytestmark = pytest.mark.usefixtures("ffmpeg")

# A path that the server fetches takes no publisher.
ROWS = {
    "ffmpeg": {"engine": "ffmpeg", "path": "one"},
    "relay": {"engine": "relay", "path": "one"},
    "pull": {"engine": "pull", "path": "cam1"},
}


async def _runs(found: Site, engine: str) -> bool:
    camera = await found.service.camera("1")
    there = [name for name, path in (await paths(found.server)).items() if path["ready"]]
    return (camera.get("engine"), camera.get("verdict", {}).get("health"), there) == (
        engine,
        "healthy",
        [ROWS[engine]["path"]],
    )


async def test_every_change_of_engine_restarts_a_camera_once(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    dsn: str,
    add_camera: AddCamera,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    needs(request.config, find_mediamtx(), "MediaMTX")
    camera = await add_camera(1, options=json.dumps(ROWS["ffmpeg"]))
    async with site(tmp_path, dsn) as found:
        await eventually(lambda: _runs(found, "ffmpeg"), 30, "ffmpeg")
        for engine in ("relay", "pull", "ffmpeg", "pull", "relay", "ffmpeg"):
            before = camera.connections_total
            await database.execute("UPDATE cameras SET options = $1 WHERE id = 1", json.dumps(ROWS[engine]))
            await eventually(lambda engine=engine: _runs(found, engine), 40, engine)
            # A look at it, and the stream.
            assert camera.connections_total - before <= 2
        assert camera.most_playing == 1
