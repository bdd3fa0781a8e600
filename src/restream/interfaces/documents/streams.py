"""What the media server shows, path by path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.server.flow import ServerPicture, Stream
from restream.domain.server.identity import ServerId
from restream.interfaces.documents.values import Document, rounded, timestamp
from restream.ports import ServerStatus


def latest_streams(servers: Mapping[ServerId, ServerPicture]) -> list[Document]:
    """The classic array: every path of the media servers, managed or not. Round trip in ms, rates in Mbit/s."""
    return [
        {
            "name": name,
            "sourceType": stream.path.source_type,
            "tracks": list(stream.path.tracks),
            "bytesReceived": stream.path.inbound_bytes,
            "readers": stream.path.readers,
            "rtt": stream.srt.rtt_ms if stream.srt else None,
            "recvRateMbps": stream.srt.receive_rate_mbps if stream.srt else None,
            "linkCapacityMbps": stream.srt.link_capacity_mbps if stream.srt else None,
        }
        for server in servers.values()
        for name, stream in server.streams.items()
    ]


def by_run_of(servers: Mapping[ServerId, ServerPicture], node: str) -> dict[str, list[Document]]:
    """The classic array of each media server, by which run of the server it is of, whatever services call it."""
    return {picture.run or f"{node} {server}": latest_streams({server: picture}) for server, picture in servers.items()}


def joined(arrays: Iterable[bytes]) -> bytes:
    """Encoded arrays as one."""
    return b"[%s]" % b",".join(array[1:-1] for array in arrays if array != b"[]")


def observed_at(servers: Mapping[ServerId, ServerPicture]) -> float | None:
    """When the last of the media servers answered that has ever done so (monotonic, s); None: none has."""
    return min((each.observed_at for each in servers.values() if each.observed_at is not None), default=None)


def streams(snapshot: Snapshot) -> Document:
    """`GET /api/streams`: every path with what is known of its publisher, and the camera it belongs to, if any."""
    observed = observed_at(snapshot.servers)
    owners = {
        (report.subject.camera.server, report.subject.camera.path): camera_id
        for camera_id, report in snapshot.reports.items()
        if isinstance(report.subject, CameraStatus)
    }
    return {
        "fresh": all(server.fresh_since is not None for server in snapshot.servers.values()),
        "observed": timestamp(snapshot.wall(observed)) if observed is not None else None,
        "streams": [
            {
                **stream.path._asdict(),
                "camera": owners.get((identity, name)),
                "managed": (identity, name) in owners,
                "bitrate_bps": rounded(stream.flow.rate_bps),
                "moved": timestamp(snapshot.wall(stream.flow.moved_at)),
                **_publisher(stream),
            }
            for identity, server in snapshot.servers.items()
            for name, stream in server.streams.items()
        ],
    }


def sweep(status: ServerStatus) -> Document:
    """One look at the media server, field by field."""
    view = status.view
    return {
        "reachable": status.reachable,
        "detail": status.detail,
        "view": view
        and {
            "version": view.version,
            "started": view.started,
            "paths": {name: path._asdict() for name, path in view.paths.items()},
            "srt": {key: connection._asdict() for key, connection in view.srt.items()},
            "sessions": {key: session._asdict() for key, session in view.sessions.items()},
        },
    }


def server_side(stream: Stream) -> Document:
    """One path in detail, as a camera's document has it."""
    return {"path": stream.path._asdict(), **_publisher(stream)}


def _publisher(stream: Stream) -> Document:
    return {
        "srt": stream.srt._asdict() if stream.srt else None,
        "publisher": stream.session._asdict() if stream.session else None,
    }
