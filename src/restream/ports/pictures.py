"""Pictures of cameras, as verbs: where key frames come from, who makes pictures of them, where those are kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from restream.domain.camera.camera import Camera
from restream.domain.pictures.album import PictureStamp
from restream.domain.pictures.mask import Mask
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

    async def decode(self, frame: KeyFrame, mask: Mask = ()) -> DecodedPicture:
        """Wait for the frames before it, and then for its picture, without what the mask hides. Raises DecodeError."""

    async def close(self) -> None:
        """End what it runs; who waits for a picture gets DecodeError."""


class PictureStoreError(Exception):
    """A picture cannot be kept, or be had again; the message is one line."""


class PictureStore(Protocol):
    """Where pictures are kept. All of its verbs raise PictureStoreError."""

    async def stamps(self, camera_id: str) -> Sequence[PictureStamp]:
        """What is kept of a camera from before."""

    async def put(self, camera_id: str, stamp: PictureStamp, jpeg: bytes) -> None:
        """Keep one."""

    async def get(self, camera_id: str, stamp: PictureStamp) -> bytes | None:
        """One that is kept; None: it is gone."""

    async def settle(self, camera_id: str, gone: Collection[float], marked: Sequence[PictureStamp]) -> None:
        """Those that were taken then are not kept any more; these are kept for another reason than before."""

    async def forget(self, camera_id: str) -> None:
        """Whoever looked at this camera does not any more; what outlives the service may stay."""


class PictureMemories(Protocol):
    """What is known of cameras' pictures, over the life of the service."""

    async def load(self, camera_id: str) -> object:
        """The document of one camera; None: there is none. Raises SinkError (`ports.outlets`)."""

    async def save(self, documents: Mapping[str, Mapping[str, object]]) -> None:
        """Replace those of these cameras. Raises SinkError."""

    async def close(self) -> None:
        """Never raises."""
