"""Who may ask what: every route, the role that it needs, and what becomes of it for who is confined to sites."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextvars import ContextVar
from enum import StrEnum
from typing import NamedTuple

from aiohttp import web

from restream.domain.access.caller import EVERYBODY, Caller, Role
from restream.domain.news.incident import Deed
from restream.interfaces.documents.answers import Action

CALLER = web.RequestKey("caller", Caller)
"""Who asks, of every request that came in by the door (`auth.guard`)."""
ASKING: ContextVar[Caller] = ContextVar("asking", default=EVERYBODY)
"""The same, for whatever is done for the request where no request is at hand."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Reach(StrEnum):
    """What of the fleet an answer tells, and so what somebody who is confined to sites may get of it."""

    NOTHING = "nothing"
    """Nothing of cameras: the same for everybody."""
    CAMERA = "camera"
    """Of one camera, `{id}` of the path: the door answers 404 where it is of another site."""
    PARTS = "parts"
    """Of several: the handler leaves out what the caller does not see."""
    FLEET = "fleet"
    """Of all at once: the door answers 403."""


class Right(NamedTuple):
    """What a route needs; without a role it is open to everybody."""

    role: Role | None
    reach: Reach


_OPEN = Right(None, Reach.NOTHING)

RIGHTS: Mapping[tuple[str, str], Right] = {
    # Asked by orchestrators and by browsers before the login; none of them tells anything of the fleet.
    **dict.fromkeys([("GET", path) for path in ("/", "/static/{file}", "/livez", "/readyz", "/openapi.json")], _OPEN),
    **dict.fromkeys([("POST", "/api/login"), ("POST", "/api/logout"), ("GET", "/api/session")], _OPEN),
    **dict.fromkeys([("GET", "/api/oidc/login"), ("GET", "/api/oidc/callback")], _OPEN),
    ("GET", "/api/status"): Right(Role.SEE, Reach.PARTS),
    ("GET", "/api/cameras"): Right(Role.SEE, Reach.PARTS),
    ("GET", "/api/cameras.csv"): Right(Role.SEE, Reach.PARTS),
    ("POST", "/api/actions"): Right(Role.OPERATE, Reach.PARTS),
    ("GET", "/api/cameras/{id}"): Right(Role.SEE, Reach.CAMERA),
    ("GET", "/api/cameras/{id}/snapshot.jpg"): Right(Role.SEE, Reach.CAMERA),
    **{("POST", f"/api/cameras/{{id}}/{action}"): Right(Role.OPERATE, Reach.CAMERA) for action in Action},
    ("GET", "/api/streams"): Right(Role.SEE, Reach.PARTS),
    ("GET", "/api/streams/latest"): Right(Role.SEE, Reach.PARTS),
    ("GET", "/api/events"): Right(Role.SEE, Reach.PARTS),
    ("GET", "/api/nodes"): Right(Role.SEE, Reach.PARTS),
    ("GET", "/api/report"): Right(Role.SEE, Reach.PARTS),
    ("GET", "/api/host"): Right(Role.SEE, Reach.NOTHING),
    ("GET", "/api/visionaire"): Right(Role.SEE, Reach.FLEET),
    ("GET", "/api/cameras/{id}/pictures"): Right(Role.SEE, Reach.CAMERA),
    ("GET", "/api/cameras/{id}/pictures/{picture}.jpg"): Right(Role.SEE, Reach.CAMERA),
    ("POST", "/api/cameras/{id}/pictures/accept"): Right(Role.OPERATE, Reach.CAMERA),
    ("GET", "/api/incidents"): Right(Role.SEE, Reach.PARTS),
    ("GET", "/api/incidents/{id}"): Right(Role.SEE, Reach.PARTS),
    **{("POST", f"/api/incidents/{{id}}/{deed}"): Right(Role.OPERATE, Reach.PARTS) for deed in Deed},
    # A receiver is told of all sites.
    ("GET", "/api/alerts"): Right(Role.SEE, Reach.FLEET),
    ("POST", "/api/alerts/test"): Right(Role.OPERATE, Reach.FLEET),
    ("GET", "/api/maintenance"): Right(Role.SEE, Reach.PARTS),
    ("POST", "/api/maintenance"): Right(Role.OPERATE, Reach.PARTS),
    ("POST", "/api/maintenance/{id}/end"): Right(Role.OPERATE, Reach.PARTS),
    ("GET", "/ws"): Right(Role.SEE, Reach.PARTS),
    ("GET", "/api/audit"): Right(Role.CONFIGURE, Reach.FLEET),
    ("GET", "/api/rows.csv"): Right(Role.CONFIGURE, Reach.FLEET),
    ("POST", "/api/rows/dry-run"): Right(Role.CONFIGURE, Reach.FLEET),
    ("GET", "/metrics"): Right(Role.SEE, Reach.FLEET),
}
"""By method and pattern of the path. A route that is not here needs the greatest role, and is of the whole fleet."""

_UNLISTED = Right(Role.CONFIGURE, Reach.FLEET)


def right_of(request: web.Request) -> Right:
    """What this request needs."""
    resource = request.match_info.route.resource
    if resource is None:
        # There is no such route, or not by this method: who may do nothing is not told even that.
        return Right(Role.SEE if is_safe(request) else Role.OPERATE, Reach.NOTHING)
    method = "GET" if request.method == "HEAD" else request.method
    return RIGHTS.get((method, resource.canonical), _UNLISTED)


def is_safe(request: web.Request) -> bool:
    """Whether its method only reads."""
    return request.method in _SAFE_METHODS


def caller_of(request: web.Request) -> Caller:
    """Who asks. Where no door is before a route, whoever reaches it may do everything."""
    found: Caller = request.get(CALLER, EVERYBODY)
    return found


def version_for(caller: Caller, version: str) -> str:
    """A version of an answer as this caller gets it: others, who see other sites, have others."""
    if caller.sites is None:
        return version
    return f"{version}-{hashlib.sha256(repr(sorted(caller.sites)).encode()).hexdigest()[:12]}"
