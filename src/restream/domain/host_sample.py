"""The host the service runs on, as measured once: percentages are 0..100, a process may use more than one core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ProcessSample:
    """One process. `cpu_percent` is that of one core since the sample before, 0 in its first sample."""

    pid: int
    cpu_percent: float
    cpu_seconds: float
    rss_bytes: int


@dataclass(frozen=True, slots=True)
class MemorySample:
    """Main memory; `percent` of it is not available, 0 to 100."""

    total_bytes: int = 0
    used_bytes: int = 0
    available_bytes: int = 0
    percent: float = 0.0


@dataclass(frozen=True, slots=True)
class SpaceSample:
    """Something with a size: swap, or the file system at `mount`."""

    total_bytes: int = 0
    used_bytes: int = 0
    percent: float = 0.0
    mount: str = ""


@dataclass(frozen=True, slots=True)
class NetworkSample:
    """Rates since the sample before; errors and drops count from the start of the host."""

    interface: str
    received_bps: float
    sent_bps: float
    errors: int
    drops: int


@dataclass(frozen=True, slots=True)
class TemperatureSample:
    """One sensor; from `high_celsius` on its maker calls it hot, None where that is not told."""

    sensor: str
    celsius: float
    high_celsius: float | None = None


@dataclass(frozen=True, slots=True)
class ServiceSample:
    """The service's own process."""

    cpu_percent: float = 0.0
    rss_bytes: int = 0
    open_files: int = 0


@dataclass(frozen=True, slots=True)
class HostSample:
    """What could be read of the host; what could not keeps its default. `taken_at` is Unix time in seconds."""

    taken_at: float = 0.0
    cpu_percent: float = 0.0
    cores: int = 0
    load: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Over 1, 5 and 15 minutes."""
    memory: MemorySample = MemorySample()
    swap: SpaceSample = SpaceSample()
    disks: tuple[SpaceSample, ...] = ()
    network: tuple[NetworkSample, ...] = ()
    temperatures: tuple[TemperatureSample, ...] = ()
    service: ServiceSample = ServiceSample()
    processes: Mapping[int, ProcessSample] = field(default_factory=dict)
    """The publishers that were there, by pid."""


def rate(before: float, after: float, elapsed_s: float) -> float:
    """Growth per second of a counter; 0 when it was reset or no time has passed."""
    return (after - before) / elapsed_s if elapsed_s > 0 and after >= before else 0.0
