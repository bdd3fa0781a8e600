"""Lists of MediaMTX's control API, from bytes: long ones part by part, and each as quickly as its items allow.

Items that are as v1.20 writes them are decoded by their types, and what nobody asks for is passed over. Whatever is not
so, in a part of a list, is read by the parser of the domain, which takes everything: both say the same of every list
that is JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from re import compile as pattern
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import msgspec
import orjson
from msgspec import Meta

from restream.domain.server.mediamtx import (
    MAX_ITEMS,
    PathObservation,
    SessionObservation,
    SrtObservation,
    parse_paths,
    parse_sessions,
    parse_srt,
)

# A document of tiny values becomes twenty times its size when it is decoded.
_MAX_AT_ONCE_BYTES = 4 << 20
# Nobody else runs while the decoder works.
_PART_BYTES = 256 << 10
_FIRST_ITEM = pattern(rb'"items":\[(\{"\w+":")')

Text = Annotated[str, Meta(max_length=200)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Number = Annotated[float, Meta(ge=0, lt=1e12)]
"""What the parser of the domain would take as it is."""

T = TypeVar("T", bound=NamedTuple)


class ListError(Exception):
    """No list of MediaMTX; the message says why."""


class _Item(msgspec.Struct, gc=False, rename="camel"):
    pass


class _Reader(_Item):
    pass


class _Source(_Item):
    type: Name
    id: Text


class _Path(_Item):
    name: Name
    available: bool
    source: _Source | None
    tracks: Annotated[tuple[Name, ...], Meta(max_length=32)]
    readers: list[_Reader]
    inbound_bytes: Count
    outbound_bytes: Count
    inbound_frames_in_error: Count
    available_time: Name | None
    online: bool


class _Srt(_Item):
    id: Name
    state: str
    path: Text
    remote_addr: Text
    rtt: Number = msgspec.field(name="msRTT")
    receive_rate: Number = msgspec.field(name="mbpsReceiveRate")
    link_capacity: Number = msgspec.field(name="mbpsLinkCapacity")
    latency: Number = msgspec.field(name="msReceiveTsbPdDelay")
    packets_received_unique: Count
    packets_received_loss: Count
    packets_received_drop: Count
    packets_received_belated: Count


class _Paths(_Item):
    items: list[_Path]


class _Connections(_Item):
    items: list[_Srt]


_PATHS = msgspec.json.Decoder(_Paths).decode
_CONNECTIONS = msgspec.json.Decoder(_Connections).decode


class _UnusualError(Exception):
    pass


def _typed_paths(body: bytes) -> dict[str, PathObservation]:
    found: dict[str, PathObservation] = {}
    texts: set[str] = set()
    for path in _PATHS(body).items:
        name, source, since = path.name, path.source, path.available_time
        kind, key = (source.type, source.id or None) if source is not None else (None, None)
        texts.update((name, kind or "", key or "", since or "", *path.tracks))
        found[name] = PathObservation(
            name,
            path.available,
            kind,
            key,
            path.tracks,
            path.inbound_bytes,
            path.outbound_bytes,
            len(path.readers),
            path.inbound_frames_in_error,
            since,
            path.online,
        )
    _require_printable(texts)
    return found


def _typed_srt(body: bytes) -> dict[str, SrtObservation]:
    found: dict[str, SrtObservation] = {}
    texts: list[str] = []
    for srt in _CONNECTIONS(body).items:
        if srt.state != "publish":
            continue
        key, path, address = srt.id, srt.path, srt.remote_addr
        texts += (key, path, address)
        found[key] = SrtObservation(
            key,
            path,
            address,
            srt.rtt,
            srt.receive_rate,
            srt.link_capacity,
            srt.latency,
            srt.packets_received_unique,
            srt.packets_received_loss,
            srt.packets_received_drop,
            srt.packets_received_belated,
        )
    _require_printable(texts)
    return found


def _require_printable(texts: Iterable[str]) -> None:
    if not "".join(texts).isprintable():
        raise _UnusualError


@dataclass(frozen=True, slots=True)
class ListKind(Generic[T]):
    """One of the lists: `typed` raises where an item is not as usual, `tolerant` never does."""

    name: str
    tolerant: Callable[[object], dict[str, T]]
    typed: Callable[[bytes], dict[str, T]] | None = None

    def read(self, body: bytes) -> dict[str, T]:
        """Its items by their keys, decoded at once. Raises ListError, ValueError."""
        if self.typed is not None and len(body) <= _MAX_AT_ONCE_BYTES:
            try:
                return dict(islice(self.typed(body).items(), MAX_ITEMS))
            except (_UnusualError, ValueError, RecursionError):
                pass  # the other one decides
        document = json_object(body)
        if "items" not in document:
            raise ListError("its answer is no list of MediaMTX")
        return self.tolerant(document)

    def read_long(self, body: bytes) -> dict[str, T]:
        """A long list, part by part where it can be cut. Raises ListError, ValueError."""
        found: dict[str, T] = {}
        try:
            for part in _parts(body):
                found |= self.read(part)
                if len(found) >= MAX_ITEMS:
                    break
        except ValueError:
            return self.read(body)
        return dict(islice(found.items(), MAX_ITEMS))


PATHS: ListKind[PathObservation] = ListKind("paths", parse_paths, _typed_paths)
SRT: ListKind[SrtObservation] = ListKind("srtconns", parse_srt, _typed_srt)


def session_list(name: str) -> ListKind[SessionObservation]:
    """One of the lists of sessions or connections."""
    return ListKind(name, parse_sessions)


def json_object(body: bytes) -> dict[str, Any]:
    """An answer as JSON. Raises ListError, ValueError."""
    if len(body) > _MAX_AT_ONCE_BYTES:
        raise ListError("its answer is too large, and no list of MediaMTX")
    document = orjson.loads(body)
    if not isinstance(document, dict):
        raise ListError("its answer is no JSON object")
    return document


def _parts(body: bytes) -> Iterator[bytes]:
    """A document with `items`, as several with some of them each: cut where an item begins with the first one's key.

    No text can look like this, its quotes are escaped; and a cut elsewhere than between two items leaves no JSON.
    """
    first = _FIRST_ITEM.search(body, 0, 256)
    begin = first.start(1) if first else 0
    cut_before = b"}," + first[1] if first else b""
    while first and (cut := body.find(cut_before, begin + _PART_BYTES)) >= 0:
        yield b'{"items":[%s]}' % body[begin : cut + 1]
        begin = cut + 2
    yield b'{"items":[' + body[begin:] if begin else body
