"""One look at a camera: what it sends or why that cannot be told, and how the conversation went, for the operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from restream.domain.engine import Media, ProbeFailure


class LookStep(NamedTuple):
    """One request to the camera, and what it said."""

    stage: str
    """`describe`, `setup` …"""
    request: str
    answer: str
    """Its status line, masked; empty: there was no answer."""
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a prober found. Everything in it is masked and fit to be printed."""

    outcome: Media | ProbeFailure
    by: str
    """Who looked: `rtsp`, our own conversation, or `ffprobe`."""
    at: float
    """When it began, seconds since the epoch."""
    took_s: float
    steps: tuple[LookStep, ...] = ()
    """Requests in order; none where ffprobe keeps them to itself."""
    choice: tuple[str, ...] = ()
    """What is taken of the camera's description and what is not, each with its reason."""
    software: str = ""
    """What the camera calls itself."""
    clock_offset_s: float | None = None
    """The camera's clock less ours, to a second; None: it does not tell."""
