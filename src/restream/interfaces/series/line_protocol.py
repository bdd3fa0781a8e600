"""Measurements as lines of InfluxDB's line protocol, made from documents of the HTTP API; docs/influxdb.md lists them.

A field keeps its type for ever, or the database refuses it: counts are integers, ratios and times are floats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from math import isfinite

from restream.domain.judgement.verdict import Health
from restream.domain.life.cause import Side
from restream.interfaces.documents.cameras import PHASES, CameraDocument, ProcessDocument
from restream.interfaces.documents.host_document import HostDocument
from restream.interfaces.documents.packets import SentDocument
from restream.interfaces.documents.status import StatusDocument
from restream.interfaces.documents.values import Document

Value = int | float | str
Field = tuple[str, str | None]
"""A key that needs no escaping, and the value as it is written; None: the field is left out."""
Convert = Callable[[object], str | None]

PRECISION = "ms"
"""Timestamps are milliseconds since 1970."""

_MAX_TAG_LENGTH = 200
_MAX_STRING_LENGTH = 1000
_TAG_ESCAPES = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ ", "\\": "/"})
_MEASUREMENT_ESCAPES = str.maketrans({",": "\\,", " ": "\\ ", "\\": "/"})
_STRING_ESCAPES = str.maketrans({'"': '\\"', "\\": "\\\\"})
# Whether a camera can be watched; of the others it is not known, or not wanted.
_UP = {Health.HEALTHY: "1i", Health.DEGRADED: "1i", Health.DOWN: "0i"}
_INT64 = 1 << 63


def line(measurement: str, tags: Mapping[str, str], fields: Mapping[str, Value | None], at_s: float) -> str | None:
    """One line, without its end; None when no field has a value. `at_s`: Unix time in seconds.

    int fields are written as integers, float as floats, str as strings; what the protocol cannot carry is left out.
    """
    written = ((_key(name), _field(value)) for name, value in fields.items() if value is not None)
    return _line(_series(measurement, tuple(tags.items())), written, _milliseconds(at_s))


def cameras(documents: Iterable[tuple[CameraDocument, ProcessDocument | None]], at_s: float) -> Iterator[str]:
    """`camera`: one line per camera; with what its publisher uses, where that is known."""
    at_ms = _milliseconds(at_s)
    for camera, process in documents:
        tags = (("id", camera.id), ("name", camera.name), ("site", camera.site), ("host", camera.host))
        health = camera.verdict.health
        fields: list[Field] = [
            ("up", _UP.get(health)),
            ("health", _string(health)),
            ("fault", _string(camera.verdict.fault)),
            *_fields(camera, _CAMERA_FIELDS),
        ]
        if process is not None:
            fields += _fields(process, _PROCESS_FIELDS)
        found = _line(_series("camera", tags), fields, at_ms)
        if found is not None:
            yield found


def tracks(documents: Iterable[tuple[CameraDocument, SentDocument]], at_s: float) -> Iterator[str]:
    """`track`: one line per track of a camera whose packets are seen."""
    at_ms = _milliseconds(at_s)
    for camera, stream in documents:
        tags = (("id", camera.id), ("name", camera.name), ("site", camera.site), ("host", camera.host))
        for name, track in (("video", stream.video), ("audio", stream.audio)):
            if track is not None:
                found = _line(_series("track", (*tags, ("track", name))), _fields(track, _TRACK_FIELDS), at_ms)
                if found is not None:
                    yield found


def fleet(status: StatusDocument, at_s: float) -> Iterator[str]:
    """`fleet`: the counts of `GET /api/status`, tagged with the node; a count per health, phase and fault."""
    fields = [*_fields(status, {"cameras": _integer, "start_queue": _integer})]
    for group, names in _COUNTED.items():
        # What nobody has is 0, not absent: the last value of a series stays on a dashboard.
        counts = dict.fromkeys(names, 0) | getattr(status, group)
        fields += [(_key(f"{group}_{name}"), _integer(count)) for name, count in counts.items()]
    found = _line(_series("fleet", (("node", status.node),)), fields, _milliseconds(at_s))
    return iter(() if found is None else (found,))


def host(sample: HostDocument, node: str, at_s: float) -> Iterator[str]:
    """`host`, and per device `disk`, `network` and `temperature`: the sample of `GET /api/host`."""
    at_ms = _milliseconds(at_s)
    fields: list[Field] = [
        ("cpu_percent", _float(sample.cpu_percent)),
        *zip(("load1", "load5", "load15"), map(_float, sample.load), strict=True),
    ]
    for key, prefix, columns in _HOST_PARTS:
        fields += [(f"{prefix}{name}", text) for name, text in _fields(getattr(sample, key), columns)]
    lines = [_line(_series("host", (("node", node),)), fields, at_ms)]
    for measurement, key, tag, columns in _DEVICES:
        for device in getattr(sample, key):
            series = _series(measurement, (("node", node), (tag, getattr(device, tag))))
            lines.append(_line(series, _fields(device, columns), at_ms))
    return (each for each in lines if each is not None)


def _line(series: str, fields: Iterable[Field], at_ms: int) -> str | None:
    values = ",".join([f"{key}={text}" for key, text in fields if key and text is not None])
    return f"{series} {values} {at_ms}" if values else None


def _fields(document: Document, columns: Mapping[str, Convert]) -> Iterator[Field]:
    return ((key, convert(getattr(document, key))) for key, convert in columns.items())


@lru_cache(maxsize=20_000)
def _series(measurement: str, tags: tuple[tuple[str, str], ...]) -> str:
    """Measurement and tags, the same for every sample of a camera; tags are sorted, as the database likes them best."""
    named = ((_tag(key), _tag(value)) for key, value in sorted(tags))
    return ",".join((_plain(measurement).translate(_MEASUREMENT_ESCAPES), *(f"{k}={v}" for k, v in named if k and v)))


@lru_cache(maxsize=1_000)
def _tag(text: str) -> str:
    """A tag's key or value.

    Databases disagree about a backslash before a character that is escaped, and at the end: none is left over.
    """
    return _plain(text)[:_MAX_TAG_LENGTH].strip().translate(_TAG_ESCAPES)


@lru_cache(maxsize=1_000)
def _key(text: str) -> str:
    """A field's key; a quotation mark in it would be taken for the beginning of a string."""
    return _tag(text).replace('"', "'")


