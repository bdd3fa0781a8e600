"""The operations about who may come in, and who did what."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from restream.interfaces.documents.answers import LoginDocument, SessionDocument
from restream.interfaces.documents.audit import AuditDocument
from restream.interfaces.documents.values import about
from restream.interfaces.http.audit import MOST_ENTRIES, MOST_ENTRY_ID
from restream.interfaces.http.openapi.operation import Answer, Operation, Parameter, json, some


def _up_to(most: int, default: int, told: str) -> Any:
    """A whole number."""
    return Annotated[int, Meta(ge=0, le=most), about(told, default=default)]


# A page for people, of one sentence.
_SENTENCE = {"text/html": str}

ACCESS = (
    Operation(
        *("get", "/api/session", "getSession", "What whoever asks may do"),
        access="open",
        tag="access",
        answers={200: json("The session.", SessionDocument)},
    ),
    Operation(
        *("post", "/api/login", "login", "Exchange a token, or a user and the password, for a cookie"),
        "For browsers: the cookie holds 12 h, and scripts cannot read it.",
        access="open",
        tag="access",
        body=LoginDocument,
        answers={204: Answer("Logged in.", {}, {"Set-Cookie": str})},
        errors=some(403, 408, 413, 429, 503)
        | {400: "The body is not as expected.", 401: "This is not the token, or user or password is wrong."},
    ),
    Operation(
        *("get", "/api/oidc/login", "signIn", "Sign in by the identity provider"),
        "For browsers: it leads to the provider, which leads back to `/api/oidc/callback`, and that to the page.",
        access="open",
        tag="access",
        answers={
            302: Answer("To the provider.", {}, {"Location": str, "Set-Cookie": str}),
            502: Answer("The provider cannot be asked.", _SENTENCE),
        },
        errors={404: "No identity provider is configured."} | some(503),
    ),
    Operation(
        *("get", "/api/oidc/callback", "signedIn", "Come back from the identity provider"),
        "What fails is told by a page of one sentence.",
        access="open",
        tag="access",
        parameters=tuple(
            Parameter(name, Annotated[str, about("As the provider sends it.")]) for name in ("state", "code", "error")
        ),
        answers={
            302: Answer("To the page, with a session.", {}, {"Location": str, "Set-Cookie": str}),
            400: Answer("The sign-in is over, or was begun in another browser.", _SENTENCE),
            403: Answer("Nothing is granted to whoever came.", _SENTENCE),
            429: Answer("Too many attempts.", _SENTENCE),
            502: Answer("The provider cannot be asked, or is not believed.", _SENTENCE),
        },
        errors={404: "No identity provider is configured."} | some(503),
    ),
    Operation(
        *("post", "/api/logout", "logout", "Forget the cookie"),
        access="open",
        tag="access",
        answers={204: Answer("Logged out.", {}, {"Set-Cookie": str})},
        errors=some(403),
    ),
    Operation(
        *("get", "/api/audit", "listAudit", "Who did what"),
        "Actions, logins, and what was refused, of all nodes where the table of `init-db --audit` exists; else of this "
        "start of the service.",
        access="write",
        tag="access",
        parameters=(
            Parameter(
                "since",
                Annotated[int, Meta(ge=0, le=MOST_ENTRY_ID), about("Only entries with a greater id.", default=0)],
            ),
            Parameter("who", Annotated[str, about("Only what this one did.")]),
            Parameter("action", Annotated[str, about("Only this action, e.g. `cameras/restart`.")]),
            Parameter("target", Annotated[str, about("Only what was done to this id.")]),
            Parameter("limit", _up_to(MOST_ENTRIES, 100, "The newest so many.")),
        ),
        answers={200: json("Entries, oldest first.", list[AuditDocument])},
        errors=some(400),
    ),
)
