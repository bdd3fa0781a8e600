"""What was measured of a camera's stream."""

from __future__ import annotations

from typing import NamedTuple

from restream.domain.rtp.report import TrackReport


class StreamReport(NamedTuple):
    """Its tracks at one moment."""

    video: TrackReport
    audio: TrackReport | None = None
    """None: there is no sound, or none is taken."""
