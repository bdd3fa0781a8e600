"""A camera's MPEG transport stream over RTP (RFC 2250): H.264 and AAC in one track, cut from what ffmpeg muxes."""

import asyncio

from restream.demo.clip_file import ClipError
from restream.demo.clips import Clip, ClipPacket
from restream.demo.recording import PICTURE_AND_SOUND

_TS_BYTES = 188
_TS_PER_PACKET = 7
_PCR_HZ = 90_000
_FRAME_US = 66_667
_SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=No Name\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 33\r\na=control:streamid=0\r\n"
)


async def make_mpegts(duration_s: float = 60.0, ffmpeg: str = "ffmpeg") -> Clip:
    """A clip to be played once: its inner clocks start anew with each loop. Raises ClipError."""
    process = await asyncio.create_subprocess_exec(
        *(ffmpeg, "-v", "error", "-nostdin", *PICTURE_AND_SOUND.split(), "-preset", "ultrafast"),
        *("-t", f"{duration_s:g}", "-f", "mpegts", "-"),
        stdout=asyncio.subprocess.PIPE,
    )
    muxed, _ = await process.communicate()
    if process.returncode:
        raise ClipError("ffmpeg could not make a transport stream")
    return clip_of(muxed)


def clip_of(stream: bytes) -> Clip:
    """Seven transport packets to an RTP packet, at the time of the last PCR before. Raises ClipError."""
    pieces = [stream[start : start + _TS_BYTES] for start in range(0, len(stream), _TS_BYTES)]
    if not pieces or len(pieces[-1]) != _TS_BYTES or any(piece[0] != 0x47 for piece in pieces):
        raise ClipError("not a transport stream")
    clock = [each for piece in pieces if (each := _pcr(piece)) is not None]
    if not clock:
        raise ClipError("a transport stream without a clock")
    packets = []
    now = first = clock[0]
    for start in range(0, len(pieces), _TS_PER_PACKET):
        together = pieces[start : start + _TS_PER_PACKET]
        now = next((each for piece in together if (each := _pcr(piece)) is not None), now)
        ticks = max(0, now - first)
        packets.append(ClipPacket(ticks * 1_000_000 // _PCR_HZ, 0, 0x80, 33, ticks, b"".join(together)))
    duration_us = (clock[-1] - first) * 1_000_000 // _PCR_HZ + _FRAME_US
    return Clip.of("mpegts", _SDP, duration_us, packets)


def _pcr(packet: bytes) -> int | None:
    """The program clock reference in ticks of 90 kHz (ISO 13818-1 §2.4.3.5), where a packet has one."""
    has_field = packet[3] & 0x20 and packet[4] >= 7 and packet[5] & 0x10
    return int.from_bytes(packet[6:11], "big") >> 7 if has_field else None
