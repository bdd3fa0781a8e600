"""RTP and RTCP (RFC 3550): headers, renumbering, sender reports.

Timestamps count ticks of a track's clock (90 kHz for video); sequence numbers are 16 bits, timestamps 32 bits wide.
"""

import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

RTP_HEADER_BYTES = 12
NTP_EPOCH_OFFSET_S = 2_208_988_800  # 1900-01-01 to 1970-01-01, RFC 5905
_HEADER = struct.Struct(">BBHII")


class RtpError(Exception):
    """Not an RTP packet that we can handle."""


@dataclass(frozen=True, slots=True)
class RtpHeader:
    """The fixed part of an RTP header (RFC 3550); the timestamp counts ticks of the clock of its track."""

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int


class OutgoingPacket(NamedTuple):
    """One RTP or RTCP packet of a track, numbered and ready to be sent."""

    track: int
    is_rtcp: bool
    data: bytes


def parse_header(packet: bytes) -> RtpHeader:
    """The fixed header of a packet. Raises RtpError."""
    if len(packet) < RTP_HEADER_BYTES:
        raise RtpError("short packet")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(packet)
    if first >> 6 != 2:
        raise RtpError("not RTP version 2")
    return RtpHeader(bool(second & 0x80), second & 0x7F, sequence, timestamp, ssrc)


def ticks_since_first(packets: Sequence[tuple[int, bytes]]) -> list[int]:
    """For each (track, packet), the ticks since the first packet of its track. Raises RtpError."""
    first: dict[int, int] = {}
    ticks = []
    for track, packet in packets:
        timestamp = parse_header(packet).timestamp
        ticks.append((timestamp - first.setdefault(track, timestamp)) & 0xFFFFFFFF)
    return ticks


class Numbering:
    """Gives the packets of one outgoing track rising numbers, whatever recording they come from, however often."""

    def __init__(self, clock_rate: int, *, ssrc: int, sequence: int, timestamp: int) -> None:
        self.clock_rate = clock_rate
        self.ssrc = ssrc
        self.sequence = sequence & 0xFFFF
        self.origin = timestamp & 0xFFFFFFFF
        self.packets_total = 0
        self.payload_bytes_total = 0

    @classmethod
    def random(cls, clock_rate: int, rng: random.Random) -> "Numbering":
        # Never near 0: some readers take a first timestamp of 0 for "unknown".
        return cls(
            clock_rate,
            ssrc=rng.randrange(1, 1 << 32),
            sequence=rng.randrange(1 << 16),
            timestamp=rng.randrange(1 << 16, 1 << 31),
        )

    def timestamp(self, ticks: int) -> int:
        """RTP timestamp `ticks` after the current origin."""
        return (self.origin + ticks) & 0xFFFFFFFF

    def next_header(self, flags: int, marker_and_type: int, ticks: int, payload_bytes: int) -> bytes:
        """Header of the next packet; `flags` and `marker_and_type` are the first two bytes of the recorded one."""
        header = _HEADER.pack(flags, marker_and_type, self.sequence, self.timestamp(ticks), self.ssrc)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.packets_total += 1
        self.payload_bytes_total += payload_bytes
        return header

    def advance(self, ticks: int) -> None:
        """Move the origin: one loop of the recording is over, or time has passed in silence."""
        self.origin = (self.origin + ticks) & 0xFFFFFFFF

    def sender_report(self, unix_time_s: float, ticks: int) -> bytes:
        """RTCP SR that ties wall clock time to the timestamp `ticks` after the origin (RFC 3550 §6.4.1)."""
        seconds = int(unix_time_s)
        fraction = int((unix_time_s - seconds) * (1 << 32))
        return struct.pack(
            ">BBHIIIIII",
            0x80,
            200,
            6,
            self.ssrc,
            (seconds + NTP_EPOCH_OFFSET_S) & 0xFFFFFFFF,
            fraction,
            self.timestamp(ticks),
            self.packets_total & 0xFFFFFFFF,
            self.payload_bytes_total & 0xFFFFFFFF,
        )
