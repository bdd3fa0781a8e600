"""ffmpeg's `-progress` output: an incremental parser that tells whether media has advanced."""

from __future__ import annotations

from restream.domain.engine import Advance

# A block has about 12 lines of 20 bytes; whatever is longer without a line end is not progress.
_MAX_PENDING_BYTES = 4096


class ProgressParser:
    """Reads the progress of one ffmpeg. Feed chunks as they come; an `Advance` comes out for every block whose last
    line (`progress=…`) is complete.

    Each counter may be missing or N/A: `total_size` with RTSP outputs, `frame` in 7.0.2, `out_time_us` in the first
    blocks of 8.0 (blocks of all three: tests/unit/test_progress.py). Media has moved when any is larger than ever.
    """

    def __init__(self) -> None:
        self._pending = b""
        self._fields: dict[bytes, bytes] = {}
        self._frame = self._out_time_us = self._total_size_bytes = 0
        self.media_seen = False
        """Whether media has moved at all."""

    def feed(self, chunk: bytes) -> list[Advance]:
        """The blocks that this chunk completes."""
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

    def _block(self, *, finished: bool) -> Advance:
        fields = self._fields
        frame, out_time_us = _count(fields.get(b"frame")), _count(fields.get(b"out_time_us"))
        total_size_bytes = _count(fields.get(b"total_size"))
        moved = (
            (frame or 0) > self._frame
            or (out_time_us or 0) > self._out_time_us
            or (total_size_bytes or 0) > self._total_size_bytes
        )
        if moved:
            self.media_seen = True
            self._frame = max(self._frame, frame or 0)
            self._out_time_us = max(self._out_time_us, out_time_us or 0)
            self._total_size_bytes = max(self._total_size_bytes, total_size_bytes or 0)
        return Advance(
            moved,
            frame,
            out_time_us,
            total_size_bytes,
            _ratio(fields.get(b"fps")),
            _ratio(fields.get(b"speed")),
            _count(fields.get(b"dup_frames")),
            _count(fields.get(b"drop_frames")),
            finished,
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
