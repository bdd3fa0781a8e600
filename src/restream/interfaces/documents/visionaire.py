"""The third-party stream servers as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from restream.domain.visionaire import HostPicture, ThirdPartyStream
from restream.interfaces.documents.values import Document, Moment, Whole, about, timestamp


class ThirdPartyStreamDocument(Document):
    """A stream of such a server."""

    stream_id: Annotated[str, about("", "a1")]
    name: Annotated[str, about("", "Gate")]
    node_num: Annotated[str, about("", "0")]
    state: Annotated[str, about("", "RUNNING")]
    active: Annotated[bool, about("", True)]
    up: Annotated[bool, about("Active and running.", True)]
    fps: Annotated[float | None, about("", 25.0)]
    width: Annotated[Whole | None, about("", 1920)]
    height: Annotated[Whole | None, about("", 1080)]
    error: str


class StreamServerDocument(Document):
    """One of the servers."""

    host: Annotated[str, about("", "10.0.0.5")]
    url: Annotated[str, about("", "http://10.0.0.5:4004")]
    fresh: Annotated[bool, about("False: it does not answer, these are its last data.", True)]
    observed: Moment | None
    age_s: Annotated[float | None, about("", 12.5)]
    response_time_s: Annotated[float, about("", 0.0213)]
    errors_total: Whole
    error: str
    streams: tuple[ThirdPartyStreamDocument, ...]


class VisionaireDocument(Document):
    """What third-party stream servers tell."""

    interval_s: Annotated[float, about("", 60.0)]
    hosts: tuple[StreamServerDocument, ...]


def visionaire(
    pictures: Mapping[str, HostPicture], *, now: float, taken_at: float, interval_s: float
) -> VisionaireDocument:
    """`GET /api/visionaire` at `now` (monotonic, s), which is `taken_at` by the wall clock (Unix time, s)."""
    return VisionaireDocument(interval_s, tuple(_host(picture, now, taken_at) for picture in pictures.values()))


def _host(picture: HostPicture, now: float, taken_at: float) -> StreamServerDocument:
    age_s = None if picture.observed_at is None else max(0.0, now - picture.observed_at)
    return StreamServerDocument(
        host=picture.server.host,
        url=picture.server.url,
        fresh=picture.fresh,
        observed=None if age_s is None else timestamp(taken_at - age_s),
        age_s=None if age_s is None else round(age_s, 1),
        response_time_s=round(picture.response_time_s, 4),
        errors_total=picture.errors_total,
        error=picture.error,
        streams=tuple(_stream(stream) for stream in picture.streams),
    )


def _stream(stream: ThirdPartyStream) -> ThirdPartyStreamDocument:
    listed, details = stream.listed, stream.details
    return ThirdPartyStreamDocument(
        stream_id=listed.stream_id,
        name=listed.name,
        node_num=listed.node_num,
        state=details.state,
        active=details.active,
        up=stream.up,
        fps=details.fps,
        width=details.width,
        height=details.height,
        error=details.error,
    )
