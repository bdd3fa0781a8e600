"""RTCP: what a camera tells of its clock and its end, and what we tell it."""

from __future__ import annotations

import struct

import pytest

from restream.demo.rtp import Numbering
from restream.domain.rtp.meter import Reception, TrackMeter
from restream.domain.rtp.receiver_report import ReceiverReports
from restream.domain.rtp.rtcp import NTP_EPOCH_S, SenderReport, read_rtcp
from tests.unit.rtp_streams import RATE_HZ, TYPE, Camera, feed

WALL = 1_800_000_000.0
SDES = b"\x81\xca\0\x04\0\0\0\x07\x01\x06camera\0\0\0\0"
RECEIVER_REPORT = b"\x80\xc9\0\1\0\0\0\7"
APP = b"\x80\xcc\0\2\0\0\0\7name"
BYE = b"\x81\xcb\0\1\0\0\0\7"


def sender_report(unix_time_s: float = WALL, ssrc: int = 7) -> bytes:
    return Numbering(RATE_HZ, ssrc=ssrc, sequence=0, timestamp=0).sender_report(unix_time_s, 0)


def told(ntp_seconds: int, fraction: int = 0) -> bytes:
    return sender_report()[:8] + struct.pack(">II", ntp_seconds, fraction) + sender_report()[16:]


def metered(*packets: bytes, wall: float = WALL) -> TrackMeter:
    meter = TrackMeter("h264", RATE_HZ, TYPE)
    feed(meter, Camera().pictures(groups=1))
    for data in packets:
        meter.take_rtcp(b"$\1\0\0" + data + b"\xff", 4, 4 + len(data), 101.0, wall)
    return meter


@pytest.mark.parametrize("around", ["{}", "{}+SDES", "RR+{}", "{}+SDES+APP", "SDES+{}+BYE"])
def test_a_sender_report_wherever_it_stands(around: str) -> None:
    named = {"{}": sender_report(WALL + 3.25), "SDES": SDES, "RR": RECEIVER_REPORT, "APP": APP, "BYE": BYE}
    report = metered(b"".join(named[each] for each in around.split("+"))).report(102.0)
    assert (report.clock_offset_s, report.malformed) == (pytest.approx(3.25), 0)


CLOCKS = {
    "right": (WALL, 0.0),
    "an hour behind": (WALL - 3600, -3600.0),
    "a year ahead": (WALL + 31_536_000, 31_536_000.0),
    "2000": (946_684_800.0 + 86_400, 946_771_200.0 - WALL),
    "1970": (5000.0, None),
    "1999": (946_684_799.0, None),
    "far ahead": (WALL + 6 * 31_557_600, None),
}


@pytest.mark.parametrize(("unix_time_s", "offset_s"), CLOCKS.values(), ids=CLOCKS)
def test_the_clock_of_a_camera(unix_time_s: float, offset_s: float | None) -> None:
    assert metered(sender_report(unix_time_s)).report(102.0).clock_offset_s == offset_s


@pytest.mark.parametrize(("seconds", "fraction"), [(0, 0), (0, 1), (1, 0), (100_000, 5), (NTP_EPOCH_S, 0)])
def test_a_clock_that_nobody_has_set(seconds: int, fraction: int) -> None:
    """Uptime since 1900, whose next era begins in 2036, or since 1970."""
    assert metered(told(seconds, fraction)).report(102.0).clock_offset_s is None


def test_after_2036_the_seconds_begin_anew() -> None:
    wall = (1 << 32) - NTP_EPOCH_S + 500.0
    assert metered(told(510), wall=wall).report(102.0).clock_offset_s == pytest.approx(10.0)
    assert metered(told(0xFFFFFFFF), wall=wall).report(102.0).clock_offset_s == pytest.approx(-501.0)


def test_a_clock_that_becomes_absurd_is_not_known_any_more() -> None:
    assert metered(sender_report(), told(0)).report(102.0).clock_offset_s is None


