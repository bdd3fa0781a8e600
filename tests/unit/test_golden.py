"""Everything that the service says of one fleet, held against golden files in tests/data/golden.

A difference fails, with the places that differ. What was meant to change is rewritten with

    RESTREAM_UPDATE_GOLDEN=1 .venv/bin/python -m pytest tests/unit/test_golden.py tests/integration/test_golden_redis.py

and read in `git diff`. While code is only rearranged nothing is rewritten; what may come in addition is listed in
additions.yml, by file. In a JSON file a pattern is the place of a key or item, its parts after slashes: `/*/colour` is
the key "colour" of every item. In a text file it is a whole line. `*` stands for anything but a slash, `**` for
anything:

    cameras.json: ["/*/colour"]
    metrics.txt: ["# ** restream_new_total **", "restream_new_total**"]

What is missing, has changed, or has another order always fails, and so does an addition that is not listed.
"""

from __future__ import annotations

import asyncio
import json
from functools import cache
from typing import Any

import pytest

from tests.support.golden import GOLDEN, allowed, differences, hold, openapi_shape, text_differences, updating, written
from tests.support.openapi import DOCUMENT
from tests.unit.golden_story import Story, story

FILES = (
    *("status.json", "cameras.json", "details.json", "streams.json", "streams_latest.json", "host.json"),
    *("visionaire.json", "events.json", "documents.json", "ws_snapshot.json", "ws_delta.json", "second_cameras.json"),
    *("second_status.json", "alerts.json", "check.json"),
    *("metrics.txt", "lines.txt", "cameras.txt", "frame.txt", "explain.txt", "check.txt"),
)


@cache
def told() -> Story:
    return asyncio.run(story())


@pytest.mark.parametrize("name", FILES)
def test_it_says_what_it_said(name: str) -> None:
    hold(name, told().said[name])


def test_every_golden_file_is_compared() -> None:
    assert set(told().said) == set(FILES)
    others = {"additions.yml", "openapi.json", "redis.json"}
    assert {path.name for path in GOLDEN.iterdir()} - others == set(FILES)


def test_no_password_is_in_a_golden_file() -> None:
    for path in GOLDEN.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "s3cret-Pass" not in text and "publ1sh-Pass" not in text, path.name


def test_the_fleet_shows_every_reason() -> None:
    """Or the golden files would not hold what they are for."""
    found = {reason["code"] for camera in told().said["cameras.json"] for reason in camera["verdict"]["reasons"]}
    assert {"srt_loss", "srt_rtt", "srt_drops", "frames_in_error", "bitrate_low", "restarts", "audio_missing"} <= found
    assert {"auth_failed", "timeout", "server_conflict", "server_down", "starting", "disabled"} <= found
    assert {"row_rejected", "held_by_operator", "not_arrived", "server_silent"} <= found
    delta = told().said["ws_delta.json"]
    assert delta["removed"] == ["16"]
    assert [event["kind"] for event in delta["events"]] == ["health"]
    assert 2 < len(delta["cameras"]) < len(told().said["second_cameras.json"])


def test_the_description_binds_as_before() -> None:
    path = GOLDEN / "openapi.json"
    if updating():
        path.write_text(written(DOCUMENT), encoding="utf-8")
    golden: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    found = list(differences(openapi_shape(golden), openapi_shape(DOCUMENT), allowed("openapi.json")))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("found", "additions", "told"),
    [
        ({"a": 1, "b": [{"c": None}]}, (), ""),
        ({"a": 1, "b": [{"c": None, "d": 2}]}, ("/b/*/d",), ""),
        ({"a": 1, "b": [{"c": None, "d": 2}]}, ("/b/d",), "+ /b/0/d: 2"),
        ({"a": 1, "b": [{"c": None}, 5]}, (), "+ /b/1: 5"),
        ({"a": 1.0, "b": [{"c": None}]}, ("**",), "~ /a: 1 -> 1.0"),
        ({"a": 1, "b": [{}]}, ("**",), "- /b/0/c: null"),
        ({"b": [{"c": None}], "a": 1}, ("**",), "~ /: the keys have another order"),
    ],
)
def test_differences_are_noticed(found: Any, additions: tuple[str, ...], told: str) -> None:
    text = "\n".join(differences({"a": 1, "b": [{"c": None}]}, found, additions))
    assert text.startswith(told) and bool(text) == bool(told)


def test_lines_may_come_in_addition_and_never_go() -> None:
    assert not list(text_differences(["a", "b"], ["a", "new 1", "b"], ["new *"]))
    assert "+new 1" in list(text_differences(["a", "b"], ["a", "new 1", "b"]))
    assert "-b" in list(text_differences(["a", "b"], ["a"], ["**"]))
