"""What people are told of an outage: an alert, the cameras that it is about, and the rules by which there is one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from restream.domain.judgement.picture_flaws import BLIND
from restream.domain.news.incident import Bond, IncidentScope
from restream.domain.server.identity import DEFAULT_SERVER, ServerId

LISTED = 20
"""How many cameras an alert lists; its total tells of all."""


class AlertError(Exception):
    """An alert was not taken; one line, without the URL. `passing`: another try may succeed."""

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing


class AlertKind(StrEnum):
    """What an alert tells: an outage or its end, of cameras or of a component; or nothing, on trial."""

    DOWN = "down"
    RECOVERED = "recovered"
    COMPONENT_DOWN = "component_down"
    COMPONENT_UP = "component_up"
    TEST = "test"


class Telling(StrEnum):
    """Why somebody is told: it is news, it lasts, or nobody has ended it in time."""

    NEWS = "news"
    REMINDER = "reminder"
    ESCALATION = "escalation"


class Scope(StrEnum):
    """What an alert is about: one camera, what the cameras of an incident share, a large part of all, a component."""

    CAMERA = "camera"
    HOST = "host"
    PARENT = "parent"
    SITE = "site"
    SERVER = "server"
    NODE = "node"
    FLEET = "fleet"
    COMPONENT = "component"


@dataclass(frozen=True, slots=True)
class AlertRules:
    """How long (s) an outage and its end must last to be told, and how many cameras make it the fleet's."""

    down_after_s: float = 30.0
    up_after_s: float = 10.0
    collect_s: float = 10.0
    fleet_count: int = 5
    fleet_share: float = 0.3
    """So many cameras at once, and so large a share of all that are not disabled, make it the fleet's."""
    end_within_s: float = 300.0
    """So long those cameras of an incident that are back wait for the others, that its end is one message."""


@dataclass(frozen=True, slots=True)
class AlertSubject:
    """A camera as alerts see it; `code` and `text` tell why it is not healthy, masked."""

    id: str
    name: str = ""
    site: str = ""
    host: str = ""
    health: str = "unknown"
    fault: str = "none"
    code: str = ""
    text: str = ""
    server: ServerId = DEFAULT_SERVER
    """The media server it is published to."""
    node: str = ""
    """The node that had it, where none has it now."""
    incident: str = ""
    """Id of the open incident that it belongs to; empty: there is none."""
    bond: Bond | None = None
    """What the cameras of that incident share."""

    @property
    def blind(self) -> bool:
        """It flows, and nobody sees what he should."""
        return self.health == "degraded" and self.code in BLIND

    @property
    def shared(self) -> str:
        """Id of its incident, where that is not one of this camera alone."""
        return self.incident if self.bond is not None and self.bond.scope is not IncidentScope.CAMERA else ""


@dataclass(frozen=True, slots=True)
class Affected:
    """A camera in an alert; `since` is when its outage began (Unix time, s). Why it was down is told in both kinds."""

    subject: AlertSubject
    since: float


@dataclass(frozen=True, slots=True)
class Alert:
    """`total` cameras are meant, of which `cameras` lists some. A component has its name, detail and beginning."""

    kind: AlertKind
    at: float
    scope: Scope
    total: int
    cameras: tuple[Affected, ...] = ()
    host: str = ""
    component: str = ""
    detail: str = ""
    since: float = 0.0
    everyone: tuple[Affected, ...] = ()
    """All of `total`."""
    telling: Telling = Telling.NEWS
    threads: tuple[str, ...] = ()
    """Ids of the first alerts of the outages that are meant; only where a route tells it."""
    left: int = 0
    """Of an end: how many cameras of the same outages are still down."""
    incident: str = ""
    """Id of the one incident that all of it is part of; empty: there is none, or there are several."""
    bond: Bond | None = None
    """What that incident is of."""
    joins: bool = False
    """Its cameras belong to an incident that was told: nobody is called for them, they only come along."""
