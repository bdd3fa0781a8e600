"""The tables of events, incidents, maintenance, history and messages, where somebody has created them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from restream.adapters.reachability import table_access
from restream.config.places import INSTALLED
from restream.config.settings import ConfigError, Settings
from restream.interfaces.console.findings import CheckState, Finding
from restream.ports.cameras import DatabaseError
from restream.service.from_settings import require_dsn


class _Kept(NamedTuple):
    what: str
    verbs: tuple[str, ...]
    without: str = "cannot be kept"
    """What becomes of it where a table is missing."""


_ALL = ("SELECT", "INSERT", "UPDATE", "DELETE")
_KEPT: Mapping[str, _Kept] = {
    "records": _Kept("incidents and maintenance windows", _ALL[:3], "are kept elsewhere, or not at all"),
    "events": _Kept("events", ("INSERT",)),
    "history": _Kept("what cameras were like", _ALL),
    "deliveries": _Kept("what became of messages", _ALL),
}
"""By the option of `init-db`: what is kept, and what may be done to its tables."""
_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+) \((.*?)^\);", re.DOTALL | re.MULTILINE)
_COLUMN = re.compile(r"^    ([a-z_]+) +[a-z]", re.MULTILINE)


async def check_records(settings: Settings) -> list[Finding]:
    """Incidents and maintenance windows, where somebody has made their tables."""
    return await _kept(settings, "records")


async def check_events(settings: Settings) -> list[Finding]:
    """Events, where somebody has made their table."""
    return await _kept(settings, "events")


async def check_kept(settings: Settings) -> list[Finding]:
    """Spans and messages, each where somebody has made its tables."""
    return [finding for name in ("history", "deliveries") for finding in await _kept(settings, name)]


async def _kept(settings: Settings, name: str) -> list[Finding]:
    """Nothing where there are none: they are a choice, and a database that is away is told elsewhere."""
    kept, wanted = _KEPT[name], _columns(name)
    try:
        found = await table_access(require_dsn(settings), wanted, kept.verbs)
    except (ConfigError, DatabaseError):
        return []
    if not any(each.columns for each in found.values()):
        return []
    if missing := sorted(table for table, each in found.items() if not each.columns):
        text = f"{', '.join(missing)} is not there: {kept.what} {kept.without}"
        return [Finding(name, CheckState.WARN, text, f"run `restream init-db --{name}` again")]
    if refused := [right for each in found.values() for right in each.refused]:
        text = f"{kept.what} cannot be kept: no {', '.join(refused)}"
        return [Finding(name, CheckState.WARN, text, f"grant it to the user of the DSN: etc/schema_{name}.sql")]
    if lacking := sorted(f"{table}.{each}" for table in wanted for each in wanted[table] - found[table].columns):
        text = f"there is no {', '.join(lacking)}: the table is of another release, or somebody else's"
        return [Finding(name, CheckState.WARN, text, f"run `restream init-db --{name}` of this release, as its owner")]
    return [Finding(name, CheckState.OK, f"PostgreSQL keeps {kept.what}")]


def _columns(name: str) -> dict[str, frozenset[str]]:
    """The tables of a file in etc/, with their columns."""
    text = (INSTALLED.built_in / f"schema_{name}.sql").read_text(encoding="utf-8")
    return {table: frozenset(_COLUMN.findall(body)) for table, body in _TABLE.findall(text)}
