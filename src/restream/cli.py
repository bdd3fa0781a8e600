"""The command line: `restream [--config F] [--pg_dsn D] [command]`.

Exit codes: 0 fine, 1 a check failed, 2 usage or configuration, 3 a dependency is missing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from restream import commands
from restream.config.places import INSTALLED
from restream.config.settings import ConfigError, Settings, load_settings
from restream.logs import configure_logging
from restream.ports.cameras import DatabaseError, PublisherError
from restream.preflight import ANY_CAMERA, check
from restream.reference.commented_file import commented_file
from restream.reference.output import write_text
from restream.reference.unit import unit_file
from restream.service import handover, maintenance_command, report_command, rows_command
from restream.service.client import stand_beside, upgrade
from restream.service.command_options import common_options
from restream.service.from_settings import DependencyError, require_dsn, require_nodes_dsn
from restream.service.handover import HandoverError
from restream.service.interpreter import install_child_watcher
from restream.service.password_prompt import print_hash
from restream.service.process import could_adopt, serve
from restream.version import version_line

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_DEPENDENCY = 0, 1, 2, 3

_DESCRIPTION = "Keeps the IP cameras of a PostgreSQL table restreamed to MediaMTX."
_LONGEST_WAIT_S = 86_400

_OPTIONAL_TABLES = {
    "events": "the table of events",
    "history": "the tables of what cameras were like, for reports",
    "records": "the tables of incidents and maintenance",
    "audit": "the table of who did what",
    "deliveries": "the table of messages and what became of them",
}
"""What `init-db` makes beside the cameras table where it is asked to, in the same database."""


def build_parser() -> argparse.ArgumentParser:
    """Options are understood before and after the command."""
    common = common_options()
    parser = argparse.ArgumentParser(prog="restream", description=_DESCRIPTION, parents=[common])
    parser.add_argument("--version", action=_Version, nargs=0, help="version, and the commit where it is known")
    subparsers = parser.add_subparsers(dest="command", metavar="command")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return subparsers.add_parser(name, help=text, description=text, parents=[common])

    command("run", "supervise the cameras (the default)")
    command("demo", "show it working: own PostgreSQL, media server and simulated cameras")
    cameras = command("cameras", "list the cameras of the running service")
    cameras.add_argument("--json", action="store_true", help="for scripts")
    explain = command("explain", "the exact command for one camera, and why it was chosen")
    explain.add_argument("camera_id", metavar="CAMERA_ID")
    explain.add_argument(
        "--no-probe", action="store_true", help="do not contact the camera if the service is not running"
    )
    probe = command("probe", "look at one camera as the service would, and show what it says; no stream is disturbed")
    probe.add_argument(
        "target",
        metavar="ID or URL",
        help="a camera of the table, or a URL; '-' reads it from standard input, so that `ps` does not show it",
    )
    command("snapshot", "everything that can be seen now, as JSON")
    check = command("check", "is everything there that the service needs, and if not, what to do")
    check.add_argument("--json", action="store_true", help="for scripts")
    looked_at = check.add_mutually_exclusive_group()
    looked_at.add_argument("--camera", metavar="ID", help="also look at this camera")
    looked_at.add_argument(
        "--any-camera", action="store_const", const=ANY_CAMERA, dest="camera", help="also look until one camera answers"
    )
    _tables_command(command)
    _access_commands(command)
    config = command("config", "write the commented configuration, every key with its default")
    config.add_argument("--unit", action="store_true", help="instead the unit for systemd, for where the program is")
    config.add_argument("--output", type=Path, metavar="FILE", help="instead of to standard output")
    config.add_argument("--force", action="store_true", help="also where FILE is there already")
    replace = command(
        "upgrade", "have the running service replaced by the version that is installed now; streams flow on"
    )
    replace.add_argument(
        "--pid", type=int, help="the service of that process, with its settings; default: the one that answers"
    )
    tested = command("alert-test", "have the running service send a test message to those who are told of outages")
    tested.add_argument("receiver", nargs="?", metavar="RECEIVER", help="of alerts.receivers; default: all")
    maintenance_command.add_arguments(command("maintenance", "windows of planned work: list, announce, end"))
    rows_command.add_arguments(command("rows", "rows of the cameras table as files: export, import with a dry run"))
    report_command.add_arguments(command("report", "how available cameras were in a day, week, month or any range"))
    command("nodes", "the services that share the cameras, and how many each has")
    drain = command("drain", "have a node give its cameras to the others, and take none")
    drain.add_argument("node", metavar="NODE", help="its node.name")
    how = drain.add_mutually_exclusive_group()
    how.add_argument("--undo", action="store_true", help="have it take cameras again")
    how.add_argument("--wait", type=_seconds, metavar="S", default=0.0, help="until it has none left, at most so long")
    return parser


def _tables_command(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    init_db = command("init-db", "create the cameras table and its NOTIFY trigger (etc/schema.sql)")
    for name, what in _OPTIONAL_TABLES.items():
        init_db.add_argument(f"--{name}", action="store_true", help=f"also {what} (etc/schema_{name}.sql)")
    init_db.add_argument(
        "--nodes", action="store_true", help="instead the tables of several nodes (etc/schema_nodes.sql), in nodes.dsn"
    )


def _access_commands(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    command("hash-password", "hash a password for api.users: asked for at a terminal, else read from standard input")
    audit = command("audit", "who did what: actions, logins, and what was refused")
    audit.add_argument("--json", action="store_true", help="for scripts")
    audit.add_argument("--limit", type=int, metavar="N", default=100, help="the newest so many (100)")


class _Version(argparse.Action):
    """Asks git only when it is asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        sys.stdout.write(version_line() + "\n")
        parser.exit()


