"""Events and availability as they are kept, and read back with suspicion: others may write to the same store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from restream.domain.judgement.availability import MOST_SPANS, Span, Timeline
from restream.domain.judgement.verdict import Health

_MAX_EVENT_BYTES = 16 << 10
_MAX_TIMELINE_BYTES = 256 << 10
_KINDS = ("camera", "component", "health")
_TEXTS = ("name", "before", "after", "side", "detail", "hint")
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]")


def encode_timeline(timeline: Timeline) -> bytes:
    """JSON with moments in Unix time (s), to the millisecond."""
    spans = [[round(span.since, 3), span.health] for span in timeline.spans]
    return orjson.dumps({"spans": spans, "restarts": [round(at, 3) for at in timeline.restarts]})


def decode_timeline(body: bytes, now: float) -> Timeline | None:
    """What was kept of a camera until `now` (Unix time, s); None for what somebody else wrote there."""
    if len(body) > _MAX_TIMELINE_BYTES:
        return None
    try:
        document = orjson.loads(body)
        spans = [Span(float(since), Health(health)) for since, health in document["spans"]]
        restarts = [float(at) for at in document["restarts"]]
    except (ValueError, TypeError, KeyError):
        return None
    # A moment that is still to come would hold back all that follow. Neither comparison holds for NaN.
    known = sorted((span for span in spans if 0 <= span.since <= now), key=lambda span: span.since)
    past = sorted(at for at in restarts if 0 <= at <= now)
    return Timeline(tuple(known[-MOST_SPANS:]), tuple(past[-MOST_SPANS:]))


def decode_event(body: bytes, now: float) -> dict[str, Any] | None:
    """An event until `now` (Unix time, s), with the keys of `GET /api/events`; None for anything else.

    `node` is None where it was written before nodes had names.
    """
    if len(body) > _MAX_EVENT_BYTES:
        return None
    try:
        event = orjson.loads(body)
    except ValueError:
        return None
    if not isinstance(event, dict) or not _is_event(event):
        return None
    # Ids are milliseconds of Unix time: one of the future would hold back all that follow.
    if not 0 < event["id"] <= now * 1000:
        return None
    names = ("id", "node", "at", "kind", "camera", "cause", "retry_in_s", *_TEXTS)
    return {name: event.get(name) for name in names}


def decode_moment(body: bytes | None, now: float) -> float:
    """Unix time (s) until `now`; 0 for what is none."""
    try:
        moment = float(body or 0)
    except ValueError:
        return 0.0
    return min(moment, now) if moment > 0 else 0.0


def _is_event(event: Mapping[str, Any]) -> bool:
    texts = [event.get(name) for name in _TEXTS]
    optional = [event.get("node"), event.get("camera"), event.get("cause")]
    return (
        type(event.get("id")) is int
        and event.get("kind") in _KINDS
        and _is_moment(event.get("at"))
        and all(isinstance(text, str) for text in texts)
        and all(text is None or isinstance(text, str) for text in optional)
        and not any(_CONTROL.search(text) for text in (*texts, *optional) if text)
        and (event.get("retry_in_s") is None or type(event.get("retry_in_s")) in (int, float))
    )


def _is_moment(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
