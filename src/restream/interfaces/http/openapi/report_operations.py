"""The operations about reports."""

from __future__ import annotations

from typing import Annotated

from restream.interfaces.documents.reports import ReportDocument
from restream.interfaces.documents.values import about, one_of
from restream.interfaces.http.openapi.operation import JSON, Answer, Operation, Parameter, some
from restream.interfaces.reports.renderings import RENDERINGS, ReportFormat
from restream.interfaces.reports.words import LANGUAGES

_MAY_BE = {rendering.media_type: None for form, rendering in RENDERINGS.items() if form is not ReportFormat.JSON}

REPORTS = (
    Operation(
        *("get", "/api/report", "getReport", "How available cameras were in a range of time"),
        "A day, week or month, or from one moment to another; by default this month. Of what is kept in PostgreSQL: "
        "docs/reports.md. The format by `format`, else by `Accept`.",
        parameters=(
            Parameter("day", Annotated[str, about("`2026-10-05`, `today` or `yesterday`.")]),
            Parameter("week", Annotated[str, about("`2026-W41`, `this` or `last`.")]),
            Parameter("month", Annotated[str, about("`2026-10`, `this` or `last`.")]),
            Parameter("from", Annotated[str, about("`2026-10-05`, or `2026-10-05T06:30`.")]),
            Parameter("to", Annotated[str, about("Likewise; a day until its end. Default: now.")]),
            Parameter("zone", Annotated[str, about("Time zone of days; default: `history.zone`.", "Europe/Berlin")]),
            Parameter("site", Annotated[list[str], about("Sites that are wanted, whole names.")]),
            Parameter("format", ReportFormat),
            Parameter("language", Annotated[str, one_of(LANGUAGES), about(default="en")]),
        ),
        answers={
            200: Answer("The report.", {JSON: ReportDocument, **_MAY_BE}),
        },
        errors=some(400)
        | {
            404: "No history is kept.",
            501: "What this format needs is not installed.",
            502: "The database does not answer.",
            503: "Too many reports are being made.",
        },
    ),
)
