"""One action on many cameras: what is asked, and what is answered for each."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, UnsetType

from restream.domain.judgement.verdict import Health
from restream.domain.life.cause import Side
from restream.interfaces.documents.answers import Action
from restream.interfaces.documents.cameras import PhaseName
from restream.interfaces.documents.values import Document, Whole, about


class CameraFilterDocument(Document, forbid_unknown_fields=True):
    """Which cameras: those that have one of the values of every key, as in `GET /api/cameras`. Without a key all."""

    health: Annotated[Sequence[Health] | UnsetType, about("", ["down"])] = UNSET
    phase: Annotated[Sequence[PhaseName] | UnsetType, about("", ["backoff"])] = UNSET
    fault: Annotated[Sequence[Side] | UnsetType, about("", ["network"])] = UNSET
    site: Annotated[Sequence[str] | UnsetType, about("", ["North"])] = UNSET
    host: Annotated[Sequence[str] | UnsetType, about("Of cameras.", ["192.0.2.7"])] = UNSET
    type: Annotated[Sequence[str] | UnsetType, about("Of cameras.", ["HIKVISION"])] = UNSET
    engine: Annotated[Sequence[str] | UnsetType, about("", ["relay"])] = UNSET
    server: Annotated[Sequence[str] | UnsetType, about("Names of media servers.", ["default"])] = UNSET
    node: Annotated[Sequence[str] | UnsetType, about("Names of services.", ["site-a"])] = UNSET
    q: Annotated[str | UnsetType, about("Words.", "gate")] = UNSET


class BulkRequestDocument(Document, forbid_unknown_fields=True):
    """An action, and on which cameras: by their ids, or by what they are like."""

    action: Annotated[Action, about("", "restart")]
    cameras: Annotated[Sequence[str] | CameraFilterDocument, about("Ids, or what they are like.", ["1", "2"])]
    dry_run: Annotated[bool | UnsetType, about("Tell what would be done, and do nothing.", True)] = UNSET


class Outcome(StrEnum):
    """What became of an action on one of many cameras."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """There is no such camera."""


class BulkOutcomeDocument(Document):
    """What became of it for one camera."""

    id: Annotated[str, about("", "7")]
    name: Annotated[str, about("", "Gate")]
    outcome: Annotated[Outcome, about("", "accepted")]
    detail: Annotated[str, about("Why not.", "it is on hold: release it first")] = ""


class BulkDocument(Document):
    """One action on many cameras. Restarts and probes follow one another as admission has room for them."""

    action: Annotated[Action, about("", "restart")]
    dry_run: Annotated[bool, about("Nothing was done.", False)]
    cameras: Annotated[Whole, about("That were asked for.", 40)]
    accepted: Annotated[Whole, about("", 38)]
    outcomes: Annotated[
        Sequence[BulkOutcomeDocument], about("One for each, in the order in which they were asked for.")
    ]
