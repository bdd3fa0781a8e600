"""Whom the configuration lets in: tokens of programs, users with passwords."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from restream.domain.access.caller import Caller, Role
from restream.domain.access.grants import Grants
from restream.domain.camera.secret import Secret

TOKEN_HOLDER = "token"  # noqa: S105 - a name
"""What the holder of `http.token` is called."""
_BETWEEN = "\x1f"


class AccountKind(StrEnum):
    """How somebody shows who he is."""

    TOKEN = "token"  # noqa: S105 - the word, not one
    USER = "user"
    PROVIDER = "oidc"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who is let in. `proof`: the token, the hash of the password, or by which provider he is known."""

    kind: AccountKind
    name: str
    role: Role
    proof: Secret
    sites: frozenset[str] | None = None
    expires_at: float | None = None
    """Unix time, s."""
    granted_by: str = ""
    """The value of the provider's claim that lets him in."""

    @property
    def session_name(self) -> str:
        """By which a session finds it again."""
        return f"{self.granted_by}{_BETWEEN}{self.name}" if self.granted_by else self.name

    @property
    def fingerprint(self) -> str:
        """Another one as soon as the token or the password is another: what is signed for the old one ends with it."""
        return _digest(self.proof.reveal().encode()).hex()

    def holds(self, now: float) -> bool:
        """Whether it has not expired (Unix time, s)."""
        return self.expires_at is None or now < self.expires_at

    def caller(self, address: str, until: float | None = None) -> Caller:
        """Its holder, from there; `until`: when what he has shown expires (Unix time, s)."""
        ends = [each for each in (self.expires_at, until) if each is not None]
        return Caller(self.name, self.role, self.sites, address, min(ends, default=None))


@dataclass(frozen=True, slots=True)
class Accounts:
    """All of them. Names are used once."""

    known: Mapping[tuple[AccountKind, str], Account] = field(default_factory=dict)
    by_digest: Mapping[bytes, Account] = field(default_factory=dict)
    """Those with a token. Found by its digest, the time that a comparison takes tells nothing of a token."""
    grants: Grants = field(default_factory=Grants)
    """Whom an identity provider knows."""

    @classmethod
    def of(cls, accounts: Iterable[Account], grants: Grants | None = None) -> Accounts:
        """These accounts, and those of a provider."""
        found = tuple(accounts)
        return cls(
            {(each.kind, each.name): each for each in found},
            {_digest(each.proof.reveal().encode()): each for each in found if each.kind is AccountKind.TOKEN},
            grants or Grants(),
        )

    def __bool__(self) -> bool:
        return bool(self.known) or bool(self.grants)

    @property
    def kinds(self) -> frozenset[AccountKind]:
        """Kinds of which there are any."""
        return frozenset(kind for kind, _ in self.known) | ({AccountKind.PROVIDER} if self.grants else frozenset())

    def holder(self, token: bytes, now: float) -> Account | None:
        """Whose token this is (`now`: Unix time, s)."""
        found = self.by_digest.get(_digest(token))
        return found if found is not None and found.holds(now) else None

    def named(self, kind: str, name: str, now: float) -> Account | None:
        """The account of this name, unless it has expired (`now`: Unix time, s)."""
        if kind == AccountKind.PROVIDER:
            value, _, called = name.partition(_BETWEEN)
            return self.granted(value, called)
        found = self.known.get((AccountKind(kind), name)) if kind in set(AccountKind) else None
        return found if found is not None and found.holds(now) else None

    def granted(self, value: str, name: str) -> Account | None:
        """The account of somebody whom the provider knows by a name, for a value of its claim."""
        grant = self.grants.by_value.get(value)
        if grant is None or not name:
            return None
        # Nobody is taken for one of ours.
        known = any(name == each for _, each in self.known) or name == TOKEN_HOLDER
        shown, proof = f"{name} (oidc)" if known else name, Secret(self.grants.provider)
        return Account(AccountKind.PROVIDER, shown, grant.role, proof, grant.sites, None, value)


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
