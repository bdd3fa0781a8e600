"""Waiting before the next try, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from restream.domain.life.backoff import RestartPolicy
from restream.supervisor.retry import Retry

from .fakes import virtual


@virtual
async def test_pauses_grow_until_it_goes_well() -> None:
    loop, pauses_s = asyncio.get_running_loop(), []
    retry = Retry(RestartPolicy(base_s=2.0, factor=2.0, max_s=5.0, jitter=0.0))

    async def pause(at_least_s: float = 0.0) -> None:
        before = loop.time()
        await retry.pause(at_least_s)
        pauses_s.append(loop.time() - before)

    for _ in range(3):
        await pause()
    await pause(at_least_s=60)
    retry.reset()
    await pause()
    await pause(at_least_s=-1)
    assert pauses_s == pytest.approx([2, 4, 5, 60, 2, 4])


@virtual
async def test_pauses_of_many_do_not_fall_together() -> None:
    loop, ends_s = asyncio.get_running_loop(), set()
    began = loop.time()

    async def fail() -> None:
        await Retry(RestartPolicy(base_s=10.0)).pause()
        ends_s.add(round(loop.time() - began, 3))

    await asyncio.gather(*(fail() for _ in range(20)))
    assert len(ends_s) > 10 and min(ends_s) >= 8 and max(ends_s) <= 12.001
