"""Line protocol: escaping, types, the measurements; the buffer and the writer in virtual time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.verdict import Health
from restream.domain.life.cause import Side
from restream.domain.line_buffer import LineBuffer, Rejected, Unavailable, WriteOutcome, Written
from restream.domain.news.component import ComponentState
from restream.interfaces.documents.cameras import CameraDocument, ProcessDocument, VerdictDocument
from restream.interfaces.documents.host_document import HostDocument
from restream.interfaces.documents.packets import SentDocument, SentTrackDocument
from restream.interfaces.documents.status import ServiceFacts, status
from restream.interfaces.series.line_protocol import cameras, fleet, host, line, tracks
from restream.supervisor.components import Components
from restream.supervisor.outlets.line_writer import MAX_BATCH_LINES, LineWriter

from .fakes import now, settle, virtual

AT_S = 1_700_000_000.1234
AT_MS = "1700000000123"
CAMERA = CameraDocument(
    id="7",
    name="Gate 1, north",
    site="Plant=A",
    host="10.0.0.7",
    camera_type="",
    path="cam7",
    media_server="default",
    node="site-a",
    engine="ffmpeg",
    phase="running",
    since="2026-01-01T00:00:00.000Z",
    verdict=VerdictDocument(Health.DEGRADED, Side.NETWORK, (), "", "2026-01-01T00:00:00.000Z"),
    detail="",
    restarts=3,
    failures=0,
    next_retry=None,
    video="h264",
    audio=None,
    bitrate_bps=2_000_000,
    readers=2,
    rtt_ms=12,
    loss_ratio=0.015,
)


def unescape(text: str, special: str) -> str:
    return re.sub(rf"\\([{special}])", r"\1", text)


def parsed(text: str) -> tuple[str, dict[str, str], dict[str, str], str]:
    """A reader of the protocol: measurement, tags, fields as written, timestamp."""
    quoted = r'"(?:[^"\\]|\\.)*"'
    head, rest = re.split(r"(?<!\\) ", text, maxsplit=1)
    matched = re.fullmatch(rf'((?:{quoted}|[^" ]|\\ )+) (\d+)', rest)
    assert matched, text
    measurement, *tags = re.split(r"(?<!\\),", head)
    fields = re.findall(rf"((?:[^=,\\]|\\.)+)=({quoted}|[^,]+)", matched[1])
    pairs = (re.split(r"(?<!\\)=", tag) for tag in tags)
    return (
        unescape(measurement, ", "),
        {unescape(key, ",= "): unescape(value, ",= ") for key, value in pairs},
        {unescape(key, ",= "): value for key, value in fields},
        matched[2],
    )


def only(lines: Iterable[str]) -> str:
    (found,) = lines
    return found


# --- lines


def test_what_is_escaped_where() -> None:
    text = line("my, m=", {"t,=  k": "v,= x"}, {"f,= y": 'say "a\\b", c=d'}, AT_S)
    assert text == r'my\,\ m=,t\,\=\ \ k=v\,\=\ x f\,\=\ y="say \"a\\b\", c=d" ' + AT_MS


def test_fields_have_types() -> None:
    fields = {"i": 5, "f": 5.0, "s": "x", "t": True, "n": None, "nan": float("nan"), "inf": float("-inf"), "b": 1 << 63}
    assert line("m", {}, fields, 1) == 'm i=5i,f=5.0,s="x",t=true 1000'
    assert line("m", {"a": "b"}, {"n": None}, 1) is None
    assert line("m", {"a": "", "b": " ", "c": "\n"}, {"i": -1}, 1) == "m i=-1i 1000"


@pytest.mark.parametrize("ending", ["\\", " ", "\\ ", "\\\\", "\n", ",", "\\,"])
def test_the_end_of_a_tag_never_swallows_what_follows(ending: str) -> None:
    measurement, tags, fields, at = parsed(str(line("m", {"a": "x" + ending, "b": "y"}, {"i": 1}, 1)))
    assert (measurement, tags["b"], fields, at) == ("m", "y", {"i": "1i"}, "1000")
    assert "\\" not in tags["a"] and tags["a"].startswith("x")


def test_a_line_stays_one_line_and_bounded() -> None:
    text = str(line("m", {"a": "x\r\ny\t\x00z\u2028\xa0" + "w" * 5000}, {"s": "p\nq" * 5000}, 1))
    assert "\n" not in text and text.isprintable() and len(text) < 2000


@given(
    st.dictionaries(st.text(max_size=100), st.text(max_size=100), max_size=4),
    st.dictionaries(st.text(), st.text() | st.integers() | st.floats() | st.booleans(), max_size=4),
)
def test_any_text_is_one_readable_line(tags: dict[str, str], fields: dict[str, Any]) -> None:
    text = line("m", tags, {**fields, "sure": 1}, 1)
    assert text is not None and text.isprintable()
    measurement, found, values, at = parsed(text)
    assert (measurement, at) == ("m", "1000") and values["sure"]
    kept = {key: value for key, value in tags.items() if f"{key}{value}".isprintable() and "\\" not in f"{key}{value}"}
    for key, value in kept.items():
        if key.strip() and value.strip() and sum(each.strip() == key.strip() for each in tags) == 1:
            assert found[key.strip()] == value.strip()


# --- measurements


def test_a_camera() -> None:
    assert only(cameras([(CAMERA, ProcessDocument(1.5, 10_000_000))], AT_S)) == (
        r"camera,host=10.0.0.7,id=7,name=Gate\ 1\,\ north,site=Plant\=A "
        'up=1i,health="degraded",fault="network",bitrate_bps=2000000i,readers=2i,restarts=3i,rtt_ms=12.0,loss_ratio=0.015,'
        f"cpu_percent=1.5,rss_bytes=10000000i {AT_MS}"
    )


def test_the_tracks_of_a_camera() -> None:
    nothing = dict.fromkeys(SentTrackDocument.__struct_fields__, 0) | dict.fromkeys(
        ("fps", "jitter_s", "key_frame_interval_s", "clock_offset_s", "bitrate_bps")
    )
    video = msgspec.convert(nothing | {"packets": 990, "lost": 8, "fps": 25, "clock_offset_s": -1.5}, SentTrackDocument)
    stream = SentDocument(0.008, None, video, None)
    known = "packets=990i,lost=8i,reordered=0i,duplicates=0i,malformed=0i,frames=0i,key_frames=0i"
    tags = r"track,host=10.0.0.7,id=7,name=Gate\ 1\,\ north,site=Plant\=A,track"
    assert [*tracks([(CAMERA, stream)], AT_S)] == [f"{tags}=video {known},fps=25.0,clock_offset_s=-1.5 {AT_MS}"]
    both = [*tracks([(CAMERA, replace(stream, audio=video))], AT_S)]
    assert [line.split(" packets")[0] for line in both] == [f"{tags}=video", f"{tags}=audio"]


@pytest.mark.parametrize(("health", "up"), [*zip(Health, ("1i", "1i", "0i", None, None), strict=True)])
def test_up_is_left_out_where_it_is_not_known(health: Health, up: str | None) -> None:
    camera = replace(CAMERA, verdict=replace(CAMERA.verdict, health=health))
    fields = parsed(only(cameras([(camera, None)], 1)))[2]
    assert fields.get("up") == up and fields["health"] == f'"{health}"'


def test_what_is_missing_in_a_camera_is_missing_in_its_line() -> None:
    nothing = {"name": "", "site": "", "host": "", "bitrate_bps": None, "readers": None, "rtt_ms": None}
    (text,) = cameras([(replace(CAMERA, **nothing, loss_ratio=None), None)], 1)
    assert text == 'camera,id=7 up=1i,health="degraded",fault="network",restarts=3i 1000'


def test_types_do_not_depend_on_the_value() -> None:
    odd = {"bitrate_bps": 1.5e6, "readers": 2.0, "rtt_ms": 0, "loss_ratio": 0, "restarts": True}
    fields = parsed(only(cameras([(replace(CAMERA, **odd), None)], 1)))[2]
    assert (fields["bitrate_bps"], fields["readers"], fields["rtt_ms"], fields["loss_ratio"]) == (
        "1500000i",
        "2i",
        "0.0",
        "0.0",
    )
    assert "restarts" not in fields


def test_the_fleet() -> None:
    nothing = status(ServiceFacts("edge 1", "1", "i", 0.0, 2.0), Snapshot(1, 0.0, 0.0), ())
    counts = {"health": {Health.DOWN: 2, Health.HEALTHY: 3}, "phase": {"running": 5}}
    counted = replace(nothing, cameras=5, **counts)
    measurement, tags, fields, at = parsed(only(fleet(counted, AT_S)))
    assert (measurement, tags, at) == ("fleet", {"node": "edge 1"}, AT_MS)
    assert (fields["cameras"], fields["start_queue"], fields["health_down"], fields["health_healthy"]) == (
        *("5i", "0i", "2i", "3i"),
    )
    assert fields["health_unknown"] == fields["phase_held"] == fields["fault_media_server"] == "0i", "0 is not absence"
    assert len(fields) == 2 + 5 + 10 + 6


def test_the_host() -> None:
    sample = {
        "time": "2026-01-01T00:00:00.000Z",
        "cpu_percent": 12.5,
        "cores": 2,
        "load": [0.5, 1, 2.25],
        "memory": {"total_bytes": 8, "used_bytes": 3, "available_bytes": 5, "percent": 37.5},
        "swap": {"total_bytes": 0, "used_bytes": 0, "percent": 0},
        "disks": [{"mount": "/", "total_bytes": 10, "used_bytes": 5, "percent": 50.0}],
        "network": [{"interface": "eth 0", "received_bps": 8, "sent_bps": 9, "errors": 0, "drops": 1}],
        "temperatures": [{"sensor": "Core 0", "celsius": 51.0, "high_celsius": None}],
        "publishers": {"processes": 4, "cpu_percent": 8.0, "rss_bytes": 40},
        "service": {"cpu_percent": 2.0, "rss_bytes": 70, "open_files": 30},
    }
    assert [*host(msgspec.convert(sample, HostDocument), "edge1", 1)] == [
        "host,node=edge1 cpu_percent=12.5,load1=0.5,load5=1.0,load15=2.25,memory_percent=37.5,memory_used_bytes=3i,"
        "memory_available_bytes=5i,swap_percent=0.0,swap_used_bytes=0i,publishers_processes=4i,publishers_cpu_percent=8.0,"
        "publishers_rss_bytes=40i,"
        "service_cpu_percent=2.0,service_rss_bytes=70i,service_open_files=30i 1000",
        "disk,mount=/,node=edge1 total_bytes=10i,used_bytes=5i,percent=50.0 1000",
        r"network,interface=eth\ 0,node=edge1 received_bps=8i,sent_bps=9i,errors=0i,drops=1i 1000",
        r"temperature,node=edge1,sensor=Core\ 0 celsius=51.0 1000",
    ]


# --- the buffer


@given(st.lists(st.tuples(st.sampled_from(["add", "take", "back"]), st.integers(0, 7)), max_size=30))
def test_the_buffer_keeps_the_newest_in_order_and_counts_the_rest(steps: list[tuple[str, int]]) -> None:
    buffer, taken, written, number = LineBuffer(5), [], 0, 0
    for step, size in steps:
        if step == "add":
            buffer.add(str(n) for n in range(number, number + size))
            number += size
        elif step == "take":
            written += len(taken)
            taken = buffer.take(size)
        else:
            buffer.put_back(taken)
            taken = []
        assert len(buffer) <= 5
        assert written + len(taken) + len(buffer) + buffer.dropped_total == number
    rest = [int(each) for each in taken + buffer.take(100)]
    assert rest == sorted(rest) and (not rest or rest[-1] == number - 1 or not buffer.dropped_total)


def test_what_comes_back_makes_room_for_newer() -> None:
    buffer = LineBuffer(4)
    buffer.add("abcd")
    batch = buffer.take(3)
    buffer.add("ef")
    buffer.put_back(batch)
    assert (buffer.take(9), buffer.dropped_total) == (["c", "d", "e", "f"], 2)


# --- the writer


class FakeStore:
    """Takes lines as its script says; afterwards everything is written."""

    name = "influx"

    def __init__(self, *script: WriteOutcome) -> None:
        self.script = list(script)
        self.takes_s = 0.0
        self.calls: list[tuple[float, list[str]]] = []
        self.closed = False

    async def write(self, lines: list[str]) -> WriteOutcome:
        self.calls.append((now(), lines))
        await asyncio.sleep(self.takes_s)
        return self.script.pop(0) if self.script else Written()

    async def close(self) -> None:
        self.closed = True

    @property
    def gaps_s(self) -> list[float]:
        return [after[0] - before[0] for before, after in zip(self.calls, self.calls[1:], strict=False)]


def numbered(size: int = 1) -> Callable[[str], list[str]]:
    counter = iter(range(1_000_000))
    return lambda _: [str(next(counter)) for _ in range(size)]


async def writing(
    store: FakeStore, components: Components, for_s: float, sample: Callable[[str], Iterable[str]], limit: int = 100
) -> LineWriter[str]:
    writer = LineWriter(store, sample, components, interval_s=10, max_waiting_lines=limit)
    writer.publish("cycle")
    task = asyncio.create_task(writer.run())
    await asyncio.sleep(for_s)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert store.closed
    return writer


def component(components: Components) -> tuple[ComponentState, str]:
    return components.all["influx"].state, components.all["influx"].detail


@virtual
async def test_every_sample_is_written_once() -> None:
    store, components = FakeStore(), Components()
    writer = await writing(store, components, 95, numbered(2))
    assert [lines for _, lines in store.calls] == [[str(2 * n), str(2 * n + 1)] for n in range(10)]
    assert (writer.written_total, writer.dropped_total, writer.waiting) == (20, 0, 0)
    assert component(components) == (ComponentState.UP, "")


@virtual
async def test_large_samples_go_in_batches() -> None:
    store = FakeStore()
    store.takes_s = 0.1
    await writing(store, Components(), 9, numbered(2 * MAX_BATCH_LINES + 1), limit=20_000)
    sizes = [len(lines) for _, lines in store.calls]
    assert sum(sizes) == 2 * MAX_BATCH_LINES + 1 and max(sizes) <= MAX_BATCH_LINES
    assert [line for _, lines in store.calls for line in lines] == [str(n) for n in range(2 * MAX_BATCH_LINES + 1)]


@virtual
async def test_an_outage_is_bridged_with_backoff_and_nothing_is_lost() -> None:
    store, components = FakeStore(*[Unavailable("Connection refused")] * 5), Components()
    writer = await writing(store, components, 65, numbered())
    first = store.gaps_s[:5]
    assert all(0.8 * wanted <= gap <= 1.2 * wanted for gap, wanted in zip(first, (1, 2, 4, 8, 16), strict=True)), first
    written = [line for _, lines in store.calls[5:] for line in lines]
    assert written == [str(n) for n in range(7)] and writer.dropped_total == 0
    assert component(components)[0] is ComponentState.UP


@virtual
async def test_the_component_tells_how_much_waits() -> None:
    store, components = FakeStore(*[Unavailable("Connection refused")] * 50), Components()
    writer = await writing(store, components, 595, numbered(10), limit=100)
    assert writer.waiting == 100 and writer.dropped_total == 500
    state, detail = component(components)
    assert state is ComponentState.DOWN
    assert re.fullmatch(r"Connection refused; 100 lines wait; [45]\d\d lines dropped so far", detail)
    assert max(store.gaps_s) <= 72


@virtual
@pytest.mark.parametrize(("asked_s", "waited_s"), [(40.0, 40.0), (0.0, 1.0), (-5.0, 1.0), (86_400.0, 300.0)])
async def test_the_database_may_ask_for_patience(asked_s: float, waited_s: float) -> None:
    store = FakeStore(Unavailable("HTTP 429", asked_s))
    await writing(store, Components(), 400, numbered())
    assert 0.8 * waited_s <= store.gaps_s[0] <= 1.2 * waited_s


@virtual
async def test_a_rejected_batch_is_counted_and_not_sent_again() -> None:
    store, components = FakeStore(Written(), Rejected("HTTP 400: no")), Components()
    states = []
    writer = LineWriter(store, numbered(3), components, interval_s=10)
    writer.publish("cycle")
    task = asyncio.create_task(writer.run())
    for at_s in (5, 10, 10):
        await asyncio.sleep(at_s)
        states.append(component(components))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [lines for _, lines in store.calls] == [["0", "1", "2"], ["3", "4", "5"], ["6", "7", "8"]]
    assert states == [
        (ComponentState.UP, ""),
        (ComponentState.DOWN, "HTTP 400: no; 3 lines dropped so far"),
        (ComponentState.UP, "3 lines dropped so far"),
    ]
    assert (writer.written_total, writer.dropped_total) == (6, 3)


@virtual
async def test_a_slow_database_does_not_hold_up_sampling() -> None:
    store = FakeStore()
    store.takes_s = 34
    await writing(store, Components(), 100, numbered())
    assert [lines for _, lines in store.calls] == [["0"], ["1", "2", "3"], ["4", "5", "6"]]


@virtual
async def test_a_sample_that_fails_does_not_stop_the_writing() -> None:
    store, turns = FakeStore(Unavailable("x")), iter(range(100))

    def sample(_: str) -> Iterable[str]:
        turn = next(turns)
        yield f"{turn}"
        if turn % 2:
            raise RuntimeError("defect")

    await writing(store, Components(), 45, sample)
    assert [line for _, lines in store.calls[1:] for line in lines] == ["0", "2", "4"]


@virtual
async def test_others_have_their_turn_while_a_large_sample_is_drawn() -> None:
    turns, seen = 0, []

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def sample(_: str) -> Iterable[str]:
        for number in range(2000):
            seen.append(turns)
            yield str(number)

    task = asyncio.create_task(other())
    lines = LineWriter(FakeStore(), sample, Components(), interval_s=10)
    lines.publish("cycle")
    writer = asyncio.create_task(lines.run())
    await settle()
    for each in (task, writer):
        each.cancel()
    await asyncio.gather(task, writer, return_exceptions=True)
    assert len(seen) == 2000 and len(set(seen)) >= 8
