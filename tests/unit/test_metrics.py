"""The exposition, read back by Prometheus' own client library."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from restream.config.places import ROOT
from restream.domain.admission.queue import StartFigures
from restream.domain.camera.camera import RejectedRow
from restream.domain.engine import Advance
from restream.domain.fleet.node import FleetNode, NodeName
from restream.domain.host_sample import HostSample, NetworkSample, ProcessSample, SpaceSample
from restream.domain.judgement.flaws import Thresholds
from restream.domain.judgement.quality import Quality
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.judgement.stream_quality import StreamQuality
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase, State
from restream.domain.news.component import Component, ComponentState
from restream.domain.pictures.seen import Seen
from restream.domain.rtp.report import TrackReport
from restream.domain.rtp.stream_report import StreamReport
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.mediamtx import PathObservation, ServerView, SrtObservation
from restream.domain.visionaire import HostPicture, ListedStream, StreamDetails, StreamServer, ThirdPartyStream
from restream.interfaces.http.exporter import Exporter
from restream.interfaces.metrics.exposition import Family, labels, text
from restream.supervisor.picture.assessor import Assessor
from tests.unit.fakes import Listener, camera

RUNNING = State(Phase.RUNNING, 0.0, running_since=0.0)
BROKEN = State(Phase.BACKOFF, 0.0, cause=Cause.REFUSED, unpublished_since=0.0)
STARTS = StartFigures(waiting=4, starting=2, window=16, slowed_hosts=2)
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def snapshot(generation: int = 1, **rows: Any) -> Snapshot:
    """Camera 1 runs over SRT, 2 is broken, 3 is disabled, 4 is not understood."""
    paths = {"cam1": PathObservation("cam1", True, "srtConn", "s", inbound_bytes=1000, readers=2)}
    srt = {"s": SrtObservation("s", "cam1", "", rtt_ms=20.0)}
    server = ServerPicture().swept(ServerView(paths=paths, srt=srt), 10.0)
    subjects = {
        "1": CameraStatus(camera(1, name='Gate "A"\n'), RUNNING, None, 77),
        "2": CameraStatus(camera(2, name="Yard"), BROKEN, None, None),
        "3": camera(3, name="Yard", enabled=False),
        "4": RejectedRow("4", "", "link: is empty"),
        **rows,
    }
    reports = dict(Assessor(Thresholds(), Listener()).assess(subjects, {DEFAULT_SERVER: server}, 10.0, 1000.0))
    quality = Quality(bitrate_bps=2e6, loss_ratio=0.02)
    reports["1"] = reports["1"]._replace(quality=quality, restarts=((Cause.STALLED, 3),))
    host = HostSample(
        cpu_percent=50.0,
        disks=(SpaceSample(100, 25, 25.0, "/"),),
        network=(NetworkSample("eth0", 8e6, 8e3, 0, 0),),
        processes={77: ProcessSample(77, 1.0, 12.5, 4096)},
    )
    components = {
        "redis": Component("redis", ComponentState.DOWN),
        "mediamtx": Component("mediamtx", ComponentState.UP),
    }
    return Snapshot(generation, 1000.0, 10.0, reports, components, {DEFAULT_SERVER: server}, host, STARTS)


PICTURES = {
    "10.0.0.5": HostPicture(
        StreamServer("10.0.0.5", "http://10.0.0.5:4004"),
        (
            ThirdPartyStream(ListedStream("a", "1", "Yard"), StreamDetails("RUNNING", active=True)),
            ThirdPartyStream(ListedStream("b", "2", "Roof"), StreamDetails("API_ERROR")),
        ),
        fresh=True,
        answers=True,
        response_time_s=0.25,
        errors_total=7,
    ),
    "10.0.0.6": HostPicture(
        StreamServer("10.0.0.6", "http://10.0.0.6:4004"),
        (ThirdPartyStream(ListedStream("c", "1", "Old"), StreamDetails("RUNNING", active=True)),),
        response_time_s=0.5,
        errors_total=9,
    ),
}


class Desk:
    def __init__(self) -> None:
        self.snapshot = snapshot()
        counts = {"events": {"camera": 5.0}, "alerts": {"sent": 1.0}, "lines": {"written": 9.0}}
        counts |= {"pictures": {"decoded": 3.0}, "picture_decode_seconds": {"decoded": 0.1}}
        self.exporter = Exporter(
            lambda: self.snapshot,
            lambda: PICTURES,
            lambda: counts,
            lambda: 3,
            node="site-a",
            version="1.0",
            nodes=lambda: [FleetNode(NodeName("site-a"), "life", 9.0)],
        )

    async def samples(self) -> Samples:
        return parsed((await self.exporter.render()).decode())


def parsed(exposition: str) -> Samples:
    samples: Samples = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in samples, f"{key} twice"
            samples[key] = sample.value
    return samples


def of(samples: Samples, metric: str, /, **own: str) -> float | None:
    return samples.get((metric, tuple(sorted(own.items()))))


async def test_our_cameras() -> None:
    samples = await Desk().samples()
    gate = {"camera": "1", "name": 'Gate "A"'}
    expected = {
        "camera_up": 1,
        "camera_bitrate_bits_per_second": 2e6,
        "camera_readers": 2,
        "camera_received_bytes_total": 1000,
        "camera_srt_rtt_seconds": 0.02,
        "camera_srt_loss_ratio": 0.02,
        "camera_publisher_cpu_seconds_total": 12.5,
        "camera_publisher_resident_bytes": 4096,
    }
    assert {name: of(samples, f"restream_{name}", **gate) for name in expected} == expected
    assert of(samples, "restream_camera_restarts_total", cause="stalled", **gate) == 3
    yard = {"camera": "2", "name": "Yard"}
    assert of(samples, "restream_camera_up", **yard) == 0
    assert of(samples, "restream_camera_readers", **yard) is None
    states = {
        health: of(samples, "restream_camera_health", health=health, **yard)
        for health in ("healthy", "degraded", "down", "unknown", "disabled")
    }
    assert states == {"healthy": 0, "degraded": 0, "down": 1, "unknown": 0, "disabled": 0}


RECEIVED = StreamReport(
    TrackReport(990, 8, 2, jitter_s=0.002, fps=25.0, bitrate_bps=2e6, key_frame_interval_s=2.0),
    TrackReport(500, bitrate_bps=32e3, clock_offset_s=-3600.0),
)


def watched(stream: StreamReport) -> Desk:
    """Camera 1, with what its packets tell."""
    desk = Desk()
    state = RUNNING._replace(advance=Advance(moved=True, stream=stream))
    desk.snapshot = snapshot(**{"1": CameraStatus(camera(1, name="Gate"), state, None, 77)})
    desk.snapshot.reports["1"] = desk.snapshot.reports["1"]._replace(
        packets=StreamQuality(loss_ratio=0.008), seen=Seen(desk.snapshot.taken_at, samples=1)
    )
    return desk


async def test_what_the_packets_of_a_camera_tell() -> None:
    samples = await watched(RECEIVED).samples()
    gate = {"camera": "1", "name": "Gate"}
    by_track = {
        "packets_total": (990, 500),
        "missing_packets_total": (10, 0),
        "reordered_packets_total": (2, 0),
        "bitrate_bits_per_second": (2e6, 32e3),
        "jitter_seconds": (0.002, None),
    }
    for name, values in by_track.items():
        found = [of(samples, f"restream_camera_rtp_{name}", track=track, **gate) for track in ("video", "audio")]
        assert found == list(values), name
    whole = {
        "loss_ratio": 0.008,
        "frames_per_second": 25,
        "key_frame_interval_seconds": 2,
        "clock_offset_seconds": -3600,
    }
    assert {name: of(samples, f"restream_camera_rtp_{name}", **gate) for name in whole} == whole
    assert not [name for name, _ in await Desk().samples() if "_rtp_" in name], "its engine does not see them"


async def test_what_comes_late_lets_no_counter_fall() -> None:
    name, own = "restream_camera_rtp_missing_packets_total", {"camera": "1", "name": "Gate", "track": "video"}
    late = StreamReport(RECEIVED.video._replace(packets=991, lost=7, reordered=3))
    assert of(await watched(late).samples(), name, **own) == of(await watched(RECEIVED).samples(), name, **own) == 10


async def test_the_fleet_and_the_service() -> None:
    samples = await Desk().samples()
    assert of(samples, "restream_cameras", health="down", phase="backoff") == 1
    assert of(samples, "restream_cameras", health="disabled", phase="disabled") == 1
    assert of(samples, "restream_cameras", health="down", phase="held") == 1
    assert of(samples, "restream_cameras", health="degraded", phase="running") == 0, "none is a number"
    assert of(samples, "restream_start_queue_length") == 4
    assert of(samples, "restream_start_window", scope="all") == 16
    assert of(samples, "restream_start_slowed_hosts") == 2
    assert of(samples, "restream_component_up", component="redis") == 0
    assert of(samples, "restream_component_up", component="mediamtx") == 1
    assert of(samples, "restream_build_info", version="1.0", node="site-a") == 1
    assert of(samples, "restream_websocket_clients") == 3
    assert of(samples, "restream_events_total", kind="camera") == 5
    assert of(samples, "restream_alerts_total", outcome="sent") == 1
    assert of(samples, "restream_host_cpu_ratio") == 0.5
    assert of(samples, "restream_host_disk_used_ratio", mount="/") == 0.25


async def test_the_classic_names_cover_our_cameras_and_third_party_streams() -> None:
    samples = await Desk().samples()
    up = {key: value for key, value in samples.items() if key[0] == "camera_stream_status_up"}
    found = {
        (dict(own)["stream_id"], dict(own)["state_text"], dict(own)["source_host"]): value
        for (_, own), value in up.items()
    }
    assert found == {
        ("1", "RUNNING", "site-a"): 1,
        ("2", "BACKOFF", "site-a"): 0,
        ("3", "DISABLED", "site-a"): 0,
        ("4", "HELD", "site-a"): 0,
        ("a", "RUNNING", "10.0.0.5"): 1,
        ("b", "API_ERROR", "10.0.0.5"): 0,
    }, "and nothing of a host that does not answer"
    assert of(samples, "camera_stream_total", stream_name="Yard") == 3
    assert of(samples, "camera_stream_status_total", stream_name="Yard", state_text="RUNNING") == 1
    assert of(samples, "stream_api_response_time_seconds", source_host="10.0.0.5") == 0.25
    assert of(samples, "stream_api_response_time_seconds", source_host="10.0.0.6") == 0
    assert of(samples, "stream_api_errors_total", source_host="10.0.0.6") == 9


async def test_one_rendering_per_cycle() -> None:
    desk = Desk()
    first = await desk.exporter.render()
    assert await desk.exporter.render() is first
    desk.snapshot = snapshot(2)
    desk.exporter.took(0.03)
    samples = await desk.samples()
    assert of(samples, "restream_cycle_seconds_count") == 1
    assert of(samples, "restream_cycle_seconds_bucket", le="0.05") == 1
    assert not [name for name, _ in samples if name.endswith("_created")]


async def test_every_name_is_in_the_document() -> None:
    told = set(re.findall(r"^\| `([a-z0-9_]+)`", (ROOT / "docs" / "metrics.md").read_text("utf-8"), re.MULTILINE))
    shown = set(re.findall(rb"^# TYPE (\w+)", await watched(RECEIVED).exporter.render(), re.MULTILINE))
    # No host of a test has sensors.
    assert told - {"restream_host_temperature_celsius"} == {name.decode() for name in shown}


@given(st.text(max_size=30), st.floats(allow_nan=False, allow_infinity=False))
def test_any_name_is_one_label(name: str, value: float) -> None:
    family = Family("x", "gauge", "Help.")
    family.add(labels(name=name), value)
    exposition = text([family])
    exposition.encode()
    (found,) = text_string_to_metric_families(exposition)
    assert len(found.samples) == 1


def test_what_is_not_known_is_not_shown() -> None:
    family = Family("x", "gauge", "Help.")
    family.add("", None)
    family.add("", float("nan"))
    assert text([family]) == ""
