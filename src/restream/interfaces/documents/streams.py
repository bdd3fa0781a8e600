"""What the media server shows, path by path."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Annotated

from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.server.flow import ServerPicture, Stream
from restream.domain.server.identity import ServerId
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.values import (
    Document,
    Moment,
    Whole,
    about,
    copied,
    encode,
    timestamp,
    values_of,
    whole,
)
from restream.ports.servers import ServerStatus


class LatestStreamDocument(Document):
    """One path of the media server in the classic form. The last three are null when it is no SRT."""

    name: Annotated[str, about("", "cam7")]
    sourceType: Annotated[str | None, about("As the media server calls it.", "rtspSession")]  # noqa: N815
    tracks: tuple[Annotated[str, about("", "H264")], ...]
    bytesReceived: Annotated[Whole, about("", 1_234_567)]  # noqa: N815
    readers: Annotated[Whole, about("", 1)]
    rtt: Annotated[float | None, about("Round trip (ms).")]
    recvRateMbps: Annotated[float | None, about("Rate (Mbit/s).")]  # noqa: N815
    linkCapacityMbps: Annotated[float | None, about("Capacity of the link (Mbit/s).")]  # noqa: N815


class ServerPathDocument(Document):
    """A path of the media server. Counters begin at 0 with every publisher, unless it is always available."""

    name: Annotated[str, about("", "cam7")]
    available: Annotated[bool, about("Readers get something, be it the server's own `alwaysAvailable`.", True)]
    source_type: Annotated[str | None, about("", "srtConn")]
    source_id: Annotated[str | None, about("", "3f2b")]
    tracks: Annotated[tuple[str, ...], about("", ["H264", "MPEG-4 Audio"])]
    inbound_bytes: Annotated[int, about("", 1_234_567)]
    outbound_bytes: Annotated[int, about("", 1_234_000)]
    readers: Annotated[int, about("", 1)]
    frames_in_error: Annotated[int, about("", 0)]
    available_since: Annotated[str | None, about("", "2026-01-05T09:58:12Z")]
    online: Annotated[bool | None, about("As the media server says it; null before 1.17.", True)]


class SrtConnectionDocument(Document):
    """The SRT connection of a publisher. "Mbps" is divided by 1024², as the media server does."""

    id: Annotated[str, about("", "3f2b")]
    path: Annotated[str, about("", "cam7")]
    remote_address: Annotated[str, about("", "192.0.2.1:40112")]
    rtt_ms: Annotated[float | None, about("", 12.5)]
    receive_rate_mbps: Annotated[float | None, about("", 2.1)]
    link_capacity_mbps: Annotated[float | None, about("", 950.0)]
    latency_ms: Annotated[float | None, about("", 120.0)]
    packets_unique: Annotated[int, about("", 1000)]
    packets_lost: Annotated[int, about("", 34)]
    packets_dropped: Annotated[int, about("", 0)]
    packets_belated: Annotated[int, about("", 0)]


class PublisherDocument(Document):
    """Who publishes, unless by SRT: the client end."""

    id: Annotated[str, about("", "8d21")]
    path: Annotated[str, about("", "cam7")]
    remote_address: Annotated[str, about("", "192.0.2.1:40110")]
    user: str
    query: str


class ServerSideDocument(Document):
    """Its path at the media server, and who publishes there."""

    path: ServerPathDocument
    srt: SrtConnectionDocument | None
    publisher: PublisherDocument | None


class StreamDocument(ServerPathDocument):
    """A path, what is known of its publisher, and the camera it belongs to."""

    server: Annotated[str, about("Name of the media server that has it.", "default")]
    camera: Annotated[str | None, about("Id of the camera it belongs to.", "7")]
    managed: Annotated[bool, about("Whether it belongs to a camera.", True)]
    bitrate_bps: Annotated[Whole | None, about("Between the last two answers.", 2_100_000)]
    moved: Annotated[Moment, about("When its byte counter last moved.")]
    srt: SrtConnectionDocument | None
    publisher: PublisherDocument | None


class StreamsDocument(Document):
    """Every path of the media server, those of no camera too."""

    fresh: Annotated[bool, about("False: the media server does not answer, these are its last data.", True)]
    observed: Annotated[Moment | None, about("When it last answered.")]
    streams: tuple[StreamDocument, ...]


class ServerViewDocument(Document):
    """One sweep over the control API; connections and sessions by their ids."""

    version: str | None
    started: str | None
    paths: Mapping[str, ServerPathDocument]
    srt: Mapping[str, SrtConnectionDocument]
    sessions: Mapping[str, PublisherDocument]


class SweepDocument(Document):
    """What `restream snapshot` shows of the media server."""

    reachable: bool
    detail: str
    view: ServerViewDocument | None


def latest_streams(
    servers: Mapping[ServerId, ServerPicture], paths: Collection[tuple[str | None, str | None]] | None = None
) -> list[LatestStreamDocument]:
    """The classic array: every path of the media servers, managed or not, or only these `(server, path)`. Round trip
    in ms, rates in Mbit/s."""
    return [
        LatestStreamDocument(
            name=name,
            sourceType=stream.path.source_type,
            tracks=stream.path.tracks,
            bytesReceived=stream.path.inbound_bytes,
            readers=stream.path.readers,
            rtt=stream.srt.rtt_ms if stream.srt else None,
            recvRateMbps=stream.srt.receive_rate_mbps if stream.srt else None,
            linkCapacityMbps=stream.srt.link_capacity_mbps if stream.srt else None,
        )
        for identity, server in servers.items()
        for name, stream in server.streams.items()
        if paths is None or (identity, name) in paths
    ]


def by_run_of(servers: Mapping[ServerId, ServerPicture], node: str) -> dict[str, bytes]:
    """The classic array of each media server, encoded, by the run of the server, whatever services call it."""
    return {
        picture.run or f"{node} {server}": encode(latest_streams({server: picture}))
        for server, picture in servers.items()
    }


def joined(arrays: Iterable[bytes]) -> bytes:
    """Encoded arrays as one."""
    return b"[%s]" % b",".join(array[1:-1] for array in arrays if array != b"[]")


def observed_at(servers: Mapping[ServerId, ServerPicture]) -> float | None:
    """When the last of the media servers answered that has ever done so (monotonic, s); None: none has."""
    return min((each.observed_at for each in servers.values() if each.observed_at is not None), default=None)


def streams(snapshot: Snapshot, elsewhere: Iterable[CameraDocument] = ()) -> StreamsDocument:
    """`GET /api/streams`: every path with what is known of its publisher, and the camera it belongs to, if any.

    `elsewhere`: cameras of other nodes.
    """
    observed = observed_at(snapshot.servers)
    owners: dict[tuple[str | None, str | None], str] = {
        (camera.media_server, camera.path): camera.id for camera in elsewhere if camera.phase != "disabled"
    }
    owners |= {
        (report.subject.camera.server, report.subject.camera.path): camera_id
        for camera_id, report in snapshot.reports.items()
        if isinstance(report.subject, CameraStatus)
    }
    return StreamsDocument(
        fresh=all(server.fresh_since is not None for server in snapshot.servers.values()),
        observed=timestamp(snapshot.wall(observed)) if observed is not None else None,
        streams=tuple(
            _stream(snapshot, identity, stream, owners.get((identity, name)))
            for identity, server in snapshot.servers.items()
            for name, stream in server.streams.items()
        ),
    )


def sweep(status: ServerStatus) -> SweepDocument:
    """One look at the media server, field by field."""
    view = status.view
    if view is None:
        return SweepDocument(status.reachable, status.detail, None)
    shown = ServerViewDocument(
        version=view.version,
        started=view.started,
        paths={name: copied(ServerPathDocument, path) for name, path in view.paths.items()},
        srt={key: copied(SrtConnectionDocument, connection) for key, connection in view.srt.items()},
        sessions={key: copied(PublisherDocument, session) for key, session in view.sessions.items()},
    )
    return SweepDocument(status.reachable, status.detail, shown)


def server_side(stream: Stream) -> ServerSideDocument:
    """One path in detail, as a camera's document has it."""
    return ServerSideDocument(copied(ServerPathDocument, stream.path), *_publisher(stream))


def _stream(snapshot: Snapshot, server: ServerId, stream: Stream, owner: str | None) -> StreamDocument:
    srt, publisher = _publisher(stream)
    known = values_of(ServerPathDocument)(stream.path)
    bitrate_bps, moved = whole(stream.flow.rate_bps), timestamp(snapshot.wall(stream.flow.moved_at))
    return StreamDocument(*(*known, server, owner, owner is not None, bitrate_bps, moved, srt, publisher))


def _publisher(stream: Stream) -> tuple[SrtConnectionDocument | None, PublisherDocument | None]:
    srt = copied(SrtConnectionDocument, stream.srt) if stream.srt else None
    return srt, copied(PublisherDocument, stream.session) if stream.session else None
