"""What only holds a path is no reader of it."""

from __future__ import annotations

from functools import partial

import pytest

from restream.adapters.pull.own_readers import WithoutOwnReaders
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.mediamtx import PathObservation, ServerView
from restream.ports.servers import ServerStatus


class Told:
    """A media server with these paths."""

    def __init__(self, *paths: PathObservation) -> None:
        self.status = ServerStatus(True, "", ServerView(paths={path.name: path for path in paths}))

    async def observe(self) -> ServerStatus:
        return self.status

    async def close(self) -> None:
        raise AssertionError("not asked for")


def path(name: str, readers: int, source: str = "rtspSource") -> PathObservation:
    return PathObservation(name, True, source, readers=readers)


async def readers(server: Told, *places: str) -> dict[str, int]:
    heard: dict[str, int] = {}
    audience = {place: partial(heard.__setitem__, place) for place in places}
    view = (await WithoutOwnReaders(server, DEFAULT_SERVER, audience).observe()).view
    assert view is not None
    assert heard == {place: view.paths[name].readers for place in places if (name := place[8:]) in view.paths}
    return {name: each.readers for name, each in view.paths.items()}


async def test_our_own_are_left_out_where_we_hold() -> None:
    server = Told(path("cam1", 3), path("a/cam2", 1), path("cam3", 2), path("cam4", 0), path("cam5", 2, "rtspSession"))
    places = ("default/cam1", "default/a/cam2", "default/cam4", "default/cam5", "default/gone")
    assert await readers(server, *places) == {"cam1": 2, "a/cam2": 0, "cam3": 2, "cam4": 0, "cam5": 2}
    await WithoutOwnReaders(server, DEFAULT_SERVER, {"west/cam1": lambda _: pytest.fail("another's")}).observe()
    assert await readers(server) == {"cam1": 3, "a/cam2": 1, "cam3": 2, "cam4": 0, "cam5": 2}


async def test_a_server_that_tells_nothing() -> None:
    server = Told()
    server.status = ServerStatus(False, "away")
    assert await WithoutOwnReaders(server, DEFAULT_SERVER, {"default/cam1": print}).observe() is server.status
