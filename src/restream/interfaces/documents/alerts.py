"""Who is told of outages, and what became of the last messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from restream.domain.news.alert import AlertKind, Scope, Telling
from restream.domain.news.deliveries import AlertDelivery, DeliveryState, ReceiverStatus
from restream.interfaces.documents.values import Document, Moment, Whole, about, timestamp


class ReceiverDocument(Document):
    """Somebody who is told."""

    name: Annotated[
        str, about("As configured; webhooks that are told of everything are `webhooks.1` and so on.", "desk")
    ]
    address: Annotated[str, about("Where, without credentials.", "desk")]
    routes: Annotated[tuple[str, ...], about("Routes that name it; none where it is told of everything.", ["day"])]
    waiting: Annotated[Whole, about("Messages that wait.", 0)]
    error: Annotated[str, about("Why none arrives now; empty: nothing is known against it.", "")]
    last_sent: Annotated[Moment | None, about("When it last took one.")]


class DeliveryDocument(Document):
    """A message to one receiver."""

    id: Annotated[str, about("The same in all tries.", "0d3f3c52-7a55-4f0e-9b56-0c6a3f3f0a11")]
    receiver: Annotated[str, about("", "desk")]
    route: Annotated[str, about("Empty: it was told without one.", "day")]
    kind: AlertKind
    telling: Telling
    scope: Scope
    total: Annotated[Whole, about("Cameras that are meant.", 40)]
    text: Annotated[str, about("One line.", "down, 1 of scope camera: Gate: connection refused")]
    at: Annotated[Moment, about("When it was put on its way.")]
    state: DeliveryState
    tries: Annotated[Whole, about("", 1)]
    error: Annotated[str, about("What went wrong last.", "")]
    done: Annotated[Moment | None, about("When it was taken, given up or dropped.")]
    node: Annotated[str, about("Who sent it.", "site-a")]
    incident: Annotated[str, about("Id of the one that it is about; empty: none, or several.", "4f1d20c77a3e")]


class AlertsDocument(Document):
    """Receivers, and the last messages, newest first."""

    receivers: tuple[ReceiverDocument, ...]
    deliveries: tuple[DeliveryDocument, ...]


class ReceiverTestDocument(Document):
    """What became of a test message."""

    receiver: Annotated[str, about("", "desk")]
    taken: Annotated[bool, about("", True)]
    error: Annotated[str, about("Why not.", "")]


def alerts_document(
    receivers: Iterable[ReceiverStatus], deliveries: Sequence[AlertDelivery], limit: int
) -> AlertsDocument:
    """At most `limit` messages."""
    return AlertsDocument(
        tuple(
            ReceiverDocument(
                each.name,
                each.address,
                each.routes,
                each.waiting,
                each.error,
                timestamp(each.sent_at) if each.sent_at is not None else None,
            )
            for each in receivers
        ),
        tuple(map(_delivery, deliveries[:limit])),
    )


def _delivery(each: AlertDelivery) -> DeliveryDocument:
    return DeliveryDocument(
        each.id,
        each.receiver,
        each.route,
        each.kind,
        each.telling,
        each.scope,
        each.total,
        each.text,
        timestamp(each.at),
        each.state,
        each.tries,
        each.error,
        timestamp(each.done_at) if each.done_at is not None else None,
        each.node,
        each.incident,
    )
