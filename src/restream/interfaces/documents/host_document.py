"""The host sample as JSON."""

from __future__ import annotations

from typing import Annotated

from restream.domain.host_sample import HostSample
from restream.interfaces.documents.values import Document, Moment, Whole, about, copied, timestamp


class MemoryDocument(Document):
    """Main memory."""

    total_bytes: Annotated[int, about("", 16 << 30)]
    used_bytes: Annotated[int, about("", 6 << 30)]
    available_bytes: Annotated[int, about("", 10 << 30)]
    percent: Annotated[float, about("", 37.5)]


class SwapDocument(Document):
    """Swap space."""

    total_bytes: Annotated[Whole, about("", 100 << 30)]
    used_bytes: Annotated[Whole, about("", 41 << 30)]
    percent: Annotated[float, about("", 41.0)]


class DiskDocument(Document):
    """A file system."""

    mount: Annotated[str, about("", "/")]
    total_bytes: Annotated[Whole, about("", 100 << 30)]
    used_bytes: Annotated[Whole, about("", 41 << 30)]
    percent: Annotated[float, about("", 41.0)]


class NetworkDocument(Document):
    """A network interface."""

    interface: Annotated[str, about("", "eth0")]
    received_bps: Annotated[float, about("", 12_000_000.0)]
    sent_bps: Annotated[float, about("", 11_000_000.0)]
    errors: Annotated[int, about("", 0)]
    drops: Annotated[int, about("", 0)]


class TemperatureDocument(Document):
    """A sensor."""

    sensor: Annotated[str, about("", "Package id 0")]
    celsius: Annotated[float, about("", 61.0)]
    high_celsius: Annotated[float | None, about("", 90.0)]


class PublishersDocument(Document):
    """All publishers together."""

    processes: Annotated[Whole, about("", 58)]
    cpu_percent: Annotated[float, about("", 40.1)]
    rss_bytes: Annotated[Whole, about("", 1 << 31)]


class ServiceDocument(Document):
    """The service's own process."""

    cpu_percent: Annotated[float, about("", 4.5)]
    rss_bytes: Annotated[int, about("", 90 << 20)]
    open_files: Annotated[int, about("", 210)]


class HostDocument(Document):
    """The host the service runs on. Percentages are 0 to 100 of all cores, of a process those of one core."""

    time: Annotated[Moment, about("Of the measurement.")]
    cpu_percent: Annotated[float, about("", 12.5)]
    cores: Annotated[Whole, about("", 8)]
    load: Annotated[
        tuple[Annotated[float, about("", 0.75)], float, float],
        about("Over 1, 5 and 15 minutes."),
    ]
    memory: MemoryDocument
    swap: SwapDocument
    disks: tuple[DiskDocument, ...]
    network: Annotated[tuple[NetworkDocument, ...], about("Rates since the time before; errors and drops in all.")]
    temperatures: tuple[TemperatureDocument, ...]
    publishers: PublishersDocument
    service: ServiceDocument


def host_document(sample: HostSample) -> HostDocument:
    """`GET /api/host`."""
    publishers, service, load = sample.processes.values(), sample.service, sample.load
    return HostDocument(
        time=timestamp(sample.taken_at),
        cpu_percent=round(sample.cpu_percent, 1),
        cores=sample.cores,
        load=(round(load[0], 2), round(load[1], 2), round(load[2], 2)),
        memory=copied(MemoryDocument, sample.memory),
        swap=copied(SwapDocument, sample.swap),
        disks=tuple(copied(DiskDocument, disk) for disk in sample.disks),
        network=tuple(
            NetworkDocument(nic.interface, round(nic.received_bps), round(nic.sent_bps), nic.errors, nic.drops)
            for nic in sample.network
        ),
        temperatures=tuple(copied(TemperatureDocument, reading) for reading in sample.temperatures),
        publishers=PublishersDocument(
            processes=len(publishers),
            cpu_percent=round(sum(process.cpu_percent for process in publishers), 1),
            rss_bytes=sum(process.rss_bytes for process in publishers),
        ),
        service=ServiceDocument(round(service.cpu_percent, 1), service.rss_bytes, service.open_files),
    )
