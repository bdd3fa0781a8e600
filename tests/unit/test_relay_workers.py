"""How the service watches its relay workers."""

from __future__ import annotations

import asyncio
import time

import pytest

from restream.adapters.relay import worker_process, workers
from restream.adapters.relay.worker_process import RelayPublication, RelayWorker
from restream.adapters.relay.workers import RelayWorkers
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
        monkeypatch.setattr(worker_process, name, seconds)
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


class _Worker:
    """A process that runs, or does not yet; counts what is begun in it."""

    made: list[_Worker]
    retiring = False

    def __init__(self) -> None:
        self.alive, self.has_spoken = True, False
        self.relays: dict[int, object] = {}
        self.made.append(self)

    async def start(self) -> None:
        """At once."""

    def begin(self, *_: object) -> None:
        self.relays[len(self.relays)] = None


async def test_a_young_worker_gets_no_camera_while_another_one_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    _Worker.made = made = []
    monkeypatch.setattr(workers, "RelayWorker", _Worker)
    several = RelayWorkers(2)
    await several.start_early()
    made[0].has_spoken = True
    for _ in range(60):
        await several.begin(None, lambda _: None)  # type: ignore[arg-type]
    assert [len(each.relays) for each in made] == [60, 0]
    made[1].has_spoken = True
    for _ in range(70):
        await several.begin(None, lambda _: None)  # type: ignore[arg-type]
    assert [len(each.relays) for each in made] == [65, 65]


async def test_who_comes_first_waits_for_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    _Worker.made = made = []
    monkeypatch.setattr(workers, "RelayWorker", _Worker)
    several = RelayWorkers(2)
    for _ in range(60):
        await several.begin(None, lambda _: None)  # type: ignore[arg-type]
    assert [len(each.relays) for each in made] == [60]
