"""What the service and the picture worker tell each other. What comes back is as hostile as the camera's bytes."""

from __future__ import annotations

import msgspec

from restream.domain.pictures.mask import Mask
from restream.ports.pictures import KeyFrame


class DecodeOrder(msgspec.Struct, tag=True, array_like=True):
    """To the worker."""

    number: int
    frame: KeyFrame
    jpeg_width: int
    """Of the JPEG, at most; pixels."""
    mask: Mask = ()


class PictureDone(msgspec.Struct, tag=True, array_like=True):
    """From the worker: a picture."""

    number: int
    measure: dict[str, str | float | int]
    jpeg: bytes


class PictureFailed(msgspec.Struct, tag=True, array_like=True):
    """From the worker: no picture, and why."""

    number: int
    why: str


class WorkerReady(msgspec.Struct, tag=True, array_like=True):
    """From the worker: its libraries are loaded."""


class WorkerUseless(msgspec.Struct, tag=True, array_like=True):
    """From the worker: it cannot work here, and why."""

    why: str


FromPictureWorker = PictureDone | PictureFailed | WorkerReady | WorkerUseless
"""All that a worker says."""
