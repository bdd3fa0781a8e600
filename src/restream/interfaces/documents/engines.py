"""What each engine would make of a camera."""

from __future__ import annotations

from typing import Annotated

from restream.domain.engine_choice import EngineChoice
from restream.interfaces.documents.values import Document, Whole, about


class EngineDocument(Document):
    """What an engine would make of a camera."""

    engine: Annotated[str, about("", "relay")]
    chosen: Annotated[bool, about("It publishes the camera, or would at its next start.", False)]
    obstacle: Annotated[str | None, about("Why it cannot publish this camera; null: it can.")]
    changes: Annotated[
        tuple[Annotated[str, about("", "published by RTSP")], ...], about("In what it differs from the chosen one.")
    ]
    note: Annotated[str, about("", "its packets are measured: loss, jitter, frames, key frames, clock")]
    memory_bytes: Annotated[Whole, about("Of one more camera, as docs/benchmarks.md has it.", 1_069_547)]
    cpu_percent: Annotated[float, about("Of one core, with 90 kbit/s.", 0.08)]


def engine_document(choice: EngineChoice) -> EngineDocument:
    """One of `engines`."""
    cost, note = choice.facts
    memory_bytes, cpu_percent = round(cost.memory_mib * 2**20), round(cost.cpu_percent, 2)
    obstacle = choice.obstacle or None
    return EngineDocument(choice.engine, choice.chosen, obstacle, choice.changes, note, memory_bytes, cpu_percent)
