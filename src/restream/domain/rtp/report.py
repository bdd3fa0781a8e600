"""What was measured of one track of a camera."""

from __future__ import annotations

from typing import NamedTuple


class TrackReport(NamedTuple):
    """Counters since the first packet, and what the time since the last report was like.

    `packets + lost` is how many packets the camera has sent, as far as its numbers tell.
    """

    packets: int = 0
    """That arrived and belong to the track; each once."""
    lost: int = 0
    """Never arrived, or not yet."""
    reordered: int = 0
    """Arrived behind a later one; not lost."""
    duplicates: int = 0
    malformed: int = 0
    """Packets that could not be read, RTCP too."""
    foreign: int = 0
    """Of another payload type than the camera has described."""
    restarts: int = 0
    """The camera has begun a new numbering (or source) within the stream; that is no loss."""
    bytes: int = 0
    """Of `packets`, their headers too."""
    frames: int = 0
    """Pictures; of sound, packets. What came behind a later packet begins none."""
    key_frames: int = 0
    """Frames with which a decoder can begin; all, where a codec knows no other."""
    jitter_s: float | None = None
    """RFC 3550 §6.4.1, from frame to frame; None: not known yet, or the track has no clock."""
    fps: float | None = None
    """Frames per second since the last report; None: not known yet."""
    bitrate_bps: float | None = None
    """The same of bits."""
    key_frame_interval_s: float | None = None
    """Between the last two key frames, as they arrived; None: there were no two."""
    last_key_frame_age_s: float | None = None
    """Since the last key frame began to arrive; None: there was none."""
    last_frame_age_s: float | None = None
    """The same of any frame."""
    clock_offset_s: float | None = None
    """The camera's wall clock minus ours, when its last sender report came; None: it tells none, or an absurd one."""
