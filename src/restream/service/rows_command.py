"""`restream rows`: the cameras table as a file, and what a file would change in it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from restream.adapters.row_writing import change_rows
from restream.config.settings import ConfigError, Settings
from restream.domain.camera.row_changes import Effect, RowChange, RowTable
from restream.domain.camera.secret import Secret
from restream.interfaces.console.row_table import print_row_changes
from restream.interfaces.documents.rows import changes_document
from restream.interfaces.documents.values import encode
from restream.interfaces.rows.csv_file import RowsFileError, read_rows, rows_csv
from restream.interfaces.rows.statements import (
    change_statements,
    row_statements,
    script,
    table_of,
    within_transaction,
)
from restream.ports.cameras import Row
from restream.service.command_options import common_options
from restream.service.from_settings import camera_table, require_dsn, row_reader

_MOST_BYTES = 64 << 20
_IN_CLEAR = "restream: camera passwords are in it in clear\n"

_DSN = (
    "with --apply, of a role that may change the table; - reads it from standard input. PGPASSWORD and ~/.pgpass keep "
    "its password out of `ps`; default: the service's own"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two commands: `export` and `import`."""
    common = common_options()
    what = parser.add_subparsers(dest="what", metavar="export|import", required=True)
    export = what.add_parser("export", help="write the rows", parents=[common])
    export.add_argument("--format", choices=("csv", "sql"), default="csv", help="default: csv")
    export.add_argument("--file", type=Path, metavar="FILE", help="instead of to standard output; for its owner alone")
    export.add_argument("--force", action="store_true", help="also where FILE is there already")
    export.add_argument("--with-passwords", action="store_true", help="in clear; default: *** stands for each secret")
    taken = what.add_parser("import", help="compare a CSV file with the table, and have it changed", parents=[common])
    taken.add_argument("file", type=Path, metavar="FILE", help="CSV, with a line of titles; - reads standard input")
    taken.add_argument("--encoding", default="utf-8", help="of FILE, e.g. latin-1 (default: utf-8)")
    how = taken.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="only tell what would change (the default)")
    how.add_argument("--sql", type=Path, metavar="SCRIPT", help="write statements for whoever may change the table")
    how.add_argument("--apply", action="store_true", help="change the table, in one transaction")
    taken.add_argument("--dsn", help=_DSN)
    taken.add_argument("--delete-missing", action="store_true", help="also delete rows that FILE does not have")
    taken.add_argument("--yes", action="store_true", help="do delete them")
    taken.add_argument("--json", action="store_true", help="for scripts")
    taken.add_argument("--all", action="store_true", help="list also the rows that stay as they are")
    for each in (export, taken):
        each.add_argument("--table", help="the table of the statements; default: the one of database.query")


async def rows(settings: Settings, options: argparse.Namespace, load: Callable[[], Settings]) -> int:
    """Raises ConfigError, DatabaseError."""
    try:
        return await (_export if options.what == "export" else _import)(settings, options)
    except RowsFileError as error:
        raise ConfigError(f"{options.file}: {error}") from None


async def _export(settings: Settings, options: argparse.Namespace) -> int:
    table = RowTable(row_reader(settings), await _present(settings))
    if options.format == "csv":
        body = rows_csv(table, with_passwords=options.with_passwords)
    else:
        name = _table(settings, options)
        body = script(row_statements(table, name, with_passwords=options.with_passwords)).encode()
    _write(body, options.file, replace=options.force)
    if options.with_passwords:
        sys.stderr.write(_IN_CLEAR)
    return 0


async def _import(settings: Settings, options: argparse.Namespace) -> int:
    reader, target = row_reader(settings), _table(settings, options) if options.sql or options.apply else ""
    if options.apply and options.dsn == "-" and str(options.file) == "-":
        raise ConfigError("--dsn and FILE cannot both be read from standard input")
    given = read_rows(_read(options.file), reader.columns, encoding=options.encoding)
    refused = False

    def decide(found: Sequence[Row]) -> list[str] | None:
        nonlocal refused
        changes = RowTable(reader, found).compare(given)
        _tell(options, changes)
        refused = _refused(options, changes)
        if refused:
            return None
        return list(change_statements(changes, target, reader.columns, delete_missing=options.delete_missing))

    if options.apply:
        dsn = Secret(sys.stdin.readline().strip() if options.dsn == "-" else options.dsn) if options.dsn else None
        query = settings.database.query

        def statements(found: Sequence[Row]) -> str | None:
            made = decide(found)
            return within_transaction(made) if made else None

        await change_rows(dsn or require_dsn(settings), target, query, statements)
        _say("nothing was changed" if refused else "the table is as the file says")
        return int(refused)
    made = decide(await _present(settings))
    if made is not None and options.sql:
        _write(script(made).encode(), options.sql, replace=False)
        _say(f"{len(made)} statements are in {options.sql}; passwords of the file are in it in clear")
    return int(refused)


def _tell(options: argparse.Namespace, changes: Sequence[RowChange]) -> None:
    document = changes_document(changes, None, also_unchanged=options.all)
    # Statements on standard output are for a program.
    stream = sys.stderr if str(options.sql) == "-" else sys.stdout
    if options.json:
        stream.write(encode(document).decode() + "\n")
        return
    listed = [row for row in document.rows if options.all or options.delete_missing or row.effect != Effect.MISSING]
    plain = bool(getattr(options, "plain", False))
    console = Console(file=stream, no_color=plain or None, width=None if stream.isatty() else 400, emoji=False)
    print_row_changes(console, type(document)(document.counts, listed, None))


def _refused(options: argparse.Namespace, changes: Sequence[RowChange]) -> bool:
    missing = sum(change.effect is Effect.MISSING for change in changes)
    writes = options.apply or options.sql
    if any(change.effect is Effect.REFUSED for change in changes):
        return True
    if writes and options.delete_missing and missing and not options.yes:
        _say(f"{missing} rows of the table would be deleted: repeat it with --yes")
        return True
    return False


def _say(text: str) -> None:
    sys.stderr.write(f"restream: {text}\n")


def _table(settings: Settings, options: argparse.Namespace) -> str:
    try:
        return table_of(settings.database.query, options.table)
    except ValueError as error:
        raise ConfigError(f"--table: {error}") from None


async def _present(settings: Settings) -> Sequence[Row]:
    """Raises ConfigError, DatabaseError."""
    table = camera_table(settings)
    try:
        await table.connect(lambda: None)
        return await table.read()
    finally:
        await table.close()


def _read(path: Path) -> bytes:
    try:
        if str(path) == "-":
            body = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with path.open("rb") as file:
                body = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if len(body) > _MOST_BYTES:
        raise ConfigError(f"{path}: is larger than {_MOST_BYTES >> 20} MiB: split it")
    return body


def _write(body: bytes, path: Path | None, *, replace: bool) -> None:
    """A file is its owner's alone, also where one was there."""
    if path is None or str(path) == "-":
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    try:
        if replace:
            path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(body)
    except FileExistsError:
        raise ConfigError(f"{path} is there already: name another file, or remove it") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from None
