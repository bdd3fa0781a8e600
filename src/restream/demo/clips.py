"""Pre-recorded RTP: what a simulated camera plays, without an encoder and at next to no cost.

File format `*.clip`, big endian:

    magic "RCLP", version u8 = 1, tracks u8, duration_us u32, sdp_bytes u16, sdp
    then packets until the end: offset_us u32, track u8, rtp_bytes u16, RTP packet

All tracks of a clip last exactly `duration_us`, so loops join without drift. `python -m restream.demo.clips record`
makes the files anew.
"""

import argparse
import asyncio
import random
import struct
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from restream.demo.rtp import RTP_HEADER_BYTES, Numbering, RtpError, SdpTrack, parse_header, sdp_sections, sdp_tracks

CLIPS_FOLDER = Path(__file__).parent / "clips"
CLIPS = ("h264_aac", "h264", "h264_pcma", "h265")
SENDER_REPORT_INTERVAL_US = 5_000_000

_MAGIC = b"RCLP"
_FILE_HEADER = struct.Struct(">4sBBIH")
_PACKET_HEADER = struct.Struct(">IBH")
# 96 video frames at 15 fps, 100 AAC frames of 1024 samples at 16 kHz, 51,200 samples at 8 kHz.
_DURATION_US = 6_400_000
_TICK_US = 66_667


