"""Everything that reads RTP and RTCP of a camera: any bytes, as a sequence of packets."""

from __future__ import annotations

from collections.abc import Iterator

from restream.domain.rtp.key_frames import FIRST, KEY, LOOKS, PICTURE
from restream.domain.rtp.meter import TrackMeter
from restream.domain.rtp.receiver_report import ReceiverReports
from restream.domain.rtp.reorder import ReorderBuffer
from restream.domain.rtp.rtcp import read_rtcp

_CODECS = ("aac", *sorted(LOOKS))
_HEADER = b"\x80\x60"
_MOST_MISSING = 500
_WALL = 1_800_000_000.0


def packets_of(data: bytes) -> Iterator[bytes]:
    """A byte of length, then so many bytes; of a length of 128 and more, version and payload type are right."""
    at = 0
    while at < len(data):
        length = data[at]
        packet = data[at + 1 : at + 1 + (length & 0x7F)]
        yield _HEADER + packet[2:] if length & 0x80 else packet
        at += 1 + (length & 0x7F)


def rtp_packets(data: bytes) -> None:
    """A track of any codec: its books are kept, bytes and views are read alike, a buffer gives it in order."""
    if not data:
        return
    codec, packets = _CODECS[data[0] % len(_CODECS)], list(packets_of(data[1:]))
    meter, same = (TrackMeter(codec, 90_000, 96) for _ in range(2))
    buffer, behind = ReorderBuffer(8, 0.5), 0
    for index, packet in enumerate(packets):
        now = index / 10
        begins = meter.take(packet, 0, len(packet), now)
        around = memoryview(b"$" * 4 + packet + b"\xff" * 4)
        assert same.take(around, 4, 4 + len(packet), now) is begins
        given = buffer.due(now) + buffer.put(packet, now)
        assert all(arrival.at <= now for arrival in given) and len(buffer) <= 8
        behind += len(given)
    report = meter.report(1e3)
    assert report == same.report(1e3)
    assert report.packets + report.duplicates + report.malformed + report.foreign == len(packets)
    assert report.lost >= 0 and report.key_frames <= report.packets and len(meter._missing) <= _MOST_MISSING
    assert behind + len(buffer.flush()) + buffer.late + buffer.duplicates == len(packets)
    for look in LOOKS.values():
        for packet in packets:
            assert not packet or 0 <= look(packet, 0, len(packet)) <= PICTURE | FIRST | KEY


def rtcp_packets(data: bytes) -> None:
    """What a camera tells of its clock and end; what we tell it is always a whole packet."""
    meter, reports = TrackMeter("h264", 90_000, 96), ReceiverReports(7, "restream")
    meter.take(_HEADER + bytes(11), 0, 13, 0.0)
    for index, packet in enumerate((data, *packets_of(data))):
        found = read_rtcp(packet, 0, len(packet))
        assert read_rtcp(memoryview(b"$" + packet + b"\xff" * 40), 1, 1 + len(packet)) == found
        assert found.farewells is None or len(found.farewells) <= len(packet) // 4
        meter.take_rtcp(packet, 0, len(packet), index / 10, _WALL)
        offset_s = meter.report(index / 10).clock_offset_s
        assert offset_s is None or abs(offset_s) < 1e9
        told = reports.build(meter.reception(index / 10))
        assert read_rtcp(told, 0, len(told)).intact


RTP_TARGETS = (rtp_packets, rtcp_packets)
