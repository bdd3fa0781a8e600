"""An incident: cameras that are down for what they have in common, and what people have done about it.

Times are Unix seconds: an incident outlives the service. Facts are written by the one node that has the duty; entries
are only ever added, by whichever node was asked. What is acknowledged or snoozed follows from them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

MOST_ENTRIES = 200
"""Kept of one incident; the oldest go first."""
LONGEST_TEXT = 300
"""Characters of a note."""
LONGEST_NAME = 100
"""Characters of who did something."""


class IncidentScope(StrEnum):
    """What the cameras of an incident have in common, the widest first."""

    SERVER = "server"
    NODE = "node"
    FLEET = "fleet"
    PARENT = "parent"
    SITE = "site"
    HOST = "host"
    CAMERA = "camera"


class Bond(NamedTuple):
    """What binds cameras into one incident. `kind`: causes that make one; empty where any does."""

    scope: IncidentScope
    place: str
    """Name of the server, node, parent, site or host, id of the camera; empty for the fleet."""
    kind: str = ""


class Deed(StrEnum):
    """What somebody did about an incident."""

    ACKNOWLEDGE = "acknowledge"
    WITHDRAW = "withdraw"
    """It is not acknowledged any more."""
    NOTE = "note"
    SNOOZE = "snooze"
    """`until` in the past: it is awake again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was done about an incident: when, by whom, and what he wrote."""

    id: str
    at: float
    who: str
    deed: Deed
    text: str = ""
    until: float = 0.0
    """Of SNOOZE."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Cameras that went down together, from the first one until the last is back."""

    id: str
    bond: Bond
    cause: str
    """The commonest code among its cameras now, or when they were last down."""
    side: str
    began: float
    members: frozenset[str]
    """Ids of the cameras that belong to it now."""
    affected: frozenset[str]
    """Of all that ever did."""
    most: int
    """At most so many at one time."""
    ended: float | None = None
    times: int = 1
    """How often it began: what comes back soon is the same incident."""
    merged_into: str = ""
    """Id of the wider incident that it turned out to be part of."""
    entries: tuple[Entry, ...] = ()
    """Oldest first."""

    @property
    def acknowledged(self) -> Entry | None:
        """Who has it in hand; None: nobody."""
        last = next((each for each in reversed(self.entries) if each.deed in _HANDS), None)
        return last if last is not None and last.deed is Deed.ACKNOWLEDGE else None

    @property
    def snoozed_until(self) -> float:
        """Until when nobody is to be reminded; a moment in the past: nothing is snoozed."""
        return next((each.until for each in reversed(self.entries) if each.deed is Deed.SNOOZE), 0.0)

    def quiet(self, now: float) -> bool:
        """Whether nobody is to be reminded of it at this moment."""
        return self.acknowledged is not None or self.snoozed_until > now

    def with_entries(self, others: tuple[Entry, ...]) -> Incident:
        """With entries that another node has taken too; the same object when it has them all."""
        known = {each.id for each in self.entries}
        new = [each for each in others if each.id not in known]
        if not new:
            return self
        merged = sorted((*self.entries, *new), key=lambda each: each.at)[-MOST_ENTRIES:]
        return replace(self, entries=tuple(merged))


_HANDS = frozenset({Deed.ACKNOWLEDGE, Deed.WITHDRAW})
