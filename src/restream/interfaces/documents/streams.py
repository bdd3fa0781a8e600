"""What the media server shows, path by path."""

from __future__ import annotations

from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.server.flow import ServerPicture, Stream
from restream.interfaces.documents.values import Document, rounded, timestamp
from restream.ports import ServerStatus


def latest_streams(server: ServerPicture) -> list[Document]:
    """The classic array: every path of the media server, managed or not. Round trip in ms, rates in Mbit/s."""
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
        for name, stream in server.streams.items()
    ]


def streams(snapshot: Snapshot) -> Document:
    """`GET /api/streams`: every path with what is known of its publisher, and the camera it belongs to, if any."""
    server = snapshot.server
    owners = {
        report.subject.camera.path: camera_id
        for camera_id, report in snapshot.reports.items()
        if isinstance(report.subject, CameraStatus)
    }
    return {
        "fresh": server.fresh_since is not None,
        "observed": timestamp(snapshot.wall(server.observed_at)) if server.observed_at is not None else None,
        "streams": [
            {
                **stream.path._asdict(),
                "camera": owners.get(name),
                "managed": name in owners,
                "bitrate_bps": rounded(stream.flow.rate_bps),
                "moved": timestamp(snapshot.wall(stream.flow.moved_at)),
                **_publisher(stream),
            }
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
