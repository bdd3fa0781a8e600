"""JSON document of the third-party stream servers, as the HTTP API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restream.domain.visionaire import HostPicture, ThirdPartyStream
from restream.interfaces.documents.values import timestamp

Document = dict[str, Any]


def visionaire(pictures: Mapping[str, HostPicture], *, now: float, taken_at: float, interval_s: float) -> Document:
    """`GET /api/visionaire` at `now` (monotonic, s), which is `taken_at` by the wall clock (Unix time, s)."""
    return {
        "interval_s": interval_s,
        "hosts": [_host(picture, now, taken_at) for picture in pictures.values()],
    }


def _host(picture: HostPicture, now: float, taken_at: float) -> Document:
    age_s = None if picture.observed_at is None else max(0.0, now - picture.observed_at)
    return {
        "host": picture.server.host,
        "url": picture.server.url,
        "fresh": picture.fresh,
        "observed": None if age_s is None else timestamp(taken_at - age_s),
        "age_s": None if age_s is None else round(age_s, 1),
        "response_time_s": round(picture.response_time_s, 4),
        "errors_total": picture.errors_total,
        "error": picture.error,
        "streams": [_stream(stream) for stream in picture.streams],
    }


def _stream(stream: ThirdPartyStream) -> Document:
    listed, details = stream.listed, stream.details
    return {
        "stream_id": listed.stream_id,
        "name": listed.name,
        "node_num": listed.node_num,
        "state": details.state,
        "active": details.active,
        "up": stream.up,
        "fps": details.fps,
        "width": details.width,
        "height": details.height,
        "error": details.error,
    }
