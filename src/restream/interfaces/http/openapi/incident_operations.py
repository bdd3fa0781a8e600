"""The operations about incidents and maintenance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from restream.domain.news.incident import Deed
from restream.interfaces.documents.incidents import DeedDocument, IncidentDocument, IncidentsDocument
from restream.interfaces.documents.values import about
from restream.interfaces.http.incidents import DEFAULT_INCIDENTS, MOST_INCIDENTS
from restream.interfaces.http.openapi.maintenance_operations import MAINTENANCE
from restream.interfaces.http.openapi.operation import Operation, Parameter, json, some

_MOMENT = Annotated[str, about("", "2026-01-05T10:00:40.000Z", format="date-time")]
_ID = Parameter("id", Annotated[str, Meta(min_length=1), about("Id of an incident.", "4f1d20c77a3e")], "path")
_UNKNOWN = {404: "There is no such incident, or it ended more than a day ago."}

_DEEDS: Mapping[Deed, tuple[str, str, Mapping[str, str]]] = {
    Deed.ACKNOWLEDGE: (
        "Take an incident in hand",
        "Nobody is reminded of it any more.",
        {"who": "Ann", "text": "technician is on the way"},
    ),
    Deed.WITHDRAW: ("Give an incident back", "It is as if nobody had acknowledged it.", {"who": "Ann"}),
    Deed.NOTE: ("Remark on an incident", "`text` is needed.", {"who": "Ann", "text": "the switch has no power"}),
    Deed.SNOOZE: (
        "Let an incident rest",
        "Nobody is reminded of it before `until`, which is needed.",
        {"who": "Ann", "until": "2026-01-05T10:00:40.000Z"},
    ),
}
"""What each is called and does, and a body of it."""

INCIDENTS = (
    Operation(
        *("get", "/api/incidents", "listIncidents", "Incidents: cameras that went down together"),
        "Those that are open; with `since` or `until` those that were open at any time between these moments.",
        tag="incidents",
        parameters=(
            Parameter("since", _MOMENT),
            Parameter("until", _MOMENT),
            Parameter(
                "limit",
                Annotated[int, Meta(ge=0, le=MOST_INCIDENTS), about("The newest so many.", default=DEFAULT_INCIDENTS)],
            ),
        ),
        answers={200: json("Incidents, oldest first.", IncidentsDocument)},
        errors=some(400),
    ),
    Operation(
        *("get", "/api/incidents/{id}", "getIncident", "An incident that is open, or ended within the last day"),
        tag="incidents",
        parameters=(_ID,),
        answers={200: json("The incident.", IncidentDocument)},
        errors=some(400) | _UNKNOWN,
    ),
    *(
        Operation(
            *("post", f"/api/incidents/{{id}}/{deed}", f"{deed}Incident", summary, text),
            access="write",
            tag="incidents",
            parameters=(_ID,),
            body=Annotated[DeedDocument, about("", dict(example))],
            answers={200: json("The incident with it.", IncidentDocument)},
            errors=some(408, 413) | {400: "A parameter or the body is not as expected; `error` says what."} | _UNKNOWN,
        )
        for deed, (summary, text, example) in _DEEDS.items()
    ),
    *MAINTENANCE,
)
