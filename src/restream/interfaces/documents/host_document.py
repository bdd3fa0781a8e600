"""The host sample as JSON."""

from __future__ import annotations

from dataclasses import asdict

from restream.domain.host_sample import HostSample, SpaceSample
from restream.interfaces.documents.values import Document, timestamp


def host_document(sample: HostSample) -> Document:
    publishers = sample.processes.values()
    return {
        "time": timestamp(sample.taken_at),
        "cpu_percent": round(sample.cpu_percent, 1),
        "cores": sample.cores,
        "load": [round(value, 2) for value in sample.load],
        "memory": asdict(sample.memory),
        "swap": _space(sample.swap),
        "disks": [{"mount": disk.mount, **_space(disk)} for disk in sample.disks],
        "network": [
            {**asdict(nic), "received_bps": round(nic.received_bps), "sent_bps": round(nic.sent_bps)}
            for nic in sample.network
        ],
        "temperatures": [asdict(reading) for reading in sample.temperatures],
        "publishers": {
            "processes": len(publishers),
            "cpu_percent": round(sum(process.cpu_percent for process in publishers), 1),
            "rss_bytes": sum(process.rss_bytes for process in publishers),
        },
        "service": {**asdict(sample.service), "cpu_percent": round(sample.service.cpu_percent, 1)},
    }


def _space(space: SpaceSample) -> Document:
    return {"total_bytes": space.total_bytes, "used_bytes": space.used_bytes, "percent": space.percent}