def _field(value: Value) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{_plain(value)[:_MAX_STRING_LENGTH].translate(_STRING_ESCAPES)}"'
    return _integer(value) if isinstance(value, int) else _float(value)


def _plain(text: str) -> str:
    """A line ends at a line feed, escaped or not; InfluxDB refuses what cannot be printed."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def _milliseconds(at_s: float) -> int:
    return round(at_s * 1000)


def _string(value: str) -> str | None:
    return _field(value) if value else None


# The two that run tens of thousands of times a sample look at the exact type: a bool is no number here.
def _integer(value: object) -> str | None:
    if type(value) is int:
        return f"{value}i" if -_INT64 <= value < _INT64 else None
    return f"{round(value)}i" if type(value) is float and -_INT64 <= value < _INT64 else None


def _float(value: object) -> str | None:
    if type(value) is float:
        return repr(value) if isfinite(value) else None
    return f"{value}.0" if type(value) is int and -_INT64 <= value < _INT64 else None


_COUNTED: Mapping[str, tuple[str, ...]] = {
    "health": tuple(Health),
    "phase": PHASES,
    "fault": tuple(Side),
}
_CAMERA_FIELDS: Mapping[str, Convert] = {
    "bitrate_bps": _integer,
    "readers": _integer,
    "restarts": _integer,
    "rtt_ms": _float,
    "loss_ratio": _float,
}
_TRACK_FIELDS: Mapping[str, Convert] = {
    **dict.fromkeys(("packets", "lost", "reordered", "duplicates", "malformed", "frames", "key_frames"), _integer),
    "bitrate_bps": _integer,
    **dict.fromkeys(("fps", "jitter_s", "key_frame_interval_s", "clock_offset_s"), _float),
}
_PROCESS_FIELDS: Mapping[str, Convert] = {"cpu_percent": _float, "rss_bytes": _integer}
# Part of the sample, what its fields are called after, and the fields.
_HOST_PARTS: tuple[tuple[str, str, Mapping[str, Convert]], ...] = (
    ("memory", "memory_", {"percent": _float, "used_bytes": _integer, "available_bytes": _integer}),
    ("swap", "swap_", {"percent": _float, "used_bytes": _integer}),
    ("publishers", "publishers_", {"processes": _integer, **_PROCESS_FIELDS}),
    ("service", "service_", {**_PROCESS_FIELDS, "open_files": _integer}),
)
# Measurement, key of the sample, the tag that tells devices apart, and the fields.
_DEVICES: tuple[tuple[str, str, str, Mapping[str, Convert]], ...] = (
    ("disk", "disks", "mount", {"total_bytes": _integer, "used_bytes": _integer, "percent": _float}),
    (
        "network",
        "network",
        "interface",
        {"received_bps": _integer, "sent_bps": _integer, "errors": _integer, "drops": _integer},
    ),
    ("temperature", "temperatures", "sensor", {"celsius": _float}),
)
