"""Events as documents: all kinds have the same keys, so that one table shows them."""

from __future__ import annotations

from restream.domain.life.cause import Side
from restream.domain.news.event import ComponentChange, Event, HealthChange, ServerRestart, Transition
from restream.domain.server.identity import component_name
from restream.interfaces.documents.values import Document, rounded, timestamp


def event(event_id: int, happened: Event, *, node: str = "") -> Document:
    """One event of a node; `retry_in_s` in seconds."""
    document: Document = {
        "id": event_id,
        "node": node,
        "at": timestamp(happened.at),
        "kind": "component",
        "camera": None,
        "name": "",
        "before": "up",
        "after": "restarted",
        "cause": None,
        "side": Side.NONE,
        "detail": "",
        "hint": "",
        "retry_in_s": None,
    }
    match happened:
        case Transition(cause=cause):
            facts = cause.facts if cause else None
            return document | {
                "kind": "camera",
                "camera": happened.camera_id,
                "name": happened.name,
                "before": happened.before,
                "after": happened.after,
                "cause": cause,
                "side": facts.side if facts else Side.NONE,
                "detail": happened.detail,
                "hint": facts.hint if facts else "",
                "retry_in_s": rounded(happened.retry_in_s, 1),
            }
        case HealthChange(after=verdict):
            reasons = verdict.reasons
            return document | {
                "kind": "health",
                "camera": happened.camera_id,
                "name": happened.name,
                "before": happened.before,
                "after": verdict.health,
                "cause": reasons[0].code if reasons else None,
                "side": verdict.fault,
                "detail": "; ".join(reason.text for reason in reasons),
                "hint": verdict.hint,
            }
        case ComponentChange():
            return document | {
                "name": happened.component,
                "before": happened.before,
                "after": happened.after,
                "detail": happened.detail,
            }
        case ServerRestart():
            name = component_name(happened.server)
            return document | {"name": name, "detail": happened.detail, "side": Side.MEDIA_SERVER}
