"""`restream report`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from restream.config.settings import ConfigError, Settings
from restream.interfaces.reports.period import PeriodError
from restream.interfaces.reports.renderings import RENDERINGS, FormatMissingError, ReportFormat
from restream.interfaces.reports.words import LANGUAGES, ReportWords
from restream.service.from_settings import DependencyError
from restream.service.reporting import NO_HISTORY, make_report

_BINARY = (ReportFormat.XLSX, ReportFormat.PDF)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What a report is asked for with."""
    parser.add_argument("--day", metavar="DAY", help="2026-10-05, today or yesterday")
    parser.add_argument("--week", metavar="WEEK", help="2026-W41, this or last")
    parser.add_argument("--month", metavar="MONTH", help="2026-10, this (the default) or last")
    parser.add_argument("--from", metavar="WHEN", help="2026-10-05, or 2026-10-05T06:30")
    parser.add_argument("--to", metavar="WHEN", help="likewise; a day until its end; default: now")
    parser.add_argument("--zone", metavar="ZONE", help="time zone of days, e.g. Europe/Berlin (default: history.zone)")
    parser.add_argument("--site", action="append", metavar="SITE", help="only cameras of this site; may be repeated")
    parser.add_argument("--format", choices=[*ReportFormat], help="default: by the name of FILE, else text")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="default: en")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of to standard output")


async def report(settings: Settings, options: argparse.Namespace, load: Callable[[], Settings]) -> int:
    """Make one, and write it. Raises ConfigError, DatabaseError, DependencyError."""
    form = _format(options)
    if form in _BINARY and options.output is None and sys.stdout.isatty():
        raise ConfigError(f"a terminal shows no {form}: name a file with -o")
    asked = {key: getattr(options, key) for key in ("day", "week", "month", "from", "to", "zone")}
    try:
        found = await make_report(settings, None, asked, options.site)
    except PeriodError as error:
        raise ConfigError(str(error)) from None
    if found is None:
        raise DependencyError(NO_HISTORY)
    try:
        body = RENDERINGS[form].render(found, ReportWords(options.language))
        if options.output is None:
            sys.stdout.buffer.write(body)
            sys.stdout.buffer.flush()
        else:
            options.output.write_bytes(body)
    except FormatMissingError as error:
        raise DependencyError(str(error)) from None
    except OSError as error:
        raise ConfigError(f"{options.output or 'standard output'}: cannot be written: {error.strerror}") from None
    return 0


def _format(options: argparse.Namespace) -> ReportFormat:
    if options.format is not None:
        return ReportFormat(options.format)
    suffix = options.output.suffix.removeprefix(".").lower() if options.output is not None else "txt"
    return next((form for form, each in RENDERINGS.items() if each.suffix == suffix), ReportFormat.TEXT)
