"""Events and availability as they are kept, and read back with suspicion: others may write to the same store, and
another version has written what this one finds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from restream.domain.judgement.availability import MOST_SPANS, Span, Timeline
from restream.domain.judgement.verdict import Health
from restream.ports.outlets import EventRecord

_MAX_EVENT_BYTES = 16 << 10
_MAX_TIMELINE_BYTES = 256 << 10
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]")

_HEALTHS: Mapping[str, Health] = {str(health): health for health in Health}

E = TypeVar("E", bound=EventRecord)


def encode_timeline(timeline: Timeline) -> bytes:
    """JSON with moments in Unix time (s), to the millisecond."""
    spans = [(round(span.since, 3), span.health) for span in timeline.spans]
    return msgspec.json.encode({"spans": spans, "restarts": [round(at, 3) for at in timeline.restarts]})


def decode_timeline(body: bytes, now: float) -> Timeline | None:
    """What was kept of a camera until `now` (Unix time, s); None for what somebody else wrote there.

    A health that this version does not know is `unknown`; a moment that is none is left out, and so is one to come,
    which would hold back all that follow.
    """
    if len(body) > _MAX_TIMELINE_BYTES:
        return None
    try:
        kept = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
    spans, restarts = _listed(kept, "spans"), _listed(kept, "restarts")
    if spans is None and restarts is None:
        return None
    known = sorted((span for each in spans or () if (span := _span(each, now))), key=lambda span: span.since)
    past = sorted(float(at) for at in restarts or () if _is_past(at, now))
    return Timeline(tuple(known[-MOST_SPANS:]), tuple(past[-MOST_SPANS:]))


def _listed(kept: Any, key: str) -> list[Any] | None:
    found = kept.get(key) if isinstance(kept, dict) else None
    return found if isinstance(found, list) else None


def _span(kept: Any, now: float) -> Span | None:
    match kept:
        case [at, str(health), *_] if _is_past(at, now):
            return Span(float(at), _HEALTHS.get(health, Health.UNKNOWN))
        case [at, *_] if _is_past(at, now):
            return Span(float(at), Health.UNKNOWN)
    return None


def _is_past(at: Any, now: float) -> bool:
    return isinstance(at, int | float) and not isinstance(at, bool) and 0 <= at <= now


def decode_event(body: bytes, now: float, kind: type[E]) -> E | None:
    """An event until `now` (Unix time, s), as `kind`; None for anything else."""
    if len(body) > _MAX_EVENT_BYTES:
        return None
    try:
        event = msgspec.json.decode(body, type=kind)
        if datetime.fromisoformat(event.at).tzinfo is None:
            return None
    except (ValueError, RecursionError):
        return None
    # Ids are milliseconds of Unix time: one of the future would hold back all that follow.
    if not 0 < event.id <= now * 1000:
        return None
    texts = (value for value in msgspec.to_builtins(event).values() if isinstance(value, str))
    return None if any(map(_CONTROL.search, texts)) else event


def decode_moment(body: bytes | None, now: float) -> float:
    """Unix time (s) until `now`; 0 for what is none."""
    try:
        moment = float(body or 0)
    except ValueError:
        return 0.0
    return min(moment, now) if moment > 0 else 0.0
