"""The result of the preflight check, as a table for people and as JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from restream.interfaces.console.text import printable


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    """The service runs, with less than it could do."""
    FAIL = "fail"
    """The service cannot do its work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check; `todo` says what to do, empty when there is nothing."""

    name: str
    state: State
    text: str
    todo: str = ""


_COLOURS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "red"}


def failed(findings: Sequence[Finding]) -> bool:
    return any(finding.state is State.FAIL for finding in findings)


def findings_json(findings: Sequence[Finding]) -> str:
    """`{"ok": bool, "checks": [{"name","state","text","todo"}]}`."""
    document = {
        "ok": not failed(findings),
        "checks": [{"name": f.name, "state": f.state, "text": f.text, "todo": f.todo} for f in findings],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """In the order of the checks; the word, not only the colour, tells the state."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        colour = _COLOURS[finding.state]
        table.add_row(f"[{colour}]{finding.state}[/]", escape(finding.name), escape(printable(finding.text)))
        if finding.todo:
            table.add_row("", "", f"→ {escape(printable(finding.todo))}")
    console.print(table)
    counts = Counter(finding.state for finding in findings)
    console.print(", ".join(f"{counts[state]} {state}" for state in State if counts[state]), highlight=False)
