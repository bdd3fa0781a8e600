"""How good the stream is that a camera sends, from its packets over the last minute: loss, frames, key frames, clock.

Only an engine that sees the packets can tell (see domain/rtp).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from restream.domain.judgement.quality import LONG_S, SHORT_S
from restream.domain.rtp.report import TrackReport
from restream.domain.rtp.stream_report import StreamReport

_STEP_S = 5.0


class StreamQuality(NamedTuple):
    """What the last seconds of a stream were like; None where nothing is known."""

    loss_ratio: float | None = None
    """Packets of the camera that did not arrive, of all, over 10 s."""
    long_loss_ratio: float | None = None
    """The same over a minute."""
    fps: float | None = None
    """Over a minute; None until a minute is known."""
    key_frame_s: float | None = None
    """Time between key frames: the last one, or longer where the next has not come yet."""
    video_age_s: float | None = None
    """Since the last frame, or the first look where none has come."""
    sound_age_s: float | None = None
    """The same of sound; None: there is no sound."""
    clock_offset_s: float | None = None
    """The camera's wall clock minus ours."""
    short_fps: float | None = None
    """Frames per second over 10 s."""
    jitter_s: float | None = None
    """Of the video, as it is now."""


NOTHING_KNOWN = StreamQuality()
"""Of a stream whose packets nobody sees, or none yet."""


class _Counts(NamedTuple):
    packets: int
    lost: int
    frames: int


class PacketWindow:
    """Counters of one stream over the last minute, a reading every 5 s, oldest first."""

    __slots__ = ("_at", "_counts", "_since")

    def __init__(self) -> None:
        self._at = array("d")
        self._counts: list[_Counts] = []
        self._since = 0.0
        """When the stream was first looked at."""

    def __len__(self) -> int:
        """How many readings are kept."""
        return len(self._at)

    def follow(self, report: StreamReport | None, now: float) -> None:
        """One more look; a stream that is gone, or whose counters begin anew, begins an empty window."""
        if report is None:
            if self._counts:
                self.clear()
            return
        counts = _counts(report)
        if self._counts and _begun_anew(self._counts[-1], counts):
            self.clear()
        moments = self._at
        if not moments:
            self._since = now
        elif now - moments[-1] < _STEP_S:
            return
        over = bisect_left(moments, now - LONG_S - _STEP_S)
        del moments[:over], self._counts[:over]
        moments.append(now)
        self._counts.append(counts)

    def clear(self) -> None:
        """Forget everything."""
        del self._at[:], self._counts[:]

    def measure(self, report: StreamReport | None, now: float) -> StreamQuality:
        """What the readings and the newest counters tell."""
        if report is None or not self._at:
            return NOTHING_KNOWN
        counts = _counts(report)
        if _begun_anew(self._counts[-1], counts):
            return NOTHING_KNOWN
        # The newest reading at or before the begin of a window, else the oldest.
        short, long = (max(0, bisect_right(self._at, now - span_s) - 1) for span_s in (SHORT_S, LONG_S))
        short_s, long_s, watched_s = now - self._at[short], now - self._at[long], now - self._since
        video, sound = report.video, report.audio
        return StreamQuality(
            _loss(self._counts[short], counts),
            _loss(self._counts[long], counts),
            (counts.frames - self._counts[long].frames) / long_s if long_s >= LONG_S else None,
            _key_frame_s(report, watched_s),
            _age_s(video, watched_s),
            _age_s(sound, watched_s) if sound else None,
            report.clock_offset_s,
            (counts.frames - self._counts[short].frames) / short_s if short_s >= _STEP_S else None,
            video.jitter_s,
        )


def _counts(report: StreamReport) -> _Counts:
    video, audio = report
    if audio is None:
        return _Counts(video.packets, video.lost, video.frames)
    return _Counts(video.packets + audio.packets, video.lost + audio.lost, video.frames)


def _begun_anew(before: _Counts, counts: _Counts) -> bool:
    """Losses may become fewer, when what was missing comes late."""
    return counts.packets < before.packets or counts.frames < before.frames


def _loss(before: _Counts, counts: _Counts) -> float | None:
    lost, arrived = max(0, counts.lost - before.lost), counts.packets - before.packets
    return lost / (arrived + lost) if arrived + lost else None


def _age_s(track: TrackReport, watched_s: float) -> float:
    return watched_s if track.last_frame_age_s is None else track.last_frame_age_s


def _key_frame_s(report: StreamReport, watched_s: float) -> float | None:
    video = report.video
    if not video.frames:
        return None
    if video.last_key_frame_age_s is None:
        return watched_s
    return max(video.last_key_frame_age_s, video.key_frame_interval_s or 0.0)
