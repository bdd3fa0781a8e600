"""The operations about maintenance."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from restream.interfaces.documents.maintenance import NewWindowDocument, WindowDocument, WindowsDocument
from restream.interfaces.documents.values import about
from restream.interfaces.http.openapi.operation import Operation, Parameter, json, some

_ID = Parameter("id", Annotated[str, Meta(min_length=1), about("Id of a window.", "9c2f7d1a04be")], "path")

_WINDOW = {
    "title": "new switch",
    "begin": "2036-01-05T22:00:00.000Z",
    "end": "2036-01-06T02:00:00.000Z",
    "sites": ["North"],
    "who": "Ann",
}

MAINTENANCE = (
    Operation(
        *("get", "/api/maintenance", "listMaintenance", "Maintenance windows that are not over"),
        tag="incidents",
        answers={200: json("The windows.", WindowsDocument)},
        errors=some(400),
    ),
    Operation(
        *("post", "/api/maintenance", "planMaintenance", "Announce maintenance"),
        "Once until `end`, or by a calendar. Meanwhile nobody is called, and what is down is not counted as down.",
        access="write",
        tag="incidents",
        body=Annotated[NewWindowDocument, about("", _WINDOW)],
        answers={201: json("The window.", WindowDocument)},
        errors=some(408, 413)
        | {400: "The body is not as expected; `error` names the key.", 409: "There are too many windows."},
    ),
    Operation(
        *("post", "/api/maintenance/{id}/end", "endMaintenance", "End maintenance before its time"),
        access="write",
        tag="incidents",
        parameters=(_ID,),
        answers={200: json("The window; it is over.", WindowDocument)},
        errors=some(400) | {404: "There is no such window, or it is over."},
    ),
)
