"""What we tell a camera of how its packets arrive: RTCP receiver reports (RFC 3550 §6.4.2), for cameras that want one.

Some end a stream over UDP when they hear none.
"""

from __future__ import annotations

import struct

from restream.domain.rtp.meter import Reception

_REPORT = struct.Struct(">BBHI")
_BLOCK = struct.Struct(">IIIIII")
_RECEIVER_REPORT, _SOURCE_DESCRIPTION, _CNAME = 201, 202, 1
_MAX_LOST, _MIN_LOST = 0x7FFFFF, -0x800000
_MAX_NAME_BYTES = 255


class ReceiverReports:
    """Makes the reports of one track, one after the other: each tells the loss since the one before."""

    def __init__(self, ssrc: int, cname: str) -> None:
        """`ssrc`: our own source, 32 random bits; `cname`: our name, the same in all tracks of a camera."""
        self._ssrc = ssrc & 0xFFFFFFFF
        self._description = _source_description(self._ssrc, cname)
        self._source: int | None = None
        self._expected = self._lost = 0

    def build(self, reception: Reception | None) -> bytes:
        """A compound packet: what was received (nothing: a report without blocks), and who says so."""
        if reception is None:
            return _REPORT.pack(0x80, _RECEIVER_REPORT, 1, self._ssrc) + self._description
        if reception.ssrc != self._source or reception.expected < self._expected:
            self._expected = self._lost = 0
        expected, lost = reception.expected - self._expected, reception.lost - self._lost
        self._source, self._expected, self._lost = reception.ssrc, reception.expected, reception.lost
        # Late packets may make it negative; RFC 3550 A.3 tells that as none.
        fraction = min(255, max(0, lost) * 256 // expected) if expected > 0 else 0
        total = min(_MAX_LOST, max(_MIN_LOST, reception.lost)) & 0xFFFFFF
        delay = min(0xFFFFFFFF, round(reception.since_last_report_s * 65536)) if reception.last_report else 0
        block = _BLOCK.pack(
            reception.ssrc,
            fraction << 24 | total,
            reception.highest_sequence & 0xFFFFFFFF,
            min(0xFFFFFFFF, reception.jitter_ticks),
            reception.last_report,
            max(0, delay),
        )
        return _REPORT.pack(0x81, _RECEIVER_REPORT, 7, self._ssrc) + block + self._description


def _source_description(ssrc: int, cname: str) -> bytes:
    """SDES with a CNAME (RFC 3550 §6.5), its chunk filled to a multiple of four bytes, at least one."""
    name = cname.encode()[:_MAX_NAME_BYTES]
    chunk = struct.pack(">IBB", ssrc, _CNAME, len(name)) + name
    chunk += bytes(4 - len(chunk) % 4)
    return struct.pack(">BBH", 0x81, _SOURCE_DESCRIPTION, len(chunk) // 4) + chunk
