"""The tables of events, incidents and maintenance, where somebody has created them."""

from __future__ import annotations

from restream.adapters.reachability import events_table, record_rights
from restream.config.settings import ConfigError, Settings
from restream.interfaces.console.findings import CheckState, Finding
from restream.ports.cameras import DatabaseError
from restream.service.from_settings import require_dsn


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
    return [Finding("records", CheckState.OK, "incidents and maintenance windows are kept in PostgreSQL")]


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
