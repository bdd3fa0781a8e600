"""What engines share, and what outlives a change of the settings."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from restream.adapters.processes.paced_pipes import PacedPipes
from restream.adapters.pull.engine import PullEngine
from restream.adapters.relay.auto import AutoEngine
from restream.adapters.relay.engine import RelayEngine
from restream.adapters.relay.workers import RelayWorkers
from restream.adapters.rtsp.server_key_frames import OwnReadings
from restream.config.settings import Settings
from restream.ports.cameras import PublisherError
from restream.service.pulling import directory_listener
from restream.service.secrets_in_use import SecretsInUse

_RELAYING = frozenset({RelayEngine.name, AutoEngine.name})


class EngineResources:
    """One of each for all engines; `why` a camera is not fetched, by its place in the directory."""

    def __init__(
        self, settings: Settings, secrets: SecretsInUse | None = None, why: Callable[[str], str] = lambda _: ""
    ) -> None:
        self._engine = settings.cameras.engine
        self.pipes = PacedPipes()
        self.relay_workers = RelayWorkers(settings.relay.workers)
        self.directory = directory_listener(settings, secrets, why)
        self.readings = OwnReadings()

    async def open_early(self) -> None:
        """What most cameras will need; else each camera that starts sees to it, and says what is in the way."""
        with contextlib.suppress(PublisherError):
            if self._engine == PullEngine.name:
                # Also cameras that never start are asked for, by whoever watches.
                await self.directory.listen()
            elif self._engine in _RELAYING:
                await self.relay_workers.start_early()

    async def close(self) -> None:
        """To be called when nothing is published any more."""
        await self.relay_workers.close()
        await self.directory.close()
