"""Hands the interleaved frames of a camera on to the media server, and has them measured on the way.

The hottest lines of a relay: a camera of 4 Mbit/s sends 400 frames a second, a process has hundreds of cameras. Frames
that go on under the channel on which they came are never copied one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from restream.domain.rtp.key_frame_assembly import KeyFrameAssembly
from restream.domain.rtp.meter import TrackMeter
from restream.domain.rtsp.events import Interleaved, Playing

_DOLLAR = 0x24
_MARK = _DOLLAR << 8
_HEAD = 4
_LONGEST_DROP_S = 10.0
"""Cameras that refresh their pictures in stripes never send a key frame to go on with."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What becomes of the frames of one channel."""

    channel: int
    """At the media server."""
    meter: TrackMeter
    is_rtcp: bool = False
    is_video: bool = False


def lanes_of(playing: Playing, meters: Sequence[TrackMeter], channels: Sequence[Interleaved]) -> dict[int, Lane]:
    """What becomes of each channel of a camera; `channels` are the media server's, of each track."""
    lanes: dict[int, Lane] = {}
    for track, meter, came, goes in zip(playing.tracks, meters, playing.channels, channels, strict=True):
        lanes[came.rtp] = Lane(goes.rtp, meter, is_video=track.is_video)
        lanes[came.rtcp] = Lane(goes.rtcp, meter, is_rtcp=True)
    return lanes


class Forwarder:
    """Takes whole frames, gives the bytes for the media server: in order, and with nothing between two key frames left
    out but all that follows.

    `wall` is the clock of sender reports: seconds since 1970 at the moment 0 of the other one.
    """

    def __init__(self, lanes: Mapping[int, Lane], wall: float) -> None:
        self._lanes = lanes
        self._wall = wall
        self._ready: list[bytes] = []
        self.congested = False
        """The media server takes less than comes: nothing is handed on, from now to the next key frame after it."""
        self._dropping_since: float | None = None
        self.dropped_packets = 0
        self.stray_frames = 0
        """On channels that nobody set up."""
        self.tap: KeyFrameAssembly | None = None
        """Who puts the next key frame together beside it; None while nobody wants one, which costs nothing."""
        self.key_frame: bytes | None = None
        """What it has put together."""

    def take(self, buffer: bytes, at: int, now: float) -> int:
        """Take the whole frames that follow each other from `at` on; returns where they end."""
        lanes, size, begin, tap = self._lanes, len(buffer) - _HEAD, at, self.tap
        while at <= size and buffer[at] == _DOLLAR:
            body = at + _HEAD
            end = body + (buffer[at + 2] << 8 | buffer[at + 3])
            if end > size + _HEAD:
                break
            lane = lanes.get(buffer[at + 1])
            if lane is None:
                self.stray_frames += 1
                goes_on = False
            elif lane.is_rtcp:
                lane.meter.take_rtcp(buffer, body, end, now, self._wall + now)
                goes_on = self._dropping_since is None and not self.congested
            else:
                begins_key_frame = lane.meter.take(buffer, body, end, now)
                if tap is not None and lane.is_video and (found := tap.take(buffer, body, end)) is not None:
                    self.key_frame, tap, self.tap = found, None, None
                goes_on = not self.congested and self._dropping_since is None
                if not goes_on:
                    goes_on = self._resumes(begins_key_frame and lane.is_video, now)
            if not goes_on or lane is None or lane.channel != buffer[at + 1]:
                if begin < at:
                    self._ready.append(buffer[begin:at])
                if goes_on and lane is not None:
                    self._ready.append(bytes((_DOLLAR, lane.channel)) + buffer[at + 2 : end])
                begin = end
            elif tap is None and end < size and lane.is_video:
                end = lane.meter.take_rest(buffer, end, _MARK | lane.channel)
            at = end
        if begin < at:
            self._ready.append(buffer[begin:at])
        return at

    def _resumes(self, begins_key_frame: bool, now: float) -> bool:
        """Whether this packet is the first that goes on again."""
        since = self._dropping_since = now if self._dropping_since is None else self._dropping_since
        if not self.congested and (begins_key_frame or now - since > _LONGEST_DROP_S):
            self._dropping_since = None
            return True
        self.dropped_packets += 1
        return False

    @property
    def withholds(self) -> bool:
        """What comes is not handed on, until the media server has taken enough and a key frame has come."""
        return self.congested or self._dropping_since is not None

    def reroute(self, lanes: Mapping[int, Lane], now: float) -> None:
        """Other channels than thought; what is ready was for those."""
        self._lanes = lanes
        self.discard(now)

    @property
    def ready_bytes(self) -> int:
        """How much waits to be sent."""
        return sum(map(len, self._ready))

    def discard(self, now: float) -> None:
        """Nobody has taken what is ready, and it is too much: it goes on with a key frame."""
        self._ready.clear()
        self._dropping_since = now

    def data_to_send(self) -> bytes:
        """Bytes for the media server, once."""
        if len(self._ready) == 1:
            return self._ready.pop()
        data = b"".join(self._ready)
        self._ready.clear()
        return data
