"""A media server that runs in a container: what the Docker Engine says of it stands beside what it says itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from restream.adapters.server.docker_engine import DockerEngine
from restream.ports.servers import MediaServer, ServerStatus

# The Engine is asked rarely while all is well, and each time when it is not.
_ASK_EVERY_S = 30.0


class ContainedServer:
    """`server`, with the state, health and restarts of its container in the detail."""

    def __init__(self, server: MediaServer, engine: DockerEngine, container: str) -> None:
        self._server = server
        self._engine = engine
        self._container = container
        self._text = ""
        self._asked_at = -_ASK_EVERY_S

    async def observe(self) -> ServerStatus:
        """What the server itself tells, and its container at times; never raises."""
        status = await self._server.observe()
        now = asyncio.get_running_loop().time()
        if not status.reachable or now - self._asked_at >= _ASK_EVERY_S:
            self._asked_at = now
            self._text = (await self._engine.container(self._container)).text
        return replace(status, detail=f"{status.detail}; container {self._container}: {self._text}")

    async def close(self) -> None:
        """Let go of connections; never raises."""
        await self._server.close()
