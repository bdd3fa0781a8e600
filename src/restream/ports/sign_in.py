"""Sign-in by an identity provider, as verbs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class ProviderError(Exception):
    """The provider cannot be asked, or what it says is not believed; one line, without secrets."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in under way: what only the browser that began it knows, and where it is to come back."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str


class SignInProvider(Protocol):
    """An identity provider."""

    async def address(self, attempt: Attempt) -> str:
        """Where the browser is sent. Raises ProviderError."""

    async def claims(self, attempt: Attempt, code: str) -> Mapping[str, object]:
        """Who came back with this code. Raises ProviderError."""

    async def close(self) -> None:
        """Let go of connections; never raises."""
