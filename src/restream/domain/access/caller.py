"""Who asks: a value that goes along with a question."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do; each role may do what those before it may."""

    SEE = "see"
    """Look at cameras, streams, events."""
    OPERATE = "operate"
    """Act on cameras and incidents."""
    CONFIGURE = "configure"
    """Everything, also what concerns the service itself and those who use it."""

    def covers(self, needed: Role) -> bool:
        """Whether this role may do what needs that one."""
        return _ORDER.index(self) >= _ORDER.index(needed)


_ORDER = tuple(Role)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks, and as whom."""

    name: str = ""
    """Empty: somebody who has not said who he is."""
    role: Role | None = Role.CONFIGURE
    """None: nothing but what is open to everybody."""
    sites: frozenset[str] | None = None
    """Whose cameras are shown; None: all cameras, also those of no site."""
    address: str = ""
    """Where the question came from."""
    expires_at: float | None = None
    """Until when this holds (Unix time, s)."""

    def may(self, needed: Role) -> bool:
        """Whether he has this role, or a greater one."""
        return self.role is not None and self.role.covers(needed)

    def sees(self, site: str) -> bool:
        """Whether cameras of this site are shown to him."""
        return self.sites is None or site in self.sites


EVERYBODY = Caller()
"""Whoever reaches a door that asks for nothing."""
NOBODY = Caller(role=None, sites=frozenset())
"""Whoever had to show something, and has not."""
