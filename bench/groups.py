"""What each kind of process costs, when they come and go."""

from __future__ import annotations

import contextlib
import time
from typing import NamedTuple

import psutil

from bench.machine import MIB
from bench.restreams import relay_workers

OURS = ("service", "workers")
_KINDS = {"mediamtx": "media server", "small_cameras": "cameras", "postgres": "stores", "redis-server": "stores"}
GROUPS = (*OURS, "media server", "cameras", "stores", "bench")


class Cost(NamedTuple):
    """Of one group: CPU since the last look, percent of a core, and PSS now, MiB."""

    cpu_percent: float
    pss_mib: float


class Groups:
    """Looks at all processes below this one. What a process used after the last look before it ended is not seen."""

    def __init__(self, service: int) -> None:
        self._service = psutil.Process(service)
        self._before: dict[int, float] = {}
        self._looked_at = time.monotonic()

    def weigh(self) -> dict[str, Cost]:
        """By group, since the last look."""
        cpu_s, pss_mib = dict.fromkeys(GROUPS, 0.0), dict.fromkeys(GROUPS, 0.0)
        seen: dict[int, float] = {}
        bench = psutil.Process()
        workers = {each.pid for each in relay_workers(self._service)}
        for process in (bench, *bench.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                group = self._group(process, bench, workers)
                times = process.cpu_times()
                seen[process.pid] = times.user + times.system
                cpu_s[group] += seen[process.pid] - self._before.get(process.pid, 0.0)
                pss_mib[group] += process.memory_full_info().pss / MIB
        now = time.monotonic()
        elapsed_s, self._looked_at, self._before = now - self._looked_at, now, seen
        return {group: Cost(100 * cpu_s[group] / elapsed_s, pss_mib[group]) for group in GROUPS}

    def _group(self, process: psutil.Process, bench: psutil.Process, workers: set[int]) -> str:
        if process == bench:
            return "bench"
        if process.pid in workers:
            return "workers"
        return _KINDS.get(process.name(), "service")
