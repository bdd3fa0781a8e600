"""A media server that refuses a path without asking us for it: misconfigured, or busy with who came before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from restream.adapters.pull.engine import PullEngine
from restream.adapters.pull.listener import DirectoryListener
from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.urls import CameraTypes
from restream.domain.engine import Advance, Media, VideoStream
from restream.domain.life.cause import Cause
from restream.domain.pull.entry import PathEntry
from restream.domain.rtsp.directory import Directory
from restream.domain.rtsp.events import Failed, Finished
from restream.domain.rtsp.failure import Failure, Stage
from restream.domain.server.identity import ServerId
from restream.domain.server.target import Target
from tests.support.eventually import eventually

BASE = "rtsp://127.0.0.1:8555"
WEST = ServerId("west")


class _Hold:
    def __init__(self, script: Callable[[_Hold], Any]) -> None:
        self.opened = asyncio.Event()
        self._script = script

    async def run(self) -> Failed | Finished:
        found: Failed | Finished = await self._script(self)
        return found


class _Server:
    """Its holds go as the script says, the last one of it again and again."""

    def __init__(self, directory: Directory, *script: str) -> None:
        self._directory, self._script = directory, list(script)
        self.holds = 0

    def hold(self, path: str) -> _Hold:
        self.holds += 1
        deed = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        return _Hold(getattr(self, f"_{deed}"))

    async def _refuses(self, hold: _Hold) -> Failed:
        return Failed(Failure(Cause.CAMERA_ERROR, Stage.DESCRIBE, "400 Bad Request", 400))

    async def _asks(self, hold: _Hold) -> Finished:
        self._directory.find(f"{BASE}/west/cam1")
        hold.opened.set()
        await asyncio.Event().wait()
        return Finished()

    async def let_go(self, path: str) -> None:
        """At once."""

    async def path(self, path: str) -> None:
        return None


def _camera(options: dict[str, object]) -> Camera:
    row = {"id": 1, "rtsp_url": "rtsp://10.0.0.1/x", "options": options}
    found = RowReader(CameraTypes.parse({"default": "{link}"})).read(row)
    assert isinstance(found, Camera)
    return found


@pytest.mark.parametrize("options", [{}, {"on_demand": True}])
@pytest.mark.parametrize(
    ("script", "ends"), [(("refuses", "asks"), False), (("refuses", "refuses"), True), (("asks",), False)]
)
async def test_a_refusal_counts_when_it_comes_again(
    script: tuple[str, ...], ends: bool, options: dict[str, object]
) -> None:
    listener = DirectoryListener(Directory(), "127.0.0.1", 0)
    server = _Server(listener.directory, *script)
    entries: Any = {WEST: PathEntry.of("cam{id}", BASE, WEST)}
    servers: Any = {WEST: server}
    prober: Any = None
    engine = PullEngine(listener, servers, entries, prober)
    told: list[Advance] = []
    plan = engine.plan(_camera(options), Media(VideoStream("h264", 1, 1)), Target(server=WEST))
    publication = await engine.start(plan, told.append)
    try:
        if ends:
            ending = await asyncio.wait_for(publication.ended(), 5)
            assert ending.cause is Cause.SERVER_REFUSED and "does not ask the directory" in ending.detail
        else:
            wanted = "nobody watches cam1" if options else "the media server has the camera"
            await eventually(lambda: wanted in publication.log, 5)
        assert server.holds >= len(script)
    finally:
        await publication.stop()
        await listener.close()
