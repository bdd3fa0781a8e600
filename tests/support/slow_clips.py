"""Recordings of cameras that let one wait: a late first key frame, few frames a second."""

from __future__ import annotations

from dataclasses import replace

from restream.demo.clips import Clip, ClipPacket

_LOOPS = 30
_FRAGMENT = 28
_OPENS_PICTURES = frozenset({5, 7, 8})


def late_key_frame(after_s: float) -> Clip:
    """H.264 whose first key frame comes so long after PLAY; its parameter sets are in the description alone."""
    clip = Clip.load("h264")
    ticks_per_us = clip.tracks[0].clock_rate / 1e6
    packets = [
        replace(
            packet,
            offset_us=packet.offset_us + loop * clip.duration_us,
            ticks=packet.ticks + round(loop * clip.duration_us * ticks_per_us),
        )
        for loop in range(_LOOPS)
        for packet in clip.packets
        if packet.offset_us + loop * clip.duration_us >= after_s * 1e6 or not _opens_a_picture(packet)
    ]
    return Clip.of("late key frame", clip.sdp, _LOOPS * clip.duration_us, packets)


def one_frame_every(seconds: float) -> Clip:
    """H.264 of key frames alone, one in so many seconds."""
    clip = Clip.load("h264")
    key_frames = sorted({packet.ticks for packet in clip.packets if _opens_a_picture(packet)})
    every_us = round(seconds * 1e6)
    packets = [
        replace(packet, offset_us=number * every_us, ticks=round(number * every_us * clip.tracks[0].clock_rate / 1e6))
        for number in range(_LOOPS)
        for packet in clip.packets
        if packet.ticks == key_frames[number % len(key_frames)]
    ]
    return Clip.of("one frame every few seconds", clip.sdp, _LOOPS * every_us, packets)


def _opens_a_picture(packet: ClipPacket) -> bool:
    """Part of a key frame or a parameter set (RFC 6184, single NAL units and FU-A)."""
    kind = packet.payload[0] & 0x1F
    return (packet.payload[1] & 0x1F if kind == _FRAGMENT else kind) in _OPENS_PICTURES
