"""An operation: where it is, who may ask, what it takes and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from msgspec import Meta

from restream.interfaces.documents.values import about

JSON = "application/json"
ERRORS: Mapping[int, str] = {
    400: "A parameter is wrong or unknown; `error` names it.",
    401: "A token is needed.",
    403: "Role or sites do not allow it, or the page that asks is of an origin that is not in `http.cors_origins`.",
    404: "There is no such camera.",
    408: "The body did not come in time.",
    409: "It makes no sense for the camera as it is; `error` says why.",
    413: "The body is larger than 64 KiB.",
    421: "On loopback without a token: the name in `Host` is neither local nor in `http.allowed_hosts`.",
    426: "Not asked for an upgrade.",
    429: "Ten different wrong tokens or passwords from this address within a minute.",
    502: "The node that has the camera cannot be asked, or does not understand; `error` says why.",
    503: "Not now; `error` says why.",
    504: "The media server sent no picture in time.",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """`kind`: the type of its value, with what is told of it. A list: one value or several, separated by commas."""

    name: str
    kind: Any
    place: Literal["query", "path", "header"] = "query"


CAMERA_ID = Parameter("id", Annotated[str, Meta(min_length=1), about("Id of a camera.", "1")], "path")
"""Of whatever is asked of one camera."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status that is no error. `content`: type by media type; None where the body is no JSON. Headers by name."""

    text: str
    content: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """`access` adds 401 and 403. `errors`: statuses with an Error, with another text than usual where there is one."""

    method: Literal["get", "post"]
    path: str
    name: str
    summary: str
    text: str = ""
    access: Literal["open", "read", "write"] = "read"
    tag: Literal["cameras", "fleet", "incidents", "live", "access", "operation", "page"] = "fleet"
    parameters: Sequence[Parameter] = ()
    body: Any = None
    body_type: str = JSON
    answers: Mapping[int, Answer] = field(default_factory=dict)
    errors: Mapping[int, str] = field(default_factory=dict)


def some(*statuses: int) -> dict[int, str]:
    """These errors, in the usual words."""
    return {status: ERRORS[status] for status in statuses}


def json(told: str, answer: Any, **headers: Any) -> Answer:
    """A JSON document, of this type."""
    return Answer(told, {JSON: answer}, headers)
