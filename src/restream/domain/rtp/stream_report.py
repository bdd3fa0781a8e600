"""What was measured of a camera's stream."""

from __future__ import annotations

from typing import NamedTuple

from restream.domain.rtp.report import TrackReport

LATELY_S = 3.0
"""A track flows if something of it came within this time."""


class StreamReport(NamedTuple):
    """Its tracks at one moment."""

    video: TrackReport
    audio: TrackReport | None = None
    """None: there is no sound, or none is taken."""

    @property
    def clock_offset_s(self) -> float | None:
        """The camera's wall clock minus ours, as any track tells."""
        offset_s = self.video.clock_offset_s
        return offset_s if offset_s is not None or self.audio is None else self.audio.clock_offset_s

    @property
    def only_sound(self) -> bool:
        """Sound has come lately, and no picture."""
        video_s, sound_s = self.video.last_frame_age_s, self.audio.last_frame_age_s if self.audio else None
        return sound_s is not None and sound_s <= LATELY_S and (video_s is None or video_s > LATELY_S)
