"""Secrets that are replaced while the service runs, and what counts as another place."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from restream.config.addresses import without_login
from restream.config.settings import Settings
from restream.service.secrets_in_use import SecretsInUse, lasting


def settings(**sections: Any) -> Settings:
    return Settings.model_validate(sections)


@pytest.mark.parametrize(
    ("section", "before", "after", "key", "now"),
    [
        ("http", {"token": "old"}, {"token": "new"}, "http.token", "new"),
        ("http", {"token": "old"}, {}, "http.token", "old"),
        ("redis", {"url": "redis://:old@h/0"}, {"url": "redis://u:new@h/0"}, "redis.url", "redis://u:new@h/0"),
        ("redis", {"url": "redis://:old@h/0"}, {"url": "redis://:new@other/0"}, "redis.url", "redis://:old@h/0"),
        (
            "nodes",
            {"dsn": "postgresql://a:old@h/d"},
            {"dsn": "postgresql://b:new@h/d"},
            "nodes.dsn",
            "postgresql://b:new@h/d",
        ),
        (
            "database",
            {"dsn": "postgresql://u@h/d", "password": "old"},
            {"dsn": "postgresql://u@h/d", "password": "n@w"},
            "database.dsn",
            "postgresql://u:n%40w@h/d",
        ),
    ],
)
def test_a_secret_is_replaced_where_it_is_held(
    section: str, before: dict[str, str], after: dict[str, str], key: str, now: str
) -> None:
    first, second = settings(**{section: before}), settings(**{section: after})
    secrets = SecretsInUse(first)
    held = secrets.of(key)
    secrets.adopt(second)
    assert held is not None and held.reveal() == now
    # Whatever is not taken over is told as waiting for the next start.
    taken = lasting(getattr(first, section)) == lasting(getattr(second, section))
    assert taken == (now not in (before.get("url"), before.get("token")))


def test_there_is_none_where_none_is_set() -> None:
    assert SecretsInUse(settings()).of("http.token") is None


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("postgresql://u:p@h/db?x=1", "postgresql://h/db?x=1"),
        ("rediss://h:1/0", "rediss://h:1/0"),
        ("unix://:p@/run/s", "unix:///run/s"),
        ("https://hooks.example/secret", ""),
        ("token", ""),
    ],
)
def test_the_place_of_an_address(address: str, place: str) -> None:
    assert without_login(SecretStr(address)) == place
