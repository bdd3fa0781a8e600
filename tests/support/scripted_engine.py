"""An engine without a process: what it publishes, and what a media server sees of it, is said by the test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from restream.domain.camera.camera import Camera
from restream.domain.engine import Advance, Ending, Evidence, Media, Plan
from restream.domain.life.cause import Cause
from restream.domain.server.target import Target
from restream.ports.cameras import PublisherError


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedPlan(Plan):
    """Nothing but the source; its address is no secret here."""

    source: str


class ScriptedPublication:
    """Plays until the test or the service ends it."""

    pid = None

    def __init__(self, engine: ScriptedEngine, plan: ScriptedPlan, on_advance: Callable[[Advance], None]) -> None:
        self.plan = plan
        self.log: tuple[str, ...] = (f"publishing {plan.path}",)
        self.received_bytes = 0
        self._engine = engine
        self._on_advance = on_advance
        self._ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    def advance(self) -> None:
        """Media moves: the engine says so itself, or only the server's counter does."""
        self.received_bytes += 1000
        if self._engine.evidence is Evidence.ENGINE:
            self._on_advance(Advance(moved=True, total_size_bytes=self.received_bytes))

    def excuse(self) -> Cause | None:
        return None

    def end(self, cause: Cause = Cause.SOURCE_ENDED) -> None:
        """As if by itself."""
        if not self._ending.done():
            self._engine.live.remove(self)
            self._ending.set_result(Ending(cause, "the script says so", self.log))

    async def ended(self) -> Ending:
        return await asyncio.shield(self._ending)

    async def stop(self) -> None:
        await asyncio.sleep(0)
        self.end()

    def leave(self) -> bytes | None:
        return None if self._ending.done() else str(self._engine.live.index(self)).encode()

    def follow(self, on_advance: Callable[[Advance], None]) -> None:
        """Somebody else hears of it from now on."""
        self._on_advance = on_advance


class ScriptedEngine:
    """Publishes cameras with video of a codec that it knows."""

    name = "scripted"

    def __init__(self, evidence: Evidence = Evidence.ENGINE) -> None:
        self.evidence = evidence
        self.live: list[ScriptedPublication] = []
        self.starts: list[Plan] = []
        self.error: PublisherError | None = None

    def cannot(self, camera: Camera, media: Media) -> Ending | None:
        known = media.video.codec in ("h264", "hevc")
        return None if known else Ending(Cause.ENGINE_UNABLE, f"it does not know {media.video.codec}")

    def plan(self, camera: Camera, media: Media, target: Target, *, lesser: bool = False) -> ScriptedPlan:
        with_sound = media.audio is not None and not lesser
        return ScriptedPlan(
            engine=self.name,
            camera_id=camera.id,
            path=camera.path,
            server=target.server,
            video=media.video.codec,
            audio="copy" if with_sound else "none",
            reasons=("by script",),
            has_lesser=with_sound,
            source=camera.source.masked,
        )

    async def start(self, plan: Plan, on_advance: Callable[[Advance], None]) -> ScriptedPublication:
        if not isinstance(plan, ScriptedPlan):
            raise TypeError(f"a plan of the engine {plan.engine}")
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        publication = ScriptedPublication(self, plan, on_advance)
        self.live.append(publication)
        self.starts.append(plan)
        return publication

    def of(self, camera_id: str) -> ScriptedPublication:
        (found,) = (each for each in self.live if each.plan.camera_id == camera_id)
        return found

    async def adopt(self, plan: Plan, words: bytes, on_advance: Callable[[Advance], None]) -> ScriptedPublication:
        if not isinstance(plan, ScriptedPlan):
            raise TypeError(f"a plan of the engine {plan.engine}")
        publication = self.live[int(words)]
        publication.follow(on_advance)
        return publication

    async def discard(self, words: bytes) -> None:
        await self.live[int(words)].stop()
