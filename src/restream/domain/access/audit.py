"""What somebody did, or tried to: one entry of the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AuditResult(StrEnum):
    """What came of it."""

    DONE = "done"
    REFUSED = "refused"
    """Not allowed, or it made no sense."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Never with a credential. `at`: Unix time, s."""

    at: float
    action: str
    """What of: `restart`, `login`, `incidents/acknowledge`, `reload`."""
    result: AuditResult
    who: str = ""
    """Empty: nobody who is known."""
    role: str = ""
    address: str = ""
    target: str = ""
    """Id of what it was done to."""
    detail: str = ""
    node: str = ""
    id: int = 0
    """Milliseconds of Unix time, or a little more: they rise within a node."""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries are asked for; None: any. The newest ones, `limit` at most."""

    limit: int = 100
    since: int = 0
    """Only those with a greater id."""
    who: str | None = None
    action: str | None = None
    target: str | None = None

    def takes(self, entry: AuditEntry) -> bool:
        """Whether this one is asked for, but for the limit."""
        wanted = ((self.who, entry.who), (self.action, entry.action), (self.target, entry.target))
        return entry.id > self.since and all(asked in (None, found) for asked, found in wanted)
