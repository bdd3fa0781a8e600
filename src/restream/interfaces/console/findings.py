"""The result of the preflight check, as a table for people and as JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from rich.console import Console

from restream.interfaces.console.text import Line, hanging, printable, segments


class CheckState(StrEnum):
    OK = "ok"
    WARN = "warn"
    """The service runs, with less than it could do."""
    FAIL = "fail"
    """The service cannot do its work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check; `todo` says what to do, empty when there is nothing."""

    name: str
    state: CheckState
    text: str
    todo: str = ""


_COLOURS = {CheckState.OK: "green", CheckState.WARN: "yellow", CheckState.FAIL: "red"}


def failed(findings: Sequence[Finding]) -> bool:
    return any(finding.state is CheckState.FAIL for finding in findings)


def findings_json(findings: Sequence[Finding]) -> str:
    """`{"ok": bool, "checks": [{"name","state","text","todo"}]}`."""
    document = {
        "ok": not failed(findings),
        # A path may hold what is no text.
        "checks": [
            {"name": f.name, "state": f.state, "text": printable(f.text), "todo": printable(f.todo)} for f in findings
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """In the order of the checks; the word, not only the colour, tells the state."""
    size = max((len(finding.name) for finding in findings), default=0)
    lines: list[Line] = []
    for finding in findings:
        lead = f"{finding.state:4}  {finding.name:{size}}  "
        lines += [Line(text, _COLOURS[finding.state]) for text in hanging(lead, finding.text, console.width)]
        if finding.todo:
            lines += map(Line, hanging(" " * len(lead) + "→ ", finding.todo, console.width))
    console.print(segments([*lines, Line("")]), end="")
    counts = Counter(finding.state for finding in findings)
    console.print(", ".join(f"{counts[state]} {state}" for state in CheckState if counts[state]), highlight=False)
