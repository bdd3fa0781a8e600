"""Pictures of cameras, as verbs: where a key frame comes from, and who decodes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from restream.domain.camera.camera import Camera
from restream.domain.pictures.measure import PictureMeasure


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


class DecodedPicture(NamedTuple):
    """What became of a key frame."""

    measure: PictureMeasure
    jpeg: bytes
    """Small enough to be kept and shown."""


class DecodeError(Exception):
    """A key frame that has not become a picture, and why: for people, in one line."""


class KeyFrameDecoder(Protocol):
    """One frame after the other."""

    async def decode(self, frame: KeyFrame) -> DecodedPicture:
        """Wait for the frames before it, and then for its picture. Raises DecodeError."""

    async def close(self) -> None:
        """End what it runs; who waits for a picture gets DecodeError."""
