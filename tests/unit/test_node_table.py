"""`restream nodes`: one line a node, and nothing in it that drives a terminal."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from restream.domain.fleet.node import NOBODY, FleetNode, NodeName, NodeTraits
from restream.interfaces.console.node_table import EMPTY, print_nodes


def node(name: str, expires_in_s: float = 5, *, draining: bool = False, version: str = "1") -> FleetNode:
    return FleetNode(NodeName(name), "x", expires_in_s, draining, NodeTraits(version=version))


def printed(*nodes: FleetNode, cameras: dict[NodeName, int] | None = None) -> list[str]:
    output = io.StringIO()
    print_nodes(Console(file=output, width=200, no_color=True), nodes, cameras or {})
    return output.getvalue().splitlines()


def test_a_line_a_node_and_what_nobody_has() -> None:
    lines = printed(
        node("alpha"),
        node("b", -200, draining=True, version="0.9"),
        cameras={NodeName("alpha"): 12, NodeName("b"): 3, NOBODY: 4},
    )
    assert lines == [
        "NODE   STATE           CAMERAS  DRAINING  VERSION",
        "alpha  alive                12            1",
        "b      dead for 3 min        3  yes       0.9",
        "4 given back and not taken",
    ]


@pytest.mark.parametrize(
    ("expires_in_s", "state"),
    [(0, "0 s"), (-59.6, "60 s"), (-60, "1 min"), (-7300, "2 h"), (-90000, "1 d"), (-math.inf, "ever")],
)
def test_how_long_a_node_has_been_dead(expires_in_s: float, state: str) -> None:
    assert f"dead for {state} " in printed(node("a", expires_in_s))[1]


def test_without_nodes_it_says_what_to_do() -> None:
    assert printed() == [EMPTY]


def test_what_another_node_tells_drives_no_terminal() -> None:
    (_, line) = printed(node("a\x1b[31m", version="[red]1\x9b2J\n"))
    assert line.endswith("[red]1�2J�") and "\x1b" not in line
