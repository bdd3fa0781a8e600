"""Tests wait for conditions, and no longer than one can come true."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.support.eventually import HopelessError, eventually
from tests.support.service import running_service


async def test_not_yet_is_waited_for() -> None:
    looks = iter((0, 0, 1))

    def third() -> int:
        found = next(looks)
        assert found is not None
        return found

    assert await eventually(third, 5) == 1


async def test_what_cannot_come_any_more_is_not() -> None:
    def gone() -> bool:
        raise HopelessError("gone")

    with pytest.raises(HopelessError, match="gone"):
        await asyncio.wait_for(eventually(gone, 60), 5)


async def test_a_service_that_ends_at_once_is_told_at_once_with_its_words(tmp_path: Path) -> None:
    program = ("sh", "-c", "echo no such key; exit 2")
    began = time.monotonic()
    with pytest.raises(AssertionError, match=r"(?s)ended with 2.*no such key"):
        async with running_service(tmp_path, program=program):
            pass
    assert time.monotonic() - began < 20
