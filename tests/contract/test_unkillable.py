"""A process that SIGKILL does not end (state D): nobody waits for it for ever.

The system cannot be asked for one, so its descriptor is a fake: the end of a pipe, readable when the test says so.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from restream.adapters.ffmpeg.engine import FfmpegPublication
from restream.adapters.processes import child_process
from restream.adapters.processes.child_process import ChildProcess, LeftChild
from restream.domain.ffmpeg.progress import ProgressParser
from restream.domain.life.cause import Cause
from tests.support.eventually import eventually

PID = 4_000_000_000  # more than the kernel gives


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What was sent to it."""
    sent: list[int] = []

    def killpg(pid: int, number: int) -> None:
        assert pid == PID
        sent.append(number)

    monkeypatch.setattr(os, "killpg", killpg)
    monkeypatch.setattr(child_process, "_UNKILLABLE_AFTER_S", 0.3)
    return sent


@pytest.fixture
async def stuck(signals: list[int], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[ChildProcess, int]]:
    """It, and the descriptor that tells of its end."""
    reading, writing = os.pipe()
    with monkeypatch.context() as patch:
        patch.setattr(os, "pidfd_open", lambda _: reading)
        child = ChildProcess.adopt(LeftChild(PID, "ffmpeg", None, None, (), ()), lambda _: None)
    yield child, writing
    os.close(writing)


async def test_stopping_it_ends_and_so_does_whoever_waits_for_its_end(
    stuck: tuple[ChildProcess, int], signals: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    child, _ = stuck
    publication = FfmpegPublication(child, ProgressParser(), network_timeout_s=10.0, stop_grace_s=0.2)
    waiting = asyncio.create_task(publication.ended())
    async with asyncio.timeout(10):
        await asyncio.gather(publication.stop(), publication.stop())
        ending = await waiting
    assert (ending.cause, ending.detail) == (Cause.KILLED, "SIGKILL")
    assert signals.count(signal.SIGKILL) == 2 and not child.running
    told = [record.message for record in caplog.records]
    assert len(told) == 1 and f"process {PID} (ffmpeg) is still there" in told[0]
    # And nothing more is done to it.
    await publication.stop()
    child.kill()
    assert len(signals) == 6 and len(caplog.records) == 1
    assert publication.leave() is None


async def test_one_that_ends_late_is_not_given_up(
    stuck: tuple[ChildProcess, int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    child, end = stuck
    monkeypatch.setattr(os, "waitpid", lambda pid, _: (pid, signal.SIGKILL))
    child.kill()
    os.write(end, b"x")
    async with asyncio.timeout(10):
        assert (await child.ended()).signal == signal.SIGKILL
    timer = child._giving_up
    assert timer is not None
    await eventually(timer.cancelled, 5)
    assert not caplog.records
