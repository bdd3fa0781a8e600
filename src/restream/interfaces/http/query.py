"""Query parameters of lists: filter, search, sort and page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
_searched = attrgetter("id", "name", "site", "host", "path", "camera_type")

_SORTS: Mapping[str, Callable[[CameraDocument], Any]] = {
    "worst": worst_first,
    "id": lambda camera: natural(camera.id),
    "name": lambda camera: (camera.name.casefold(), natural(camera.id)),
    "site": lambda camera: (camera.site.casefold(), natural(camera.id)),
    "since": lambda camera: camera.since,
    "restarts": lambda camera: -camera.restarts,
    "bitrate": lambda camera: -(camera.bitrate_bps or 0),
}
SORTS = tuple(f"{sign}{name}" for name in _SORTS for sign in ("", "-"))

FILTERS: Mapping[str, tuple[Callable[[CameraDocument], str | None], Iterable[str]]] = {
    "health": (attrgetter("verdict.health"), Health),
    "phase": (attrgetter("phase"), PHASES),
    "fault": (attrgetter("verdict.fault"), Side),
    "site": (attrgetter("site"), ()),
    "host": (attrgetter("host"), ()),
    "engine": (attrgetter("engine"), ()),
    "server": (attrgetter("media_server"), ()),
    "node": (attrgetter("node"), ()),
}
"""What cameras are filtered by, and the values that there are; none: any text."""


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
        """One value or several, separated by commas; the empty set when it is not given."""
        values = frozenset(value.strip() for value in self._values.get(name, "").split(",") if value.strip())
        allowed = frozenset(known)
        if allowed and not values <= allowed:
            raise _bad(f"{name}: expected values among {', '.join(sorted(allowed))}")
        return values


def select_cameras(cameras: Iterable[CameraDocument], query: Query) -> tuple[list[CameraDocument], int]:
    """The cameras of one page, and how many there are on all pages. Raises HTTPBadRequest that names the parameter.

    The filters take one value or several, separated by commas; `q` is searched in id, name, site, host, path and type.
    """
    query.only(*FILTERS, "q", "sort", "limit", "offset")
    wanted = [
        (pick, values)
        for name, (pick, known) in FILTERS.items()
        if (values := query.choices(name, known)) != frozenset()
    ]
    text = (query.text("q") or "").casefold()
    found = [
        camera
        for camera in cameras
        if all(pick(camera) in values for pick, values in wanted)
        and (not text or any(text in str(each).casefold() for each in _searched(camera)))
    ]
    name = query.choice("sort", SORTS) or "worst"
    found.sort(key=_SORTS[name.lstrip("-")], reverse=name.startswith("-"))
    offset = query.number("offset", 0, MOST_OFFSET)
    limit = query.number("limit", MOST_CAMERAS, MOST_CAMERAS)
    return found[offset : offset + limit], len(found)


def _bad(message: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(reason=" ".join(message.split()))
