"""How the service watches its relay workers."""

from __future__ import annotations

import asyncio
import time

import pytest

from restream.adapters.relay import workers
from restream.adapters.relay.workers import RelayPublication, RelayWorker
from tests.support.eventually import eventually


class _Child:
    """A process that says nothing."""

    pid = 1
    running = True
    suspended = False
    killed = False

    def kill(self) -> None:
        self.killed = True


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> _Child:
    for name, seconds in (("_HANGS_AFTER_S", 0.05), ("_GRACE_S", 0.05), ("_LATE_S", 0.05)):
        monkeypatch.setattr(workers, name, seconds)
    return _Child()


def _stand_still() -> None:
    time.sleep(0.15)


async def test_a_service_that_stood_still_reads_before_it_tells_that_a_worker_hangs(child: _Child) -> None:
    worker = RelayWorker()
    worker._child = child  # type: ignore[assignment]
    worker._heard()
    _stand_still()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not child.killed
    await eventually(lambda: child.killed, 5)


async def test_a_service_that_stood_still_reads_before_it_tells_that_a_relay_does_not_end(
    child: _Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = RelayWorker()
    worker._child = child  # type: ignore[assignment]
    monkeypatch.setattr(worker, "ask_to_stop", lambda _: None)
    stopping = asyncio.create_task(RelayPublication(worker, 1, lambda _: None).stop())
    await asyncio.sleep(0)
    _stand_still()
    for _ in range(4):
        await asyncio.sleep(0)
    assert not child.killed
    await eventually(lambda: child.killed, 5)
    stopping.cancel()
