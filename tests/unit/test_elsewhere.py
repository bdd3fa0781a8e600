"""Cameras of several nodes in one rendering: whose word counts, what moves, what stays as it was."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET

from restream.domain.fleet.node import FleetNode
from restream.domain.judgement.reason import Reason
from restream.domain.judgement.verdict import Health, Verdict
from restream.domain.life.cause import Side
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.mediamtx import PathObservation, ServerView
from restream.interfaces.console.frame import Facts, frame
from restream.interfaces.documents.nodes import nodes_document, page_of
from restream.interfaces.documents.rendering import Rendering
from restream.interfaces.documents.streams import streams
from restream.interfaces.http.exporter import Exporter
from restream.ports.nodes import PeerPicture
from tests.support.peer_nodes import PeerNode, fleet_node, supervised, without_node
from tests.unit.fakes import camera

STOPPING = Verdict(Health.UNKNOWN, Side.NONE, (Reason("stopping", "not known now: it is being stopped"),))

TAKEN_OVER = Verdict(Health.UNKNOWN, Side.PUBLISHER, (Reason("taken_over", "published by somebody else"),))


class Trio:
    """North looks at what south and west tell; nothing is written anywhere."""

    def __init__(self, *nodes: FleetNode) -> None:
        self.known = list(nodes) or [fleet_node("north"), fleet_node("south"), fleet_node("west")]
        self.north = PeerNode("north", lambda: self.known)
        self.others = {name: PeerNode(name, lambda: self.known) for name in ("south", "west")}

    async def tell(self, name: str, **reports: object) -> None:
        node = self.others[name]
        found = {key[1:]: value for key, value in reports.items()}
        documents = (await node.cycle(found)).documents()  # type: ignore[arg-type]
        assert documents.about is not None
        picture = PeerPicture(node.life, node.generation, documents.about, documents.cameras)
        self.north.pictures = {**self.north.pictures, fleet_node(name).name: picture}

    async def shown(self, **reports: object) -> Rendering:
        return await self.north.cycle({key[1:]: value for key, value in reports.items()})  # type: ignore[misc]


async def test_a_camera_that_two_tell_of_is_its_owners() -> None:
    site = Trio()
    await site.tell("south", _7=supervised(camera(7)))
    site.north.mine = {"7"}
    assert (await site.shown(_7=supervised(camera(7)))).cameras["7"].node == "north"
    # It was given away, and its publisher ends here.
    site.north.mine = set()
    shown = await site.shown(_7=supervised(camera(7), verdict=STOPPING))
    assert shown.cameras["7"].node == "south"
    assert shown.changed_since(1) == ["7"] and shown.removed_since(0) == []
    assert set(shown.documents().cameras) == {"7"} and shown.stored.status.cameras == 1


async def test_of_what_may_have_been_taken_over_the_other_one_tells() -> None:
    """Neither the owner that was cut off nor a third node holds on to what the owner last knew."""
    site = Trio()
    site.north.mine = {"7"}
    await site.tell("south", _8=supervised(camera(8), verdict=TAKEN_OVER))
    await site.tell("west", _7=supervised(camera(7)), _8=supervised(camera(8)))
    shown = await site.shown(_7=supervised(camera(7), verdict=TAKEN_OVER))
    assert {key: (each.node, each.verdict.health) for key, each in shown.cameras.items()} == {
        "7": ("west", "healthy"),
        "8": ("west", "healthy"),
    }


async def test_of_two_others_the_one_counts_that_lives_and_publishes() -> None:
    site = Trio(fleet_node("north"), fleet_node("south", -1.0), fleet_node("west"))
    for name in ("south", "west"):
        await site.tell(name, _7=supervised(camera(7)))
    assert (await site.shown()).cameras["7"].node == "west"
    await site.tell("west", _7=without_node(camera(7)))
    assert (await site.shown()).cameras["7"].node == "south"


async def test_a_camera_that_nobody_has_is_told_by_another() -> None:
    site = Trio()
    await site.tell("south", _7=without_node(camera(7)))
    shown = (await site.shown()).cameras["7"]
    assert (shown.node, shown.phase, shown.verdict.health, shown.verdict.fault) == ("", "waiting", "down", "publisher")


async def test_what_has_not_changed_is_the_same_object() -> None:
    site = Trio()
    await site.tell("south", _7=supervised(camera(7)), _8=supervised(camera(8)))
    first = await site.shown(_1=supervised(camera(1)))
    await site.tell("south", _7=supervised(camera(7)), _8=supervised(camera(8), 5_000_000))
    second = await site.shown(_1=supervised(camera(1)))
    third = await site.shown(_1=supervised(camera(1)))
    assert second.cameras["7"] is first.cameras["7"]
    assert [second.changed_since(1), third.changed_since(2)] == [["8"], []]
    assert [each.version for each in (first, second, third)] == [1, 2, 2]


async def test_of_a_node_that_tells_nothing_its_cameras_are_not_known() -> None:
    site = Trio()
    await site.tell("south", _7=supervised(camera(7), 2_000_000))
    await site.shown()
    site.north.pictures = {}
    shown = await site.shown()
    silent = shown.cameras["7"]
    assert (silent.node, silent.verdict.health, silent.bitrate_bps) == ("south", "unknown", None)
    assert silent.verdict.since == shown.status.time
    assert (await site.shown()).cameras["7"] is silent
    # While its lease lasts it has them; those of a lost one are told of by the node that leads.
    site.north.generation += 200
    assert "7" in (await site.shown()).cameras
    site.known[1] = fleet_node("south", -100.0)
    assert "7" not in (await site.shown()).cameras
    await site.tell("south", _7=supervised(camera(7)))
    assert (await site.shown()).cameras["7"].verdict.health == "healthy"


async def test_a_path_of_another_nodes_camera_is_not_unmanaged() -> None:
    site = Trio()
    await site.tell("south", _7=supervised(camera(7)))
    rendering = await site.shown(_1=supervised(camera(1)))
    picture = ServerPicture().swept(
        ServerView(paths={name: PathObservation(name, True, "rtspSession", "s") for name in ("cam1", "cam7", "cam9")}),
        1.0,
    )
    snapshot = replace(rendering.snapshot, servers={DEFAULT_SERVER: picture})
    found = {each.name: each.camera for each in streams(snapshot, rendering.elsewhere).streams}
    assert found == {"cam1": "1", "cam7": "7", "cam9": None}


async def test_alone_there_is_nothing_of_it() -> None:
    node = PeerNode("north", list)
    node.renderer._peers = lambda: None
    rendering = await node.cycle({"1": supervised(camera(1))})
    assert (rendering.status.nodes, rendering.own) == (UNSET, None)
    assert nodes_document(None, (), rendering.status, 0.0, 0.0).nodes == ()


async def test_the_console_names_nodes_that_are_not_as_usual() -> None:
    site = Trio(fleet_node("north"), fleet_node("south", -1.0), fleet_node("west", draining=True))
    lines = frame(await site.shown(), (), Facts("http://127.0.0.1:8000/"), 100, 20).lines
    (told,) = [line for line in lines if "nodes" in line.text]
    assert (told.text, told.style) == ("3 nodes: north, south (lost), west (draining)", "red")


async def test_each_node_is_two_series() -> None:
    site = Trio(fleet_node("north"), fleet_node("south", -1.0))
    rendering = await site.shown()
    exporter = Exporter(
        lambda: rendering.snapshot, dict, dict, int, node="north", version="1", nodes=lambda: site.known
    )
    lines = (await exporter.render()).decode().splitlines()
    assert {'restream_node_up{node="north"} 1', 'restream_node_up{node="south"} 0'} <= set(lines)
    assert {'restream_node_cameras{node="north"} 2', 'restream_node_cameras{node="south"} 0'} <= set(lines)


@pytest.mark.parametrize(
    ("told", "page"),
    [
        ("http://10.0.0.5:8000/", "http://10.0.0.5:8000"),
        ("https://north.example/restream", "https://north.example/restream"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        *(
            (each, None)
            for each in (
                *(
                    None,
                    5,
                    "",
                    "javascript:alert(1)",
                    "//host",
                    "http://",
                    "http://a:0",
                    "http://a:99999",
                    "http://a b",
                ),
                *("http://user:pass@host", "http://host/?a=b", "http://host/#a", "http://h\n", "http://" + "h" * 300),
                *("http://[::1", "file:///etc/passwd", "http://höst", "http://h\\@x"),
            )
        ),
    ],
)
def test_an_address_is_believed_when_it_is_one(told: object, page: str | None) -> None:
    assert page_of(fleet_node("south", url=told)) == page


SHORT: dict[str, Any] = {}


def short_object() -> dict[str, Any]:
    if not SHORT:
        node = PeerNode("south", list)
        node.renderer._peers = lambda: None
        rendering = asyncio.run(node.cycle({"7": supervised(camera(7), 2_000_000)}))
        SHORT.update(orjson.loads(rendering.encoded["7"]))
    return SHORT


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """What another version, or somebody else, may have written."""
    known = short_object()
    changed = {key: draw(JSON) for key in draw(st.lists(st.sampled_from(sorted(known)), max_size=2))}
    body = json.dumps({**known, **changed, **draw(st.dictionaries(st.text(max_size=8), JSON, max_size=2))}).encode()
    at = draw(st.integers(0, len(body)))
    cut = body[:at] + draw(st.binary(max_size=3)) + body[at + draw(st.integers(0, 3)) :]
    return draw(st.sampled_from((body, cut)))


@given(bodies() | st.binary(max_size=50))
@example(b'{"x":"\xff",' + b"%s")
@example(b'{"x":NaN,' + b"%s")
@example(b'{"x":01,' + b"%s")
@example(b'{"x":"\n",' + b"%s")
@example(b'{"x":"\\q",' + b"%s")
@example(b'{"x":"\xed\xa0\x80",' + b"%s")
def test_whatever_stands_in_place_of_a_camera_does_no_harm(body: bytes) -> None:
    if body.endswith(b"%s"):
        body = body[:-2] + orjson.dumps(short_object())[1:]

    async def shown() -> Rendering:
        site = Trio()
        site.north.pictures = {fleet_node("south").name: PeerPicture("life", 1, b"", {"7": body})}
        return await site.shown(_1=supervised(camera(1)))

    rendering = asyncio.run(shown())
    assert set(rendering.cameras) <= {"1", "7"}
    for key, text in rendering.encoded.items():
        # A browser ends a connection over which anything else comes.
        assert json.loads(text.decode(), parse_constant=pytest.fail)["id"] == key
        assert rendering.status.health


@pytest.mark.parametrize("expires_in_s", [float("inf"), float("-inf"), 1e300, -1e12])
@pytest.mark.parametrize("facts", [{}, {"cpu_percent": "much", "memory_percent": True}, {"cpu_percent": float("nan")}])
async def test_whatever_a_node_tells_of_itself_can_be_shown(expires_in_s: float, facts: dict[str, object]) -> None:
    site = Trio(fleet_node("north"), fleet_node("south", expires_in_s, **facts))
    rendering = await site.shown()
    found = nodes_document(site.north.peers(), rendering.cameras.values(), rendering.status, 1.0, 1000.0)
    assert (found.nodes[1].heard, found.nodes[1].lease_s, found.nodes[1].cpu_percent) == (None, None, None)
