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
from PIL import Image

from restream.adapters.pictures.masking import blackened, drawn_mask, points_without, without
from restream.adapters.pictures.measures import Points, measure_small, points_of, shrink
from restream.adapters.pictures.messages import DecodeOrder, PictureDone

_CODECS = frozenset({"h264", "hevc", "mjpeg"})
_MOST_PIXELS = 40_000_000
"""Of a picture; the largest cameras have 32 million."""
_LEAST_SIDE = 16
_JPEG_QUALITY = 75
_PLANAR = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p"})
"""Formats with three planes, a byte a pixel."""
_GREY = [min(255, max(0, round((level - 16) * 255 / 219))) for level in range(256)]
_COLOUR = [min(255, max(0, round(128 + (level - 128) * 255 / 224))) for level in range(256)]
"""From the limited range to the full one."""

av.logging.set_level(None)


def decode(order: DecodeOrder) -> PictureDone:
    """Raises whatever a decoder raises of bytes that are no picture, and ValueError."""
    frame = _frame(order.frame.codec, order.frame.data)
    width, height = _size(frame.width, frame.height, order.jpeg_width)
    picture, points = _smaller(frame, width, height), _points(frame)
    judged = picture
    if order.mask:
        hidden = drawn_mask(order.mask, picture.size)
        judged, picture = without(picture, hidden), blackened(picture, hidden)
        points = points_without(points, order.mask)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=_JPEG_QUALITY)
    found = measure_small(shrink(judged, points), order.frame.taken_at)
    return PictureDone(order.number, dict(found.to_mapping()), written.getvalue())  # type: ignore[arg-type]


def _frame(codec: str, data: bytes) -> Any:
    """The first whole picture."""
    if codec not in _CODECS:
        raise ValueError(f"no decoder for {codec[:20]!r}")
    context = cast(VideoCodecContext, VideoCodecContext.create(codec, "r"))
    context.thread_count = 1
    # Blocks that are not smoothed cost nothing to whoever makes the picture smaller: a twelfth of the time.
    context.options = {"max_pixels": str(_MOST_PIXELS), "skip_loop_filter": "all"}
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


def _smaller(frame: Any, width: int, height: int) -> Image.Image:
    """In RGB, or in YCbCr of the full range, as a JPEG has it."""
    if frame.format.name not in _PLANAR:
        rgb = frame.reformat(width=width, height=height, format="rgb24", interpolation=Interpolation.AREA)
        return Image.fromarray(rgb.to_ndarray())
    # As the decoder has them: a third of the time that a scaler needs for the way through RGB.
    planes = [_image(each).resize((width, height), Image.Resampling.BOX, reducing_gap=1.0) for each in frame.planes]
    if not _full(frame):
        planes = [each.point(_GREY if at == 0 else _COLOUR) for at, each in enumerate(planes)]
    return Image.merge("YCbCr", planes)


def _image(plane: Any) -> Image.Image:
    return Image.frombuffer("L", (plane.width, plane.height), plane, "raw", "L", plane.line_size, 1)


def _full(frame: Any) -> bool:
    return bool(frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj"))


def _points(frame: Any) -> Points:
    if frame.format.name not in _PLANAR:
        return points_of(frame.reformat(format="gray", dst_color_range=ColorRange.JPEG).to_ndarray())
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return points_of(rows[:, : plane.width], limited=not _full(frame))


def _size(width: int, height: int, most_width: int) -> tuple[int, int]:
    """Of a smaller picture; never larger than it is."""
    new = min(width, most_width)
    return new, max(_LEAST_SIDE, round(height * new / width))
