"""`engine: auto`: the relay wherever it does all that is wanted of a camera, else ffmpeg."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from restream.domain.camera.camera import Camera
from restream.domain.camera.options import Transport
from restream.domain.engine import Advance, Ending, Evidence, Media, Plan
from restream.domain.server.target import Target
from restream.ports.cameras import Engine, Publication


class AutoEngine:
    """Plans with one of two engines, by camera; its plans bear the name of the one that made them."""

    name = "auto"
    evidence = Evidence.ENGINE

    def __init__(self, relay: Engine, ffmpeg: Engine) -> None:
        self._relay, self._ffmpeg = relay, ffmpeg

    def cannot(self, camera: Camera, media: Media) -> Ending | None:
        """What neither can."""
        return self._relay.cannot(camera, media) and self._ffmpeg.cannot(camera, media)

    def plan(self, camera: Camera, media: Media, target: Target, *, lesser: bool = False) -> Plan:
        """The chosen engine's plan, and why it was chosen."""
        engine, why = self._choose(camera, media, target)
        plan = engine.plan(camera, media, target, lesser=lesser)
        return replace(plan, reasons=(f"engine {engine.name}: {why}", *plan.reasons))

    def _choose(self, camera: Camera, media: Media, target: Target) -> tuple[Engine, str]:
        refusal = self._relay.cannot(camera, media)
        if refusal is not None:
            return self._ffmpeg, refusal.detail
        by_srt = (camera.options.publish or target.publish) is Transport.SRT
        if by_srt and self._ffmpeg.cannot(camera, media) is None:
            return self._ffmpeg, "this camera is to be published by SRT, which the relay does not speak"
        return self._relay, "nothing has to be converted"

    async def start(self, plan: Plan, on_advance: Callable[[Advance], None]) -> Publication:
        """By the engine that made the plan. Raises PublisherError."""
        return await self._of(plan).start(plan, on_advance)

    async def adopt(self, plan: Plan, words: bytes, on_advance: Callable[[Advance], None]) -> Publication:
        """By the engine that made the plan. Raises PublisherError."""
        return await self._of(plan).adopt(plan, words, on_advance)

    async def discard(self, words: bytes) -> None:
        """Nothing is of this engine: its plans bear the names of others."""

    def _of(self, plan: Plan) -> Engine:
        return self._relay if plan.engine == self._relay.name else self._ffmpeg