@pytest.mark.parametrize("ssrc", [0, 99])
def test_a_report_that_names_no_or_another_source(ssrc: int) -> None:
    assert metered(sender_report(WALL + 1, ssrc)).report(102.0).clock_offset_s == pytest.approx(1.0)


def test_a_length_that_lies_leaves_what_can_be_read() -> None:
    """Its length told in bytes instead of words."""
    wrong = sender_report(WALL + 1)[:2] + b"\0\x1c" + sender_report(WALL + 1)[4:]
    report = metered(wrong).report(102.0)
    assert (report.clock_offset_s, report.malformed) == (pytest.approx(1.0), 1)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\x80", b"\x80\xc8\0", b"\x80\xc8\0\6", sender_report()[:27], sender_report() + b"\0\0\0"),
        *(b"\x40" + sender_report()[1:], b"\x80\x60" + bytes(26), b"\x80\xc8\xff\xff" + bytes(8), bytes(28)),
        SDES + b"\0\0\0\0",
    ],
)
def test_garbage_is_counted(data: bytes) -> None:
    meter = metered(data)
    assert (meter.report(102.0).malformed, meter.said_bye) == (1, False)


FAREWELLS = {
    "ours": (BYE, True),
    "behind a report": (RECEIVER_REPORT + BYE, True),
    "with words": (b"\x81\xcb\0\3\0\0\0\7\x06reason\0", True),
    "nobody named": (b"\x80\xcb\0\0", True),
    "source 0": (b"\x81\xcb\0\1\0\0\0\0", True),
    "several": (b"\x82\xcb\0\2\0\0\0\1\0\0\0\7", True),
    "another": (b"\x81\xcb\0\1\0\0\0\1", False),
    "more named than there are": (b"\x9f\xcb\0\1\0\0\0\7", True),
}


@pytest.mark.parametrize(("data", "said"), FAREWELLS.values(), ids=FAREWELLS)
def test_a_farewell(data: bytes, said: bool) -> None:
    assert metered(data).said_bye is said


def test_who_begins_anew_has_not_said_farewell() -> None:
    meter = metered(BYE)
    feed(meter, Camera(ssrc=8).pictures(groups=1))
    assert not meter.said_bye


# What we tell.


def test_nothing_received() -> None:
    reports = ReceiverReports(0x11223344, "restream")
    assert TrackMeter("h264", RATE_HZ, TYPE).reception(1.0) is None
    assert reports.build(None) == (
        b"\x80\xc9\0\1\x11\x22\x33\x44" + b"\x81\xca\0\x04\x11\x22\x33\x44" + b"\x01\x08restream\0\0"
    )


@pytest.mark.parametrize("length", [*range(10), 255, 300])
def test_a_name_fills_whole_words(length: int) -> None:
    data = ReceiverReports(1, "x" * length).build(None)
    assert read_rtcp(data, 0, len(data)).intact and data.endswith(b"\0")
    assert data[8 + 9] == min(length, 255)


def block(data: bytes) -> tuple[int, ...]:
    """Source, fraction, total lost, highest sequence, jitter, LSR, DLSR."""
    assert data[:4] == b"\x81\xc9\0\7" and read_rtcp(data, 0, len(data)).intact
    source, lost, *rest = struct.unpack_from(">IIIIII", data, 8)
    total = lost & 0xFFFFFF
    return (source, lost >> 24, total - (total >> 23 << 24), *rest)


