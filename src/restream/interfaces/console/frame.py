"""One picture of the running service for a terminal: what is wrong first, then the cameras, then the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from rich.cells import cell_len

from restream.domain.news.component import ComponentState
from restream.interfaces.console.camera_table import EMPTY, cameras_lines, cameras_summary
from restream.interfaces.console.text import Line, cut, fitted, folded, printable
from restream.interfaces.documents.ranking import worst_first
from restream.interfaces.documents.rendering import Rendering
from restream.interfaces.documents.status import ComponentDocument, NodeState, StatusDocument

_PENDING = ("waiting", "probing", "starting")
# A fleet is starting while more than this share of it is; single cameras that are tried again are no start.
_STARTING_SHARE = 0.02
_BAR = 30
_MOST_COMPONENTS = 4
_LOG_SHARE = 0.3
_MOST_LOG = 12
# Nobody reads more of one line here; the log file has all of it.
_MOST_CHARACTERS = 2000
_NODE_STYLES = {NodeState.LOST: "red", NodeState.DRAINING: "yellow"}
_LEVELS = {" WARNING ": "yellow", " ERROR ": "red", " CRITICAL ": "red"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What does not change: where the page is, and what else the operator should read."""

    page_url: str
    notes: tuple[str, ...] = ()


def frame(rendering: Rendering, log: Sequence[str], facts: Facts, width: int, height: int) -> list[Line]:
    """At most `height` lines of at most `width` cells. `log`: the last lines, oldest first."""
    head = [Line(cut(line.text, width), line.style) for line in _head(rendering, facts, width)][:height]
    room = height - len(head)
    tail = _log(log, width, room)
    needed = 1 + max(1, len(rendering.cameras))
    # The log takes its share, and what the cameras leave.
    least = min(len(tail), _MOST_LOG, int(room * _LOG_SHARE))
    lines = head + _cameras(rendering, width, min(needed, room - least - 1 if least else room))
    left = height - len(lines)
    if tail and left >= 2:
        lines.append(Line(("─── log " + "─" * width)[:width], "bright_black"))
        lines += tail[-(left - 1) :]
    return lines


def _head(rendering: Rendering, facts: Facts, width: int) -> list[Line]:
    status = rendering.status
    title = f"restream {status.version} on {printable(status.node)}"
    gap = width - cell_len(title) - cell_len(facts.page_url)
    lines = [Line(title + " " * max(2, gap) + facts.page_url, "bold")]
    lines += [Line(part, "cyan") for note in facts.notes for part in folded(printable(note), width)]
    lines.append(Line(cameras_summary(status.health)))
    lines += _components(status.components)
    lines += _nodes(status.nodes or {})
    lines.append(_progress(status, width))
    return [*lines, Line("")]


def _components(components: Mapping[str, ComponentDocument]) -> list[Line]:
    """Those that are not up; the others in one line."""
    away = {name: part for name, part in components.items() if part.state is not ComponentState.UP}
    lines = [
        Line(printable(f"{name} is {part.state} since {part.since[11:19]}Z: {part.detail}"), "red")
        for name, part in list(away.items())[:_MOST_COMPONENTS]
    ]
    if len(away) > _MOST_COMPONENTS:
        lines.append(Line(f"… and {len(away) - _MOST_COMPONENTS} more that are not up", "red"))
    up = ", ".join(name for name in components if name not in away)
    return [*lines, Line(f"up: {printable(up)}")] if up else lines


def _nodes(nodes: Mapping[str, NodeState]) -> list[Line]:
    """The services that share the cameras; a state is named where it is not the usual one."""
    if len(nodes) < 2:
        return []
    told = [name if state is NodeState.ALIVE else f"{name} ({state})" for name, state in nodes.items()]
    style = next((_NODE_STYLES[state] for state in _NODE_STYLES if state in nodes.values()), "")
    return [Line(printable(f"{len(nodes)} nodes: {', '.join(told)}"), style)]


def _progress(status: StatusDocument, width: int) -> Line:
    """How many run; while a fleet starts, a bar."""
    phases = status.phase
    wanted = status.cameras - phases.get("disabled", 0)
    running = phases.get("running", 0) + phases.get("idle", 0)
    pending = sum(phases.get(phase, 0) for phase in _PENDING)
    counts = f"{running:,} of {wanted:,} running, {status.start_queue:,} in queue"
    if status.stopping:
        return Line(f"stopping: {running:,} still running", "yellow")
    if pending <= wanted * _STARTING_SHARE:
        return Line(counts)
    text = f"starting: {counts}"
    size = min(_BAR, width - cell_len(text) - 9)
    if size < 5:
        return Line(text, "cyan")
    share = running / wanted
    done = int(size * share)
    return Line(f"{text}  {'█' * done}{'░' * (size - done)} {share:5.0%}", "cyan")


def _cameras(rendering: Rendering, width: int, height: int) -> list[Line]:
    """The table in at most `height` lines."""
    cameras = rendering.cameras
    if height < 1:
        return []
    if not cameras:
        database = rendering.status.components.get("database")
        known = database is not None and database.state is ComponentState.UP
        return [Line(cut(EMPTY if known else "The cameras table has not been read yet.", width))]
    shown = height - 1 if len(cameras) < height else height - 2
    if shown < 1:
        return [Line(fitted(f"{len(cameras):,} cameras: the terminal is too small", width).rstrip())]
    lines = cameras_lines(nsmallest(shown, cameras.values(), key=worst_first), width)
    if len(cameras) > shown:
        lines.append(Line(cut(f"… and {len(cameras) - shown:,} more", width)))
    return lines


def _log(log: Sequence[str], width: int, height: int) -> list[Line]:
    """The last lines, folded; none of them raw."""
    lines: list[Line] = []
    for text in reversed(log):
        if len(lines) >= height:
            break
        style = next((style for level, style in _LEVELS.items() if level in text), "")
        lines[:0] = [Line(part, style) for part in folded(printable(text[:_MOST_CHARACTERS].expandtabs(4)), width)]
    return lines
