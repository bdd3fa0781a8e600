"""Pictures of cameras, as verbs: where a key frame comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from restream.domain.camera.camera import Camera


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """One picture of a camera as it was sent, with which a decoder can begin."""

    codec: str
    """As of a VideoStream: `h264`, `hevc` (both in Annex B, parameter sets ahead), `mjpeg` (a JPEG file)."""
    data: bytes
    taken_at: float
    """When it came (Unix time, s)."""


class NoKeyFrameError(Exception):
    """None could be had; the message is one line, without credentials."""


class KeyFrames(Protocol):
    """Where key frames of cameras come from; never over a connection of its own to a camera."""

    async def latest(self, camera: Camera) -> KeyFrame | None:
        """The next or newest one; None: its codec is none of which pictures are put together. Bounded in time. Raises
        NoKeyFrameError.
        """
