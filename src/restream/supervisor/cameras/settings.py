"""The settings that all cameras share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from restream.domain.camera.camera import Camera
from restream.domain.engine import Media, Plan
from restream.domain.engine_choice import ENGINE_FACTS, EngineChoice, changes
from restream.domain.life.backoff import RestartPolicy
from restream.domain.life.kept import KeptCamera, stream_digest
from restream.domain.life.lifecycle import Timing
from restream.domain.server.identity import DEFAULT_SERVER, ServerId
from restream.domain.server.target import Target
from restream.ports.cameras import Engine, Prober

# The prober ends a probe by itself; the actor's own limit is the second fence.
_PROBE_MARGIN_S = 5.0


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Engines and media servers by name, and the limits of time, in seconds. A change restarts those cameras whose
    plan it changes."""

    engines: Mapping[str, Engine]
    prober: Prober
    engine: str
    """For rows that name none."""
    targets: Mapping[ServerId, Target] = field(default_factory=lambda: {DEFAULT_SERVER: Target()})
    restart: RestartPolicy = RestartPolicy()
    connect_timeout_s: float = 15.0
    stall_timeout_s: float = 10.0
    conversing: str = ""
    """Name of the engine that speaks with cameras as the prober does; empty: there is none."""

    def could_converse(self, plan: Plan, camera: Camera, media: Media) -> bool:
        """Whether that engine could publish a camera that another one has published by `plan`."""
        engine = self.engines.get(self.conversing)
        return engine is not None and engine.name != plan.engine and engine.cannot(camera, media) is None

    def choices(self, camera: Camera, media: Media, plan: Plan | None = None) -> tuple[EngineChoice, ...]:
        """What each engine would make of a camera; `plan`: the one by which it is published."""
        target = self.target_of(camera)
        now = plan or self.engine_of(camera).plan(camera, media, target)
        known = (engine for name, engine in self.engines.items() if name in ENGINE_FACTS)
        return tuple(_choice(engine, camera, media, target, now) for engine in known)

    def engine_of(self, camera: Camera) -> Engine:
        """The engine that publishes this camera."""
        return self.engines[camera.options.engine or self.engine]

    def target_of(self, camera: Camera) -> Target:
        """Where it is published to."""
        return self.targets[camera.server]

    def wants(self, kept: KeptCamera, camera: Camera) -> bool:
        """Whether a stream that runs on is the one that a row wants now, by the engine that would publish it now."""
        target = self.target_of(camera)
        if kept.stream != stream_digest(camera, target):
            return False
        return self.engine_of(camera).plan(camera, kept.media, target, lesser=kept.lesser).engine == kept.engine

    def timing_of(self, camera: Camera) -> Timing:
        """Its limits of time."""
        options = camera.options
        return Timing(
            restart=self.restart,
            probe_limit_s=self.prober.limit_s(options) + _PROBE_MARGIN_S,
            connect_timeout_s=options.connect_timeout_s or self.connect_timeout_s,
            stall_timeout_s=options.stall_timeout_s or self.stall_timeout_s,
        )


def _choice(engine: Engine, camera: Camera, media: Media, target: Target, now: Plan) -> EngineChoice:
    chosen = engine.name == now.engine
    trouble = engine.cannot(camera, media)
    if trouble is not None or chosen:
        return EngineChoice(engine.name, chosen, trouble.detail if trouble is not None else "")
    return EngineChoice(engine.name, chosen, changes=changes(now, engine.plan(camera, media, target)))
