"""What holds for whatever a network does to packets, and for any bytes."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from restream.domain.relay.forwarder import Forwarder, Lane
from restream.domain.rtp.meter import TrackMeter
from restream.domain.rtp.packet import MAX_MISORDER
from restream.domain.rtp.receiver_report import ReceiverReports
from restream.domain.rtp.reorder import ReorderBuffer
from restream.domain.rtp.report import TrackReport
from restream.domain.rtp.rtcp import read_rtcp
from tests.unit.rtp_streams import RATE_HZ, TYPE, Camera, Sent, feed, measure

GOOD = Camera().pictures(groups=6)
CODECS = st.sampled_from(
    ["h264", "hevc", "vvc", "mpeg4", "mpeg2video", "mjpeg", "vp8", "vp9", "av1", "h263", "aac", ""]
)
HEADS = st.sampled_from([b"", b"\x80\x60", b"\x80\xe0", b"\xb0\x60", b"\x9f\x60", b"\x80\x60\0\1\0\0\0\0\0\0\0\7"])
PACKETS = st.lists(st.builds(lambda head, rest: head + rest, HEADS, st.binary(max_size=60)), max_size=30)


# For each packet of the good stream: how often it arrives (0: lost), and how many places late each time.
FATES = st.lists(st.lists(st.integers(0, 20), max_size=2) | st.just([0]), min_size=len(GOOD), max_size=len(GOOD))


def arriving(fates: list[list[int]]) -> list[int]:
    """Places of the good stream in the order in which they arrive."""
    arrivals = sorted((place + late, late > 0, place) for place, times in enumerate(fates) for late in times)
    return [place for *_, place in arrivals]


@given(FATES)
def test_counts_are_true_whatever_the_network_does(fates: list[list[int]]) -> None:
    order = arriving(fates)
    if not order:
        return
    report = measure([GOOD[place] for place in order])
    # Nobody knows of what was sent before the first that came, or after the last.
    begin, end = order[0], max(order)
    known, early = {place for place in order if place >= begin}, [place for place in order if place < begin]
    highest, reordered, seen = -1, 0, set[int]()
    for place in order:
        reordered += place >= begin and place < highest and place not in seen
        highest, seen = max(highest, place), seen | {place}
    assert (report.packets, report.lost, report.reordered) == (len(known), end + 1 - begin - len(known), reordered)
    assert report.duplicates == len(order) - len(known) and len(early) <= report.duplicates
    assert (report.malformed, report.foreign, report.restarts) == (0, 0, 0)
    assert report.bytes == sum(len(GOOD[place].data) for place in known)


@given(FATES)
def test_a_buffer_restores_frames_too(fates: list[list[int]]) -> None:
    """Behind the buffer a stream of which all arrived is as it was sent."""
    complete = [times or [0] for times in fates]
    complete[0] = [0]
    buffer, meter = ReorderBuffer(max_packets=64, max_wait_s=10.0), TrackMeter("h264", RATE_HZ, TYPE)
    order = arriving(complete)
    given_on = [arrival for place in order for arrival in buffer.put(GOOD[place].data, GOOD[place].at)]
    assert [arrival.packet for arrival in given_on] == [sent.data for sent in GOOD]
    feed(meter, [Sent(*arrival) for arrival in given_on])
    report = meter.report(200.0)
    assert (report.packets, report.lost, report.frames, report.key_frames) == (len(GOOD), 0, 60, 6)
    assert buffer.duplicates + buffer.late == len(order) - len(GOOD)


@given(FATES, st.integers(1, 40), st.floats(0, 0.2))
def test_a_buffer_is_bounded_and_never_goes_back(fates: list[list[int]], most: int, wait_s: float) -> None:
    buffer, given_on = ReorderBuffer(most, wait_s), []
    order = arriving(fates)
    for index, place in enumerate(order):
        now = index * 0.01
        given_on += buffer.due(now)
        given_on += buffer.put(GOOD[place].data, now)
        assert len(buffer) <= most
        assert buffer.deadline is None or buffer.deadline >= now
    given_on += buffer.flush()
    places = [GOOD_PLACES[arrival.packet] for arrival in given_on]
    assert places == sorted(set(places))
    assert len(places) + buffer.late + buffer.duplicates == len(order)


GOOD_PLACES = {sent.data: place for place, sent in enumerate(GOOD)}


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF))
def test_where_numbers_begin_changes_nothing(sequence: int, timestamp: int, ssrc: int) -> None:
    report = measure(Camera(sequence, timestamp, ssrc).pictures(groups=2))
    assert (report.packets, report.lost, report.restarts, report.frames, report.key_frames) == (64, 0, 0, 20, 2)
    assert report.jitter_s is not None and report.jitter_s < 1e-6


@given(CODECS, PACKETS, st.sampled_from([0, 8000, RATE_HZ, -5]))
def test_no_bytes_raise(codec: str, packets: list[bytes], rate_hz: int) -> None:
    meter, reports = TrackMeter(codec, rate_hz, TYPE), ReceiverReports(1, "restream")
    rates: list[Callable[[TrackReport], float | None]] = [lambda each: each.fps, lambda each: each.bitrate_bps]
    for index, data in enumerate(packets):
        meter.take(data, 0, len(data), index / 10)
        meter.take_rtcp(memoryview(data), 0, len(data), index / 10, 1_800_000_000.0)
        report = meter.report(index / 10)
        assert min(report.packets, report.lost, report.reordered, report.duplicates, report.foreign) >= 0
        assert report.frames <= report.packets and report.key_frames <= report.packets
        assert all(value is None or value >= 0 for value in (rate(report) for rate in rates))
        assert len(meter._missing) <= 5 * MAX_MISORDER
    told = reports.build(meter.reception(100.0))
    assert read_rtcp(told, 0, len(told)).intact


@given(st.lists(st.integers(0, 0xFFFF), max_size=60), st.booleans())
def test_any_numbers_keep_the_books(numbers: list[int], same_source: bool) -> None:
    """What came and what is missing is what was sent, as far as numbers tell."""
    meter, camera = TrackMeter("pcm_alaw", 8000, TYPE), Camera()
    for index, number in enumerate(numbers):
        camera.numbering.sequence = number
        camera.numbering.ssrc = 7 if same_source else index // 10
        data, at = camera.packet(b"x")
        meter.take(data, 0, len(data), at)
    report = meter.report(200.0)
    assert report.packets + report.duplicates == len(numbers)
    assert 0 <= report.lost < 3000 * max(1, len(numbers))


def framed(packets: list[bytes], channel: int = 0) -> bytes:
    """As they come interleaved in a connection (RFC 2326 §10.12)."""
    return b"".join(b"$" + bytes((channel,)) + len(packet).to_bytes(2, "big") + packet for packet in packets)


STREAMS = FATES.map(lambda fates: [GOOD[place].data for place in arriving(fates)]) | PACKETS
ENDS = st.lists(st.integers(0, 1 << 16), max_size=6)


@given(STREAMS | st.tuples(STREAMS, PACKETS, STREAMS).map(lambda each: [*each[0], *each[1], *each[2]]), ENDS)
def test_a_relay_measures_of_many_packets_what_each_alone_tells(packets: list[bytes], ends: list[int]) -> None:
    alone, together = TrackMeter("h264", RATE_HZ, TYPE), TrackMeter("h264", RATE_HZ, TYPE)
    for packet in packets:
        alone.take(packet, 0, len(packet), 1.0)
    relay = Forwarder({0: Lane(0, together, is_video=True)}, 0.0)
    data, at = framed(packets), 0
    for end in (*sorted(each % (len(data) + 1) for each in ends), len(data)):
        at = relay.take(data[:end], at, 1.0)
    assert (at, relay.data_to_send()) == (len(data), data)
    assert together.report(2.0) == alone.report(2.0)
    assert together.reception(2.0) == alone.reception(2.0)


@given(STREAMS, STREAMS)
def test_a_relay_keeps_channels_apart(first: list[bytes], second: list[bytes]) -> None:
    meters = [TrackMeter("h264", RATE_HZ, TYPE) for _ in range(2)]
    relay = Forwarder({number * 2: Lane(number * 2, meter, is_video=True) for number, meter in enumerate(meters)}, 0.0)
    data = b"".join(framed([a], 0) + framed([b], 2) for a, b in zip(first, second, strict=False))
    assert relay.take(data, 0, 1.0) == len(data)
    assert relay.data_to_send() == data
    count = min(len(first), len(second))
    for meter, packets in zip(meters, (first, second), strict=True):
        alone = TrackMeter("h264", RATE_HZ, TYPE)
        for packet in packets[:count]:
            alone.take(packet, 0, len(packet), 1.0)
        assert meter.report(2.0) == alone.report(2.0)
