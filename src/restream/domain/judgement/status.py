"""A row of the table as the supervisor sees it."""

from __future__ import annotations

from dataclasses import dataclass

from restream.domain.camera.camera import Camera, RejectedRow
from restream.domain.ffmpeg.plan import StreamPlan
from restream.domain.life.lifecycle import State


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One supervised camera. Times are seconds of the monotonic clock."""

    camera: Camera
    state: State
    plan: StreamPlan | None
    pid: int | None


Subject = CameraStatus | Camera | RejectedRow
"""Supervised, disabled, or not understood."""
