"""What a third-party stream server ("Visionaire" API) says, understood, and what is known of it over time.

Everything that comes from the server is hostile until it is parsed: a value of the wrong type is as good as a missing
one, an entry without its id or node is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit, urlunsplit

from restream.domain.camera.secret import Secret, mask_patterns

RUNNING = "RUNNING"
"""State of a stream that is up when it is active too."""
UNKNOWN = "UNKNOWN"
"""State of a stream whose server tells none."""
API_ERROR = "API_ERROR"
"""State of a stream whose details could not be had."""
UNNAMED = "UNKNOWN_STREAM"
"""Name of a stream whose server tells none."""
MAX_STREAMS = 10_000
"""A server with more is cut off here: nothing downstream is made for it."""

_MAX_ID_LENGTH = 200
_MAX_NAME_LENGTH = 200
_MAX_STATE_LENGTH = 64
_MAX_ERROR_LENGTH = 300


@dataclass(frozen=True, slots=True)
class StreamServer:
    """One server as configured. `url` is its base without credentials, `host` the short name that labels show."""

    host: str
    url: str
    user: str | None = None
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class ListedStream:
    """An entry of the list, enough to ask for its details."""

    stream_id: str
    node_num: str
    name: str = UNNAMED


@dataclass(frozen=True, slots=True)
class StreamDetails:
    """The details of one stream; `fps` in frames a second, sizes in pixels, None where the server does not say."""

    state: str = UNKNOWN
    active: bool = False
    fps: float | None = None
    width: int | None = None
    height: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class ThirdPartyStream:
    """One stream of such a server, list and details joined."""

    listed: ListedStream
    details: StreamDetails

    @property
    def up(self) -> bool:
        """Whether its server says that it runs and is active."""
        return self.details.state == RUNNING and self.details.active


@dataclass(frozen=True, slots=True)
class Collection:
    """One cycle over one server. `streams` is None when there is no list."""

    streams: tuple[ThirdPartyStream, ...] | None
    errors: int = 0
    """Failed calls, streams that were not asked in time among them."""
    response_time_s: float = 0.0
    """Mean over all calls of the cycle, failed ones too; 0 when the list could not be had."""
    error: str = ""
    """One line for the operator; empty when every call went well."""

    @property
    def answers(self) -> bool:
        """There is a list, and at least one stream's details if there are streams."""
        return self.streams is not None and (
            not self.streams or any(stream.details.state != API_ERROR for stream in self.streams)
        )


@dataclass(frozen=True, slots=True)
class HostPicture:
    """What is known of one server. The last good streams stay while it is away, and `fresh` says so."""

    server: StreamServer
    streams: tuple[ThirdPartyStream, ...] = ()
    fresh: bool = False
    """The last cycle brought a list."""
    answers: bool = False
    observed_at: float | None = None
    """When `streams` were collected, monotonic clock (s)."""
    response_time_s: float = 0.0
    errors_total: int = 0
    error: str = ""

    def after(self, collection: Collection, now: float) -> HostPicture:
        """The picture after one more cycle, which ended at `now` (monotonic, s)."""
        picture = replace(
            self,
            fresh=collection.streams is not None,
            answers=collection.answers,
            response_time_s=collection.response_time_s,
            errors_total=self.errors_total + collection.errors,
            error=collection.error,
        )
        if collection.streams is None:
            return picture
        return replace(picture, streams=collection.streams, observed_at=now)


def parse_servers(urls: Iterable[str]) -> tuple[StreamServer, ...]:
    """The servers behind base URLs, each once. The scheme may be left out (http). Raises ValueError.

    A server is called by its host name; servers that share one by host:port, and if need be by their whole URL.
    """
    servers = {server.url: server for server in map(_server, urls)}
    names = [_names(url) for url in servers]
    counts = Counter(name for each in names for name in each)
    return tuple(
        replace(server, host=next((name for name in each if counts[name] == 1), server.url))
        for server, each in zip(servers.values(), names, strict=True)
    )


def _server(url: str) -> StreamServer:
    parts = urlsplit(url.strip() if "://" in url else f"http://{url.strip()}")
    # Reading the port raises ValueError when it is none.
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0 or parts.query or parts.fragment:
        raise ValueError("expected http://host:port")
    host = parts.netloc.rpartition("@")[2].lower()
    bare = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
    user, password = (unquote(part) if part else None for part in (parts.username, parts.password))
    return StreamServer(host, bare, user, Secret(password) if password else None)


def _names(url: str) -> list[str]:
    """What a server may be called, shortest first."""
    parts = urlsplit(url)
    return list(dict.fromkeys((parts.hostname or "", parts.netloc)))


def parse_streams(document: object) -> tuple[ListedStream, ...] | None:
    """`/streams`, each stream once, at most MAX_STREAMS; None when this is no list of streams at all."""
    items = document.get("streams") if isinstance(document, Mapping) else None
    if not isinstance(items, list):
        return None
    found: dict[tuple[str, str], ListedStream] = {}
    for item in items:
        if not isinstance(item, Mapping):
            continue
        stream_id, node_num = _identifier(item.get("stream_id")), _identifier(item.get("stream_node_num"))
        if stream_id is None or node_num is None:
            continue
        name = _text(item.get("stream_name"), _MAX_NAME_LENGTH) or UNNAMED
        found.setdefault((node_num, stream_id), ListedStream(stream_id, node_num, name))
        if len(found) == MAX_STREAMS:
            break
    return tuple(found.values())


def parse_details(document: object) -> StreamDetails | None:
    """`/streams/{node}/{id}`; None when this is no JSON object."""
    if not isinstance(document, Mapping):
        return None
    stats = _mapping(document.get("stream_stats"))
    pipelines = _mapping(document.get("status")).get("pipelines")
    first = _mapping(pipelines[0]) if isinstance(pipelines, list) and pipelines else {}
    states = (_text(part.get("state"), _MAX_STATE_LENGTH) for part in (stats, first))
    return StreamDetails(
        state=next(filter(None, states), UNKNOWN),
        active=document.get("active") is True,
        fps=_number(stats.get("fps")),
        width=_count(stats.get("frame_width")),
        height=_count(stats.get("frame_height")),
        error=_text(stats.get("last_error_msg"), _MAX_ERROR_LENGTH),
    )


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _identifier(value: object) -> str | None:
    """An id as the URL wants it; numbers and strings are both in use, and 0 is one."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
        return str(value)
    text = value if isinstance(value, str) else ""
    # A shortened id would be another stream's. Nor may one climb out of /streams/.
    usable = text.isprintable() and text.strip() and text not in (".", "..")
    return text if usable and len(text) <= _MAX_ID_LENGTH else None


def _text(value: object, max_length: int) -> str:
    """One line; camera URLs with passwords turn up in error messages."""
    if not isinstance(value, str) or not value:
        return ""
    # Cut before anything expensive looks at it, but not yet where it would split a password that is to be masked.
    text = value[: 4 * max_length]
    return mask_patterns(text if text.isprintable() else _printable(text))[:max_length].strip()


def _printable(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31 else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        return None
    return float(value)
