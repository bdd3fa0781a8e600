"""The section of the configuration that says who may use the API: programs with tokens, users."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated

import argon2
from pydantic import AfterValidator, SecretStr, field_validator, model_validator

from restream.config.oidc_section import OidcSection
from restream.config.secret_files import SecretText
from restream.config.stream_sections import Section
from restream.domain.access.accounts import TOKEN_HOLDER, Account, AccountKind, Accounts
from restream.domain.access.caller import Role
from restream.domain.access.grants import Grants
from restream.domain.camera.secret import Secret

_LONGEST_NAME = 64


def _name(value: str) -> str:
    if not value.isprintable() or value != value.strip() or not 0 < len(value) <= _LONGEST_NAME:
        raise ValueError(f"expected 1 to {_LONGEST_NAME} printable characters, without blanks around them")
    if value == TOKEN_HOLDER:
        raise ValueError(f"{TOKEN_HOLDER} is what the holder of http.token is called")
    return value


def _sites(value: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if value is not None and not value:
        raise ValueError("name at least one site, or leave the key out for all")
    return value


def _confined(sites: tuple[str, ...] | None) -> frozenset[str] | None:
    return None if sites is None else frozenset(sites)


AccountName = Annotated[str, AfterValidator(_name)]
Sites = Annotated[tuple[str, ...] | None, AfterValidator(_sites)]


class ApiToken(Section):
    """A program, or a wall, with a token of its own."""

    name: AccountName
    token: SecretText
    role: Role
    sites: Sites = None
    expires: datetime | None = None

    @field_validator("token")
    @classmethod
    def _given(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise ValueError("is empty")
        return value

    def account(self) -> Account:
        """As the service knows it."""
        expires = self.expires
        if expires is not None and expires.tzinfo is None:
            expires = expires.replace(tzinfo=UTC)
        return Account(
            AccountKind.TOKEN,
            self.name,
            self.role,
            Secret(self.token.get_secret_value()),
            _confined(self.sites),
            None if expires is None else expires.timestamp(),
        )


class ApiUser(Section):
    """A person, with a password."""

    name: AccountName
    password_hash: SecretText
    role: Role
    sites: Sites = None

    @field_validator("password_hash")
    @classmethod
    def _readable(cls, value: SecretStr) -> SecretStr:
        try:
            argon2.extract_parameters(value.get_secret_value())
        except argon2.exceptions.InvalidHashError:
            raise ValueError("expected what `restream hash-password` prints ($argon2id$…)") from None
        return value

    def account(self) -> Account:
        """As the service knows it."""
        proof = Secret(self.password_hash.get_secret_value())
        return Account(AccountKind.USER, self.name, self.role, proof, _confined(self.sites))


class ApiSection(Section):
    """Who may use the page and the API beside the holder of `http.token`: [roles and sites](security.md#roles)."""

    tokens: tuple[ApiToken, ...] = ()
    """Programs: `{name: wall, token: …, role: see, sites: [North], expires: 2027-01-31}`. Without `sites` all cameras;
    with it those of these sites alone. Without `expires` for ever; a time without a zone is UTC."""
    users: tuple[ApiUser, ...] = ()
    """People: `{name: anna, password_hash: "$argon2id$…", role: operate, sites: [North]}`. `restream hash-password`
    makes the hash. Without `sites` all cameras."""
    oidc: OidcSection | None = None
    """People whom an identity provider knows: `{issuer: https://login.example/realms/main, client_id: restream,
    client_secret: …, role_claim: groups, roles: {cctv: {role: operate, sites: [North]}}}`, see
    [security.md](security.md#an-identity-provider). Null: none."""
    audit_file: Path | None = None
    """Every action and login is added to it, one JSON object a line; null: none. `restream init-db --audit` makes a
    table for them in the cameras' database."""
    session_key: SecretText | None = None
    """Signs the cookies of browsers; the same on all nodes. Null: `http.token`; without that one of this start of the
    service, so that a restart ends all sessions."""

    @model_validator(mode="after")
    def _once(self) -> ApiSection:
        names = [*(each.name for each in self.tokens), *(each.name for each in self.users)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"the name {twice!r} is given twice")
        tokens = [each.token.get_secret_value() for each in self.tokens]
        for place, token in enumerate(tokens):
            if token in tokens[:place]:
                raise ValueError(f"{names[place]} and {names[tokens.index(token)]} have the same token")
        return self

    @cached_property
    def accounts(self) -> Accounts:
        """Whom it lets in."""
        known = [*(each.account() for each in self.tokens), *(each.account() for each in self.users)]
        return Accounts.of(known, Grants() if self.oidc is None else self.oidc.grants)
