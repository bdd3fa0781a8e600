"""People whom an identity provider knows: what somebody may is told by a claim of his."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from restream.domain.access.caller import Role

_LONGEST_NAME = 64
_NAMES = ("preferred_username", "email", "sub")


@dataclass(frozen=True, slots=True)
class Grant:
    """What one value of the claim gives."""

    role: Role
    sites: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Grants:
    """Values of the claim: the first that somebody has counts. `provider` tells its people from another's."""

    provider: str = ""
    role_claim: str = "groups"
    """May be within others: `realm_access.roles`."""
    by_value: Mapping[str, Grant] = field(default_factory=dict)
    name_claim: str = ""
    """Empty: the usual ones."""

    def __bool__(self) -> bool:
        return bool(self.by_value)

    def value_of(self, claims: Mapping[str, object]) -> str | None:
        """The value that counts; None: nothing was granted."""
        found: object = claims.get(self.role_claim)
        if found is None:
            found = claims
            for part in self.role_claim.split("."):
                found = found.get(part) if isinstance(found, Mapping) else None
        values = [found] if isinstance(found, str) else found if isinstance(found, list) else []
        return next((each for each in self.by_value if each in values), None)

    def name_of(self, claims: Mapping[str, object]) -> str:
        """What somebody is called; empty: nothing that could be shown."""
        for claim in (self.name_claim,) if self.name_claim else _NAMES:
            value = claims.get(claim)
            text = "".join(each for each in value if each.isprintable()).strip() if isinstance(value, str) else ""
            if text:
                return text[:_LONGEST_NAME]
        return ""
