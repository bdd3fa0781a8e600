"""The service as a subprocess against real servers and simulated cameras."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

import asyncpg
import pytest

from restream.demo.behaviours.behaviour import Behaviour
from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import Clip

# All that needs escaping somewhere: in a URL, in ffconcat, in a shell, in a log.
PASSWORD = "@:/?#%&'ö"

AddCamera = Callable[..., Coroutine[Any, Any, SimulatedCamera]]


@pytest.fixture
async def add_camera(database: asyncpg.Connection[asyncpg.Record]) -> AsyncIterator[AddCamera]:
    """Make a simulated camera and its row: `await add_camera(1, "h265", camera_type="DAHUA")`."""
    async with contextlib.AsyncExitStack() as stack:

        async def add(
            camera_id: int,
            clip: str | Clip = "h264",
            *,
            password: str = PASSWORD,
            host: str = "127.0.0.1",
            behaviours: Sequence[Behaviour] = (),
            **columns: Any,
        ) -> SimulatedCamera:
            playing = Clip.load(clip) if isinstance(clip, str) else clip
            camera = SimulatedCamera(playing, login="admin", password=PASSWORD, host=host, behaviours=behaviours)
            await stack.enter_async_context(camera)
            row = {
                "id": camera_id,
                "name": f"Camera {camera_id}",
                "camera_type": "HIKVISION",
                "link": f"{camera.host}:{camera.port}",
                "login": "admin",
                "password": password,
                **columns,
            }
            names, places = ", ".join(row), ", ".join(f"${number}" for number in range(1, len(row) + 1))
            await database.execute(f"INSERT INTO cameras ({names}) VALUES ({places})", *row.values())
            return camera

        yield add
