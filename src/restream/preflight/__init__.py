"""`restream check`: is everything there that the service needs, and if not, what to do.

Every check is bounded in time and changes nothing; those that do not depend on one another run at once.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence

from rich.console import Console

from restream.config.settings import Settings
from restream.interfaces.console.findings import CheckState, Finding, failed, findings_json, print_findings
from restream.preflight.access import check_access
from restream.preflight.fetching import check_fetching
from restream.preflight.host import check_files, check_host, check_ports
from restream.preflight.messages import check_messages
from restream.preflight.parents import check_parents
from restream.preflight.pictures import check_pictures
from restream.preflight.programs import check_programs
from restream.preflight.records import check_events, check_kept, check_records
from restream.preflight.services import ANY_CAMERA, check_database, check_media_server, check_redis
from restream.preflight.sharing import check_sharing

__all__ = ["ANY_CAMERA", "check", "examine"]

_LIMIT_S = 60.0

Check = Callable[[], Awaitable[Sequence[Finding]]]


async def check(settings: Settings, console: Console, *, as_json: bool, camera: str | None = None) -> int:
    """Run every check and print. `camera`: an id to probe too, or ANY_CAMERA. Returns 0, or 1 when one failed."""
    findings = await examine(settings, camera)
    if as_json:
        sys.stdout.write(findings_json(findings) + "\n")
    else:
        print_findings(console, findings)
    return 1 if failed(findings) else 0


async def examine(settings: Settings, camera: str | None = None) -> list[Finding]:
    """All findings, in a fixed order."""
    checks: tuple[tuple[str, Check], ...] = (
        ("host", lambda: asyncio.to_thread(check_host, settings)),
        ("ffmpeg", lambda: check_programs(settings)),
        ("database", lambda: check_database(settings, camera)),
        ("records", lambda: check_records(settings)),
        ("events", lambda: check_events(settings)),
        ("kept", lambda: check_kept(settings)),
        ("mediamtx", lambda: check_media_server(settings)),
        ("network", lambda: check_parents(settings)),
        ("pull", lambda: check_fetching(settings)),
        ("nodes", lambda: check_sharing(settings)),
        ("redis", lambda: check_redis(settings)),
        ("messages", lambda: check_messages(settings)),
        ("ports", lambda: check_ports(settings)),
        ("pictures", lambda: asyncio.to_thread(check_pictures, settings)),
        ("access", lambda: check_access(settings)),
        ("files", lambda: asyncio.to_thread(check_files, settings)),
    )
    found = await asyncio.gather(*(bounded(name, run, _LIMIT_S) for name, run in checks))
    return [finding for group in found for finding in group]


async def bounded(name: str, run: Check, limit_s: float) -> Sequence[Finding]:
    """The findings, or one that says that there are none."""
    try:
        async with asyncio.timeout(limit_s):
            return await run()
    except TimeoutError:
        return [Finding(name, CheckState.FAIL, f"no result within {limit_s:g} s", "something hangs there")]
