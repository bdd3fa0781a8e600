"""What the figures were measured on, and how processes are weighed."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

MIB = 1 << 20


def describe_machine() -> str:
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory_gib = psutil.virtual_memory().total / 2**30
    software = f"Linux {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({model}), {memory_gib:.0f} GiB, {software}"


@dataclass(frozen=True, slots=True)
class Weight:
    """CPU seconds used so far and memory held now (MiB); PSS shares what processes share."""

    cpu_s: float = 0.0
    rss_mib: float = 0.0
    pss_mib: float = 0.0

    def __add__(self, other: Weight) -> Weight:
        return Weight(self.cpu_s + other.cpu_s, self.rss_mib + other.rss_mib, self.pss_mib + other.pss_mib)


def weigh(processes: Iterable[psutil.Process]) -> Weight:
    """The sum over processes; those that end meanwhile count nothing."""
    total = Weight()
    for process in processes:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            memory = process.memory_full_info()
            total += Weight(times.user + times.system, memory.rss / MIB, memory.pss / MIB)
    return total
