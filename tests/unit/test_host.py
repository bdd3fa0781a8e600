"""The host sample: rates, its JSON, and the loop that takes it."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from restream.domain.host_sample import HostSample, NetworkSample, ProcessSample, SpaceSample, rate
from restream.interfaces.documents.host_document import host_document
from restream.supervisor.picture.host_watch import HostWatch


@pytest.mark.parametrize(
    ("before", "after", "elapsed_s", "expected"),
    [(0, 100, 10, 10.0), (100, 100, 10, 0.0), (100, 5, 10, 0.0), (0, 100, 0, 0.0)],
)
def test_a_rate_survives_resets_and_the_first_sample(
    before: float, after: float, elapsed_s: float, expected: float
) -> None:
    assert rate(before, after, elapsed_s) == expected


def test_the_document_sums_the_publishers() -> None:
    document = msgspec.to_builtins(
        host_document(
            HostSample(
                disks=(SpaceSample(10, 5, 50.0, "/"),),
                network=(NetworkSample("eth0", 8.4, 16.6, 1, 2),),
                processes={1: ProcessSample(1, 10.0, 1.0, 100), 2: ProcessSample(2, 20.04, 2.0, 200)},
            )
        )
    )
    assert document["publishers"] == {"processes": 2, "cpu_percent": 30.0, "rss_bytes": 300}
    assert document["disks"] == ({"mount": "/", "total_bytes": 10, "used_bytes": 5, "percent": 50.0},)
    assert document["network"] == ({"interface": "eth0", "received_bps": 8, "sent_bps": 17, "errors": 1, "drops": 2},)
    assert document["time"] == "1970-01-01T00:00:00.000Z"


class FakeMeter:
    def sample(self, pids: Sequence[int]) -> HostSample:
        return HostSample(processes={pid: ProcessSample(pid, 0.0, 0.0, 0) for pid in pids})


async def test_the_watch_keeps_the_newest_sample() -> None:
    pids = {"a": 5}
    samples: asyncio.Queue[HostSample] = asyncio.Queue()
    watch = HostWatch(FakeMeter(), lambda: pids, 0.0, samples.put_nowait)
    assert watch.sample is None
    task = asyncio.create_task(watch.run())
    assert list((await samples.get()).processes) == [5]
    pids["a"] = 6
    while list((await samples.get()).processes) != [6]:
        pass
    assert watch.sample is not None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
