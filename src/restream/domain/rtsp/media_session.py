"""What was set up at a camera: its tracks, their channels in the connection, the session and its timeout."""

from __future__ import annotations

import re
from collections.abc import Iterator

from restream.domain.rtsp.events import Interleaved, MediaPacket
from restream.domain.rtsp.messages import InterleavedFrame
from restream.domain.rtsp.tracks import Track

DEFAULT_TIMEOUT_S = 60.0
"""RFC 2326 §12.37."""
MAX_EARLY_BYTES = 2 * 1024 * 1024
"""Media that comes before PLAY is answered: kept so far, it has the first key frame."""
_SHORTEST_TIMEOUT_S, _LONGEST_TIMEOUT_S = 2.0, 600.0
_TIMEOUT = re.compile(r"(?i)\btimeout\s*=\s*(\d{1,6})")
_CHANNELS = re.compile(r"(?i)(?:^|;)\s*interleaved\s*=\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?\s*(?=;|$)")
_OVER_TCP = re.compile(r"(?i)RTP/S?AVPF?/TCP\b|;\s*interleaved\b")
_LONGEST_ID = 256


def parse_transport(header: str, asked: Interleaved) -> Interleaved | None:
    """What SETUP was answered; None: not over this connection. A camera that names no transport does as asked."""
    first = header.partition(",")[0].strip()
    if not first:
        return asked
    if not _OVER_TCP.search(first):
        return None
    channels = _CHANNELS.search(first)
    if channels is None:
        return asked
    rtp = int(channels[1])
    rtcp = int(channels[2]) if channels[2] else rtp + 1
    return Interleaved(rtp, rtcp) if max(rtp, rtcp) <= 255 and rtp != rtcp else asked


class MediaSession:
    """Grows with every SETUP; afterwards finds the track of each frame."""

    def __init__(self) -> None:
        self.id = ""
        """As the camera named it; empty: not yet, or it has none."""
        self.timeout_s = DEFAULT_TIMEOUT_S
        """Seconds without a word after which the camera forgets the session."""
        self.tracks: list[Track] = []
        self.channels: list[Interleaved] = []
        """Of each of them."""
        self.over_udp = False
        """They come beside the connection, and their channels are only names."""
        self._channels: dict[int, tuple[int, bool]] = {}
        self._early: list[MediaPacket] = []
        self._early_bytes = 0
        self.stray_frames = 0
        """Frames on channels that nobody set up."""

    @property
    def has_early_media(self) -> bool:
        """Media has come although PLAY is not answered."""
        return bool(self._early)

    def next_channels(self) -> Interleaved:
        """What to ask for the next track."""
        usual = range(2 * len(self.tracks), 256, 2)
        free = next((channel for channel in usual if not {channel, channel + 1} & self._channels.keys()), 0)
        return Interleaved(free, free + 1)

    def heard(self, header: str) -> None:
        """A `Session` header has come."""
        name, _, rest = header.partition(";")
        if name := name.strip()[:_LONGEST_ID]:
            self.id = name
        if (match := _TIMEOUT.search(rest)) and int(match[1]):  # 0 is meant for none
            self.timeout_s = min(max(float(match[1]), _SHORTEST_TIMEOUT_S), _LONGEST_TIMEOUT_S)

    def add(self, track: Track, answered: Interleaved, asked: Interleaved) -> None:
        """A track was set up. A camera that answers every SETUP with the same channels is taken to mean those asked."""
        channels = asked if set(answered) & self._channels.keys() else answered
        self._channels[channels.rtp] = (len(self.tracks), False)
        self._channels[channels.rtcp] = (len(self.tracks), True)
        self.tracks.append(track)
        self.channels.append(channels)

    def packet(self, frame: InterleavedFrame, *, playing: bool) -> MediaPacket | None:
        """What a frame is. None: on a channel that nobody set up, or too early, and kept then (see `early`)."""
        known = self._channels.get(frame.channel)
        if known is None:
            self.stray_frames += 1
            return None
        packet = MediaPacket(*known, frame.payload)
        if playing:
            return packet
        self._early_bytes += len(packet.payload) + 64
        # What is too much is left out.
        if self._early_bytes <= MAX_EARLY_BYTES:
            self._early.append(packet)
        return None

    def early(self) -> Iterator[MediaPacket]:
        """All that was kept, once."""
        kept, self._early = self._early, []
        return iter(kept)
