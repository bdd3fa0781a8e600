"""A row of the table as the supervisor sees it."""

from __future__ import annotations

from dataclasses import dataclass

from restream.domain.camera.camera import Camera, RejectedRow
from restream.domain.engine import Plan
from restream.domain.life.lifecycle import State


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One supervised camera. Times are seconds of the monotonic clock."""

    camera: Camera
    state: State
    plan: Plan | None
    pid: int | None
    """Of the process that works for this camera alone, where its engine has one."""


Subject = CameraStatus | Camera | RejectedRow
"""Supervised, disabled, or not understood."""
