"""The section of the configuration about people whom an identity provider knows."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator

from restream.config.secret_files import SecretText
from restream.config.stream_sections import Section
from restream.config.tls import CaFile
from restream.domain.access.caller import Role
from restream.domain.access.grants import Grant, Grants
from restream.domain.server.trust import Trust


def _issuer(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("expected https://host/…, as the provider calls itself")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError("expected https: over http anybody in between could be anybody")
    return value.rstrip("/") if parts.path in ("", "/") else value


class OidcGrant(Section):
    """What a value of the claim gives."""

    role: Role
    sites: tuple[str, ...] | None = Field(default=None, min_length=1)


class OidcSection(Section):
    """Sign-in by an identity provider (OpenID Connect): [security.md](security.md#an-identity-provider)."""

    issuer: Annotated[str, AfterValidator(_issuer)]
    client_id: str = Field(min_length=1)
    client_secret: SecretText | None = None
    scopes: tuple[str, ...] = ("openid", "profile")
    name_claim: str = ""
    role_claim: str = "groups"
    roles: dict[str, OidcGrant] = Field(min_length=1)
    ca: CaFile | None = None

    @field_validator("scopes")
    @classmethod
    def _open_id(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value:
            raise ValueError("openid must be among them")
        return value

    @property
    def trust(self) -> Trust:
        """Whose certificates are believed."""
        return Trust(self.ca)

    @property
    def grants(self) -> Grants:
        """What its people may do."""
        by_value = {
            value: Grant(each.role, None if each.sites is None else frozenset(each.sites))
            for value, each in self.roles.items()
        }
        return Grants(f"{self.issuer} {self.client_id}", self.role_claim, by_value, self.name_claim)