def _seconds(text: str) -> float:
    """An argument that is a time. Raises ValueError."""
    value = float(text)
    if not 0 <= value <= _LONGEST_WAIT_S:
        raise ValueError
    return value


def program() -> int:
    """The installed `restream`: without a command it does what start.sh does."""
    return main(or_demo=True)


def main(arguments: Sequence[str] | None = None, *, or_demo: bool = False) -> int:
    """Run one command; returns the exit code. `or_demo`: that of no command is the demo, where there is no database."""
    options = build_parser().parse_args(arguments)
    if or_demo and options.command is None:
        options.or_demo = True
    install_child_watcher()
    named, pg_dsn = getattr(options, "config", None), getattr(options, "pg_dsn", None)
    try:
        if options.command == "config":
            text = unit_file() if options.unit else commented_file()
            write_text(text, options.output, replace=options.force)
            return EXIT_OK
        if options.command == "hash-password":
            return print_hash(sys.stdin, sys.stdout)
        if getattr(options, "pid", None) is not None:
            beside = build_parser().parse_args(stand_beside(options.pid))
            named, pg_dsn = getattr(beside, "config", None), getattr(beside, "pg_dsn", None)
        settings = load_settings(named, pg_dsn=pg_dsn)
        # A reload reads the file that was taken, whatever is there by then.
        reload = partial(load_settings, settings.origin.file or named, pg_dsn=pg_dsn)
        code = asyncio.run(_COMMANDS[options.command or "run"](settings, options, reload))
        if (manifest := getattr(options, "manifest", None)) is not None:
            handover.execute(manifest)
        return code
    except ConfigError as error:
        return _fail(str(error), EXIT_USAGE)
    except DependencyError as error:
        return _fail(str(error), EXIT_DEPENDENCY)
    except HandoverError as error:
        return _fail(str(error), EXIT_FAILED)
    except DatabaseError as error:
        return _fail(f"database: {error}", EXIT_FAILED)
    except KeyboardInterrupt:
        return 130


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"restream: {message}\n")
    return code


async def _run(settings: Settings, options: argparse.Namespace, load: Callable[[], Settings]) -> int:
    if getattr(options, "once", False):
        return await commands.once(settings)
    if getattr(options, "or_demo", False) and settings.database.dsn is None:
        sys.stderr.write("No PG_DSN is set: running the demo with simulated cameras. Ctrl-C ends it.\n")
        return await _demo(settings, options, load)
    require_dsn(settings)
    if (version := getattr(options, "could_adopt", None)) is not None:
        could_adopt(version, settings, load)
        return EXIT_OK
    _log(settings)
    descriptor = getattr(options, "adopt", None)
    before = None if descriptor is None else handover.read(descriptor)
    options.manifest = await serve(settings, load, plain=_plain(options), manifest=before)
    return EXIT_OK


