"""Pre-recorded RTP: what a simulated camera plays, without an encoder and at next to no cost.

All tracks of a clip last exactly `duration_us`, so loops join without drift. `python -m restream.demo.recording`
makes the files anew.
"""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from restream.demo.clip_file import ClipError, decode
from restream.demo.rtp import RTP_HEADER_BYTES, Numbering, OutgoingPacket, RtpError, ticks_since_first
from restream.demo.sdp import SdpError, SdpTrack, sdp_sections, sdp_tracks

CLIPS_FOLDER = Path(__file__).parent / "clips"
CLIPS = ("h264_aac", "h264", "h264_small", "h264_pcma", "h265")
_SENDER_REPORT_INTERVAL_US = 5_000_000
_TICK_US = 66_667


@dataclass(frozen=True, slots=True)
class ClipPacket:
    """One recorded packet; `ticks` counts from the start of the clip in its track's clock."""

    offset_us: int
    track: int
    flags: int
    marker_and_type: int
    ticks: int
    payload: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A session description and its packets in sending order."""

    name: str
    sdp: str
    duration_us: int
    tracks: tuple[SdpTrack, ...]
    packets: tuple[ClipPacket, ...]
    batches: tuple[tuple[ClipPacket, ...], ...]

    @property
    def batch_us(self) -> int:
        """Time between two batches."""
        return self.duration_us // len(self.batches)

    @classmethod
    def of(cls, name: str, sdp: str, duration_us: int, packets: list[ClipPacket]) -> "Clip":
        """Sort packets into batches. Raises SdpError."""
        count = max(1, round(duration_us / _TICK_US))
        batches: list[list[ClipPacket]] = [[] for _ in range(count)]
        for packet in packets:
            batches[min(packet.offset_us * count // duration_us, count - 1)].append(packet)
        return cls(name, sdp, duration_us, tuple(sdp_tracks(sdp)), tuple(packets), tuple(map(tuple, batches)))

    @classmethod
    @cache
    def load(cls, name: str) -> "Clip":
        """One of `CLIPS`; loaded once, shared by all cameras."""
        if name not in CLIPS:
            raise ClipError(f"no clip {name!r}; there are {', '.join(CLIPS)}")
        return cls.from_bytes(name, (CLIPS_FOLDER / f"{name}.clip").read_bytes())

    @classmethod
    def from_bytes(cls, name: str, data: bytes) -> "Clip":
        """Raises ClipError."""
        file = decode(data)
        try:
            all_ticks = ticks_since_first([(track, rtp) for _, track, rtp in file.packets])
            packets = [
                ClipPacket(
                    offset_us=offset_us,
                    track=track,
                    flags=rtp[0],
                    marker_and_type=rtp[1],
                    ticks=ticks,
                    payload=rtp[RTP_HEADER_BYTES:],
                )
                for ticks, (offset_us, track, rtp) in zip(all_ticks, file.packets, strict=True)
            ]
            return cls.of(name, file.sdp, file.duration_us, packets)
        except (RtpError, SdpError) as error:
            raise ClipError(f"damaged clip: {error}") from error

    def with_video_of(self, other: "Clip") -> "Clip":
        """This clip's audio beside the other's video: a camera whose video codec was changed."""
        return _joined(self, other)


@cache
def _joined(sound: Clip, picture: Clip) -> Clip:
    head, ours = sdp_sections(sound.sdp)
    _, theirs = sdp_sections(picture.sdp)
    is_video = [track.media == "video" for track in sound.tracks]
    their_video = next(index for index, track in enumerate(picture.tracks) if track.media == "video")
    position = is_video.index(True)
    sections = [theirs[their_video] if video else text for video, text in zip(is_video, ours, strict=True)]
    swapped = [replace(packet, track=position) for packet in picture.packets if packet.track == their_video]
    packets = [packet for packet in sound.packets if not is_video[packet.track]] + swapped
    packets.sort(key=lambda packet: packet.offset_us)
    return Clip.of(f"{sound.name}+{picture.name}", head + "".join(sections), sound.duration_us, packets)


class Playback:
    """Endless loop of a clip for one reader: pure, the caller owns the clock.

    `due_us` is when the next batch is to be sent, counted from the start of the playback.
    """

    def __init__(
        self, clip: Clip, rng: random.Random, *, started_at_unix_s: float, sender_reports: bool = True
    ) -> None:
        self.clip = clip
        self._payload_types = [track.payload_type for track in clip.tracks]
        self.numbering = [Numbering.random(track.clock_rate, rng) for track in clip.tracks]
        self.due_us = 0
        self._started_at_unix_s = started_at_unix_s
        self._loop_start_us = 0
        self._index = 0
        self._next_report_us = 0 if sender_reports else None

    def next_batch(
        self, *, silent: Collection[int] = (), withholds: Callable[[SdpTrack, ClipPacket], bool] | None = None
    ) -> list[OutgoingPacket]:
        """What is due now; moves on to the next batch.

        Of `silent` tracks nothing is sent, no sender report either; a withheld packet leaves no gap in the numbers.
        """
        clip, packets = self.clip, list[OutgoingPacket]()
        if self._next_report_us is not None and self.due_us >= self._next_report_us:
            packets += self._sender_reports(silent)
            self._next_report_us = self.due_us + _SENDER_REPORT_INTERVAL_US
        for packet in clip.batches[self._index]:
            track = clip.tracks[packet.track]
            if packet.track in silent or (withholds and withholds(track, packet)):
                continue
            header = self.numbering[packet.track].next_header(
                packet.flags,
                packet.marker_and_type & 0x80 | self._payload_types[packet.track],
                packet.ticks,
                len(packet.payload),
            )
            packets.append(OutgoingPacket(packet.track, False, header + packet.payload))
        self._advance()
        return packets

    def switch(self, clip: Clip) -> None:
        """Play another clip of the same track layout from its start, unannounced: numbers go on, payload types stay."""
        self._end_loop(self.due_us - self._loop_start_us)
        self.clip = clip

    def skip(self, gap_us: int) -> None:
        """Let `gap_us` pass in silence: the recording waits, the camera's clock does not."""
        for numbering in self.numbering:
            numbering.advance(gap_us * numbering.clock_rate // 1_000_000)
        self._loop_start_us += gap_us
        self.due_us += gap_us

    def _advance(self) -> None:
        self._index += 1
        if self._index == len(self.clip.batches):
            self._end_loop(self.clip.duration_us)
        else:
            self.due_us = self._loop_start_us + self._index * self.clip.duration_us // len(self.clip.batches)

    def _end_loop(self, played_us: int) -> None:
        for numbering in self.numbering:
            numbering.advance(played_us * numbering.clock_rate // 1_000_000)
        self._loop_start_us += played_us
        self.due_us = self._loop_start_us
        self._index = 0

    def _sender_reports(self, silent: Collection[int]) -> list[OutgoingPacket]:
        now_unix_s = self._started_at_unix_s + self.due_us / 1e6
        into_loop_us = self.due_us - self._loop_start_us
        return [
            OutgoingPacket(
                track, True, numbering.sender_report(now_unix_s, into_loop_us * numbering.clock_rate // 1_000_000)
            )
            for track, numbering in enumerate(self.numbering)
            if track not in silent
        ]
