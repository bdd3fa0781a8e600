"""What each engine would make of a camera: whether it can publish it, what would change, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from restream.domain.engine import Plan


class Cost(NamedTuple):
    """Of one more camera. CPU grows with its bitrate, memory hardly does."""

    memory_mib: float
    cpu_percent: float
    """Of one core."""


class EngineFacts(NamedTuple):
    """What is worth knowing before an engine is chosen."""

    cost: Cost
    note: str


def _cost(memory_mib: int, cpu_percent: int) -> Cost:
    """From docs/benchmarks.md, "What an engine costs": 100 cameras of 90 kbit/s, less the media server by itself."""
    return Cost((memory_mib - 56) / 100, (cpu_percent - 12) / 100)


ENGINE_FACTS: Mapping[str, EngineFacts] = {
    "ffmpeg": EngineFacts(_cost(1338, 41), "a process of its own, which converts what must be converted"),
    "relay": EngineFacts(_cost(158, 26), "its packets are measured: loss, jitter, frames, key frames, clock"),
    "pull": EngineFacts(_cost(134, 23), "needs one path entry in mediamtx.yml, which `restream check` shows"),
}
"""By name of the engine."""


class EngineChoice(NamedTuple):
    """One engine, for one camera."""

    engine: str
    chosen: bool
    """It publishes the camera, or would at its next start."""
    obstacle: str = ""
    """Why it cannot; empty: it can."""
    changes: tuple[str, ...] = ()
    """What would be different from the chosen one."""

    @property
    def facts(self) -> EngineFacts:
        """What it costs."""
        return ENGINE_FACTS[self.engine]


_SOUND = {"copy": "sound goes on as it comes", "aac": "sound is converted to AAC", "none": "sound is left out"}


def changes(now: Plan, then: Plan) -> tuple[str, ...]:
    """In what two plans for one camera differ, for people."""
    found = (
        (now.transport, then.transport, f"published by {then.transport.upper()}"),
        (now.audio, then.audio, _SOUND.get(then.audio, then.audio)),
        (now.fetched, then.fetched, f"{'fetched' if then.fetched else 'no longer fetched'} by the media server itself"),
    )
    return tuple(text for before, after, text in found if before != after)
