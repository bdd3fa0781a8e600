"""The table of nodes: who lives, and how many cameras each has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console

from restream.domain.fleet.node import NOBODY, FleetNode, NodeName
from restream.interfaces.console.text import Line, fitted, printable, segments

EMPTY = "No node has ever been here: start the service with nodes.dsn set."

_TITLES = ("NODE", "STATE", "CAMERAS", "DRAINING", "VERSION")
_RIGHT = _TITLES.index("CAMERAS")
_MOST = 64
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def nodes_lines(nodes: Sequence[FleetNode], cameras: Mapping[NodeName, int]) -> list[Line]:
    """A line of titles, then the nodes as they come. The state is a word, colour only repeats it."""
    rows = [_TITLES, *(_cells(node, cameras.get(node.name, 0)) for node in nodes)]
    widths = [min(_MOST, max(map(cell_len, column))) for column in zip(*rows, strict=True)]
    styles = ("bold", *(_style(node) for node in nodes))
    return [Line("  ".join(_fitted(row, widths)).rstrip(), style) for row, style in zip(rows, styles, strict=True)]


def print_nodes(console: Console, nodes: Sequence[FleetNode], cameras: Mapping[NodeName, int]) -> None:
    """All of them, and the cameras that nobody has."""
    if nodes:
        console.print(segments(nodes_lines(nodes, cameras)))
    else:
        console.print(EMPTY)
    if free := cameras.get(NOBODY, 0):
        console.print(f"{free} given back and not taken", highlight=False)


def _cells(node: FleetNode, cameras: int) -> tuple[str, ...]:
    state = "alive" if node.alive else f"dead for {_duration(-node.expires_in_s)}"
    return (printable(node.name), state, str(cameras), "yes" if node.draining else "", printable(node.traits.version))


def _fitted(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        fitted(text, width, right=index == _RIGHT) for index, (text, width) in enumerate(zip(row, widths, strict=True))
    ]


def _style(node: FleetNode) -> str:
    if not node.alive:
        return "red"
    return "yellow" if node.draining else "green"


def _duration(seconds: float) -> str:
    """In its largest unit; a lease that somebody set to end in no time ended for ever."""
    if seconds == float("inf"):
        return "ever"
    return next((f"{seconds // size:.0f} {unit}" for size, unit in _UNITS if seconds >= size), f"{seconds:.0f} s")
