"""Events as documents: all kinds have the same keys, so that one table shows them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, UnsetType

from restream.domain.life.cause import Cause, Side
from restream.domain.news.event import (
    ActionAsked,
    ComponentChange,
    Event,
    HealthChange,
    IncidentChange,
    ServerRestart,
    Transition,
)
from restream.domain.news.incident import IncidentScope
from restream.domain.server.identity import component_name
from restream.interfaces.documents.values import Document, Moment, Whole, about, rounded, timestamp


class EventKind(StrEnum):
    """What an event happened to: a publisher, a component, a verdict; or that somebody acted on a camera; an
    incident."""

    CAMERA = "camera"
    COMPONENT = "component"
    HEALTH = "health"
    ACTION = "action"
    INCIDENT = "incident"


class EventDocument(Document):
    """Something that happened: to a camera's publisher (`camera`), to its verdict (`health`), to a component, an
    `action` that somebody asked for, or an `incident`."""

    id: Annotated[Whole, about("Rises, also over restarts of the service.", 1767607240000)]
    at: Moment
    kind: Annotated[EventKind, about("", "health")]
    camera: Annotated[str | None, about("Id; null for a component.", "7")]
    name: Annotated[str, about("Of the camera or component.", "Gate")]
    before: Annotated[str, about("Phase, health, or state of the component; empty for an action.", "healthy")]
    after: Annotated[
        str,
        about(
            "Likewise; `restarted` of a media server; what was asked for; `began`, `ended` of an incident.",
            "down",
        ),
    ]
    cause: Annotated[
        str | None, about(f"Code of a reason, or one of {', '.join(f'`{cause}`' for cause in Cause)}.", "refused")
    ]
    side: Annotated[Side, about("Where it broke.", "camera")]
    detail: Annotated[str, about("", "the camera's host refuses the connection")]
    hint: Annotated[str, about("What to do.")]
    retry_in_s: float | None
    node: Annotated[str, about("Where it happened.", "site-a")] = ""
    incident: Annotated[str | UnsetType, about("Of an incident: its id.", "4f1d20c77a3e")] = UNSET


def event(event_id: int, happened: Event, *, node: str = "") -> EventDocument:
    """One event of a node; `retry_in_s` in seconds."""
    at = timestamp(happened.at)
    match happened:
        case Transition(cause=cause):
            facts = cause.facts if cause else None
            return EventDocument(
                *(event_id, at, EventKind.CAMERA, happened.camera_id, happened.name, happened.before, happened.after),
                cause=cause,
                side=facts.side if facts else Side.NONE,
                detail=happened.detail,
                hint=facts.hint if facts else "",
                retry_in_s=rounded(happened.retry_in_s, 1),
                node=node,
            )
        case HealthChange(after=verdict):
            reasons = verdict.reasons
            return EventDocument(
                *(event_id, at, EventKind.HEALTH, happened.camera_id, happened.name, happened.before, verdict.health),
                cause=reasons[0].code if reasons else None,
                side=verdict.fault,
                detail="; ".join(reason.text for reason in reasons),
                hint=verdict.hint,
                retry_in_s=None,
                node=node,
            )
        case ActionAsked(by=by):
            by = f"by {by}" if by else "by somebody who is not known by name"
            kind, nothing = EventKind.ACTION, (None, Side.NONE)
            return EventDocument(
                *(
                    event_id,
                    at,
                    kind,
                    happened.camera_id,
                    happened.name,
                    "",
                    happened.action,
                    *nothing,
                    by,
                    "",
                    None,
                    node,
                )
            )
        case IncidentChange():
            return _of_incident(event_id, at, happened, node)
        case ComponentChange(component=name, before=before, after=after):
            return _of_component(event_id, at, name, before, after, Side.NONE, happened.detail, node)
        case ServerRestart():
            name = component_name(happened.server)
            return _of_component(event_id, at, name, "up", "restarted", Side.MEDIA_SERVER, happened.detail, node)


def _of_incident(event_id: int, at: str, happened: IncidentChange, node: str) -> EventDocument:
    scope, place, _ = happened.bond
    size = f"{happened.cameras} camera{'s' if happened.cameras != 1 else ''}"
    by = f"by {happened.by}" if happened.by else ""
    return EventDocument(
        event_id,
        at,
        EventKind.INCIDENT,
        place if scope is IncidentScope.CAMERA else None,
        f"{scope} {place}".strip(),
        "",
        happened.step,
        cause=happened.cause or None,
        side=Side(happened.side) if happened.side in set(Side) else Side.NONE,
        detail=": ".join(filter(None, (by, happened.text))) or size,
        hint="",
        retry_in_s=None,
        node=node,
        incident=happened.incident,
    )


def _of_component(
    event_id: int, at: str, name: str, before: str, after: str, side: Side, detail: str, node: str
) -> EventDocument:
    kind = EventKind.COMPONENT
    return EventDocument(event_id, at, kind, None, name, before, after, None, side, detail, "", None, node)
