"""`restream maintenance`: windows of planned work of the running service."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from msgspec.structs import asdict
from rich.console import Console

from restream.config.settings import Settings
from restream.interfaces.console.text import printable
from restream.interfaces.documents.maintenance import NewWindowDocument, WindowDocument, WindowsDocument
from restream.service.client import ask_service

_PATH = "/api/maintenance"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Without any of them the windows are listed."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--end", metavar="ID", help="end this window now")
    what.add_argument("--for", dest="hours", type=float, metavar="HOURS", help="announce a new one, for so long")
    parser.add_argument("--title", default="", help="what for")
    for name, text in (("camera", "id of a camera"), ("site", "a site"), ("server", "a media server")):
        parser.add_argument(f"--{name}", action="append", default=[], metavar="NAME", help=f"{text}; may be repeated")
    parser.add_argument("--all", action="store_true", help="all cameras")
    parser.add_argument("--cron", metavar="EXPRESSION", help="again and again: '0 2 * * 0'; else from now")
    parser.add_argument("--zone", default="UTC", help="time zone of --cron, as Europe/Berlin")


async def maintenance(settings: Settings, options: argparse.Namespace, console: Console) -> int:
    """List, announce or end. Raises DependencyError with what the service says."""
    if options.end is not None:
        path = f"{_PATH}/{quote(options.end, safe='')}/end"
        ended: WindowDocument = await ask_service(settings, path, WindowDocument, method="POST")
        _say(console, f"{ended.id} is over")
    elif options.hours is not None:
        made: WindowDocument = await ask_service(
            settings, _PATH, WindowDocument, method="POST", body=_new_window(options)
        )
        _say(console, f"{_line(made)}")
    else:
        found: WindowsDocument = await ask_service(settings, _PATH, WindowsDocument)
        for window in found.windows:
            _say(console, _line(window))
        if not found.windows:
            _say(console, "no maintenance is announced; --for HOURS announces some")
        if not found.kept:
            _say(console, "windows are lost when the service ends: `restream init-db --records` keeps them")
    return 0


def _new_window(options: argparse.Namespace) -> dict[str, Any]:
    cron, seconds = options.cron, options.hours * 3600
    window = NewWindowDocument(
        title=options.title,
        end=None if cron else (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(),
        cron=cron,
        duration_s=seconds if cron else None,
        zone=options.zone,
        cameras=tuple(options.camera),
        sites=tuple(options.site),
        servers=tuple(options.server),
        everything=options.all,
    )
    return asdict(window)


def _line(window: WindowDocument) -> str:
    named = {"cameras": window.cameras, "sites": window.sites, "servers": window.servers}
    whom = "; ".join(f"{kind} {', '.join(names)}" for kind, names in named.items() if names) or "all cameras"
    when = f"{window.next_begin} to {window.next_end}" + (f" ({window.cron}, {window.zone})" if window.cron else "")
    return f"{window.id}  {'open' if window.open else 'announced'}  {when}  {whom}  {window.title}".rstrip()


def _say(console: Console, text: str) -> None:
    console.print(printable(text), markup=False, highlight=False, soft_wrap=True)
