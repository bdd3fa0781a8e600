"""One action on many cameras over HTTP: by ids, by a question, with a preview, and at the nodes that have them."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.integration.test_other_nodes import BEARER, pair
from tests.support.openapi import answer_schema, misfits


def outcomes(told: dict[str, Any]) -> dict[str, str]:
    return {each["id"]: each["outcome"] for each in told["outcomes"]}


async def test_each_camera_is_answered_for_wherever_it_is() -> None:
    async with pair() as site:
        status, told = await site.post("/api/actions", {"action": "restart", "cameras": ["77", "2", "1", "2"]})
        assert (status, told["cameras"], told["accepted"]) == (202, 3, 2)
        assert outcomes(told) == {"77": "unknown", "2": "accepted", "1": "accepted"}
        assert [each["id"] for each in told["outcomes"]] == ["77", "2", "1"]
        assert site.done == [("2", "restart")]
        assert misfits(told, answer_schema("/api/actions", 202, "post")) == []


async def test_a_preview_does_nothing() -> None:
    async with pair() as site:
        status, told = await site.post("/api/actions", {"action": "hold", "cameras": {"q": "camera"}, "dry_run": True})
        assert (status, told["dry_run"], told["accepted"]) == (200, True, 3)
        assert set(outcomes(told).values()) == {"accepted"}
        assert {each["name"] for each in told["outcomes"]} == {"camera 1", "camera 2", "camera 9"}
        assert site.done == []


async def test_a_question_chooses_as_in_the_list() -> None:
    async with pair() as site:
        status, told = await site.post("/api/actions", {"action": "hold", "cameras": {"node": ["south"]}})
        assert (status, outcomes(told)) == (202, {"2": "refused"})
        assert told["outcomes"][0]["detail"] == "it is held already"


async def test_a_node_that_cannot_be_asked_says_why_for_each() -> None:
    async with pair(token="another") as site:
        _, told = await site.post("/api/actions", {"action": "restart", "cameras": ["1", "2"]})
        assert outcomes(told) == {"1": "accepted", "2": "refused"}
        assert "http.token must be the same" in told["outcomes"][1]["detail"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"action": "restart"}, "cameras"),
        ({"action": "explode", "cameras": []}, "explode"),
        ({"action": "hold", "cameras": {"sight": ["North"]}}, "sight"),
        ({"action": "hold", "cameras": {"health": ["ill"]}}, "ill"),
        ({"action": "hold", "cameras": {"phase": ["asleep"]}}, "phase: expected"),
        ({"action": "hold", "cameras": "1"}, "object | array"),
        ({"action": "hold", "cameras": ["1"], "dry-run": True}, "dry-run"),
        ({"action": "hold", "cameras": [str(each) for each in range(5001)]}, "at most 5000 at once"),
        ([], "object"),
        ("\x00", "object"),
    ],
)
async def test_what_cannot_be_understood_is_refused_whole(body: object, words: str) -> None:
    async with pair() as site:
        status, told = await site.post("/api/actions", body)
        assert status == 400 and words in told["error"], told
        assert site.done == []


async def test_a_body_without_end_is_not_read() -> None:
    async with (
        pair() as site,
        site.client.post("/api/actions", headers=BEARER, data=io.BytesIO(b"[" * 1_100_000)) as answer,
    ):
        assert answer.status == 413
