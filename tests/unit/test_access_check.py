"""What `restream check` says of those who may come in."""

from __future__ import annotations

from typing import Any

import argon2
import pytest

from restream.adapters.passwords import hash_password
from restream.config.access_section import ApiSection
from restream.config.settings import Settings
from restream.interfaces.console.findings import CheckState
from restream.preflight.access import check_access, judge_accounts, judge_key

LONG = "0123456789abcdef" * 2
GOOD = hash_password("correct horse")
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("correct horse")


def section(**keys: Any) -> ApiSection:
    return ApiSection.model_validate(keys)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"tokens": [{"name": "wall", "token": LONG, "role": "see"}]}, []),
        ({"tokens": [{"name": "wall", "token": "short", "role": "see"}]}, ["the token of wall is short"]),
        (
            {"tokens": [{"name": "wall", "token": LONG, "role": "see", "expires": "2020-01-01"}]},
            ["the token of wall has expired"],
        ),
        ({"users": [{"name": "anna", "password_hash": GOOD, "role": "see"}]}, []),
        ({"users": [{"name": "anna", "password_hash": CHEAP, "role": "see"}]}, ["the hash of anna is cheap"]),
    ],
)
def test_what_is_weak_is_told_and_never_shown(keys: dict[str, Any], told: list[str]) -> None:
    found = list(judge_accounts(section(**keys), 1_800_000_000.0))
    assert [each.state for each in found] == [CheckState.WARN] * len(told)
    assert all(each.text.startswith(words) and each.todo for each, words in zip(found, told, strict=True))
    assert not any(secret in each.text for each in found for secret in (LONG, GOOD, CHEAP))


@pytest.mark.parametrize(
    ("role", "more", "states"),
    [
        ("configure", {"api": {"session_key": LONG}}, []),
        ("configure", {"api": {"session_key": "short"}}, [CheckState.WARN]),
        ("configure", {}, [CheckState.WARN]),
        ("see", {"api": {"session_key": LONG}}, [CheckState.WARN]),
        ("see", {"http": {"token": LONG}}, []),
        ("configure", {"nodes": {"dsn": "postgresql://u@h/d"}}, [CheckState.FAIL]),
        ("configure", {"nodes": {"dsn": "postgresql://u@h/d"}, "http": {"token": LONG}}, []),
    ],
)
def test_the_key_of_sessions(role: str, more: dict[str, Any], states: list[CheckState]) -> None:
    api = {"tokens": [{"name": "root", "token": LONG, "role": role}], **more.get("api", {})}
    assert [each.state for each in judge_key(Settings(**{**more, "api": api}))] == states


async def test_without_accounts_nothing_is_said() -> None:
    assert await check_access(Settings()) == []
