"""What every version has stored is read by this one: documents, options and settings, whole and spoilt."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from restream import __version__
from restream.adapters.node_document import read_traits
from restream.adapters.stores import redis_keys
from restream.adapters.stores.postgres_events import _COLUMNS, _NODE, _row
from restream.adapters.stores.redis_media import _decoded
from restream.adapters.stores.redis_peers import _Head, _head, _Seen
from restream.adapters.stores.stored_records import decode_event, decode_timeline, encode_timeline
from restream.config.places import ROOT
from restream.config.settings import ConfigError, Settings, load_settings
from restream.domain.camera.camera import Camera, RejectedRow
from restream.domain.camera.urls import CameraTypes
from restream.domain.fleet.node import FleetNode, NodeName
from restream.domain.known_media import asked_for
from restream.domain.news.component import ComponentState
from restream.domain.news.event import ComponentChange
from restream.interfaces.documents.elsewhere import Elsewhere, Shown
from restream.interfaces.documents.events import EventDocument, event
from restream.interfaces.documents.nodes import nodes_document
from restream.ports.nodes import PeerPicture, Peers
from restream.reference.configuration import shown
from restream.service.from_settings import row_reader
from restream.supervisor.picture.history import History
from tests.support.authority import Authority
from tests.support.mutations import bodies, changed
from tests.support.peer_nodes import PeerNode
from tests.support.recorded_state import EVERY_KEY, NODE, OTHER, RecordedState, recorded
from tests.unit.test_reference import KEYS, of_file

STATES = recorded()
each_version = pytest.mark.parametrize("state", STATES, ids=lambda state: state.version)
an_event = st.sampled_from([body for state in STATES for body in state.events]).map(json.loads)


def of_hash(key: str) -> st.SearchStrategy[Any]:
    """A recorded document of a hash."""
    return st.sampled_from([body for state in STATES for body in state.hash(key).values()]).map(json.loads)


def test_the_present_version_is_recorded() -> None:
    assert __version__ in {state.version for state in STATES}, "python -m tests.record_state"


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def replaced(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Files that every_key.yml stands for."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "secret").write_text("s3cret-of-a-file\n", encoding="utf-8")
    return {"/secret": str(folder / "secret"), "/authority.pem": str(Authority(folder / "authority").ca)}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("RESTREAM_") or name.startswith(("PG_DSN", "CREDENTIALS_DIRECTORY")):
            monkeypatch.delenv(name)


def with_files(text: str, replaced: Mapping[str, str]) -> str:
    for name, path in replaced.items():
        text = text.replace(name, path)
    return text


def plain(value: Any) -> Any:
    """A setting as YAML has it."""
    match value:
        case BaseModel():
            return {name: plain(getattr(value, name)) for name in type(value).model_fields}
        case Mapping():
            return {str(name): plain(each) for name, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case bool() | int() | float() | None:
            return value
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def agrees(given: Any, taken: Any) -> bool:
    """Whether what was given is in what was taken, which may have more keys with their defaults."""
    if isinstance(given, dict) and isinstance(taken, dict):
        return all(name in taken and agrees(each, taken[name]) for name, each in given.items())
    if isinstance(given, list) and isinstance(taken, list):
        return len(given) == len(taken) and all(map(agrees, given, taken))
    # An address with its password, a webhook by its URL alone, and a secret that stands in a file.
    if isinstance(given, str) and isinstance(taken, dict):
        return agrees(given, taken["url"])
    if isinstance(given, dict) and set(given) == {"file"}:
        return bool(taken)
    if isinstance(given, str) and isinstance(taken, str) and "://" in given and "@" in given:
        return given.partition("://")[0] == taken.partition("://")[0] and given.partition("@")[2] in taken
    return bool(given == taken)


@each_version
def test_every_setting_is_taken(state: RecordedState, replaced: Mapping[str, str], tmp_path: Path) -> None:
    file = tmp_path / "restream.yml"
    file.write_text(with_files(state.text(EVERY_KEY.name), replaced), encoding="utf-8")
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    found = plain(load_settings(file))
    not_taken = {
        f"{section}.{key}": (value, found[section].get(key))
        for section, keys in document.items()
        for key, value in keys.items()
        if not agrees(value, found[section].get(key))
    }
    assert not_taken == {}


@each_version
def test_its_commented_file_and_its_camera_types_are_understood(state: RecordedState) -> None:
    document = yaml.safe_load(state.text("restream.yml"))
    found = plain(load_settings(state.folder / "restream.yml"))
    assert {name: agrees(keys, found[name]) for name, keys in document.items()} == dict.fromkeys(document, True)
    types = CameraTypes.parse(yaml.safe_load(state.text("camera_types.yml")))
    assert types


def test_every_key_has_a_value_to_be_recorded() -> None:
    document = yaml.safe_load(EVERY_KEY.read_text(encoding="utf-8"))
    given = dict(of_file(document))
    assert given.keys() == KEYS.keys()
    assert [path for path, field in KEYS.items() if given[path] == shown(field)] == []


def test_a_key_that_is_not_known_is_one_line(tmp_path: Path) -> None:
    """As after a downgrade."""
    file = tmp_path / "restream.yml"
    for document, told in (({"http": {"unheard_of": 1}}, "http.unheard_of"), ({"unheard_of": {}}, "unheard_of")):
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        with pytest.raises(ConfigError, match=f"^{told}: unknown key$"):
            load_settings(file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_a_spoilt_configuration_is_taken_or_one_line(
    replaced: Mapping[str, str], tmp_path: Path, data: st.DataObject
) -> None:
    text = with_files(data.draw(st.sampled_from([state.text(EVERY_KEY.name) for state in STATES])), replaced)
    document = data.draw(changed(yaml.safe_load(text)))
    file = tmp_path / "restream.yml"
    try:
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
    except (yaml.YAMLError, UnicodeEncodeError):
        return
    try:
        assert isinstance(load_settings(file), Settings)
    except ConfigError as error:
        assert "\n" not in str(error)
        assert not [word for word in ("t0ken", "-pass", "p@ss", "h00k", "s3cret") if word in str(error)]


# -- rows --------------------------------------------------------------------------------------------------------------


def cameras_of(state: RecordedState) -> dict[str, Camera | RejectedRow]:
    reader = row_reader(load_settings(state.folder / "restream.yml"))
    return {found.id: found for found in map(reader.read, state.rows)}


@each_version
def test_rows_with_every_option_are_understood(state: RecordedState) -> None:
    cameras = cameras_of(state)
    assert {key for key, each in cameras.items() if isinstance(each, RejectedRow)} == {"7"}
    every = cameras["6"]
    assert isinstance(every, Camera) and len(state.rows[5]["options"]) >= 14


# -- media -------------------------------------------------------------------------------------------------------------


@each_version
def test_no_camera_is_probed_again(state: RecordedState) -> None:
    cameras = cameras_of(state)
    known = {key: _decoded(body.encode()) for key, body in state.hash(f"restream:node:{NODE}:media").items()}
    assert set(known) == {"1", "2"}
    for key, media in known.items():
        camera = cameras[key]
        assert media is not None and isinstance(camera, Camera) and media.asked == asked_for(camera)


@given(of_hash(f"restream:node:{NODE}:media").flatmap(bodies))
def test_spoilt_media_are_none_or_plausible(body: bytes) -> None:
    found = _decoded(body)
    assert found is None or _decoded(msgspec.json.encode(found)) == found


# -- events and availability -------------------------------------------------------------------------------------------


@each_version
def test_events_and_timelines_are_read(state: RecordedState) -> None:
    events = [decode_event(body.encode(), state.taken_at, EventDocument) for body in state.events]
    assert len(events) > 20 and None not in events
    assert {each.kind for each in events if each} == {"camera", "component", "health"}
    assert {each.node for each in events if each} == {NODE, OTHER}
    timelines = {
        key: decode_timeline(body.encode(), state.taken_at) for key, body in state.hash("restream:availability").items()
    }
    assert timelines.keys() >= {"1", "2", "3", "4", "5"}
    for key, timeline in timelines.items():
        assert timeline is not None
        assert json.loads(encode_timeline(timeline)) == json.loads(state.hash("restream:availability")[key])


@given(an_event.flatmap(bodies), st.just(STATES[0].taken_at))
def test_a_spoilt_event_is_left_out_or_kept_as_any_other(body: bytes, now: float) -> None:
    found = decode_event(body, now, EventDocument)
    if found is None:
        return
    assert decode_event(msgspec.json.encode(found), now, EventDocument) == found
    assert _row(found, (*_COLUMNS, _NODE))
    history = History(partial(event, node=NODE))
    history.restore([found])
    history.happened(ComponentChange(now, "redis", ComponentState.DOWN, ComponentState.UP, ""))
    assert len(history.after(0)) == 2 and len(history.after(found.id)) == 1


@given(of_hash("restream:availability").flatmap(bodies), st.just(STATES[0].taken_at))
def test_a_spoilt_timeline_is_none_or_in_order(body: bytes, now: float) -> None:
    found = decode_timeline(body, now)
    if found is None:
        return
    moments = [span.since for span in found.spans]
    assert moments == sorted(moments) and list(found.restarts) == sorted(found.restarts)
    assert all(0 <= at <= now for at in (*moments, *found.restarts))
    assert decode_timeline(encode_timeline(found), now + 1) is not None


@pytest.mark.parametrize(
    ("kept", "spans", "restarts"),
    [
        ({"spans": [[1, "healthy"], [2, "asleep"], [3, "down"]], "restarts": []}, "healthy unknown down", 0),
        ({"spans": [[1, "healthy", "more"], [2, 5]], "restarts": [1, "2", None]}, "healthy unknown", 1),
        ({"spans": [["1", "down"], [2, "down"], 7, []]}, "down", 0),
        ({"spans": "none", "restarts": [4, 5], "format": 2}, "", 2),
    ],
)
def test_no_more_is_lost_than_what_cannot_be_read(kept: Any, spans: str, restarts: int) -> None:
    found = decode_timeline(json.dumps(kept).encode(), 10.0)
    assert found is not None
    assert " ".join(span.health for span in found.spans) == spans
    assert len(found.restarts) == restarts


# -- other nodes -------------------------------------------------------------------------------------------------------


def picture_of(state: RecordedState, changes: Mapping[str, bytes] | None = None) -> PeerPicture:
    """What the other node tells; as `RedisPeers` reads it."""
    about = state.keys[f"restream:node:{OTHER}:about"]["content"].encode()
    cameras = {key: body.encode() for key, body in state.hash(f"restream:node:{OTHER}:cameras").items()}
    head = _head(_Seen(about, [], len(cameras)))
    assert isinstance(head, _Head)
    return PeerPicture(head.instance, head.generation, about, {**cameras, **(changes or {})})


def peers_of(state: RecordedState, picture: PeerPicture) -> Peers:
    node = FleetNode(NodeName(OTHER), picture.instance, 5.0, traits=traits_of(state))
    return Peers(NodeName("today"), frozenset(), {node.name: node}, 0.0, {node.name: picture})


def traits_of(state: RecordedState) -> Any:
    (row,) = (row for row in state.leases.rows["restream_node"] if row["name"] == OTHER)
    return read_traits(json.dumps(row["traits"]))


def shown_of(state: RecordedState, picture: PeerPicture) -> dict[str, Shown]:
    return asyncio.run(Elsewhere().joined({}, {}, peers_of(state, picture), 0.0, state.taken_at))


@each_version
def test_an_older_nodes_cameras_are_shown(state: RecordedState, caplog: pytest.LogCaptureFixture) -> None:
    picture = picture_of(state)
    found = shown_of(state, picture)
    assert found.keys() == picture.cameras.keys() >= {"3", "4"}
    assert found["3"][0].verdict.health == "healthy" and found["3"][1] is picture.cameras["3"]
    assert not caplog.records


@each_version
def test_an_older_node_is_shown_as_it_tells(state: RecordedState) -> None:
    traits = traits_of(state)
    assert (traits.version, traits.cameras) == (state.version, 2)
    assert traits.facts["url"] == f"http://{OTHER}.example:8000"
    nodes = PeerNode("today", list)
    own = asyncio.run(nodes.cycle({})).stored.status
    (node,) = nodes_document(peers_of(state, picture_of(state)), (), own, 0.0, state.taken_at).nodes
    assert (node.version, node.down, node.problem) == (state.version, (), "")


@given(st.sampled_from(STATES), st.data())
def test_a_spoilt_camera_of_another_node_spoils_no_other(state: RecordedState, data: st.DataObject) -> None:
    body = data.draw(bodies(json.loads(state.hash(f"restream:node:{OTHER}:cameras")["3"])))
    found = shown_of(state, picture_of(state, {"3": body}))
    assert found.keys() - {"3"} == picture_of(state).cameras.keys() - {"3"}
    if "3" in found:
        json.loads(found["3"][1])


@given(st.sampled_from(STATES), st.data())
def test_what_a_spoilt_node_tells_of_itself_never_raises(state: RecordedState, data: st.DataObject) -> None:
    about = json.loads(state.keys[f"restream:node:{OTHER}:about"]["content"])
    head = _head(_Seen(data.draw(bodies(about)), [], 2))
    assert isinstance(head, _Head) or head.problem
    (row,) = (row for row in state.leases.rows["restream_node"] if row["name"] == OTHER)
    read_traits(data.draw(bodies(row["traits"])).decode(errors="replace"))


# -- what stands in the documentation ----------------------------------------------------------------------------------

STAYS = {"always": "until", "week": "a week", "cycles": "five cycles"}


@pytest.mark.parametrize("state", STATES[-1:], ids=lambda state: state.version)
def test_every_key_of_redis_is_on_the_page_with_how_long_it_stays(state: RecordedState) -> None:
    lines = (ROOT / "docs" / "upgrade.md").read_text(encoding="utf-8").partition("## Stored state")[2].splitlines()
    for key, stored in state.keys.items():
        name = key.replace(f":{NODE}:", ":NODE:").replace(f":{OTHER}:", ":NODE:")
        (line,) = (line for line in lines if line.startswith("|") and f"`{name}`" in line)
        assert STAYS[stored["stays"]] in line, (name, stored["stays"])


def test_every_key_and_table_that_there_is_stands_on_the_page() -> None:
    page = (ROOT / "docs" / "upgrade.md").read_text(encoding="utf-8").partition("## Stored state")[2]
    named = {value for name, value in vars(redis_keys).items() if name.endswith(("_KEY", "_KEYS"))}
    tables = [
        table
        for path in sorted((ROOT / "etc").glob("schema_*.sql"))
        for table in re.findall(r"^CREATE TABLE IF NOT EXISTS (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert len(named) > 10 and len(tables) > 10
    assert [key for key in sorted(named) if f"`{key}" not in page] == []
    assert [table for table in tables if f"`{table}`" not in page] == []
