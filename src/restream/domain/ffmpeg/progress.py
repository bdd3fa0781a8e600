"""ffmpeg's `-progress` output: an incremental parser and the question whether media has advanced."""

from __future__ import annotations

from typing import NamedTuple

# A block has about 12 lines of 20 bytes; whatever is longer without a line end is not progress.
_MAX_PENDING_BYTES = 4096


class Progress(NamedTuple):
    """One block of `-progress`. Counters are None where ffmpeg says N/A or leaves them out.

    `total_size` is N/A for RTSP outputs, 7.0.2 omits `frame`, 8.0 may omit `out_time_us` (measured), so whichever
    advances counts.
    """

    frame: int | None = None
    out_time_us: int | None = None
    total_size_bytes: int | None = None
    fps: float | None = None
    speed: float | None = None
    dup_frames: int | None = None
    drop_frames: int | None = None
    finished: bool = False


class MediaMark(NamedTuple):
    """The furthest point that media has reached in one run."""

    frame: int = 0
    out_time_us: int = 0
    total_size_bytes: int = 0

    def advance(self, progress: Progress) -> MediaMark | None:
        """The new mark, or None when nothing moved forward."""
        frame = max(self.frame, progress.frame or 0)
        out_time_us = max(self.out_time_us, progress.out_time_us or 0)
        total_size_bytes = max(self.total_size_bytes, progress.total_size_bytes or 0)
        if frame == self.frame and out_time_us == self.out_time_us and total_size_bytes == self.total_size_bytes:
            return None
        return MediaMark(frame, out_time_us, total_size_bytes)


class ProgressParser:
    """Feed chunks as they come; blocks come out when their last line (`progress=…`) is complete."""

    def __init__(self) -> None:
        self._pending = b""
        self._fields: dict[bytes, bytes] = {}

    def feed(self, chunk: bytes) -> list[Progress]:
        lines = (self._pending + chunk).split(b"\n")
        self._pending = lines.pop()[-_MAX_PENDING_BYTES:]
        blocks = []
        for line in lines:
            key, _, value = line.partition(b"=")
            if key == b"progress":
                blocks.append(self._block(finished=value.strip() == b"end"))
                self._fields = {}
            elif key in _KEPT:
                self._fields[key] = value.strip()
        return blocks

    def _block(self, *, finished: bool) -> Progress:
        fields = self._fields
        return Progress(
            frame=_count(fields.get(b"frame")),
            out_time_us=_count(fields.get(b"out_time_us")),
            total_size_bytes=_count(fields.get(b"total_size")),
            fps=_ratio(fields.get(b"fps")),
            speed=_ratio(fields.get(b"speed")),
            dup_frames=_count(fields.get(b"dup_frames")),
            drop_frames=_count(fields.get(b"drop_frames")),
            finished=finished,
        )


_KEPT = frozenset({b"frame", b"out_time_us", b"total_size", b"fps", b"speed", b"dup_frames", b"drop_frames"})
_MAX_COUNT_DIGITS = 18


def _count(text: bytes | None) -> int | None:
    return int(text) if text is not None and text.isdigit() and len(text) <= _MAX_COUNT_DIGITS else None


def _ratio(text: bytes | None) -> float | None:
    if not text:
        return None
    try:
        value = float(text.rstrip(b"x"))
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None
