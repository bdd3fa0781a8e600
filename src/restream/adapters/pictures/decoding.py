"""Decodes a key frame with libavcodec and measures it. In the worker process only."""

from __future__ import annotations

import io
from typing import Any, cast

import av
import av.logging
import numpy as np
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, Interpolation
from numpy.typing import NDArray
from PIL import Image

from restream.adapters.pictures.measures import Points, measure_small, points_of, shrink
from restream.adapters.pictures.messages import DecodeOrder, PictureDone

_CODECS = frozenset({"h264", "hevc", "mjpeg"})
_MOST_PIXELS = 40_000_000
"""Of a picture; the largest cameras have 32 million."""
_LEAST_SIDE = 16
_JPEG_QUALITY = 75
_PLANAR = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "gray"})
"""Formats whose first plane is grey, a byte a pixel."""

av.logging.set_level(None)


def decode(order: DecodeOrder) -> PictureDone:
    """Raises whatever a decoder raises of bytes that are no picture, and ValueError."""
    frame = _frame(order.frame.codec, order.frame.data)
    width, height = _size(frame.width, frame.height, order.jpeg_width)
    rgb = frame.reformat(width=width, height=height, format="rgb24", interpolation=Interpolation.AREA)
    picture = Image.fromarray(rgb.to_ndarray())
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=_JPEG_QUALITY)
    found = measure_small(shrink(picture, _points(frame)), order.frame.taken_at)
    return PictureDone(order.number, dict(found.to_mapping()), written.getvalue())  # type: ignore[arg-type]


def _frame(codec: str, data: bytes) -> Any:
    """The first whole picture."""
    if codec not in _CODECS:
        raise ValueError(f"no decoder for {codec[:20]!r}")
    context = cast(VideoCodecContext, VideoCodecContext.create(codec, "r"))
    context.thread_count = 1
    context.options = {"max_pixels": str(_MOST_PIXELS)}
    try:
        frames = context.decode(Packet(data)) or context.decode(None)
    except FFmpegError as error:
        raise ValueError(f"it is not decoded: {error.strerror}") from None
    if not frames:
        raise ValueError("there is no picture in it")
    frame = frames[0]
    if frame.is_corrupt:
        raise ValueError("the picture is damaged")
    if min(frame.width, frame.height) < _LEAST_SIDE:
        raise ValueError(f"a picture of {frame.width} × {frame.height} is too small")
    return frame


def _points(frame: Any) -> Points:
    if frame.format.name not in _PLANAR:
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    grey: NDArray[np.uint8] = rows[:, : plane.width]
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith(("yuvj", "gray"))
    return points_of(grey, limited=not full)


def _size(width: int, height: int, most_width: int) -> tuple[int, int]:
    """Of a smaller picture; never larger than it is."""
    new = min(width, most_width)
    return new, max(_LEAST_SIDE, round(height * new / width))
