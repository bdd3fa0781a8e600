"""Third-party stream servers: hostile answers, the picture over time, and the poller in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.camera.secret import Secret
from restream.domain.news.component import ComponentState
from restream.domain.visionaire import (
    API_ERROR,
    MAX_STREAMS,
    Collection,
    HostPicture,
    ListedStream,
    StreamDetails,
    StreamServer,
    ThirdPartyStream,
    parse_details,
    parse_servers,
    parse_streams,
)
from restream.interfaces.documents.values import encode
from restream.interfaces.documents.visionaire import visionaire
from restream.supervisor.components import Components
from restream.supervisor.picture.visionaire_poller import NAME, VisionairePoller

from .fakes import now, virtual

KEYS = (
    *("streams", "stream_id", "stream_node_num", "stream_name"),
    *("active", "stream_stats", "state", "fps", "frame_width", "frame_height", "last_error_msg", "status", "pipelines"),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)
PIPELINE_RUNS = {"pipelines": [{"state": "RUNNING"}]}
ENTRY = {"stream_id": "a", "stream_node_num": 1, "stream_name": "Gate"}


def listed(**changes: object) -> tuple[ListedStream, ...] | None:
    return parse_streams({"streams": [{**ENTRY, **changes}]})


def stream(state: str = "RUNNING", *, active: bool = True, stream_id: str = "a") -> ThirdPartyStream:
    return ThirdPartyStream(ListedStream(stream_id, "1", "Gate"), StreamDetails(state, active))


# --- the list


def test_a_list_as_it_should_be() -> None:
    document = {"streams": [ENTRY, {"stream_id": 7, "stream_node_num": "n0"}]}
    assert parse_streams(document) == (ListedStream("a", "1", "Gate"), ListedStream("7", "n0", "UNKNOWN_STREAM"))


@pytest.mark.parametrize("document", [None, [], "streams", 5, {}, {"streams": None}, {"streams": {"a": 1}}])
def test_what_is_no_list_at_all(document: object) -> None:
    assert parse_streams(document) is None
    assert parse_streams({"streams": []}) == ()


@pytest.mark.parametrize("value", [None, "", " ", True, 1.5, [], {}, "a" * 201, "a\nb", "..", ".", 1 << 64])
@pytest.mark.parametrize("key", ["stream_id", "stream_node_num"])
def test_an_entry_without_id_or_node_is_left_out(key: str, value: object) -> None:
    assert listed(**{key: value}) == ()
    assert parse_streams({"streams": [{name: ENTRY[name] for name in ENTRY if name != key}, ENTRY]}) == listed()


def test_zero_is_a_node_and_an_id() -> None:
    assert listed(stream_id=0, stream_node_num=0) == (ListedStream("0", "0", "Gate"),)


@pytest.mark.parametrize("name", [None, "", 5, [], "\n \t"])
def test_a_stream_without_a_name(name: object) -> None:
    assert listed(stream_name=name) == (ListedStream("a", "1", "UNKNOWN_STREAM"),)


def test_a_stream_is_listed_once() -> None:
    found = parse_streams({"streams": [ENTRY, {**ENTRY, "stream_name": "Other"}, {**ENTRY, "stream_node_num": 2}]})
    assert found == (ListedStream("a", "1", "Gate"), ListedStream("a", "2", "Gate"))


def test_a_list_without_end() -> None:
    found = parse_streams({"streams": [{**ENTRY, "stream_id": number} for number in range(MAX_STREAMS + 5)]})
    assert found is not None and len(found) == MAX_STREAMS


@given(ANYTHING)
def test_any_list_is_survived(document: object) -> None:
    found = parse_streams(document)
    assert found is None or len({(each.node_num, each.stream_id) for each in found}) == len(found)
    for each in found or ():
        assert each.stream_id.strip() and each.node_num.strip() and each.name.isprintable()


# --- details


@pytest.mark.parametrize(
    ("document", "state", "up"),
    [
        ({"active": True, "stream_stats": {"state": "RUNNING"}}, "RUNNING", True),
        ({"active": False, "stream_stats": {"state": "RUNNING"}}, "RUNNING", False),
        ({"stream_stats": {"state": "RUNNING"}}, "RUNNING", False),
        ({"active": 1, "stream_stats": {"state": "RUNNING"}}, "RUNNING", False),
        ({"active": True, "stream_stats": {"state": "STOPPED"}, "status": PIPELINE_RUNS}, "STOPPED", False),
        ({"active": True, "stream_stats": {}, "status": PIPELINE_RUNS}, "RUNNING", True),
        ({"active": True, "stream_stats": {"state": ""}, "status": PIPELINE_RUNS}, "RUNNING", True),
        ({"active": True, "stream_stats": None, "status": {"pipelines": [{"state": "X"}, {}]}}, "X", False),
        ({"active": True, "status": {"pipelines": []}}, "UNKNOWN", False),
        ({"active": True, "status": {"pipelines": [None]}}, "UNKNOWN", False),
        ({"active": True, "status": []}, "UNKNOWN", False),
        ({"active": True, "stream_stats": {"state": 5}}, "UNKNOWN", False),
        ({}, "UNKNOWN", False),
    ],
)
def test_state_and_up(document: dict[str, Any], state: str, up: bool) -> None:
    details = parse_details(document)
    assert details is not None
    assert (details.state, ThirdPartyStream(ListedStream("a", "1"), details).up) == (state, up)


def test_numbers_and_texts() -> None:
    stats: dict[str, object] = {"fps": 24.9, "frame_width": 1920, "frame_height": 1080, "last_error_msg": "no\nframes"}
    assert parse_details({"active": True, "stream_stats": stats}) == StreamDetails(
        "UNKNOWN", True, 24.9, 1920, 1080, "no frames"
    )
    odd = {"fps": float("nan"), "frame_width": -1, "frame_height": True, "last_error_msg": ["x"], "state": "S" * 500}
    assert parse_details({"stream_stats": odd}) == StreamDetails("S" * 64)


def test_a_password_in_a_message_is_masked() -> None:
    text = "cannot open rtsp://admin:hunter22@10.0.0.9/1 " + "x" * 5000
    details = parse_details({"stream_stats": {"last_error_msg": text}})
    assert details is not None and "admin:***@10.0.0.9" in details.error and len(details.error) <= 300
    (entry,) = listed(stream_name="rtsp://admin:hunter22@10.0.0.9/1") or ()
    assert "hunter22" not in entry.name


@pytest.mark.parametrize("document", [None, [], "RUNNING", 1])
def test_details_that_are_none(document: object) -> None:
    assert parse_details(document) is None


@given(ANYTHING)
def test_any_details_are_survived(document: object) -> None:
    details = parse_details(document)
    assert (details is None) == (not isinstance(document, dict))
    if details is not None:
        assert details.state and details.state.isprintable()
        json.dumps([details.fps, details.width, details.height], allow_nan=False)


# --- servers


def hosts(*urls: str) -> list[str]:
    return [server.host for server in parse_servers(urls)]


def test_a_server_has_the_shortest_name_of_its_own() -> None:
    assert hosts("http://vms1:4004", "http://VMS2:4004/", "10.0.0.5:4004") == ["vms1", "vms2", "10.0.0.5"]
    assert hosts("http://vms1:4004", "http://vms1:4005", "http://vms2:4004") == ["vms1:4004", "vms1:4005", "vms2"]
    assert hosts("http://vms1/a", "http://vms1/b/") == ["http://vms1/a", "http://vms1/b"]
    assert hosts("http://vms1:4004", "vms1:4004/", "http://VMS1:4004") == ["vms1"]
    assert hosts("http://[fd00::1]:4004") == ["fd00::1"]
    assert hosts() == []


def test_credentials_are_taken_out_of_the_url() -> None:
    assert parse_servers(["http://bob:s3%63ret@vms1:4004/api/"]) == (
        StreamServer("vms1", "http://vms1:4004/api", "bob", Secret("s3cret")),
    )


@pytest.mark.parametrize(
    "url", ["", "http://", "ftp://x", "http://x:port", "http://x:0", "http://x/?a=1", "http://x#a"]
)
def test_what_is_no_server(url: str) -> None:
    with pytest.raises(ValueError):
        parse_servers([url])


# --- the picture over time

SERVER = StreamServer("vms1", "http://vms1:4004")


def test_the_last_good_streams_stay_and_errors_add_up() -> None:
    picture = HostPicture(SERVER).after(Collection((stream(),), errors=2, response_time_s=0.2, error="x"), 100.0)
    assert (picture.fresh, picture.observed_at, picture.errors_total, picture.error) == (True, 100.0, 2, "x")
    lost = picture.after(Collection(None, errors=1, error="HTTP 500"), 160.0)
    assert (lost.fresh, lost.observed_at, lost.response_time_s, lost.errors_total) == (False, 100.0, 0.0, 3)
    assert lost.streams == (stream(),) and not lost.answers
    again = lost.after(Collection(()), 220.0)
    assert (again.fresh, again.streams, again.errors_total, again.error) == (True, (), 3, "")


@pytest.mark.parametrize(
    ("streams", "answers"),
    [(None, False), ((), True), ((stream(API_ERROR),), False), ((stream(API_ERROR), stream(stream_id="b")), True)],
)
def test_whether_a_server_answers(streams: tuple[ThirdPartyStream, ...] | None, answers: bool) -> None:
    assert Collection(streams).answers is answers


def test_the_document() -> None:
    lost = HostPicture(SERVER).after(Collection((stream(),), response_time_s=0.25), 100.0)
    lost = lost.after(Collection(None, errors=1, error="HTTP 500"), 160.0)
    never = HostPicture(StreamServer("vms2", "http://vms2:4004"))
    document = visionaire({"vms1": lost, "vms2": never}, now=170.0, taken_at=1_700_000_000.0, interval_s=60)
    assert json.loads(encode(document)) == {
        "interval_s": 60,
        "hosts": [
            {
                "host": "vms1",
                "url": "http://vms1:4004",
                "fresh": False,
                "observed": "2023-11-14T22:12:10.000Z",
                "age_s": 70.0,
                "response_time_s": 0.0,
                "errors_total": 1,
                "error": "HTTP 500",
                "streams": [
                    {
                        "stream_id": "a",
                        "name": "Gate",
                        "node_num": "1",
                        "state": "RUNNING",
                        "active": True,
                        "up": True,
                        "fps": None,
                        "width": None,
                        "height": None,
                        "error": "",
                    }
                ],
            },
            {
                "host": "vms2",
                "url": "http://vms2:4004",
                "fresh": False,
                "observed": None,
                "age_s": None,
                "response_time_s": 0.0,
                "errors_total": 0,
                "error": "",
                "streams": [],
            },
        ],
    }


# --- the poller


class FakeDirectory:
    """A server whose cycles a test writes; an exception is raised."""

    def __init__(self, host: str, takes_s: float = 1.0) -> None:
        self.server = StreamServer(host, f"http://{host}")
        self.takes_s = takes_s
        self.answer: Collection | Exception = Collection((stream(),))
        self.began_at: list[float] = []
        self.completed = 0
        self.active = 0
        self.closed = False

    async def collect(self) -> Collection:
        self.began_at.append(now())
        self.active += 1
        assert self.active == 1, "cycles of one server overlap"
        await asyncio.sleep(self.takes_s)
        self.active -= 1
        self.completed += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def close(self) -> None:
        self.closed = True


async def polling(components: Components, for_s: float, *directories: FakeDirectory) -> VisionairePoller:
    poller = VisionairePoller(directories, components, interval_s=60)
    task = asyncio.create_task(poller.run())
    await asyncio.sleep(for_s)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert all(directory.closed for directory in directories)
    return poller


def detail(components: Components) -> str:
    return components.all[NAME].detail


@virtual
async def test_every_server_is_asked_once_an_interval() -> None:
    first, second, components = FakeDirectory("a"), FakeDirectory("b", takes_s=30), Components()
    poller = await polling(components, 600, first, second)
    for directory in (first, second):
        assert 9 <= len(directory.began_at) <= 11
        gaps = [after - before for before, after in zip(directory.began_at, directory.began_at[1:], strict=False)]
        assert all(57 <= gap <= 63 for gap in gaps) and len(set(gaps)) > 1
    assert [*poller.pictures] == ["a", "b"] and all(picture.fresh for picture in poller.pictures.values())
    assert components.state(NAME) is ComponentState.UP and detail(components) == "2 streams on 2 servers"


@virtual
async def test_a_server_that_hangs_delays_no_other() -> None:
    quick, hanging, components = FakeDirectory("a"), FakeDirectory("b", takes_s=10_000), Components()
    poller = await polling(components, 600, quick, hanging)
    assert len(quick.began_at) >= 9 and len(hanging.began_at) == 1
    assert poller.pictures["a"].fresh and poller.pictures["b"] == HostPicture(hanging.server)
    assert components.state(NAME) is ComponentState.UNKNOWN and detail(components) == "1 of 2 servers asked so far"


@virtual
async def test_a_cycle_longer_than_the_interval_is_followed_by_the_next() -> None:
    slow = FakeDirectory("a", takes_s=100)
    await polling(Components(), 600, slow)
    assert [round(after - before) for before, after in zip(slow.began_at, slow.began_at[1:], strict=False)] == [100] * 5


@virtual
async def test_the_component_names_who_does_not_answer() -> None:
    good, bad, components = FakeDirectory("a"), FakeDirectory("b"), Components()
    bad.answer = Collection(None, errors=1, error="HTTP 500")
    await polling(components, 100, good, bad)
    assert components.state(NAME) is ComponentState.DOWN
    assert detail(components) == "1 of 2 servers do not answer: b (HTTP 500)"
    bad.answer = Collection((stream(API_ERROR), stream()), errors=1, error="no details of 1 of 2 streams: HTTP 404 (1)")
    await polling(components, 100, good, bad)
    assert components.state(NAME) is ComponentState.UP
    assert detail(components) == "3 streams on 2 servers; b (no details of 1 of 2 streams: HTTP 404 (1))"


@virtual
async def test_many_silent_servers_make_a_short_text() -> None:
    directories = [FakeDirectory(f"h{number}") for number in range(8)]
    for directory in directories:
        directory.answer = Collection(None, errors=1, error="x")
    components = Components()
    await polling(components, 50, *directories)
    assert detail(components).startswith("8 of 8 servers do not answer: h0 (x), ")
    assert detail(components).endswith("h4 (x) and 3 more")


@virtual
async def test_a_defect_in_one_cycle_costs_only_that_cycle() -> None:
    good, broken = FakeDirectory("a"), FakeDirectory("b")
    broken.answer = KeyError("defect")
    poller = await polling(Components(), 600, good, broken)
    assert len(good.began_at) >= 9 and len(broken.began_at) >= 9
    assert poller.pictures["b"].error == "internal error (KeyError)"
    assert poller.pictures["b"].errors_total == broken.completed


@virtual
async def test_a_picture_taken_earlier_does_not_change() -> None:
    directory = FakeDirectory("a")
    poller = VisionairePoller([directory], Components(), interval_s=60)
    before = poller.pictures
    run: Callable[[], Any] = poller.run
    task = asyncio.create_task(run())
    await asyncio.sleep(30)
    assert not before["a"].fresh and poller.pictures["a"].fresh
    with pytest.raises(TypeError):
        poller.pictures["a"] = before["a"]  # type: ignore[index]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
