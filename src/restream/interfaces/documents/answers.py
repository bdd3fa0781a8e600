"""The short answers of the HTTP interface, and what it is sent."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import UNSET, UnsetType

from restream.domain.access.caller import Role
from restream.interfaces.documents.values import Document, about


class Action(StrEnum):
    """What can be asked of a camera."""

    RESTART = "restart"
    PROBE = "probe"
    HOLD = "hold"
    RELEASE = "release"


class ErrorDocument(Document):
    """Every error, in words for people."""

    error: Annotated[str, about("", "there is no such camera")]


class AcceptedDocument(Document):
    """The action is accepted."""

    id: Annotated[str, about("", "7")]
    action: Annotated[Action, about("", "restart")]


class SignIn(StrEnum):
    """How somebody can log in."""

    PASSWORD = "password"  # noqa: S105 - the word, not one
    TOKEN = "token"  # noqa: S105
    OIDC = "oidc"
    """By an identity provider: `GET /api/oidc/login`."""


class SessionDocument(Document):
    """What whoever asks may do."""

    token_required: Annotated[bool, about("Reading needs the token.", True)]
    authenticated: Annotated[bool, about("The request carries the token or a session.", True)]
    may_write: Annotated[bool, about("The role is `operate` or greater.", True)]
    name: Annotated[str, about("Who asks; empty: not known.", "anna")] = ""
    role: Annotated[Role | None, about("Null: nothing but what is open to everybody.", "operate")] = None
    sites: Annotated[tuple[str, ...] | None, about("Whose cameras are shown; null: all.", ["North"])] = None
    sign_in: Annotated[tuple[SignIn, ...], about("Ways to log in that there are.", ["password", "token"])] = ()


class LoginDocument(Document):
    """The body of a login: a token, or a user and the password."""

    token: Annotated[str | UnsetType, about("`http.token`, or one of `api.tokens`.", "the token")] = UNSET
    user: Annotated[str | UnsetType, about("Of `api.users`.", "anna")] = UNSET
    password: Annotated[str | UnsetType, about("", "the password")] = UNSET


class AliveDocument(Document):
    """The process is alive."""

    status: Literal["alive"] = "alive"


class ReadyDocument(Document):
    """The service is in operation."""

    status: Literal["ready"] = "ready"


SilentFor = Annotated[float, about("For how long no cycle has completed (s).", 12.5)]


class StuckDocument(Document):
    """No cycle has completed for too long."""

    status: Literal["stuck"]
    silent_s: SilentFor


class NotReady(StrEnum):
    """Why the service is not in operation."""

    STARTING = "starting"
    STOPPING = "stopping"
    STUCK = "stuck"


class NotReadyDocument(Document):
    """The service is being started or stopped, or it is stuck."""

    status: NotReady
    silent_s: SilentFor | UnsetType = UNSET
