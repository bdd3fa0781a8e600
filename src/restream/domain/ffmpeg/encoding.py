"""For which encoding ffmpeg takes a track, where the camera's description names several."""

from __future__ import annotations

from collections.abc import Sequence

# Those with a payload type of their own (RFC 3551 §6): each line of one replaces what ffmpeg took the track for.
_STATIC = frozenset({"adpcm_g722", "h261", "mjpeg", "mp2", "mpeg2video", "pcm_alaw", "pcm_mulaw"})


def misread_as(codec: str, offered: Sequence[str]) -> str:
    """The codec that ffmpeg takes a track of this `codec` for, by the order of `offered`; empty: it understands it.

    It receives the payload type that the `m=` line prefers, and reads it by another `a=rtpmap` line: the last one with
    a static payload type, else the first one (ffmpeg 5.1 to 8.0; gortsplib issue 65).
    """
    static = [each for each in offered if each in _STATIC]
    taken_for = static[-1] if static else next(iter(offered), codec)
    return "" if taken_for == codec else taken_for
