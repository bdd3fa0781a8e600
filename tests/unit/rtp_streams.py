"""RTP of a camera for tests: packets as its writer numbers them, and a meter that is fed with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from restream.demo.rtp import Numbering
from restream.domain.rtp.meter import TrackMeter
from restream.domain.rtp.report import TrackReport

TYPE = 96
RATE_HZ = 90_000
FPS = 25
TICKS = RATE_HZ // FPS
# Units of H.264 (RFC 6184): header, first byte of the slice (bit 7: first_mb_in_slice is 0), data.
SPS, PPS, AUD, RECOVERY = b"\x67\x4d\x00\x1f", b"\x68\xee\x3c\x80", b"\x09\x10", b"\x06\x06\x01\x84\x80"
IDR, SLICE = b"\x65\x88\x84", b"\x41\x9a\x24"
IDR_BEHIND, SLICE_BEHIND = b"\x65\x07\x84", b"\x41\x07\x24"


class Sent(NamedTuple):
    """A packet, and when it arrives."""

    data: bytes
    at: float


class Camera:
    """Writes the packets of one track; its frames are 1/25 s apart."""

    def __init__(self, sequence: int = 65_530, timestamp: int = 0xFFFFFFFF - 2 * TICKS, ssrc: int = 7) -> None:
        self.numbering = Numbering(RATE_HZ, ssrc=ssrc, sequence=sequence, timestamp=timestamp)
        self.at = 100.0

    def packet(self, payload: bytes, *, marker: bool = False, ticks: int = 0, kind: int = TYPE) -> Sent:
        """The next one; `ticks` against the frame that is due."""
        header = self.numbering.next_header(0x80, (0x80 if marker else 0) | kind, ticks, len(payload))
        return Sent(header + payload, self.at)

    def frame(self, *payloads: bytes, markers: Sequence[bool] | None = None) -> list[Sent]:
        """A frame of these payloads, the last one marked; the next is due 1/25 s later."""
        marked = markers or [False] * (len(payloads) - 1) + [True]
        packets = [self.packet(each, marker=mark) for each, mark in zip(payloads, marked, strict=True)]
        self.wait(1 / FPS)
        return packets

    def wait(self, seconds: float) -> None:
        """Nothing is sent for so long."""
        self.at += seconds
        self.numbering.advance(round(seconds * RATE_HZ))

    def pictures(self, groups: int, length: int = 10, slices: int = 3) -> list[Sent]:
        """Groups of pictures: parameters, IDR and then predicted ones, each of so many fragments."""
        sent: list[Sent] = []
        for _ in range(groups):
            sent += self.frame(SPS, PPS, *fragments(IDR, slices))
            for _ in range(length - 1):
                sent += self.frame(*fragments(SLICE, slices))
        return sent


def fragments(unit: bytes, count: int) -> list[bytes]:
    """FU-A of one unit (RFC 6184 §5.8)."""
    indicator, kind = unit[0] & 0xE0 | 28, unit[0] & 0x1F
    flags = [0x80 if index == 0 else 0x40 if index == count - 1 else 0 for index in range(count)]
    return [bytes([indicator, flag | kind]) + unit[1:] + bytes(40) for flag in flags]


def aggregate(*units: bytes) -> bytes:
    """STAP-A (RFC 6184 §5.7.1)."""
    return b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def feed(meter: TrackMeter, sent: Iterable[Sent]) -> list[int]:
    """The places of those with which the meter says that a key frame begins."""
    return [index for index, (data, at) in enumerate(sent) if meter.take(data, 0, len(data), at)]


def measure(sent: Iterable[Sent], codec: str = "h264", rate_hz: int = RATE_HZ) -> TrackReport:
    """What a meter says of them a second later."""
    meter, packets = TrackMeter(codec, rate_hz, TYPE), list(sent)
    feed(meter, packets)
    return meter.report(packets[-1].at + 1)
