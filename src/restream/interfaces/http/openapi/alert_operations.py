"""The operations about who is told of outages."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from restream.interfaces.documents.alerts import AlertsDocument, ReceiverTestDocument
from restream.interfaces.documents.values import about
from restream.interfaces.http.alerts import MOST_DELIVERIES
from restream.interfaces.http.openapi.operation import Operation, Parameter, json, some

ALERTS = (
    Operation(
        *("get", "/api/alerts", "getAlerts", "Who is told of outages, and what became of the last messages"),
        parameters=(
            Parameter(
                "limit",
                Annotated[int, Meta(ge=0, le=MOST_DELIVERIES), about("The newest so many messages.", default=50)],
            ),
        ),
        answers={200: json("Receivers and messages.", AlertsDocument)},
        errors=some(400),
    ),
    Operation(
        *("post", "/api/alerts/test", "testAlerts", "Send a test message to one receiver, or to all"),
        "One try each, past what waits; the answer comes when all have answered.",
        access="write",
        parameters=(Parameter("receiver", Annotated[str, about("Null: all.", "desk")]),),
        answers={200: json("What became of them.", list[ReceiverTestDocument])},
        errors=some(400) | {404: "There is no such receiver, or none.", 409: "A test is under way."},
    ),
)
