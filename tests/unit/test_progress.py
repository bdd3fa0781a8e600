"""ffmpeg's -progress output, in any pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.engine import Advance
from restream.domain.ffmpeg.progress import ProgressParser

# Copying to RTSP: 5.1 knows neither size nor bitrate.
BLOCK_51 = b"""frame=45
fps=14.93
stream_0_0_q=-1.0
bitrate=N/A
total_size=N/A
out_time_us=2933333
out_time_ms=2933333
out_time=00:00:02.933333
dup_frames=0
drop_frames=0
speed=0.973x
progress=continue
"""
# Copying to RTSP: 7.0.2 has no frames either.
BLOCK_702 = b"""bitrate=N/A
total_size=N/A
out_time_us=1533333
out_time_ms=1533333
out_time=00:00:01.533333
dup_frames=0
drop_frames=0
speed=1.53x
progress=continue
"""
# 8.0 before the first packet is written.
BLOCK_80_EMPTY = b"""frame=0
fps=0.00
stream_0_0_q=-1.0
bitrate=N/A
total_size=N/A
out_time_us=N/A
out_time_ms=N/A
out_time=N/A
dup_frames=0
drop_frames=0
speed=N/A
progress=continue
"""
BLOCK_80_SRT_END = b"""frame=120
fps= 15
stream_0_0_q=-1.0
bitrate= 331.8kbits/s
total_size=  331820
out_time_us=8000000
out_time_ms=8000000
out_time=00:00:08.000000
dup_frames=1
drop_frames=2
speed=   1x
progress=end
"""
OUTPUT = BLOCK_80_EMPTY + BLOCK_51 + BLOCK_80_SRT_END
BLOCKS = [
    Advance(False, frame=0, fps=0.0, dup_frames=0, drop_frames=0),
    Advance(True, frame=45, out_time_us=2933333, fps=14.93, speed=0.973, dup_frames=0, drop_frames=0),
    Advance(True, 120, 8000000, 331820, fps=15.0, speed=1.0, dup_frames=1, drop_frames=2, finished=True),
]


def parse(*chunks: bytes) -> list[Advance]:
    parser = ProgressParser()
    return [block for chunk in chunks for block in parser.feed(chunk)]


def test_blocks_of_two_versions() -> None:
    assert parse(OUTPUT) == BLOCKS


def test_a_block_without_frames() -> None:
    assert parse(BLOCK_702) == [Advance(True, out_time_us=1533333, speed=1.53, dup_frames=0, drop_frames=0)]


def test_a_block_comes_out_when_its_last_line_is_complete() -> None:
    parser = ProgressParser()
    assert parser.feed(BLOCK_51[:-1]) == []
    assert parser.feed(b"\n") == [BLOCKS[1]]


def test_fields_do_not_leak_into_the_next_block() -> None:
    assert parse(BLOCK_51, b"fps=1.0\nprogress=continue\n")[1] == Advance(False, fps=1.0)


@given(st.lists(st.integers(0, len(OUTPUT))))
def test_any_split_gives_the_same_blocks(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(OUTPUT)]
    assert parse(*(OUTPUT[start:end] for start, end in pairwise(places))) == BLOCKS


def test_byte_by_byte() -> None:
    assert parse(*(bytes([byte]) for byte in OUTPUT)) == BLOCKS


@given(st.lists(st.binary(max_size=200) | st.sampled_from([b"frame=", b"progress=", b"\n", b"fps=", b"speed=1x\n"])))
def test_garbage_never_raises(chunks: list[bytes]) -> None:
    parser = ProgressParser()
    for chunk in chunks:
        for block in parser.feed(chunk):
            assert block.frame is None or block.frame >= 0
    assert parser.feed(b"\nframe=1\nprogress=continue\n")[-1].frame == 1


@pytest.mark.parametrize(
    "value", [b"N/A", b"", b"-5", b"1.5", b"1e9", b"9" * 19, b"\xff\xfe", "٣".encode(), b"0x10", b"5 5"]
)
def test_counters_that_are_no_counters(value: bytes) -> None:
    assert parse(b"frame=" + value + b"\nprogress=continue\n") == [Advance(False)]


@pytest.mark.parametrize("value", [b"N/A", b"nan", b"inf", b"-1", b"x", b"", b"\xff", b"1e300x"])
def test_ratios_that_are_no_ratios(value: bytes) -> None:
    assert parse(b"speed=" + value + b"\nprogress=continue\n") == [Advance(False)]


def test_an_endless_line_stays_bounded() -> None:
    parser = ProgressParser()
    for _ in range(100):
        assert parser.feed(b"x" * 10_000) == []
    assert len(parser._pending) <= 4096
    assert parser.feed(b"\n" + BLOCK_51) == [BLOCKS[1]]


@pytest.mark.parametrize(
    ("lines", "moved"),
    [
        (b"frame=11", True),
        (b"out_time_us=21", True),
        (b"total_size=31", True),
        (b"frame=11\nout_time_us=5", True),
        (b"frame=10\nout_time_us=20\ntotal_size=30", False),
        (b"frame=9\nout_time_us=19\ntotal_size=29", False),
        (b"bitrate=1", False),
        (b"fps=15.0\nspeed=1x\ndup_frames=99", False),
    ],
)
def test_what_counts_as_media(lines: bytes, moved: bool) -> None:
    first = b"frame=10\nout_time_us=20\ntotal_size=30\nprogress=continue\n"
    before, after = parse(first + lines + b"\nprogress=end\n")
    assert (before.moved, after.moved) == (True, moved)


def test_nothing_has_moved_before_the_first_media() -> None:
    parser = ProgressParser()
    parser.feed(BLOCK_80_EMPTY)
    assert not parser.media_seen
    parser.feed(BLOCK_51)
    assert parser.media_seen


COUNTS = st.none() | st.integers(0, 10**18 - 1)


@given(st.lists(st.tuples(COUNTS, COUNTS, COUNTS)))
def test_media_moves_exactly_when_a_counter_passes_its_highest_value(blocks: list[tuple[int | None, ...]]) -> None:
    parser, highest = ProgressParser(), [0, 0, 0]
    for counts in blocks:
        names = ("frame", "out_time_us", "total_size")
        lines = [f"{name}={'N/A' if count is None else count}" for name, count in zip(names, counts, strict=True)]
        (advance,) = parser.feed("\n".join([*lines, "progress=continue\n"]).encode())
        assert advance.moved == any((count or 0) > high for count, high in zip(counts, highest, strict=True))
        highest = [max(high, count or 0) for count, high in zip(counts, highest, strict=True)]
