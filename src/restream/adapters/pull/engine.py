"""The pull engine: no process and no bytes of media here, a question at the right time instead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from restream.adapters.pull.enquiry import Enquiry
from restream.adapters.pull.listener import DirectoryListener
from restream.adapters.pull.media_server import FetchingServer
from restream.adapters.pull.publication import PullPublication
from restream.domain.camera.camera import Camera
from restream.domain.engine import Advance, Ending, Evidence, Media, Plan
from restream.domain.pull.entry import PathEntry
from restream.domain.pull.plan import ENGINE, PullPlan, build_plan, why_not
from restream.domain.server.identity import ServerId
from restream.domain.server.target import Target
from restream.ports.cameras import Prober

# When a media server ends all of them end, and all their cameras would be asked why.
_LOOKS_AT_ONCE = 8


class PullEngine:
    """Has media servers fetch cameras. `listener` outlives a change of the settings; `entries` are what each media
    server must have in its configuration. `on_demand` where rows do not say; who is not watched for `idle_s` is let go.
    """

    name = ENGINE
    evidence = Evidence.SERVER

    def __init__(
        self,
        listener: DirectoryListener,
        servers: Mapping[ServerId, FetchingServer],
        entries: Mapping[ServerId, PathEntry],
        prober: Prober,
        *,
        on_demand: bool = False,
        idle_s: float = 10.0,
    ) -> None:
        self._on_demand, self._idle_s = on_demand, idle_s
        self._listener = listener
        self._servers = servers
        self._entries = entries
        self._prober = prober
        self._looks = asyncio.Semaphore(_LOOKS_AT_ONCE)

    def cannot(self, camera: Camera, media: Media) -> Ending | None:
        """It sends a media server to cameras that speak RTSP, and changes nothing of what they send."""
        return why_not(camera, media)

    def plan(self, camera: Camera, media: Media, target: Target, *, lesser: bool = False) -> PullPlan:
        """Where the media server is sent; there is no lesser way."""
        return build_plan(camera, media, target, self._entries[target.server], on_demand=self._on_demand)

    async def start(self, plan: Plan, on_advance: Callable[[Advance], None]) -> PullPublication:
        """Open the camera's place in the directory, and wake its path. Raises PublisherError, and TypeError for
        another engine's plan. Only the media server can tell of advances; it is asked for the first."""
        return await self._begin(plan, on_advance)

    async def adopt(self, plan: Plan, words: bytes, on_advance: Callable[[Advance], None]) -> PullPublication:
        """Hold a path that flows. Raises PublisherError, and TypeError for another engine's plan."""
        return await self._begin(plan, on_advance, inherited=True)

    async def discard(self, words: bytes) -> None:
        """Nobody holds it, so the media server lets go of it soon."""

    async def _begin(
        self, plan: Plan, on_advance: Callable[[Advance], None], *, inherited: bool = False
    ) -> PullPublication:
        if not isinstance(plan, PullPlan):
            raise TypeError(f"a plan of the engine {plan.engine}")
        await self._listener.listen()
        server = self._servers[plan.server]
        enquiry = Enquiry(plan, server, self._prober, self._looks)
        return PullPublication(plan, self._listener, server, enquiry, on_advance, self._idle_s, inherited=inherited)
