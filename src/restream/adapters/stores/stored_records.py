"""Events and availability as they are kept, and read back with suspicion: others may write to the same store."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TypeVar

import msgspec

from restream.domain.judgement.availability import MOST_SPANS, Span, Timeline
from restream.domain.judgement.verdict import Health
from restream.ports.outlets import EventRecord

_MAX_EVENT_BYTES = 16 << 10
_MAX_TIMELINE_BYTES = 256 << 10
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]")

E = TypeVar("E", bound=EventRecord)


class _KeptTimeline(msgspec.Struct):
    spans: list[tuple[float, Health]]
    restarts: list[float]


def encode_timeline(timeline: Timeline) -> bytes:
    """JSON with moments in Unix time (s), to the millisecond."""
    spans = [(round(span.since, 3), span.health) for span in timeline.spans]
    return msgspec.json.encode(_KeptTimeline(spans, [round(at, 3) for at in timeline.restarts]))


def decode_timeline(body: bytes, now: float) -> Timeline | None:
    """What was kept of a camera until `now` (Unix time, s); None for what somebody else wrote there."""
    if len(body) > _MAX_TIMELINE_BYTES:
        return None
    try:
        kept = msgspec.json.decode(body, type=_KeptTimeline)
    except (ValueError, RecursionError):
        return None
    # A moment that is still to come would hold back all that follow. Neither comparison holds for NaN.
    known = sorted((Span(at, health) for at, health in kept.spans if 0 <= at <= now), key=lambda span: span.since)
    past = sorted(at for at in kept.restarts if 0 <= at <= now)
    return Timeline(tuple(known[-MOST_SPANS:]), tuple(past[-MOST_SPANS:]))


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