async def _demo(settings: Settings, options: argparse.Namespace, load: Callable[[], Settings]) -> int:
    if hasattr(options, "could_adopt"):
        raise HandoverError("the demo is not replaced while it runs: end it, and start it again")
    # Its parts are heavy, and no other command needs them.
    from restream.demo.embedded import EmbeddedError  # noqa: PLC0415
    from restream.demo.stack import run_demo  # noqa: PLC0415

    _log(settings)
    try:
        await run_demo(settings, plain=_plain(options))
    except (EmbeddedError, PublisherError) as error:
        raise DependencyError(str(error)) from None
    return EXIT_OK


def _log(settings: Settings) -> None:
    directory = INSTALLED.directories(os.environ).logs
    configure_logging(settings.origin.own("restream_log.conf"), directory, settings.secrets())


async def _cameras(settings: Settings, options: argparse.Namespace, load: Callable[[], Settings]) -> int:
    return await commands.cameras(settings, _console(options), as_json=options.json)


async def _audit(settings: Settings, options: argparse.Namespace, load: Callable[[], Settings]) -> int:
    return await commands.audit(settings, _console(options), options.limit, as_json=options.json)


async def _explain(settings: Settings, options: argparse.Namespace, load: Callable[[], Settings]) -> int:
    return await commands.explain(settings, _console(options), options.camera_id, may_probe=not options.no_probe)


async def _probe(settings: Settings, options: argparse.Namespace, load: Callable[[], Settings]) -> int:
    target = sys.stdin.readline().strip() if options.target == "-" else options.target
    return await commands.probe(settings, _console(options), target)


async def _snapshot(settings: Settings, options: argparse.Namespace, load: Callable[[], Settings]) -> int:
    return await commands.snapshot(settings)


async def _check(settings: Settings, options: argparse.Namespace, load: Callable[[], Settings]) -> int:
    return await check(settings, _console(options), as_json=options.json, camera=options.camera)


async def _init_db(settings: Settings, options: argparse.Namespace, load: Callable[[], Settings]) -> int:
    if options.nodes and any(getattr(options, name) for name in _OPTIONAL_TABLES):
        raise ConfigError("init-db --nodes is for another database: the other tables are made by a call of their own")
    dsn = require_nodes_dsn(settings) if options.nodes else require_dsn(settings)
    asked_for = [f"schema_{name}.sql" for name in _OPTIONAL_TABLES if getattr(options, name)]
    names = ["schema_nodes.sql"] if options.nodes else ["schema.sql", *asked_for]
    return await commands.init_db(dsn, _console(options), [INSTALLED.built_in / name for name in names])


async def _upgrade(settings: Settings, options: argparse.Namespace, load: Callable[[], Settings]) -> int:
    sys.stdout.write(f"restream {await upgrade(settings, options.pid)} has taken over\n")
    return EXIT_OK


async def _drain(settings: Settings, options: argparse.Namespace, load: Callable[[], Settings]) -> int:
    return await commands.drain(settings, _console(options), options.node, undo=options.undo, wait_s=options.wait)


def _console(options: argparse.Namespace) -> Console:
    # Piped output is for programs: no wrapping at 80 columns.
    width = None if sys.stdout.isatty() else 200
    return Console(no_color=_plain(options) or None, width=width, emoji=False)


def _plain(options: argparse.Namespace) -> bool:
    return bool(getattr(options, "plain", False))


_Command = Callable[[Settings, argparse.Namespace, Callable[[], Settings]], Coroutine[Any, Any, int]]
_COMMANDS: dict[str, _Command] = {
    "run": _run,
    "demo": _demo,
    "cameras": _cameras,
    "audit": _audit,
    "explain": _explain,
    "probe": _probe,
    "snapshot": _snapshot,
    "check": _check,
    "init-db": _init_db,
    "alert-test": lambda settings, options, _: commands.alert_test(settings, _console(options), options.receiver),
    "maintenance": lambda settings, options, _: maintenance_command.maintenance(settings, options, _console(options)),
    "nodes": lambda settings, options, _: commands.nodes(settings, _console(options)),
    "report": report_command.report,
    "rows": rows_command.rows,
    "upgrade": _upgrade,
    "drain": _drain,
}
