"""What became of a message to a receiver. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from restream.domain.news.alert import AlertKind, Scope, Telling


class DeliveryState(StrEnum):
    """How far a message is."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    """Given up: it was refused for good, or for too long."""
    DROPPED = "dropped"
    """Too many waited already."""


@dataclass(frozen=True, slots=True)
class AlertDelivery:
    """A message on its way to one receiver. Moments are Unix time (s); `route` is empty where none is meant."""

    id: str
    receiver: str
    route: str
    kind: AlertKind
    telling: Telling
    scope: Scope
    total: int
    text: str
    """What it tells, one line."""
    at: float
    state: DeliveryState = DeliveryState.WAITING
    tries: int = 0
    error: str = ""
    """What went wrong last."""
    done_at: float | None = None
    node: str = ""
    """Who sends it."""
    incident: str = ""
    """Id of the one that it is about."""


def newest(*logs: Iterable[AlertDelivery]) -> list[AlertDelivery]:
    """Those of all logs, newest first; of one that several have, what the first says of it."""
    found = {(each.id, each.receiver): each for log in reversed(logs) for each in log}
    return sorted(found.values(), key=lambda each: each.at, reverse=True)


@dataclass(frozen=True, slots=True)
class ReceiverStatus:
    """Somebody who is told; `error`: why nothing arrives there now, `waiting`: how many messages wait."""

    name: str
    address: str
    """Without credentials."""
    routes: tuple[str, ...] = ()
    """Those that name it; empty for who is told of everything."""
    waiting: int = 0
    error: str = ""
    sent_at: float | None = None
    """When it last took a message, Unix time."""
