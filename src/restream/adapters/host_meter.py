"""The host and its processes, read with psutil; processes straight from /proc, which costs far less for thousands."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import psutil

from restream.domain.host_sample import (
    HostSample,
    MemorySample,
    NetworkSample,
    ProcessSample,
    ServiceSample,
    SpaceSample,
    TemperatureSample,
    rate,
)

T = TypeVar("T")

# A file system that does not answer within this is left out until it does.
_MOUNT_TIMEOUT_S = 1.0
# Images, always full.
_READ_ONLY_IMAGES = frozenset({"squashfs", "iso9660", "udf", "erofs"})
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# psutil reads what differs between kernels and virtual machines; a part that cannot be read is left out.
_UNREADABLE = (
    OSError,
    psutil.Error,
    AttributeError,
    NotImplementedError,
    ValueError,
    IndexError,
    KeyError,
    RuntimeError,
)


class PsutilHostMeter:
    """Remembers counters between samples. Blocking; one sample at a time. Never raises."""

    def __init__(self, proc: Path = Path("/proc"), clock: Callable[[], float] = time.monotonic) -> None:
        self._proc = str(proc)
        self._clock = clock
        self._at: float | None = None
        self._cpu: tuple[float, float] = (0.0, 0.0)
        self._bytes: dict[str, tuple[int, int]] = {}
        # By pid: when it started (ticks since boot: another value is another process), and its CPU seconds.
        self._processes: dict[int, tuple[int, float]] = {}
        self._mounts: dict[str, threading.Thread] = {}

    def sample(self, pids: Sequence[int]) -> HostSample:
        """One measurement; blocking, for a thread. Processes that are gone are left out; never raises."""
        now = self._clock()
        elapsed_s = now - self._at if self._at is not None else 0.0
        self._at = now
        own = os.getpid()
        processes = self._read_processes((*pids, own), elapsed_s)
        service = processes[own] if own in pids else processes.pop(own, None)
        return HostSample(
            taken_at=time.time(),
            cpu_percent=_or(self._cpu_percent, 0.0),
            cores=os.cpu_count() or 0,
            load=_or(os.getloadavg, (0.0, 0.0, 0.0)),
            memory=_or(_memory, MemorySample()),
            swap=_or(_swap, SpaceSample()),
            disks=_or(self._disks, ()),
            network=_or(lambda: self._network(elapsed_s), ()),
            temperatures=_or(_temperatures, ()),
            service=ServiceSample(
                service.cpu_percent if service else 0.0,
                service.rss_bytes if service else 0,
                _or(lambda: len(os.listdir(f"{self._proc}/self/fd")), 0),  # noqa: PTH208
            ),
            processes=processes,
        )

    def _read_processes(self, pids: Sequence[int], elapsed_s: float) -> dict[int, ProcessSample]:
        samples: dict[int, ProcessSample] = {}
        seen: dict[int, tuple[int, float]] = {}
        for pid in pids:
            try:
                started, cpu_s, rss_bytes = self._stat(pid)
            except (OSError, ValueError, IndexError):
                continue
            before = self._processes.get(pid)
            used = rate(before[1], cpu_s, elapsed_s) if before and before[0] == started else 0.0
            seen[pid] = (started, cpu_s)
            samples[pid] = ProcessSample(pid, 100.0 * used, cpu_s, rss_bytes)
        self._processes = seen
        return samples

    def _stat(self, pid: int) -> tuple[int, float, int]:
        descriptor = os.open(f"{self._proc}/{pid}/stat", os.O_RDONLY)
        try:
            text = os.read(descriptor, 4096)
        finally:
            os.close(descriptor)
        # The name in parentheses may contain anything; the third field follows its last one.
        fields = text[text.rindex(b")") + 2 :].split()
        return int(fields[19]), (int(fields[11]) + int(fields[12])) / _TICKS_PER_S, int(fields[21]) * _PAGE_BYTES

    def _cpu_percent(self) -> float:
        times = psutil.cpu_times()
        # Time of guests is in user time already.
        total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        idle = times.idle + getattr(times, "iowait", 0.0)
        (total_before, idle_before), self._cpu = self._cpu, (total, idle)
        if not total_before or total <= total_before:
            return 0.0
        return max(0.0, min(100.0, 100.0 * (1 - (idle - idle_before) / (total - total_before))))

    def _network(self, elapsed_s: float) -> tuple[NetworkSample, ...]:
        counters = psutil.net_io_counters(pernic=True)
        before = self._bytes
        self._bytes = {name: (now.bytes_recv, now.bytes_sent) for name, now in counters.items()}
        samples = []
        for name, now in sorted(counters.items()):
            if name == "lo":
                continue
            received, sent = before.get(name, (now.bytes_recv, now.bytes_sent))
            samples.append(
                NetworkSample(
                    name,
                    8 * rate(received, now.bytes_recv, elapsed_s),
                    8 * rate(sent, now.bytes_sent, elapsed_s),
                    now.errin + now.errout,
                    now.dropin + now.dropout,
                )
            )
        return tuple(samples)

    def _disks(self) -> tuple[SpaceSample, ...]:
        found = ((mount, self._usage(mount)) for mount in _mounts())
        return tuple(
            SpaceSample(usage.total_bytes, usage.used_bytes, usage.percent, mount) for mount, usage in found if usage
        )

    def _usage(self, mount: str) -> SpaceSample | None:
        """None when it cannot be read or hangs; the thread of a hanging one is left alone, and is the only one."""
        hanging = self._mounts.get(mount)
        if hanging is not None and hanging.is_alive():
            return None
        answer: list[SpaceSample] = []

        def ask() -> None:
            with contextlib.suppress(*_UNREADABLE):
                usage = psutil.disk_usage(mount)
                if usage.total:
                    answer.append(SpaceSample(usage.total, usage.used, usage.percent))

        thread = self._mounts[mount] = threading.Thread(target=ask, name=f"disk {mount}", daemon=True)
        thread.start()
        thread.join(_MOUNT_TIMEOUT_S)
        return answer[0] if answer else None


def _mounts() -> Iterator[str]:
    """The root (in a container no physical mount), then one mount, the shortest path, of every other device."""
    partitions = [part for part in psutil.disk_partitions(all=False) if part.fstype not in _READ_ONLY_IMAGES]
    devices = {part.device for part in partitions if part.mountpoint == "/"}
    yield "/"
    for part in sorted(partitions, key=lambda part: len(part.mountpoint)):
        # A container's /etc/hosts and its like are files mounted from a device of the host.
        if part.device not in devices and not part.mountpoint.startswith("/etc/"):
            devices.add(part.device)
            yield part.mountpoint


def _memory() -> MemorySample:
    memory = psutil.virtual_memory()
    return MemorySample(memory.total, memory.used, memory.available, memory.percent)


def _swap() -> SpaceSample:
    swap = psutil.swap_memory()
    return SpaceSample(swap.total, swap.used, swap.percent)


def _temperatures() -> tuple[TemperatureSample, ...]:
    sensors = psutil.sensors_temperatures()
    return tuple(
        TemperatureSample(f"{chip} {reading.label}".strip(), reading.current, reading.high or None)
        for chip, readings in sorted(sensors.items())
        for reading in readings
    )


def _or(read: Callable[[], T], default: T) -> T:
    try:
        return read()
    except _UNREADABLE:
        return default
