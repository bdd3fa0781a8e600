"""One picture of the running service for a terminal: what is wrong first, then the cameras, then the log."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import NamedTuple

from rich.cells import cell_len

from restream.domain.news.component import ComponentState
from restream.interfaces.console.camera_table import EMPTY, cameras_lines, cameras_summary
from restream.interfaces.console.keys import Sought
from restream.interfaces.console.text import Line, cut, fitted, folded, printable
from restream.interfaces.documents.cameras import CameraDocument
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
# On narrower terminals the day and who says it take the room of what is said; the log file has all of it.
_WHOLE_LOG = 100
_STAMPED = re.compile(r"\A\d{4}-\d\d-\d\d[ T](\d\d:\d\d:\d\d)(?:[.,]\d{1,9})? +([A-Z]{1,10}) +[\w.]{1,100}: ")
_LEVELS = {" WARNING ": "yellow", " ERROR ": "red", " CRITICAL ": "red"}


_ALL = Sought()


@dataclass(frozen=True, slots=True)
class Facts:
    """What does not change: where the page is, and what else the operator should read."""

    page_url: str
    notes: tuple[str, ...] = ()


class Painting(NamedTuple):
    """A picture, what of the cameras it has in truth, and how many of them (a page)."""

    lines: list[Line]
    sought: Sought
    page: int


def frame(
    rendering: Rendering, log: Sequence[str], facts: Facts, width: int, height: int, sought: Sought = _ALL
) -> Painting:
    """At most `height` lines of at most `width` cells. `log`: the last lines, oldest first."""
    head = [Line(cut(line.text, width), line.style) for line in _head(rendering, facts, width)][:height]
    room = height - len(head)
    tail = _log(log, width, room)
    cameras = _found(rendering.cameras.values(), sought.words)
    needed = 1 + max(1, len(cameras)) + _is_asked(sought)
    # The log takes its share, and what the cameras leave.
    least = min(len(tail), _MOST_LOG, int(room * _LOG_SHARE))
    table = _cameras(rendering, cameras, width, min(needed, room - least - 1 if least else room), sought)
    lines = head + table.lines
    left = height - len(lines)
    if tail and left >= 2:
        lines.append(Line(("─── log " + "─" * width)[:width], "bright_black"))
        lines += tail[-(left - 1) :]
    return table._replace(lines=lines)


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


def _found(cameras: Collection[CameraDocument], words: str) -> Collection[CameraDocument]:
    """Those that have every word in what is told of them."""
    wanted = words.lower().split()
    if not wanted:
        return cameras
    return [camera for camera in cameras if all(word in _told(camera) for word in wanted)]


def _told(camera: CameraDocument) -> str:
    verdict = camera.verdict
    codes = (reason.code for reason in verdict.reasons)
    return "\n".join((camera.id, camera.name, camera.site, camera.host, verdict.health, verdict.fault, *codes)).lower()


def _cameras(
    rendering: Rendering, cameras: Collection[CameraDocument], width: int, height: int, sought: Sought
) -> Painting:
    """The table in at most `height` lines."""
    if height < 1:
        return Painting([], sought, 1)
    if not rendering.cameras:
        database = rendering.status.components.get("database")
        known = database is not None and database.state is ComponentState.UP
        return Painting([Line(cut(EMPTY if known else "The cameras table has not been read yet.", width))], sought, 1)
    asked = [Line(cut(f"/{sought.words}{'█' if sought.typing else ''}", width), "cyan")] if _is_asked(sought) else []
    rest = height - len(asked)
    shown = rest - 1 if len(cameras) < rest else rest - 2
    if shown < 1:
        lines = [Line(fitted(f"{len(cameras):,} cameras: the terminal is too small", width).rstrip())]
        return Painting(lines, sought, 1)
    first = min(sought.first, max(0, len(cameras) - shown))
    lines = cameras_lines(nsmallest(first + shown, cameras, key=worst_first)[first:], width)
    if len(cameras) > shown:
        below = len(cameras) - first - shown
        hidden = [f"{first:,} above"] * (first > 0) + [f"{below:,} more"] * (below > 0)
        lines.append(Line(cut(f"… and {', '.join(hidden)}", width)))
    return Painting(asked + lines, sought._replace(first=first), shown)


def _is_asked(sought: Sought) -> bool:
    return sought.typing or bool(sought.words)


def _log(log: Sequence[str], width: int, height: int) -> list[Line]:
    """The last lines, folded; none of them raw."""
    lines: list[Line] = []
    for text in reversed(log):
        if len(lines) >= height:
            break
        style = next((style for level, style in _LEVELS.items() if level in text), "")
        said = text[:_MOST_CHARACTERS] if width >= _WHOLE_LOG else _STAMPED.sub(r"\1 \2 ", text[:_MOST_CHARACTERS], 1)
        lines[:0] = [Line(part, style) for part in folded(printable(said.expandtabs(4)), width)]
    return lines
