"""What a broker is told, whatever cameras are called."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from msgspec.structs import replace as with_keys

from restream.interfaces.messages.home_assistant import HomeTopics
from tests.unit.test_cycle import BROKEN, RUNNING, rendered, snapshot

TOPICS = HomeTopics("site.a", "1", page_url="https://cameras.example/")
IDS = ["1", "7f3c-uuid", "a/b", "+", "#", "", "x" * 500, "ü\ud800", "--" + "0" * 24, "a\nb", "$SYS"]


def test_every_id_has_topics_of_its_own_without_levels_or_wildcards() -> None:
    found = [topic for id_ in IDS for topic in TOPICS.topics(id_)]
    assert len(set(found)) == len(found) == 3 * len(IDS)
    for topic in found:
        assert topic.isascii() and not set("+#\n$") & set(topic) and len(topic) < 200
        assert len(topic.split("/")) == (3 if topic.startswith("restream/") else 4)


async def test_a_hostile_name_is_bounded_text() -> None:
    (cycle,) = await rendered(snapshot(1, {1: BROKEN}))
    camera = with_keys(cycle.cameras["1"], name="{{ states() }}\n\x00" + "x" * 5000)
    messages = TOPICS.messages(camera)
    assert messages.keys() == set(TOPICS.topics("1"))
    plug = json.loads(messages["homeassistant/binary_sensor/restream_1_connectivity/config"])
    assert len(plug["name"]) == 100 and "\n" not in plug["name"]
    assert plug["availability_topic"] == "restream/site.a/availability"
    assert plug["device"]["configuration_url"] == "https://cameras.example/"
    state = json.loads(messages["restream/camera/1"])
    assert state["connectivity"] == "OFF" and len(state["reason"]) <= 255


async def test_states_and_whose_they_are() -> None:
    (cycle,) = await rendered(replace(snapshot(1, {1: RUNNING, 2: BROKEN}), table_read=True))
    view = TOPICS.view(cycle)
    assert view is not None and set(view.cameras) == {"1", "2"}
    state = TOPICS.messages(view.cameras["1"])["restream/camera/1"]
    assert TOPICS.written_by_us(state) == "1"
    assert HomeTopics("other", "1").written_by_us(state) is None
    for payload in (b"", b"offline", b"[]", b'{"id": 1}', b"\xff"):
        assert TOPICS.written_by_us(payload) is None
    assert TOPICS.view(replace(cycle, snapshot=replace(cycle.snapshot, draining=True))) is None
    assert TOPICS.view(replace(cycle, snapshot=replace(cycle.snapshot, table_read=False))) is None


@pytest.mark.parametrize("prefix", ["homeassistant", "ha/discovery"])
async def test_without_discovery_only_states_are_told(prefix: str) -> None:
    (cycle,) = await rendered(replace(snapshot(1, {1: RUNNING}), table_read=True))
    silent, other = replace(TOPICS, discovery=None), replace(TOPICS, discovery=prefix)
    assert list(silent.messages(cycle.cameras["1"])) == list(silent.topics("1")) == ["restream/camera/1"]
    assert sum(each.startswith(f"{prefix}/") for each in other.topics("1")) == 2
