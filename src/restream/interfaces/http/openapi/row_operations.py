"""The operations about rows of the cameras table as files."""

from __future__ import annotations

from typing import Annotated

from restream.interfaces.documents.csv_table import MEDIA_TYPE
from restream.interfaces.documents.rows import RowChangesDocument
from restream.interfaces.documents.values import about
from restream.interfaces.http.openapi.operation import Answer, Operation, Parameter, json, some

ROWS = (
    Operation(
        *("get", "/api/rows.csv", "exportRows", "The cameras table as a file"),
        "`***` stands for every secret. [How it is read again](operations.md#rows-as-files).",
        access="write",
        tag="operation",
        answers={
            200: Answer(
                "All rows.", {MEDIA_TYPE: None}, {"Content-Disposition": Annotated[str, about("The name of the file.")]}
            )
        },
        errors=some(400, 503),
    ),
    Operation(
        *("post", "/api/rows/dry-run", "compareRows", "What a file would change in the cameras table"),
        "Nothing is written: the answer has the statements for whoever may.",
        access="write",
        tag="operation",
        parameters=(
            Parameter("encoding", Annotated[str, about("Of the file.", default="utf-8")]),
            Parameter("table", Annotated[str, about("Of the statements; else the one of `database.query`.")]),
        ),
        body=str,
        # Tools that are made of this description know no better name for it.
        body_type="text/plain",
        answers={200: json("Row by row.", RowChangesDocument)},
        errors=some(408, 503)
        | {400: "A parameter is wrong, or the file cannot be read as a whole.", 413: "It is larger than 8 MiB."},
    ),
)
