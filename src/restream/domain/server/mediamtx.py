"""What MediaMTX's control API says, understood: paths, SRT connections, and the sessions behind them.

Field names of v1.20 are read first, older ones after them. Everything that comes from the server is hostile until it is
parsed: a value of the wrong type is as good as a missing one, an item without its key is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeVar

from restream.domain.camera.secret import mask_parameters

MAX_ITEMS = 20_000
"""A list with more is cut off here: nothing downstream is made for it."""
_MAX_TEXT_LENGTH = 200
_MAX_TRACKS = 32
_MAX_COUNT = 1 << 63
"""What the stores take."""
# Every publisher is one of these (`rtspSession`, `srtConn`); `rtspSource`, `rpiCameraSource`, `redirect` are none.
_PUBLISHERS = ("Session", "Conn")

T = TypeVar("T")


class Closed(StrEnum):
    """Why nothing comes to a path, or not all, as the server is configured."""

    PULLED = "path_pulled"
    """`source` is not `publisher`: nobody can publish there."""
    UNFETCHED = "path_not_fetched"
    """The server should fetch the camera there, and its configuration does not lead it to us."""
    ALWAYS = "path_always_available"
    """Nobody publishes, and who does must have the tracks that it already has."""


class PathObservation(NamedTuple):
    """One path of the server. Counters are bytes; they restart at 0 with every publisher, but for `alwaysAvailable`.

    What the real server says is in tests/data/mediamtx/paths-1.20.1.json.
    """

    name: str
    available: bool
    """Readers get something. No proof of a publisher: with `alwaysAvailable` the server plays, and counts, its own."""
    source_type: str | None = None
    source_id: str | None = None
    tracks: tuple[str, ...] = ()
    inbound_bytes: int = 0
    outbound_bytes: int = 0
    readers: int = 0
    frames_in_error: int = 0
    available_since: str | None = None
    online: bool | None = None
    """In the server's words; no proof either: a pull that is not connected is online. Since 1.17; None before."""

    @property
    def live(self) -> bool:
        """Media of a publisher or a pulled source goes to readers, as far as a single sweep can tell."""
        return self.available and self.source_type is not None and self.online is not False

    @property
    def closed(self) -> Closed | None:
        """What its configuration has against a publisher that was refused."""
        if self.pulled:
            return Closed.PULLED
        return Closed.ALWAYS if self.available and self.source_type is None else None

    @property
    def pulled(self) -> bool:
        """The server fetches it (or redirects) by its own configuration, and takes no publisher, connected or not."""
        return self.source_type is not None and not self.source_type.endswith(_PUBLISHERS)


class SrtObservation(NamedTuple):
    """One SRT connection that publishes. "Mbps" here is divided by 1024², as the server does."""

    id: str
    path: str
    remote_address: str
    rtt_ms: float | None = None
    receive_rate_mbps: float | None = None
    link_capacity_mbps: float | None = None
    latency_ms: float | None = None
    packets_unique: int = 0
    packets_lost: int = 0
    packets_dropped: int = 0
    packets_belated: int = 0


class SessionObservation(NamedTuple):
    """Who publishes: the client end of a session."""

    id: str
    path: str
    remote_address: str
    user: str = ""
    query: str = ""


@dataclass(frozen=True, slots=True)
class ServerView:
    """One sweep over the server."""

    version: str | None = None
    started: str | None = None
    """RFC 3339; a change means that the server restarted. Since 1.15.2."""
    paths: Mapping[str, PathObservation] = field(default_factory=dict)
    srt: Mapping[str, SrtObservation] = field(default_factory=dict)
    """By connection id."""
    sessions: Mapping[str, SessionObservation] = field(default_factory=dict)
    """By session id."""

    def srt_of(self, path: PathObservation) -> SrtObservation | None:
        """The SRT statistics of a path's publisher. Two lists are not one snapshot: it may be missing for a cycle."""
        return self.srt.get(path.source_id) if path.source_id is not None else None


# Which list of the API tells about a source of this type.
SESSION_LISTS: Mapping[str, str] = {
    "rtspSession": "rtspsessions",
    "rtspsSession": "rtspssessions",
    "rtmpConn": "rtmpconns",
    "rtmpsConn": "rtmpsconns",
    "webRTCSession": "webrtcsessions",
}
"""By the source type of a path."""


