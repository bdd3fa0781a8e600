"""One life of the service after another in the same process: what is gone on with, and what is left."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from restream.service.engine_resources import EngineResources
from restream.service.handover import Manifest, end_strays
from restream.service.listening_port import Ports
from restream.service.sharing import Sharing
from restream.supervisor.cameras.fleet import Fleet
from restream.supervisor.cameras.registry import Registry

logger = logging.getLogger(__name__)


class Succession:
    """`environment`: what the service manager has told this process, and no child."""

    def __init__(
        self,
        fleet: Fleet,
        registry: Registry,
        resources: EngineResources,
        sharing: Sharing,
        ports: Ports,
        environment: Mapping[str, str],
    ) -> None:
        self._fleet = fleet
        self._registry = registry
        self._resources = resources
        self._sharing = sharing
        self._ports = ports
        self._environment = environment

    async def begin(self, before: Manifest | None) -> None:
        """Go on with what the life before has left; None: there was none."""
        if before is not None:
            # Before there are children of this life: they would be strays too.
            end_strays(before.children())
            # One that relays on is enough until a camera begins.
            await self._resources.relay_workers.resume(before.workers)
        await self._resources.open_early()
        if before is None:
            return
        self._fleet.resume(before.cameras)
        self._registry.resume(before.rows)
        logger.info("%d cameras have run on while the service was replaced", len(before.cameras))

    async def leave(self, limit_s: float) -> Manifest:
        """Leave what flows, and end everything else, within about so many seconds."""
        share = self._sharing.kept
        cameras = await self._fleet.leave(limit_s)
        # In the same turn: what they say from now on is for the next life.
        workers = self._resources.relay_workers.leave()
        logger.info("%d cameras run on while the service is replaced", len(cameras))
        return Manifest(
            rows=[dict(row) for row in self._registry.rows],
            cameras=cameras,
            workers=list(workers),
            ports=self._ports.leave(),
            share=share,
            environment=dict(self._environment),
        )