def test_what_is_told_of_a_stream_with_loss() -> None:
    meter, reports = TrackMeter("h264", RATE_HZ, TYPE), ReceiverReports(1, "restream")
    sent = Camera(sequence=65_500, ssrc=9).pictures(groups=4)
    feed(meter, sent[:16] + sent[24:64])
    assert block(reports.build(meter.reception(102.0))) == (9, 8 * 256 // 64, 8, 65_500 + 63, 0, 0, 0)
    meter.take_rtcp(told(0x12345678, 0x9ABCDEF0), 0, 28, 102.0, WALL)
    feed(meter, sent[64:96])
    assert block(reports.build(meter.reception(103.5))) == (9, 0, 8, 65_500 + 95, 0, 0x56789ABC, 98_304)
    feed(meter, sent[112:])
    assert block(reports.build(meter.reception(103.5)))[1:4] == (16 * 256 // 32, 24, 65_500 + 127)


def test_a_foreign_packet_is_expected_too() -> None:
    meter, camera = TrackMeter("h264", RATE_HZ, TYPE), Camera(sequence=0)
    feed(meter, [*camera.pictures(groups=1), camera.packet(b"x", kind=97), *camera.pictures(groups=1)])
    assert block(ReceiverReports(1, "restream").build(meter.reception(102.0)))[1:4] == (0, 0, 64)


def test_another_source_has_figures_of_its_own() -> None:
    meter, reports = TrackMeter("h264", RATE_HZ, TYPE), ReceiverReports(1, "restream")
    feed(meter, Camera(ssrc=9).pictures(groups=2)[::2])
    reports.build(meter.reception(102.0))
    feed(meter, Camera(ssrc=10, sequence=5).pictures(groups=1))
    assert block(reports.build(meter.reception(102.0)))[:4] == (10, 0, 0, 5 + 31)


def test_a_new_numbering_of_the_same_source_has_figures_of_its_own() -> None:
    meter, reports = TrackMeter("h264", RATE_HZ, TYPE), ReceiverReports(1, "restream")
    feed(meter, Camera().pictures(groups=2))
    reports.build(meter.reception(102.0))
    sent = Camera(sequence=20_000).pictures(groups=1)
    feed(meter, sent[:8] + sent[16:])
    assert block(reports.build(meter.reception(102.0)))[1:4] == (8 * 256 // 32, 8, 20_000 + 31)


def test_where_nothing_came_since_the_last_report_nothing_was_lost() -> None:
    meter, reports = TrackMeter("h264", RATE_HZ, TYPE), ReceiverReports(1, "restream")
    feed(meter, Camera(sequence=0).pictures(groups=1)[::2])
    first, second = (block(reports.build(meter.reception(102.0))) for _ in range(2))
    assert first[1] > 0 and second[1] == 0
    assert first[2:] == second[2:]


def test_late_packets_are_no_loss_below_none() -> None:
    meter, reports = TrackMeter("h264", RATE_HZ, TYPE), ReceiverReports(1, "restream")
    sent = Camera(sequence=0).pictures(groups=1)
    feed(meter, sent[:10] + sent[12:20])
    assert block(reports.build(meter.reception(102.0)))[1:3] == (2 * 256 // 20, 2)
    feed(meter, sent[10:12] + sent[20:])
    assert block(reports.build(meter.reception(102.0)))[1:3] == (0, 0)


def test_jitter_is_told_in_ticks() -> None:
    meter, camera = TrackMeter("h264", RATE_HZ, TYPE), Camera()
    sent = [each._replace(at=each.at + index % 2 * 0.01) for index, each in enumerate(camera.pictures(10, 1, 1))]
    feed(meter, sent)
    reception = meter.reception(102.0)
    assert reception is not None and reception.jitter_ticks == round((meter.report(0).jitter_s or 0) * 90_000) > 0


@pytest.mark.parametrize(
    "extreme",
    [
        Reception(0xFFFFFFFF, 1 << 40, 1 << 39, (1 << 32) - 1, 1 << 40, 0xFFFFFFFF, 1e9),
        Reception(0, 1, -(1 << 30), 0, 0, 1, -5.0),
    ],
)
def test_figures_beyond_their_fields(extreme: Reception) -> None:
    assert block(ReceiverReports(1 << 40, "restream").build(extreme))[2] in (0x7FFFFF, -0x800000)


def test_the_middle_of_a_moment() -> None:
    assert SenderReport(1, 0xAAAABBBB, 0xCCCCDDDD).middle == 0xBBBBCCCC
