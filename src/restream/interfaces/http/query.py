"""Query parameters of lists: filter, search, sort and page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiohttp import web

from restream.domain.cause import Side
from restream.domain.verdict import Health

_MAX_LIMIT = 10_000
_WORST_FIRST = {health: rank for rank, health in enumerate(("down", "degraded", "unknown", "healthy", "disabled"))}
_SEARCHED = ("id", "name", "site", "path", "camera_type")

Camera = Mapping[str, Any]
_SORTS: Mapping[str, Callable[[Camera], Any]] = {
    "worst": lambda camera: (_WORST_FIRST[camera["verdict"]["health"]], _natural(camera["id"])),
    "id": lambda camera: _natural(camera["id"]),
    "name": lambda camera: (camera["name"].casefold(), _natural(camera["id"])),
    "site": lambda camera: (camera["site"].casefold(), _natural(camera["id"])),
    "since": lambda camera: camera["since"],
    "restarts": lambda camera: -camera["restarts"],
    "bitrate": lambda camera: -(camera["bitrate_bps"] or 0),
}


def select_cameras(cameras: Iterable[Camera], query: Mapping[str, str]) -> tuple[list[Camera], int]:
    """The cameras of one page, and how many there are on all pages. Raises HTTPBadRequest that names the parameter.

    `health`, `phase`, `fault`, `site` take one value or several, separated by commas; `q` is searched in id, name,
    site, path and type.
    """
    unknown = set(query) - {"health", "phase", "fault", "site", "q", "sort", "limit", "offset"}
    if unknown:
        raise _bad(f"unknown parameter {min(unknown)!r}")
    health = _choices(query, "health", Health)
    fault = _choices(query, "fault", Side)
    phase, site = _choices(query, "phase"), _choices(query, "site")
    text = query.get("q", "").casefold()
    found = [
        camera
        for camera in cameras
        if (not health or camera["verdict"]["health"] in health)
        and (not fault or camera["verdict"]["fault"] in fault)
        and (not phase or camera["phase"] in phase)
        and (not site or camera["site"] in site)
        and (not text or any(text in str(camera[field]).casefold() for field in _SEARCHED))
    ]
    name = query.get("sort", "worst")
    descending = name.startswith("-")
    if name.lstrip("-") not in _SORTS:
        raise _bad(f"sort: expected one of {', '.join(_SORTS)}")
    found.sort(key=_SORTS[name.lstrip("-")], reverse=descending)
    offset = number(query, "offset", 0, 10**9)
    limit = number(query, "limit", _MAX_LIMIT, _MAX_LIMIT)
    return found[offset : offset + limit], len(found)


def number(query: Mapping[str, str], name: str, default: int, largest: int) -> int:
    """A whole number from 0 to `largest`. Raises HTTPBadRequest."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 12) or int(text) > largest:
        raise _bad(f"{name}: expected a whole number from 0 to {largest}")
    return int(text)


def _choices(query: Mapping[str, str], name: str, known: Iterable[str] = ()) -> frozenset[str]:
    values = frozenset(value.strip() for value in query.get(name, "").split(",") if value.strip())
    allowed = frozenset(known)
    if allowed and not values <= allowed:
        raise _bad(f"{name}: expected values among {', '.join(sorted(allowed))}")
    return values


def _natural(camera_id: str) -> tuple[int, int, str]:
    """Ids in the order people expect: 2 before 10."""
    plain = camera_id.isascii() and camera_id.isdigit() and len(camera_id) <= 18
    return (0, int(camera_id), "") if plain else (1, 0, camera_id)


def _bad(message: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(reason=message.replace("\n", " "))
