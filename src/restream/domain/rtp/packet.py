"""What an RTP packet looks like, and how sequence numbers follow one another (RFC 3550 §5.1, A.1)."""

from __future__ import annotations

import struct

Buffer = bytes | bytearray | memoryview
"""Where packets lie: each from an offset to another."""

HEADER_BYTES = 12
MAX_DROPOUT = 3000
"""A number so far ahead follows nothing: the sender has begun anew."""
MAX_MISORDER = 100
"""A packet that is further behind is not late."""
read_header = struct.Struct(">HHII").unpack_from
"""Version, flags, marker and payload type (16 bits), sequence number, timestamp, source (SSRC)."""
FRAME_HEAD_BYTES = 4
"""Of an interleaved frame (RFC 2326 §10.12): a dollar sign, the channel, and how many bytes follow."""
INTERLEAVED_BYTES = FRAME_HEAD_BYTES + HEADER_BYTES
read_interleaved = struct.Struct(">HHHHQ").unpack_from
"""Dollar sign and channel, bytes that follow; then as `read_header`, timestamp and source in one."""
_EXTENSION_LENGTH = struct.Struct(">H").unpack_from


def payload_bounds(data: Buffer, begin: int, end: int) -> tuple[int, int] | None:
    """Where the payload of data[begin:end] begins and ends, at least a header; None: its lengths are not true.

    Padding of 0 bytes is announced by senders that only set the flag, and is none (RFC 3550 §5.1 would count itself).
    """
    flags = data[begin]
    at = begin + HEADER_BYTES + 4 * (flags & 0x0F)
    if flags & 0x10:
        if at + 4 > end:
            return None
        at += 4 + 4 * _EXTENSION_LENGTH(data, at + 2)[0]
    stop = end - data[end - 1] if flags & 0x20 else end
    return (at, stop) if at <= stop else None


def ahead(sequence: int, expected: int) -> int:
    """How far a number is ahead of the expected one, over wrap-arounds: -32768 … 32767."""
    return ((sequence - expected + 0x8000) & 0xFFFF) - 0x8000
