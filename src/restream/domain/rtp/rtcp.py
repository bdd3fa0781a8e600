"""Reading RTCP (RFC 3550 §6): sender reports and farewells in compound packets, whatever else is in them."""

from __future__ import annotations

import struct
from typing import NamedTuple

from restream.domain.rtp.packet import Buffer

NTP_EPOCH_S = 2_208_988_800
"""From 1900, where NTP begins to count, to 1970."""
_ERA_S = 1 << 32
_YEAR_S = 365.25 * 86400
# A clock nobody has set begins in 1900 or 1970 and counts its uptime; RFC 3550 §6.4.1 allows that.
_EARLIEST_S = 946_684_800.0  # 2000-01-01
_LATEST_AHEAD_S = 5 * _YEAR_S

_SENDER_REPORT, _BYE = 200, 203
_TYPES = range(192, 224)  # RFC 5761 §4
_COMMON = struct.Struct(">BBH").unpack_from
_SENDER_INFO = struct.Struct(">III").unpack_from
_SSRC = struct.Struct(">I").unpack_from
_SENDER_REPORT_BYTES = 28


class SenderReport(NamedTuple):
    """The camera's wall clock: NTP seconds since 1900, modulo 2³², and their fraction in 2⁻³² s; 0, 0: it has none."""

    ssrc: int
    ntp_seconds: int
    ntp_fraction: int

    @property
    def middle(self) -> int:
        """The middle 32 bits of the moment, which a receiver report gives back (LSR)."""
        return (self.ntp_seconds & 0xFFFF) << 16 | self.ntp_fraction >> 16

    def clock_offset_s(self, wall: float) -> float | None:
        """The camera's clock minus `wall`, seconds since 1970; None where it cannot be a wall clock.

        NTP wraps in 2036: of its eras the one nearest to ours is meant.
        """
        if not self.ntp_seconds:
            return None
        told = self.ntp_seconds - NTP_EPOCH_S + self.ntp_fraction / _ERA_S
        told += _ERA_S * round((wall - told) / _ERA_S)
        return told - wall if _EARLIEST_S <= told <= wall + _LATEST_AHEAD_S else None


class Rtcp(NamedTuple):
    """What a compound packet says."""

    report: SenderReport | None = None
    farewells: tuple[int, ...] | None = None
    """Sources that say BYE, none named: all; None: nobody does."""
    intact: bool = True
    """False: it is no RTCP, or its lengths are not true; what could be read stands above."""


def read_rtcp(data: Buffer, begin: int, end: int) -> Rtcp:
    """Everything in data[begin:end]; the last sender report counts. Never raises."""
    report: SenderReport | None = None
    farewells: tuple[int, ...] | None = None
    at = begin
    while at + 4 <= end:
        flags, kind, words = _COMMON(data, at)
        if flags >> 6 != 2 or kind not in _TYPES:
            break
        # What a lying length still leaves of a report is read.
        stop = min(at + 4 * (words + 1), end)
        if kind == _SENDER_REPORT and stop - at >= _SENDER_REPORT_BYTES:
            report = SenderReport(*_SENDER_INFO(data, at + 4))
        elif kind == _BYE:
            named = min(flags & 0x1F, (stop - at - 4) // 4)
            farewells = (farewells or ()) + tuple(_SSRC(data, at + 4 + 4 * n)[0] for n in range(named))
        at += 4 * (words + 1)
    return Rtcp(report, farewells, at == end > begin)