def parse_info(document: object) -> tuple[str | None, str | None]:
    """`/v3/info`: the version, and when the server started; None for what it does not tell."""
    info = document if isinstance(document, Mapping) else {}
    return _text(info.get("version")), _text(info.get("started"))


def parse_paths(document: object) -> dict[str, PathObservation]:
    """`/v3/paths/list`, by name."""
    return _items(document, _path, "name")


def parse_srt(document: object) -> dict[str, SrtObservation]:
    """`/v3/srtconns/list`: the connections that publish, by id."""
    return _items(document, _srt, "id")


def parse_sessions(document: object) -> dict[str, SessionObservation]:
    """A list of sessions or connections: those that publish, by id."""
    return _items(document, _session, "id")


def _items(document: object, parse: Callable[[Mapping[str, object]], T | None], key: str) -> dict[str, T]:
    items = document.get("items") if isinstance(document, Mapping) else None
    result: dict[str, T] = {}
    for item in items if isinstance(items, list) else ():
        name = item.get(key) if isinstance(item, Mapping) else None
        # A shortened or repaired name would be another item's.
        if not isinstance(name, str) or not name or len(name) > _MAX_TEXT_LENGTH or not name.isprintable():
            continue
        found = parse(item)
        if found is not None:
            result[name] = found
        if len(result) == MAX_ITEMS:
            break
    return result


def _path(item: Mapping[str, object]) -> PathObservation:
    source = item.get("source")
    source = source if isinstance(source, Mapping) else {}
    tracks, readers = item.get("tracks"), item.get("readers")
    if not isinstance(tracks, list):
        details = item.get("tracks2")
        details = details if isinstance(details, list) else []
        tracks = [track.get("codec") for track in details[:_MAX_TRACKS] if isinstance(track, Mapping)]
    available = item.get("available", item.get("ready"))
    return PathObservation(
        name=_text(item.get("name")) or "",
        available=available is True,
        source_type=_text(source.get("type")),
        source_id=_text(source.get("id")),
        tracks=tuple(text for track in tracks[:_MAX_TRACKS] if (text := _text(track))),
        inbound_bytes=_count(item.get("inboundBytes", item.get("bytesReceived"))),
        outbound_bytes=_count(item.get("outboundBytes", item.get("bytesSent"))),
        readers=len(readers) if isinstance(readers, list) else 0,
        frames_in_error=_count(item.get("inboundFramesInError")),
        available_since=_text(item.get("availableTime", item.get("readyTime"))),
        online=online if isinstance(online := item.get("online"), bool) else None,
    )


def _srt(item: Mapping[str, object]) -> SrtObservation | None:
    if item.get("state") != "publish":
        return None
    return SrtObservation(
        id=_text(item.get("id")) or "",
        path=_text(item.get("path")) or "",
        remote_address=_text(item.get("remoteAddr")) or "",
        rtt_ms=_number(item.get("msRTT")),
        receive_rate_mbps=_number(item.get("mbpsReceiveRate")),
        link_capacity_mbps=_number(item.get("mbpsLinkCapacity")),
        latency_ms=_number(item.get("msReceiveTsbPdDelay")),
        packets_unique=_count(item.get("packetsReceivedUnique")),
        packets_lost=_count(item.get("packetsReceivedLoss")),
        packets_dropped=_count(item.get("packetsReceivedDrop")),
        packets_belated=_count(item.get("packetsReceivedBelated")),
    )


def _session(item: Mapping[str, object]) -> SessionObservation | None:
    if item.get("state") != "publish":
        return None
    texts = {key: _text(item.get(key)) or "" for key in ("id", "path", "remoteAddr", "user", "query")}
    # Publishers may log in with `?user=…&pass=…` or `?jwt=…`.
    query = mask_parameters(texts["query"])
    return SessionObservation(texts["id"], texts["path"], texts["remoteAddr"], texts["user"], query)


def _text(value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return None
    text = value[:_MAX_TEXT_LENGTH]
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def _count(value: object) -> int:
    # `type` leaves bool out.
    return value if type(value) is int and 0 <= value < _MAX_COUNT else 0


def _number(value: object) -> float | None:
    if (type(value) is float or type(value) is int) and 0 <= value < 1e12:
        return float(value)
    return None
