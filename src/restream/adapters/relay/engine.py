"""The relay engine: packets of a camera are handed on as they come, in worker processes for many cameras each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import msgspec

from restream.adapters.relay.worker_process import LeftRelay, RelayPublication
from restream.adapters.relay.workers import RelayWorkers
from restream.domain.camera.camera import Camera
from restream.domain.engine import Advance, Ending, Evidence, Media, Plan
from restream.domain.life.cause import Cause
from restream.domain.relay.plan import ENGINE, RelayPlan, RelaySettings, build_plan, refusal
from restream.domain.server.target import Target
from restream.ports.cameras import PublisherError


class RelayEngine:
    """Relays by plans; `workers` are shared by all relays, also by those that were started under other settings."""

    name = ENGINE
    evidence = Evidence.ENGINE

    def __init__(self, settings: RelaySettings, workers: RelayWorkers) -> None:
        self._settings = settings
        self._workers = workers

    def cannot(self, camera: Camera, media: Media) -> Ending | None:
        """It converts nothing, and speaks nothing but RTSP."""
        trouble = refusal(camera, media, self._settings)
        return None if trouble is None else Ending(Cause.ENGINE_UNABLE, trouble)

    def plan(self, camera: Camera, media: Media, target: Target, *, lesser: bool = False) -> RelayPlan:
        """Both ends, and what is taken."""
        return build_plan(camera, media, target, self._settings, lesser=lesser)

    async def start(self, plan: Plan, on_advance: Callable[[Advance], None]) -> RelayPublication:
        """Have a worker do it. Raises PublisherError, and TypeError for another engine's plan."""
        if not isinstance(plan, RelayPlan):
            raise TypeError(f"a plan of the engine {plan.engine}")
        publication = self._workers.by_camera[plan.camera_id] = await self._workers.begin(plan, on_advance)
        return publication

    async def adopt(self, plan: Plan, words: bytes, on_advance: Callable[[Advance], None]) -> RelayPublication:
        """The same relay of the same worker. Raises PublisherError."""
        return self._workers.adopt(msgspec.msgpack.decode(words, type=LeftRelay), on_advance)

    async def discard(self, words: bytes) -> None:
        """End a relay."""
        with contextlib.suppress(PublisherError):
            await self._workers.adopt(msgspec.msgpack.decode(words, type=LeftRelay), lambda _: None).stop()
