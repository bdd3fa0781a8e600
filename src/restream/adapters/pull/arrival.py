"""Whether a camera's bytes come to the media server: its path alone is asked for, sooner than the next sweep."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from restream.adapters.pull.media_server import ServerCallError
from restream.domain.server.flow import Flow, follow
from restream.domain.server.mediamtx import PathObservation

# Cameras send at least some pictures a second; what is slower than this the sweeps see.
_PAUSES_S = (0.0, 0.1, 0.2, 0.4, 0.8)


class TellsOfPaths(Protocol):
    """A media server whose paths can be asked for, one at a time."""

    async def path(self, name: str) -> PathObservation | None:
        """Raises ServerCallError."""


async def seen_moving(server: TellsOfPaths, name: str, pauses_s: Sequence[float] = _PAUSES_S) -> bool:
    """Whether the path's counter moves while one source feeds it; asked after each pause until it does. Never raises.

    A single count proves nothing: that of a path with `alwaysAvailable` goes on over sources.
    """
    loop = asyncio.get_running_loop()
    flow: Flow | None = None
    source: str | None = None
    for pause_s in pauses_s:
        await asyncio.sleep(pause_s)
        try:
            path = await server.path(name)
        except ServerCallError:
            return False
        if path is None or not path.live:
            flow = None
            continue
        flow = follow(flow if path.source_id == source else None, path.inbound_bytes, loop.time())
        source = path.source_id
        if flow.moved_after is not None:
            return True
    return False
