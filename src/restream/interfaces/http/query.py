"""Query parameters of lists: filter, search, sort and page."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Self

from aiohttp import web
from multidict import MultiMapping

from restream.domain.judgement.verdict import Health
from restream.domain.life.cause import Side
from restream.interfaces.documents.cameras import PHASES, CameraDocument
from restream.interfaces.documents.ranking import natural, worst_first

MOST_CAMERAS = 10_000
MOST_OFFSET = 10**9
# A quoted value, or whatever comes until the next comma.
_VALUE = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?:,|$)|([^,]+)')
_searched = attrgetter("id", "name", "site", "host", "path", "camera_type")


def _cause(camera: CameraDocument) -> str:
    return camera.verdict.reasons[0].code if camera.verdict.reasons else ""


_SORTS: Mapping[str, Callable[[CameraDocument], Any]] = {
    "worst": worst_first,
    "id": lambda camera: natural(camera.id),
    "name": lambda camera: (camera.name.casefold(), natural(camera.id)),
    "site": lambda camera: (camera.site.casefold(), natural(camera.id)),
    "since": lambda camera: camera.since,
    "restarts": lambda camera: -camera.restarts,
    "bitrate": lambda camera: -(camera.bitrate_bps or 0),
    "readers": lambda camera: -(camera.readers or 0),
    "retry": lambda camera: (camera.next_retry or "~", natural(camera.id)),
    "reason": lambda camera: (_cause(camera) or "~", natural(camera.id)),
    "phase": lambda camera: (camera.phase, natural(camera.id)),
    "engine": lambda camera: (camera.engine or "", natural(camera.id)),
    "server": lambda camera: (camera.media_server or "", natural(camera.id)),
    "node": lambda camera: (camera.node, natural(camera.id)),
}
SORTS = tuple(f"{sign}{name}" for name in _SORTS for sign in ("", "-"))

FILTERS: Mapping[str, tuple[Callable[[CameraDocument], str | None], Iterable[str]]] = {
    "health": (attrgetter("verdict.health"), Health),
    "phase": (attrgetter("phase"), PHASES),
    "fault": (attrgetter("verdict.fault"), Side),
    "site": (attrgetter("site"), ()),
    "host": (attrgetter("host"), ()),
    "type": (attrgetter("camera_type"), ()),
    "engine": (attrgetter("engine"), ()),
    "server": (attrgetter("media_server"), ()),
    "node": (attrgetter("node"), ()),
}
"""What cameras are filtered by, and the values that there are; none: any text. Who has no value has the empty one."""


class Query:
    """The parameters of one request. Every method raises HTTPBadRequest that names the parameter."""

    def __init__(self, values: MultiMapping[str]) -> None:
        self._values = values

    def only(self, *known: str) -> Self:
        """Refuse everything else: a misspelt filter must not show the whole fleet."""
        unknown = set(self._values) - set(known)
        if unknown:
            raise _bad(f"unknown parameter {min(unknown)!r}")
        repeated = [name for name in known if len(self._values.getall(name, ())) > 1]
        if repeated:
            raise _bad(f"{repeated[0]}: given more than once")
        return self

    def text(self, name: str) -> str | None:
        return self._values.get(name)

    def number(self, name: str, default: int, largest: int) -> int:
        """A whole number from 0 to `largest`."""
        text = self._values.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= 15) or int(text) > largest:
            raise _bad(f"{name}: expected a whole number from 0 to {largest}")
        return int(text)

    def choice(self, name: str, known: Sequence[str]) -> str | None:
        """One of the known values; None when it is not given."""
        value = self._values.get(name)
        if value is not None and value not in known:
            raise _bad(f"{name}: expected one of {', '.join(known)}")
        return value

    def choices(self, name: str, known: Iterable[str] = ()) -> frozenset[str]:
        """One value or several, separated by commas; the empty set when it is not given. A value between quotation
        marks is taken as it is (RFC 4180): with commas, or empty."""
        return among(name, _values(self._values.get(name, "")), known)


def among(name: str, values: Iterable[str], known: Iterable[str]) -> frozenset[str]:
    """The values, if each is one of the known ones; none are known: any are good. Raises HTTPBadRequest."""
    given, allowed = frozenset(values), frozenset(known)
    if allowed and not given <= allowed:
        raise _bad(f"{name}: expected values among {', '.join(sorted(allowed))}")
    return given


def select_cameras(cameras: Iterable[CameraDocument], query: Query) -> tuple[list[CameraDocument], int]:
    """The cameras of one page, and how many there are on all pages. Raises HTTPBadRequest that names the parameter.

    The filters take one value or several, separated by commas; the words of `q` are searched in id, name, site, host,
    path and type.
    """
    query.only(*FILTERS, "q", "sort", "limit", "offset")
    given = {name: query.choices(name, known) for name, (_, known) in FILTERS.items()}
    wanted = {name: values for name, values in given.items() if values}
    found = matching(cameras, wanted, query.text("q") or "")
    name = query.choice("sort", SORTS) or "worst"
    found.sort(key=_SORTS[name.lstrip("-")], reverse=name.startswith("-"))
    offset = query.number("offset", 0, MOST_OFFSET)
    limit = query.number("limit", MOST_CAMERAS, MOST_CAMERAS)
    return found[offset : offset + limit], len(found)


def matching(cameras: Iterable[CameraDocument], wanted: Mapping[str, Collection[str]], q: str) -> list[CameraDocument]:
    """Those that have one of the wanted values of each filter, and every word of `q`; in their order."""
    picks = [(FILTERS[name][0], values) for name, values in wanted.items()]
    words = q.casefold().split()
    return [
        camera
        for camera in cameras
        if all((pick(camera) or "") in values for pick, values in picks) and (not words or _holds(camera, words))
    ]


def _holds(camera: CameraDocument, words: Sequence[str]) -> bool:
    searched = "\n".join(str(each or "") for each in _searched(camera)).casefold()
    return all(word in searched for word in words)


def _values(text: str) -> Iterator[str]:
    """What stands between commas; who stands between quotation marks may hold some."""
    for found in _VALUE.finditer(text):
        quoted, plain = found.groups()
        if quoted is not None:
            yield quoted.replace('""', '"')
        elif plain.strip():
            yield plain.strip()


def _bad(message: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(reason=" ".join(message.split()))
