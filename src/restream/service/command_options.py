"""The options that every command has."""

from __future__ import annotations

import argparse
from pathlib import Path


def common_options() -> argparse.ArgumentParser:
    """For `parents=`."""
    common = argparse.ArgumentParser(add_help=False)
    group = common.add_argument_group("common options")
    suppress = argparse.SUPPRESS
    group.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=suppress,
        help="default: $RESTREAM_CONFIG, etc/restream.yml, /etc/restream/restream.yml, else built in",
    )
    group.add_argument(
        "--pg_dsn", "--pg-dsn", metavar="DSN", default=suppress, help="used only when PG_DSN is not in the environment"
    )
    group.add_argument(
        "--or-demo", action="store_true", default=suppress, help="run the demo when no database is configured"
    )
    group.add_argument(
        "--once", action="store_true", default=suppress, help="ask the media server once, print and store, then exit"
    )
    group.add_argument("--adopt", type=int, default=suppress, help=suppress)
    group.add_argument("--could-adopt", type=int, default=suppress, help=suppress)
    group.add_argument("--plain", action="store_true", default=suppress, help="log lines only, no colours")
    return common
