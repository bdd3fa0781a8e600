"""File format `*.clip`, big endian:

magic "RCLP", version u8 = 1, tracks u8, duration_us u32, sdp_bytes u16, sdp
then packets until the end: offset_us u32, track u8, rtp_bytes u16, RTP packet
"""

import struct
from typing import NamedTuple

_MAGIC = b"RCLP"
_VERSION = 1
_FILE_HEADER = struct.Struct(">4sBBIH")
_PACKET_HEADER = struct.Struct(">IBH")


class ClipError(Exception):
    """Not a clip file, or a damaged one."""


class RecordedPacket(NamedTuple):
    """One RTP packet as it was captured; offsets count from the start of the clip."""

    offset_us: int
    track: int
    rtp: bytes


class ClipFile(NamedTuple):
    """What a clip file holds."""

    sdp: str
    duration_us: int
    packets: list[RecordedPacket]


def encode(sdp: str, tracks: int, duration_us: int, packets: list[RecordedPacket]) -> bytes:
    """The content of a clip file; `tracks` is their number."""
    content = sdp.encode()
    parts = [_FILE_HEADER.pack(_MAGIC, _VERSION, tracks, duration_us, len(content)), content]
    for offset_us, track, rtp in packets:
        parts += (_PACKET_HEADER.pack(offset_us, track, len(rtp)), rtp)
    return b"".join(parts)


def decode(data: bytes) -> ClipFile:
    """Raises ClipError."""
    try:
        magic, version, _, duration_us, sdp_bytes = _FILE_HEADER.unpack_from(data)
        if magic != _MAGIC or version != _VERSION or duration_us == 0:
            raise ClipError(f"not a clip file of version {_VERSION}")
        position = _FILE_HEADER.size + sdp_bytes
        sdp = data[_FILE_HEADER.size : position].decode()
        packets: list[RecordedPacket] = []
        while position < len(data):
            offset_us, track, size = _PACKET_HEADER.unpack_from(data, position)
            position += _PACKET_HEADER.size
            packets.append(RecordedPacket(offset_us, track, data[position : position + size]))
            position += size
    except (struct.error, UnicodeDecodeError) as error:
        raise ClipError(f"damaged clip: {error}") from error
    if position != len(data):
        raise ClipError("the last packet is cut off")
    return ClipFile(sdp, duration_us, packets)
