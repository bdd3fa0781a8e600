"""Who may come in: can the tokens be guessed, can the sessions be read by all nodes, is it kept who did what?"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import argon2

from restream.adapters.oidc_provider import have_joserfc
from restream.adapters.stores.postgres_audit import PostgresAudit
from restream.config.access_section import ApiSection
from restream.config.oidc_section import OidcSection
from restream.config.places import INSTALLED
from restream.config.settings import ConfigError, Settings
from restream.domain.access.accounts import Account, AccountKind
from restream.domain.access.audit import AuditQuery
from restream.domain.access.caller import Role
from restream.interfaces.console.findings import CheckState, Finding
from restream.ports.outlets import SinkError
from restream.ports.sign_in import ProviderError
from restream.service.from_settings import DependencyError, require_dsn
from restream.service.signing_in import oidc_provider

_SHORTEST_TOKEN, _SHORTEST_KEY = 16, 32
# What the guide of OWASP asks of argon2id at least.
_LEAST_MEMORY_KIB = 19_456
_MAKE_ONE = "make one by `openssl rand -hex 32`"


async def check_access(settings: Settings) -> list[Finding]:
    """Accounts, the key of sessions, the audit log; nothing where there are no accounts."""
    if not settings.api.accounts:
        return []
    found = [*judge_accounts(settings.api, time.time()), *judge_key(settings)]
    shown = ", ".join(f"{each.name} ({each.role})" for each in settings.api.accounts.known.values())
    provider = [] if settings.api.oidc is None else [await _provider(settings.api.oidc)]
    found = found or [Finding("access", CheckState.OK, shown or "by the identity provider alone")]
    return [*found, *provider, await _audit(settings)]


def judge_accounts(section: ApiSection, now: float) -> Iterator[Finding]:
    """What is weak, or of no use (`now`: Unix time, s)."""
    for account in section.accounts.known.values():
        if not account.holds(now):
            yield _warning(f"the token of {account.name} has expired", "delete it, or give it another end")
        if account.kind is AccountKind.TOKEN and len(account.proof.reveal()) < _SHORTEST_TOKEN:
            yield _warning(f"the token of {account.name} is short enough to be guessed", _MAKE_ONE)
        if account.kind is AccountKind.USER and _is_weak(account):
            yield _warning(
                f"the hash of {account.name} is cheap to break", "hash the password anew by `restream hash-password`"
            )


def judge_key(settings: Settings) -> Iterator[Finding]:
    """Whether sessions outlast a restart, and hold on other nodes; and whether anybody may configure."""
    key = settings.api.session_key
    if key is not None and len(key.get_secret_value()) < _SHORTEST_KEY:
        yield _warning("api.session_key is short enough to be guessed", _MAKE_ONE)
    if key is None and settings.http.token is None:
        if settings.nodes.dsn is not None:
            text = "without api.session_key no node lets another one in, and sessions hold on one node alone"
            yield Finding("access", CheckState.FAIL, text, "set the same api.session_key on all nodes")
        else:
            yield _warning("without api.session_key a restart ends all sessions", f"set it: {_MAKE_ONE}")
    accounts = settings.api.accounts.known.values()
    if settings.http.token is None and not any(each.role is Role.CONFIGURE for each in accounts):
        yield _warning("nobody has the role configure: nobody can read the audit log", "give it to somebody")


async def _provider(section: OidcSection) -> Finding:
    if not have_joserfc():
        text = "api.oidc needs joserfc, which is not installed"
        return Finding("oidc", CheckState.FAIL, text, INSTALLED.install_extra("oidc"))
    provider = oidc_provider(section)
    try:
        await provider.discover()
    except ProviderError as error:
        todo = "start it, or correct api.oidc; local users can log in meanwhile"
        return Finding("oidc", CheckState.FAIL, f"the identity provider cannot be asked: {error}", todo)
    finally:
        await provider.close()
    return Finding("oidc", CheckState.OK, f"{section.issuer} lets in {', '.join(section.roles)}")


def _is_weak(account: Account) -> bool:
    found = argon2.extract_parameters(account.proof.reveal())
    return found.type is not argon2.Type.ID or found.memory_cost < _LEAST_MEMORY_KIB


async def _audit(settings: Settings) -> Finding:
    file = settings.api.audit_file
    if file is not None and (problem := _not_writable(settings.origin.resolve(file))):
        return Finding("audit", CheckState.FAIL, problem, "let the service write there, or change api.audit_file")
    try:
        table = PostgresAudit(require_dsn(settings))
    except (ConfigError, DependencyError):
        return _kept(file, table=False)
    try:
        return _kept(file, table=await table.find(AuditQuery(limit=1)) is not None)
    except SinkError as error:
        todo = "GRANT SELECT, INSERT ON restream_audit to the service's user"
        return Finding("audit", CheckState.FAIL, f"the table cannot be read: {error}", todo)
    finally:
        await table.close()


def _kept(file: Path | None, *, table: bool) -> Finding:
    places = [*(["the table restream_audit"] if table else []), *([str(file)] if file is not None else [])]
    if places:
        return Finding("audit", CheckState.OK, f"who did what is kept in {' and '.join(places)}")
    todo = "run `restream init-db --audit`, or set api.audit_file"
    return Finding("audit", CheckState.WARN, "who did what is forgotten at each restart", todo)


def _not_writable(path: Path) -> str:
    place = path if path.exists() else path.parent
    return "" if os.access(place, os.W_OK) else f"{place}: cannot be written"


def _warning(text: str, todo: str) -> Finding:
    return Finding("access", CheckState.WARN, text, todo)
