"""What Prometheus scrapes: families over one snapshot. Labels never change inside a series, but for the classic names.

docs/metrics.md has every name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from restream.domain.camera.camera import Camera
from restream.domain.fleet.node import FleetNode
from restream.domain.host_sample import HostSample
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.status import CameraStatus, Unowned, row_of
from restream.domain.judgement.verdict import Health
from restream.domain.life.lifecycle import Phase
from restream.domain.maintenance.window import is_planned
from restream.domain.news.component import ComponentState
from restream.domain.news.incident import Incident, IncidentScope
from restream.domain.pictures.finding import PictureFlaw
from restream.domain.visionaire import RUNNING, HostPicture
from restream.interfaces.metrics.exposition import Family, Kind, extended, labels

_UP = frozenset({Health.HEALTHY, Health.DEGRADED})

_HEALTHS: Mapping[Health, str] = {health: labels(health=health) for health in Health}

_FLAWS: Mapping[PictureFlaw, str] = {flaw: labels(flaw=flaw) for flaw in PictureFlaw}

_TRACKS = (labels(track="video"), labels(track="audio"))
"""As a StreamReport has them."""

# Where a camera of that health usually is: so that "none is down" is a zero, and not a series that is missing.
_USUAL: Mapping[Health, str] = {
    Health.HEALTHY: Phase.RUNNING,
    Health.DEGRADED: Phase.RUNNING,
    Health.DOWN: Phase.BACKOFF,
    Health.UNKNOWN: Phase.STARTING,
    Health.DISABLED: "disabled",
}

_CAMERA: Mapping[str, tuple[Kind, str]] = {
    "camera_up": ("gauge", "Whether the camera can be watched."),
    "camera_health": ("gauge", "The camera's health: the state that holds is 1."),
    "camera_in_maintenance": ("gauge", "Whether the camera is in announced maintenance."),
    "camera_restarts_total": ("counter", "Restarts of the camera's publisher, by the cause of its ending."),
    "camera_bitrate_bits_per_second": ("gauge", "What arrives at the media server, over 10 s."),
    "camera_readers": ("gauge", "Readers of the camera's path."),
    "camera_received_bytes_total": ("counter", "Bytes that the media server received from the present publisher."),
    "camera_srt_rtt_seconds": ("gauge", "Round trip to the media server, published by SRT."),
    "camera_srt_loss_ratio": ("gauge", "Packets lost at first, of all, over 10 s, published by SRT."),
    "camera_publisher_cpu_seconds_total": ("counter", "CPU time of the camera's publisher."),
    "camera_publisher_resident_bytes": ("gauge", "Memory of the camera's publisher."),
    "camera_rtp_packets_total": ("counter", "Packets of the camera that arrived, by track."),
    "camera_rtp_missing_packets_total": ("counter", "Packets that a later one came before: lost, or late."),
    "camera_rtp_reordered_packets_total": ("counter", "Of the missing packets, those that came late."),
    "camera_rtp_loss_ratio": ("gauge", "Packets of the camera that never arrived, of all, over 10 s."),
    "camera_rtp_bitrate_bits_per_second": ("gauge", "What arrives of the camera, by track."),
    "camera_rtp_jitter_seconds": ("gauge", "Jitter from frame to frame, by track."),
    "camera_rtp_frames_per_second": ("gauge", "Pictures of the camera that arrive."),
    "camera_rtp_key_frame_interval_seconds": ("gauge", "Time between the camera's last two key frames."),
    "camera_rtp_clock_offset_seconds": ("gauge", "The camera's wall clock less ours."),
    "camera_picture_finding": ("gauge", "What is found in the camera's picture: 1 while it holds, by flaw."),
    "camera_picture_age_seconds": ("gauge", "Since the camera's last picture that was looked at."),
    "camera_picture_brightness_ratio": ("gauge", "Mean of that picture, of the full range."),
    "camera_picture_contrast_ratio": ("gauge", "Between its darkest and its brightest parts."),
    "camera_picture_sharpness_ratio": ("gauge", "Of its edges, against its contrast."),
    "camera_picture_samples_total": ("counter", "Pictures of the camera that were looked at."),
    "camera_picture_failures_total": ("counter", "Tries that brought no picture of the camera."),
}


class CameraFamilies:
    """The families of our cameras, filled camera by camera."""

    def __init__(self, host: HostSample | None, taken_at: float = 0.0) -> None:
        self._taken_at = taken_at
        self._processes = host.processes if host is not None else {}
        self._families = {name: Family(f"restream_{name}", kind, text) for name, (kind, text) in _CAMERA.items()}

    def __iter__(self) -> Iterator[Family]:
        return iter(self._families.values())

    def add(self, camera_id: str, report: Report) -> None:
        families = self._families
        own = labels(camera=camera_id, name=_name(report))
        families["camera_up"].add(own, report.verdict.health in _UP)
        for health, label in _HEALTHS.items():
            families["camera_health"].add(extended(own, label), report.verdict.health is health)
        families["camera_in_maintenance"].add(own, is_planned(report.verdict))
        for cause, count in report.restarts:
            families["camera_restarts_total"].add(extended(own, labels(cause=cause)), count)
        stream = report.stream
        if stream is not None and stream.path.live:
            families["camera_bitrate_bits_per_second"].add(own, report.quality.bitrate_bps)
            families["camera_readers"].add(own, stream.path.readers)
            families["camera_received_bytes_total"].add(own, stream.path.inbound_bytes)
            if stream.srt is not None:
                rtt_ms = stream.srt.rtt_ms
                families["camera_srt_rtt_seconds"].add(own, None if rtt_ms is None else rtt_ms / 1000)
                families["camera_srt_loss_ratio"].add(own, report.quality.loss_ratio)
        self._add_packets(own, report)
        self._add_picture(own, report)
        subject = report.subject
        process = self._processes.get(subject.pid or 0) if isinstance(subject, CameraStatus) else None
        if process is not None:
            families["camera_publisher_cpu_seconds_total"].add(own, process.cpu_seconds)
            families["camera_publisher_resident_bytes"].add(own, process.rss_bytes)

    def _add_picture(self, own: str, report: Report) -> None:
        seen, families = report.seen, self._families
        if seen.samples or seen.failures:
            families["camera_picture_samples_total"].add(own, seen.samples)
            families["camera_picture_failures_total"].add(own, seen.failures)
        if seen.taken_at is None:
            return
        found = {each.flaw for each in seen.findings}
        for flaw, label in _FLAWS.items():
            families["camera_picture_finding"].add(extended(own, label), flaw in found)
        families["camera_picture_age_seconds"].add(own, max(0.0, self._taken_at - seen.taken_at))
        families["camera_picture_brightness_ratio"].add(own, seen.brightness)
        families["camera_picture_contrast_ratio"].add(own, seen.contrast)
        families["camera_picture_sharpness_ratio"].add(own, seen.sharpness)

    def _add_packets(self, own: str, report: Report) -> None:
        stream = report.subject.packets if isinstance(report.subject, CameraStatus) else None
        if stream is None:
            return
        families = self._families
        for label, track in zip(_TRACKS, stream, strict=True):
            if track is not None:
                by_track = extended(own, label)
                families["camera_rtp_packets_total"].add(by_track, track.packets)
                # What is lost may still come; a counter never falls.
                families["camera_rtp_missing_packets_total"].add(by_track, track.lost + track.reordered)
                families["camera_rtp_reordered_packets_total"].add(by_track, track.reordered)
                families["camera_rtp_bitrate_bits_per_second"].add(by_track, track.bitrate_bps)
                families["camera_rtp_jitter_seconds"].add(by_track, track.jitter_s)
        families["camera_rtp_loss_ratio"].add(own, report.packets.loss_ratio)
        families["camera_rtp_frames_per_second"].add(own, stream.video.fps)
        families["camera_rtp_key_frame_interval_seconds"].add(own, stream.video.key_frame_interval_s)
        families["camera_rtp_clock_offset_seconds"].add(own, stream.clock_offset_s)


def fleet_families(snapshot: Snapshot) -> list[Family]:
    """Counts, components and the host."""
    cameras = Family("restream_cameras", "gauge", "Cameras by health and phase.")
    counts = Counter(dict.fromkeys(_USUAL.items(), 0))
    counts.update((report.verdict.health, _phase(report)) for report in snapshot.reports.values())
    for (health, phase), count in counts.items():
        cameras.add(labels(health=health, phase=phase), count)
    queue = Family("restream_start_queue_length", "gauge", "Cameras that wait for admission.")
    queue.add("", snapshot.starts.waiting)
    window = Family("restream_start_window", "gauge", "Cameras that may start at once, as admission has found it.")
    window.add(labels(scope="all"), snapshot.starts.window)
    slowed = Family("restream_start_slowed_hosts", "gauge", "Camera hosts that get fewer starts at once than usual.")
    slowed.add("", snapshot.starts.slowed_hosts)
    components = Family("restream_component_up", "gauge", "Whether a dependency is there.")
    for name, component in snapshot.components.items():
        components.add(labels(component=name), component.state is ComponentState.UP)
    return [
        cameras,
        queue,
        window,
        slowed,
        components,
        *_server_families(snapshot),
        *(_host_families(snapshot.host) if snapshot.host is not None else ()),
    ]


def node_families(nodes: Collection[FleetNode]) -> list[Family]:
    """The services that share the cameras, as their leases show them; none where there is only this one."""
    up = Family("restream_node_up", "gauge", "Whether the node's lease is valid.")
    cameras = Family("restream_node_cameras", "gauge", "Cameras that the node has, as it tells.")
    for node in nodes:
        own = labels(node=node.name)
        up.add(own, node.alive)
        cameras.add(own, node.traits.cameras if node.alive else 0)
    return [up, cameras] if nodes else []


def incident_family(incidents: Collection[Incident]) -> Family:
    """The incidents that are open, by what their cameras have in common."""
    counts = Counter(each.bond.scope for each in incidents)
    family = Family("restream_incidents_open", "gauge", "Incidents that are open, by scope.")
    for scope in IncidentScope:
        family.add(labels(scope=scope), counts[scope])
    return family


def _server_families(snapshot: Snapshot) -> Iterator[Family]:
    fresh = Family("restream_server_fresh", "gauge", "Whether the media server answers: its last sweep succeeded.")
    paths = Family("restream_server_paths", "gauge", "Paths of the media server that have a publisher or a source.")
    published = Family("restream_server_cameras", "gauge", "Cameras that belong to the media server.")
    known = (row_of(report.subject) for report in snapshot.reports.values())
    cameras = Counter(camera.server for camera in known if isinstance(camera, Camera))
    for server, picture in snapshot.servers.items():
        own = labels(server=server)
        fresh.add(own, picture.fresh_since is not None)
        paths.add(own, picture.live)
        published.add(own, cameras[server])
    yield from (fresh, paths, published)


def _host_families(host: HostSample) -> Iterator[Family]:
    figures: tuple[tuple[str, str, list[tuple[dict[str, str], float]]], ...] = (
        ("cpu_ratio", "Busy share of all cores.", [({}, host.cpu_percent / 100)]),
        ("memory_used_ratio", "Used share of the memory.", [({}, host.memory.percent / 100)]),
        ("load1", "Load average over a minute.", [({}, host.load[0])]),
        ("disk_used_ratio", "Used share.", [({"mount": disk.mount}, disk.percent / 100) for disk in host.disks]),
        (
            "temperature_celsius",
            "Temperature.",
            [({"sensor": each.sensor}, each.celsius) for each in host.temperatures],
        ),
        (
            "network_received_bytes_per_second",
            "Received.",
            [({"interface": each.interface}, each.received_bps / 8) for each in host.network],
        ),
        (
            "network_sent_bytes_per_second",
            "Sent.",
            [({"interface": each.interface}, each.sent_bps / 8) for each in host.network],
        ),
    )
    for name, text, samples in figures:
        family = Family(f"restream_host_{name}", "gauge", f"The host. {text}")
        for own, value in samples:
            family.add(labels(**own), value)
        yield family


def classic_families(snapshot: Snapshot, pictures: Mapping[str, HostPicture], node: str) -> list[Family]:
    """The names that existing dashboards use, for our own cameras and for third-party streams.

    A third-party host that does not answer shows no streams, and its response time is 0.
    """
    up = Family("camera_stream_status_up", "gauge", "Whether the stream runs.")
    total = Family("camera_stream_total", "gauge", "Streams of this name.")
    by_state = Family("camera_stream_status_total", "gauge", "Streams of this name in this state, over all hosts.")
    response = Family("stream_api_response_time_seconds", "gauge", "Mean answer time in the last cycle.")
    errors = Family("stream_api_errors_total", "counter", "Calls that failed.")
    names: Counter[str] = Counter()
    states: Counter[tuple[str, str]] = Counter()

    def stream(stream_id: str, name: str, node_num: str, state: str, host: str, *, is_up: bool) -> None:
        own = labels(stream_id=stream_id, stream_name=name, node_num=node_num, state_text=state, source_host=host)
        up.add(own, is_up)
        names[name] += 1
        states[name, state] += 1

    for camera_id, report in snapshot.reports.items():
        is_up = report.verdict.health in _UP
        stream(camera_id, _name(report), "0", RUNNING if is_up else _phase(report).upper(), node, is_up=is_up)
    for host, picture in pictures.items():
        response.add(labels(source_host=host), picture.response_time_s if picture.answers else 0)
        errors.add(labels(source_host=host), picture.errors_total)
        for each in picture.streams if picture.fresh else ():
            listed, details = each.listed, each.details
            stream(listed.stream_id, listed.name, listed.node_num, details.state, host, is_up=each.up)
    for name, count in names.items():
        total.add(labels(stream_name=name), count)
    for (name, state), count in states.items():
        by_state.add(labels(stream_name=name, state_text=state), count)
    return [up, total, by_state, response, errors]


def _name(report: Report) -> str:
    return row_of(report.subject).name


def _phase(report: Report) -> str:
    if isinstance(report.subject, CameraStatus):
        return report.subject.state.phase
    if isinstance(report.subject, Unowned):
        return Phase.WAITING
    return "disabled" if report.verdict.health is Health.DISABLED else "held"