class ClipError(Exception):
    """Not a clip file, or a damaged one."""


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
        count = max(1, round(duration_us / _TICK_US))
        batches: list[list[ClipPacket]] = [[] for _ in range(count)]
        for packet in packets:
            batches[min(packet.offset_us * count // duration_us, count - 1)].append(packet)
        return cls(name, sdp, duration_us, tuple(sdp_tracks(sdp)), tuple(packets), tuple(map(tuple, batches)))

    @classmethod
    def load(cls, name: str) -> "Clip":
        """One of `CLIPS`; loaded once, shared by all cameras."""
        return _load(name)

    @classmethod
    def from_bytes(cls, name: str, data: bytes) -> "Clip":
        try:
            magic, version, _, duration_us, sdp_bytes = _FILE_HEADER.unpack_from(data)
            if magic != _MAGIC or version != 1 or duration_us == 0:
                raise ClipError("not a clip file of version 1")
            position = _FILE_HEADER.size + sdp_bytes
            sdp = data[_FILE_HEADER.size : position].decode()
            recorded: list[tuple[int, int, bytes]] = []
            while position < len(data):
                offset_us, track, size = _PACKET_HEADER.unpack_from(data, position)
                position += _PACKET_HEADER.size
                recorded.append((offset_us, track, data[position : position + size]))
                position += size
            if position != len(data):
                raise ClipError("the last packet is cut off")
            first = {track: parse_header(packet).timestamp for _, track, packet in reversed(recorded)}
            packets = [
                ClipPacket(
                    offset_us=offset_us,
                    track=track,
                    flags=packet[0],
                    marker_and_type=packet[1],
                    ticks=(parse_header(packet).timestamp - first[track]) & 0xFFFFFFFF,
                    payload=packet[RTP_HEADER_BYTES:],
                )
                for offset_us, track, packet in recorded
            ]
            return cls.of(name, sdp, duration_us, packets)
        except (struct.error, RtpError, UnicodeDecodeError) as error:
            raise ClipError(f"damaged clip: {error}") from error

    def with_video_of(self, other: "Clip") -> "Clip":
        """This clip's audio beside the other's video: a camera whose video codec was changed."""
        return _joined(self, other)


@cache
def _joined(sound: Clip, picture: Clip) -> Clip:
    ours, theirs = sdp_sections(sound.sdp), sdp_sections(picture.sdp)
    is_video = [track.media == "video" for track in sound.tracks]
    their_video = next(index for index, track in enumerate(picture.tracks) if track.media == "video")
    position = is_video.index(True)
    sections = [theirs[1][their_video] if video else text for video, text in zip(is_video, ours[1], strict=True)]
    swapped = [replace(packet, track=position) for packet in picture.packets if packet.track == their_video]
    packets = [packet for packet in sound.packets if not is_video[packet.track]] + swapped
    packets.sort(key=lambda packet: packet.offset_us)
    return Clip.of(f"{sound.name}+{picture.name}", ours[0] + "".join(sections), sound.duration_us, packets)


@cache
def _load(name: str) -> Clip:
    if name not in CLIPS:
        raise ClipError(f"no clip {name!r}; there are {', '.join(CLIPS)}")
    return Clip.from_bytes(name, (CLIPS_FOLDER / f"{name}.clip").read_bytes())


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

    def next_batch(self, *, audio: bool = True) -> list[tuple[int, bool, bytes]]:
        """(track, is RTCP, packet) triples that are due now; moves on to the next batch."""
        clip, packets = self.clip, []
        if self._next_report_us is not None and self.due_us >= self._next_report_us:
            packets += self._sender_reports(audio)
            self._next_report_us = self.due_us + SENDER_REPORT_INTERVAL_US
        for packet in clip.batches[self._index]:
            track = clip.tracks[packet.track]
            if not audio and track.media == "audio":
                continue
            header = self.numbering[packet.track].next_header(
                packet.flags,
                packet.marker_and_type & 0x80 | self._payload_types[packet.track],
                packet.ticks,
                len(packet.payload),
            )
            packets.append((packet.track, False, header + packet.payload))
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

    def _sender_reports(self, audio: bool) -> list[tuple[int, bool, bytes]]:
        now_unix_s = self._started_at_unix_s + self.due_us / 1e6
        into_loop_us = self.due_us - self._loop_start_us
        return [
            (track, True, numbering.sender_report(now_unix_s, into_loop_us * numbering.clock_rate // 1_000_000))
            for track, numbering in enumerate(self.numbering)
            if audio or self.clip.tracks[track].media != "audio"
        ]


_PICTURE = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=15"]
_SOUND = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate={rate}"]
_H264 = "-c:v libx264 -preset slow -profile:v main -b:v 80k -maxrate 90k -bufsize 90k -g 15 -bf 0 -sc_threshold 0"
_H265 = "-c:v libx265 -preset fast -b:v 80k -x265-params bframes=0:keyint=15:min-keyint=15:scenecut=0:log-level=error"
# SPS and PPS (VPS) in band before each key frame too, as cameras send them.
_IN_BAND = "-pix_fmt yuv420p -bsf:v dump_extra=freq=keyframe"
_RECIPES: dict[str, tuple[int | None, str]] = {
    "h264_aac": (16000, f"{_H264} {_IN_BAND} -c:a aac -b:a 24k -ac 1"),
    "h264": (None, f"{_H264} {_IN_BAND}"),
    "h264_pcma": (8000, f"{_H264} {_IN_BAND} -c:a pcm_alaw -ac 1"),
    "h265": (None, f"{_H265} {_IN_BAND}"),
}


async def record(name: str, ffmpeg: str = "ffmpeg") -> bytes:
    """Encode one clip with ffmpeg, publish it to a stand-in server, keep the RTP; returns the file's content."""
    from restream.demo.media_server import StandInServer  # noqa: PLC0415 - only to record, not to play

    rate, codecs = _RECIPES[name]
    captured: list[tuple[int, bytes]] = []
    descriptions: list[str] = []

    def keep(_path: str, track: int, packet: bytes) -> None:
        captured.append((track, packet))
        if not descriptions:
            descriptions.append(server.description("clip") or "")

    async with StandInServer(on_packet=keep) as server:
        sound = [part.format(rate=rate) for part in _SOUND] if rate else []
        process = await asyncio.create_subprocess_exec(
            *(ffmpeg, "-v", "error", "-nostdin", *_PICTURE, *sound, "-t", "7", *codecs.split(), "-max_delay", "0"),
            *("-f", "rtsp", "-rtsp_transport", "tcp", "-pkt_size", "1316", f"{server.rtsp_url}/clip"),
        )
        if await process.wait() != 0 or not descriptions:
            raise ClipError("ffmpeg could not make the clip")
    return _file(descriptions[0], captured)


def _file(sdp: str, captured: list[tuple[int, bytes]]) -> bytes:
    tracks = sdp_tracks(sdp)
    first = {track: parse_header(packet).timestamp for track, packet in reversed(captured)}
    placed: list[tuple[int, int, bytes]] = []
    for track, packet in captured:
        ticks = (parse_header(packet).timestamp - first[track]) & 0xFFFFFFFF
        offset_us = -(-ticks * 1_000_000 // tracks[track].clock_rate)
        if offset_us < _DURATION_US:
            placed.append((offset_us, track, packet))
    placed.sort(key=lambda item: item[0])
    content = "".join(line for line in sdp.splitlines(keepends=True) if not line.startswith("a=tool:")).encode()
    parts = [_FILE_HEADER.pack(_MAGIC, 1, len(tracks), _DURATION_US, len(content)), content]
    for offset_us, track, packet in placed:
        parts += (_PACKET_HEADER.pack(offset_us, track, len(packet)), packet)
    return b"".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the clips of the simulated cameras anew.")
    parser.add_argument("command", choices=["record"])
    parser.add_argument("--ffmpeg", default="ffmpeg")
    parser.add_argument("--folder", type=Path, default=CLIPS_FOLDER)
    arguments = parser.parse_args()
    for name in CLIPS:
        target: Path = arguments.folder / f"{name}.clip"
        target.write_bytes(asyncio.run(record(name, arguments.ffmpeg)))
        sys.stdout.write(f"{target} {target.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
