"""A picture that freezes while everything else goes on."""

from dataclasses import dataclass, replace
from functools import cache

from restream.demo.behaviours.behaviour import Behaviour
from restream.demo.behaviours.media import opens_pictures
from restream.demo.clips import Clip, ClipPacket


@dataclass(frozen=True, slots=True)
class FreezesPicture(Behaviour):
    """The clip a few times, and then its first key frame in the place of each picture; sound goes on. And so on."""

    moving_loops: int = 2
    frozen_loops: int = 50

    def clip(self, clip: Clip) -> Clip:
        """All of it as one clip."""
        return _freezing(clip, self.moving_loops, self.frozen_loops)


@cache
def _freezing(clip: Clip, moving_loops: int, frozen_loops: int) -> Clip:
    still = _frozen(clip)
    packets = [
        _later(clip, packet, loop)
        for loop in range(moving_loops + frozen_loops)
        for packet in (clip.packets if loop < moving_loops else still)
    ]
    duration_us = (moving_loops + frozen_loops) * clip.duration_us
    return Clip.of(f"{clip.name} freezing", clip.sdp, duration_us, packets)


def _frozen(clip: Clip) -> list[ClipPacket]:
    """One key frame again and again, at the pace of the clip."""
    video = next(number for number, track in enumerate(clip.tracks) if track.media == "video")
    pictures = [packet for packet in clip.packets if packet.track == video]
    encoding = clip.tracks[video].encoding
    first = next(packet.ticks for packet in pictures if opens_pictures(encoding, packet.payload))
    parts = [packet for packet in pictures if packet.ticks == first]
    begins = {packet.ticks: packet.offset_us for packet in reversed(pictures)}
    packets = [packet for packet in clip.packets if packet.track != video]
    packets += [
        replace(part, ticks=ticks, offset_us=offset_us) for ticks, offset_us in begins.items() for part in parts
    ]
    # Sorting keeps the parts of a picture in their order.
    return sorted(packets, key=lambda packet: packet.offset_us)


def _later(clip: Clip, packet: ClipPacket, loop: int) -> ClipPacket:
    if loop == 0:
        return packet
    ticks = loop * clip.duration_us * clip.tracks[packet.track].clock_rate // 1_000_000
    return replace(packet, offset_us=packet.offset_us + loop * clip.duration_us, ticks=packet.ticks + ticks)
