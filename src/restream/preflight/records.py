"""The tables of events, incidents, maintenance, history and messages, where somebody has created them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from restream.adapters.reachability import events_table, record_rights, table_access
from restream.config.places import INSTALLED
from restream.config.settings import ConfigError, Settings
from restream.interfaces.console.findings import CheckState, Finding
from restream.ports.cameras import DatabaseError
from restream.service.from_settings import require_dsn

_KEPT: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "history": ("what cameras were like", ("SELECT", "INSERT", "UPDATE", "DELETE")),
    "deliveries": ("what became of messages", ("SELECT", "INSERT", "UPDATE", "DELETE")),
}
"""By the option of `init-db`: what is kept, and what may be done to its tables."""
_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+) \((.*?)^\);", re.DOTALL | re.MULTILINE)
_COLUMN = re.compile(r"^    ([a-z_]+) +[a-z]", re.MULTILINE)


async def check_records(settings: Settings) -> list[Finding]:
    """Nothing where there are none: they are a choice, and a database that is away is told elsewhere."""
    try:
        rights = await record_rights(require_dsn(settings))
    except (ConfigError, DatabaseError):
        return []
    there = {wanted: granted for wanted, granted in rights.items() if granted is not None}
    if not there:
        return []
    if len(there) < len(rights):
        missing = sorted({wanted.rpartition(" ")[2] for wanted in rights.keys() - there.keys()})
        text = f"{', '.join(missing)} is not there: incidents or maintenance windows are kept elsewhere, or not at all"
        return [Finding("records", CheckState.WARN, text, "run `restream init-db --records` again")]
    if refused := [wanted for wanted, granted in there.items() if not granted]:
        text = f"incidents and maintenance windows cannot be kept: no {', '.join(refused)}"
        return [Finding("records", CheckState.WARN, text, "grant it to the user of the DSN")]
    return [*await _older(settings, "records")] or [
        Finding("records", CheckState.OK, "incidents and maintenance windows are kept in PostgreSQL")
    ]


async def check_kept(settings: Settings) -> list[Finding]:
    """Spans and messages, each where somebody has made its tables."""
    return [finding for name in _KEPT for finding in await _kept(settings, name)]


async def _kept(settings: Settings, name: str) -> list[Finding]:
    what, verbs = _KEPT[name]
    wanted = _columns(name)
    try:
        found = await table_access(require_dsn(settings), wanted, verbs)
    except (ConfigError, DatabaseError):
        return []
    if not any(each.columns for each in found.values()):
        return []
    if missing := sorted(table for table, each in found.items() if not each.columns):
        text = f"{', '.join(missing)} is not there: {what} cannot be kept"
        return [Finding(name, CheckState.WARN, text, f"run `restream init-db --{name}` again")]
    if refused := [right for each in found.values() for right in each.refused]:
        text = f"{what} cannot be kept: no {', '.join(refused)}"
        return [Finding(name, CheckState.WARN, text, f"grant it to the user of the DSN: etc/schema_{name}.sql")]
    return await _older(settings, name) or [Finding(name, CheckState.OK, f"{what} is kept in PostgreSQL")]


async def _older(settings: Settings, name: str) -> list[Finding]:
    """Tables that lack columns which this release writes."""
    wanted = _columns(name)
    try:
        found = await table_access(require_dsn(settings), wanted, ())
    except (ConfigError, DatabaseError):
        return []
    lacking = sorted(f"{table}.{each}" for table in wanted for each in wanted[table] - found[table].columns)
    if not lacking:
        return []
    text = f"there is no {', '.join(lacking)}: the table is of another release, or somebody else's"
    return [Finding(name, CheckState.WARN, text, f"run `restream init-db --{name}` of this release")]


def _columns(name: str) -> dict[str, frozenset[str]]:
    """The tables of a file in etc/, with their columns."""
    text = (INSTALLED.built_in / f"schema_{name}.sql").read_text(encoding="utf-8")
    return {table: frozenset(_COLUMN.findall(body)) for table, body in _TABLE.findall(text)}


async def check_events(settings: Settings) -> list[Finding]:
    """Nothing where there is no table, or no database."""
    try:
        table = await events_table(require_dsn(settings))
    except (ConfigError, DatabaseError):
        return []
    if table is None:
        return []
    if not table.writable:
        text = "events cannot be added to restream_event: no INSERT"
        return [Finding("events", CheckState.WARN, text, "grant it to the user of the DSN")]
    if not table.tells_nodes:
        text = "restream_event is from before nodes had names: of two nodes at one moment one event is lost"
        return [Finding("events", CheckState.WARN, text, "run `restream init-db --events` again, as its owner")]
    return [Finding("events", CheckState.OK, "events are added to restream_event in PostgreSQL")]
