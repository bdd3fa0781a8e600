"""A process that SIGKILL does not end (state D): nobody waits for it for ever.

The system cannot be asked for one, so the transport is a fake whose exit never comes.
"""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from restream.adapters.ffmpeg.engine import FfmpegPublication
from restream.adapters.processes import child_process
from restream.adapters.processes.child_process import ChildProcess
from restream.domain.ffmpeg.invocation import Invocation
from restream.domain.ffmpeg.progress import ProgressParser
from restream.domain.life.cause import Cause
from tests.support.eventually import eventually

PID = 4_000_000_000  # more than the kernel gives


class StuckTransport(asyncio.SubprocessTransport):
    """Its process has started, and will never be reaped."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def get_pid(self) -> int:
        return PID

    def get_returncode(self) -> int | None:
        return None

    def close(self) -> None:
        self.closed = True


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
async def stuck(signals: list[int]) -> tuple[ChildProcess, StuckTransport]:
    transport, protocol = StuckTransport(), child_process._Protocol(lambda _: None)
    return ChildProcess(transport, protocol, Invocation(("/usr/bin/ffmpeg", "-i", "x")), None), transport


async def test_stopping_it_ends_and_so_does_whoever_waits_for_its_end(
    stuck: tuple[ChildProcess, StuckTransport], signals: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    child, transport = stuck
    publication = FfmpegPublication(child, ProgressParser(), network_timeout_s=10.0, stop_grace_s=0.2)
    waiting = asyncio.create_task(publication.ended())
    async with asyncio.timeout(10):
        await asyncio.gather(publication.stop(), publication.stop())
        ending = await waiting
    assert (ending.cause, ending.detail) == (Cause.KILLED, "SIGKILL")
    assert signals.count(signal.SIGKILL) == 2 and not child.running and transport.closed
    told = [record.message for record in caplog.records]
    assert len(told) == 1 and f"process {PID} (ffmpeg) is still there" in told[0]
    # And nothing more is done to it.
    await publication.stop()
    child.kill()
    assert len(signals) == 6 and len(caplog.records) == 1


async def test_one_that_ends_late_is_not_given_up(
    stuck: tuple[ChildProcess, StuckTransport], caplog: pytest.LogCaptureFixture
) -> None:
    child, _ = stuck
    child.kill()
    child._protocol.process_exited()
    child._protocol.connection_lost(None)
    async with asyncio.timeout(10):
        await child.ended()
    timer = child._giving_up
    assert timer is not None
    await eventually(timer.cancelled, 5)
    assert not caplog.records
