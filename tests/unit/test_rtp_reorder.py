"""Packets of UDP in order: what is held, for how long, and what is let go."""

from __future__ import annotations

import pytest

from restream.demo.rtp import parse_header
from restream.domain.rtp.reorder import Arrival, ReorderBuffer
from tests.unit.rtp_streams import Camera, Sent


def numbered(count: int, sequence: int = 65_530, ssrc: int = 7) -> list[Sent]:
    camera = Camera(sequence=sequence, ssrc=ssrc)
    return [camera.packet(bytes([index])) for index in range(count)]


def places(arrivals: list[Arrival]) -> list[int]:
    return [arrival.packet[12] for arrival in arrivals]


def put(buffer: ReorderBuffer, sent: list[Sent], *order: int, now: float = 100.0) -> list[int]:
    return [place for index in order for place in places(buffer.put(sent[index].data, now))]


def test_what_comes_in_order_waits_for_nothing() -> None:
    buffer, sent = ReorderBuffer(), numbered(20)
    for index, (data, at) in enumerate(sent):
        assert buffer.put(data, at + index) == [Arrival(data, at + index)]
        assert buffer.deadline is None
    assert (len(buffer), buffer.reordered, buffer.duplicates, buffer.late) == (0, 0, 0, 0)


def test_order_is_restored_over_a_wrap() -> None:
    buffer, sent = ReorderBuffer(), numbered(12)
    assert put(buffer, sent, 0, 2, 1, 5, 4, 3, 7, 8, 6, 9) == list(range(10))
    assert (buffer.reordered, len(buffer)) == (4, 0)


def test_each_keeps_the_moment_of_its_arrival() -> None:
    buffer, sent = ReorderBuffer(), numbered(3)
    buffer.put(sent[0].data, 1.0)
    buffer.put(sent[2].data, 1.01)
    assert [arrival.at for arrival in buffer.put(sent[1].data, 1.02)] == [1.02, 1.01]


def test_a_gap_is_let_go_after_a_time() -> None:
    buffer, sent = ReorderBuffer(max_wait_s=0.2), numbered(10)
    assert put(buffer, sent, 0, now=1.0) == [0]
    assert put(buffer, sent, 3, now=1.1) == []
    assert put(buffer, sent, 2, 6, now=1.2) == []
    assert buffer.deadline == pytest.approx(1.3)
    assert buffer.due(1.25) == []
    assert places(buffer.due(1.3)) == [2, 3]
    assert buffer.deadline == pytest.approx(1.4)
    assert places(buffer.due(2.0)) == [6]
    assert buffer.deadline is None and buffer.due(3.0) == []
    assert put(buffer, sent, 1, 5, 7) == [7]
    assert buffer.late == 2


def test_no_more_than_so_many_are_held() -> None:
    buffer, sent = ReorderBuffer(max_packets=4), numbered(10)
    assert put(buffer, sent, 0, 2, 3, 4) == [0]
    # 5 is the last that can be waited with; 6 is further ahead than is waited for.
    assert put(buffer, sent, 5) == []
    assert len(buffer) == 4
    assert put(buffer, sent, 6, 1, 7) == [2, 3, 4, 5, 6, 7]
    assert buffer.late == 1


def test_what_comes_twice_is_given_once() -> None:
    buffer, sent = ReorderBuffer(), numbered(5)
    assert put(buffer, sent, 0, 0, 2, 2, 1, 1, 3) == [0, 1, 2, 3]
    assert (buffer.duplicates, buffer.late) == (1, 2)


def test_another_source_and_a_new_numbering_go_on_at_once() -> None:
    buffer, sent = ReorderBuffer(), numbered(5)
    assert put(buffer, sent, 0, 2) == [0]
    assert put(buffer, numbered(2, sequence=7, ssrc=8), 0, 1) == [2, 0, 1]
    assert put(buffer, numbered(9, sequence=20_000, ssrc=8), 0, 2, 1) == [0, 1, 2]


def test_a_numbering_that_begins_anew_further_behind() -> None:
    buffer = ReorderBuffer()
    assert put(buffer, numbered(2, sequence=2000), 0, 1) == [0, 1]
    # One alone is something from long ago; two in a row are not.
    assert put(buffer, numbered(4, sequence=0), 0, 1, 2, 3) == [1, 2, 3]
    assert buffer.late == 1


def test_everything_held_is_given_at_the_end() -> None:
    buffer, sent = ReorderBuffer(), numbered(9)
    put(buffer, sent, 0, 8, 4, 2)
    assert places(buffer.flush()) == [2, 4, 8]
    assert len(buffer) == 0


@pytest.mark.parametrize("data", [b"", b"\x80\x60", b"\x00" * 20])
def test_what_has_no_place_in_the_order_is_handed_on(data: bytes) -> None:
    buffer, sent = ReorderBuffer(), numbered(4)
    put(buffer, sent, 0, 2)
    assert buffer.put(data, 1.0) == [Arrival(data, 1.0)]
    assert put(buffer, sent, 1) == [1, 2]


def test_a_header_alone_has_its_place() -> None:
    buffer, sent = ReorderBuffer(), numbered(4)
    put(buffer, sent, 0)
    assert buffer.put(sent[2].data[:12], 1.0) == []
    assert [len(arrival.packet) for arrival in buffer.put(sent[1].data, 1.0)] == [13, 12]


def test_how_far_behind_is_late() -> None:
    sent = numbered(200)
    for begin, handed_on in ((100, []), (99, []), (98, [99])):
        buffer = ReorderBuffer()
        put(buffer, sent, *range(200))
        # The second of two in a row that are too far behind to be late begins a new numbering.
        assert put(buffer, sent, begin, begin + 1) == handed_on


def test_the_writer_numbers_as_these_tests_say() -> None:
    assert [parse_header(data).sequence for data, _ in numbered(8)] == [*range(65_530, 65_536), 0, 1]
