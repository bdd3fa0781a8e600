"""Behaviours of what is played: silence, slowness, other codecs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from restream.demo.behaviours.behaviour import Behaviour
from restream.demo.clips import Clip, ClipPacket
from restream.demo.sdp import SdpTrack, sdp_sections


@dataclass(frozen=True, slots=True)
class SendsNo(Behaviour):
    """Nothing of one kind of media ("video", "audio"; empty: of any) from `after_s` after PLAY on."""

    media: str = ""
    after_s: float = 0.0

    def silences(self, track: SdpTrack, played_s: float) -> bool:
        """Whether the track is of that kind, and the time has come."""
        return played_s >= self.after_s and self.media in ("", track.media)


@dataclass(frozen=True, slots=True)
class DelaysKeyFrames(Behaviour):
    """No key frame and no parameter set in band before `after_s`; what refers to them is sent."""

    after_s: float

    def withholds(self, track: SdpTrack, packet: ClipPacket, played_s: float) -> bool:
        """Whether the packet is part of a key frame that comes too early."""
        return played_s < self.after_s and opens_pictures(track.encoding, packet.payload)


@dataclass(frozen=True, slots=True)
class SendsFrameEvery(Behaviour):
    """Key frames alone, one in so many seconds, and no sound."""

    every_s: float = 5.0

    def clip(self, clip: Clip) -> Clip:
        """The clip's key frames that far apart."""
        return _slowed(clip, round(self.every_s * 1_000_000))


@dataclass(frozen=True, slots=True)
class FillsUp(Behaviour):
    """H.264 of a constant bit rate, by filler data (NAL units of type 12) where the pictures are smaller."""

    bits_per_s: int

    def clip(self, clip: Clip) -> Clip:
        """The clip with so much more in it."""
        return _filled(clip, self.bits_per_s)


@dataclass(frozen=True, slots=True)
class ChangesCodec(Behaviour):
    """The video is of another codec: H.265 where it was H.264, and the other way round."""

    def clip(self, clip: Clip) -> Clip:
        """The same sound with another video codec."""
        is_h265 = any(track.encoding == "H265" for track in clip.tracks)
        return clip.with_video_of(Clip.load("h264" if is_h265 else "h265"))


def opens_pictures(encoding: str, payload: bytes) -> bool:
    """Whether an RTP payload holds (a part of) a key frame or parameter sets: RFC 6184 §5, RFC 7798 §4.4."""
    if encoding == "H264":
        return any(kind in (5, 7, 8) for kind in _nal_types(payload, 1, 0x1F, 0, aggregate=24, fragments=(28, 29)))
    if encoding == "H265":
        kinds = _nal_types(payload, 2, 0x3F, 1, aggregate=48, fragments=(49,))
        return any(16 <= kind <= 23 or 32 <= kind <= 34 for kind in kinds)
    return False


def _nal_types(
    payload: bytes, header_bytes: int, mask: int, shift: int, *, aggregate: int, fragments: tuple[int, ...]
) -> Iterator[int]:
    if len(payload) <= header_bytes:
        return
    kind = payload[0] >> shift & mask
    if kind in fragments:  # the header of the fragment has the type unshifted
        yield payload[header_bytes] & mask
    elif kind == aggregate:
        position = header_bytes
        while position + 2 < len(payload):
            yield payload[position + 2] >> shift & mask
            position += 2 + int.from_bytes(payload[position : position + 2], "big")
    else:
        yield kind


_FILLER = b"\x0c" + bytes((255,)) * 1300 + b"\x80"


@cache
def _filled(clip: Clip, bits_per_s: int) -> Clip:
    video = next(number for number, track in enumerate(clip.tracks) if track.media == "video")
    ends = [packet for packet in clip.packets if packet.track == video and packet.marker_and_type & 0x80]
    lacking = bits_per_s * clip.duration_us / 8e6 - sum(len(packet.payload) for packet in clip.packets)
    each = max(0, round(lacking / len(_FILLER) / len(ends)))
    packets: list[ClipPacket] = []
    for packet in clip.packets:
        if packet.track == video and packet.marker_and_type & 0x80:
            unmarked = replace(packet, marker_and_type=packet.marker_and_type & 0x7F)
            packets += [unmarked, *[replace(unmarked, payload=_FILLER)] * (each - 1), replace(packet, payload=_FILLER)]
        else:
            packets.append(packet)
    return Clip.of(f"{clip.name} filled", clip.sdp, clip.duration_us, packets)


@cache
def _slowed(clip: Clip, every_us: int) -> Clip:
    head, sections = sdp_sections(clip.sdp)
    video = next(number for number, track in enumerate(clip.tracks) if track.media == "video")
    track = clip.tracks[video]
    pictures = [packet for packet in clip.packets if packet.track == video]
    key_frames = sorted({each.ticks for each in pictures if opens_pictures(track.encoding, each.payload)})
    packets = [
        replace(
            packet,
            track=0,
            offset_us=number * every_us,
            ticks=number * every_us * track.clock_rate // 1_000_000,
        )
        for number, ticks in enumerate(key_frames)
        for packet in pictures
        if packet.ticks == ticks
    ]
    return Clip.of(f"{clip.name} slowed", head + sections[video], len(key_frames) * every_us, packets)
