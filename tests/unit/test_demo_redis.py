"""The demo's own Redis, where this machine has a program for one, and where it has none."""

from __future__ import annotations

import logging

import pytest

from restream.config.outlet_sections import RedisSection
from restream.demo import stack


async def test_without_a_program_the_demo_goes_on_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stack, "redis_binary", lambda: None)
    with caplog.at_level(logging.WARNING):
        async with stack._redis(RedisSection()) as section:
            assert section.url is None
    assert "apt install redis-server" in caplog.text
