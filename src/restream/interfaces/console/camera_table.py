"""The table of cameras, in as many columns as fit: the same for `restream cameras` and for the live console."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console

from restream.domain.judgement.verdict import Health
from restream.domain.life.cause import Side
from restream.interfaces.console.text import HEALTH_STYLES, Line, cut, fitted, folded, printable, segments
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.ranking import HEALTHS, worst_first

EMPTY = "The cameras table is empty: INSERT a row, it is picked up at once."

_GAP = 2
_MOST = 24
_MOST_NAME = 32
# Names and causes have this much as long as there are columns that can go, and this little before the last ones go.
_FAIR_NAME, _FAIR_CAUSE_SHARE = 16, 0.3
_LEAST_NAME, _LEAST_CAUSE = 10, 12


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    cell: Callable[[CameraDocument], str]
    right: bool = False
    least: int = 0
    """Cells that it has whatever is in it, so that the columns stand still while values move."""


def _cause(camera: CameraDocument) -> str:
    return "; ".join(f"{reason.code}: {reason.text}" for reason in camera.verdict.reasons)


def _where(camera: CameraDocument) -> str:
    fault = camera.verdict.fault
    return "" if fault is Side.NONE else fault


def _bitrate(camera: CameraDocument) -> str:
    bps = camera.bitrate_bps
    if bps is None:
        return ""
    return f"{bps / 1e6:.1f} Mbit/s" if bps >= 999_500 else f"{bps / 1e3:.0f} kbit/s"


def _clock(camera: CameraDocument) -> str:
    return camera.next_retry[11:19] + "Z" if camera.next_retry else ""


_ID = _Column("ID", lambda camera: camera.id)
_NAME = _Column("NAME", lambda camera: camera.name)
_HEALTH = _Column("HEALTH", lambda camera: camera.verdict.health, least=8)
_PHASE = _Column("PHASE", lambda camera: camera.phase, least=8)
_ENGINE = _Column("ENGINE", lambda camera: camera.engine or "")
_WHERE = _Column("WHERE", _where)
_CAUSE = _Column("CAUSE", _cause)
_BITRATE = _Column("BITRATE", _bitrate, right=True, least=10)
_RESTARTS = _Column("RESTARTS", lambda camera: str(camera.restarts), right=True)
_MEDIA = _Column("MEDIA", lambda camera: "+".join(codec for codec in (camera.video, camera.audio) if codec))
_NEXT_TRY = _Column("NEXT TRY", _clock, least=9)
_COLUMNS = (_ID, _NAME, _HEALTH, _PHASE, _ENGINE, _WHERE, _CAUSE, _BITRATE, _RESTARTS, _MEDIA, _NEXT_TRY)
_CAUSE_AT = _COLUMNS.index(_CAUSE)
# What goes first when the terminal is narrow, and what goes last.
_GO_FIRST, _GO_LAST = (_ENGINE, _MEDIA, _NEXT_TRY, _WHERE, _PHASE), (_RESTARTS, _BITRATE)


def cameras_lines(cameras: Sequence[CameraDocument], width: int, *, fold: bool = False) -> list[Line]:
    """A line of titles, then the cameras as they come, each on one line of `width` cells; `fold`: on as many lines as
    its cause takes. The health is a word in every line, colour only repeats it."""
    cells = [tuple(printable(column.cell(camera)) for column in _COLUMNS) for camera in cameras]
    widths = _widths(cells, width)
    lines = [_line([column.title for column in _COLUMNS], widths, width, "bold")]
    for camera, row in zip(cameras, cells, strict=True):
        style = HEALTH_STYLES.get(camera.verdict.health, "")
        for number, cause in enumerate(
            folded(row[_CAUSE_AT], widths[_CAUSE]) if fold else row[_CAUSE_AT : _CAUSE_AT + 1]
        ):
            texts = ["" if number else text for text in row]
            texts[_CAUSE_AT] = cause
            lines.append(_line(texts, widths, width, style))
    return lines


def _line(texts: Sequence[str], widths: Mapping[_Column, int], width: int, style: str) -> Line:
    shown = ((column, text) for column, text in zip(_COLUMNS, texts, strict=True) if column in widths)
    text = (" " * _GAP).join(fitted(text, widths[column], right=column.right) for column, text in shown)
    return Line(cut(text.rstrip(), width), style)


def _widths(rows: Sequence[tuple[str, ...]], width: int) -> dict[_Column, int]:
    """Cells of each column that is shown. Causes and names share what the others leave."""
    wanted = {
        column: max(len(column.title), column.least, *(cell_len(row[index]) for row in rows), 0)
        for index, column in enumerate(_COLUMNS)
    }
    name, cause = min(wanted[_NAME], _MOST_NAME), wanted[_CAUSE]
    sizes = {column: min(size, _MOST) for column, size in wanted.items()}
    sizes[_NAME], sizes[_CAUSE] = min(name, _FAIR_NAME), min(cause, round(width * _FAIR_CAUSE_SHARE))

    def left() -> int:
        return width - sum(sizes.values()) - _GAP * (len(sizes) - 1)

    def grow(column: _Column, limit: int) -> None:
        sizes[column] += max(0, min(limit - sizes[column], left()))

    def shrink(column: _Column, limit: int) -> None:
        sizes[column] -= max(0, min(sizes[column] - limit, -left()))

    def drop(columns: Sequence[_Column]) -> None:
        for column in columns:
            if left() < 0:
                del sizes[column]

    drop(_GO_FIRST)
    shrink(_CAUSE, _LEAST_CAUSE)
    shrink(_NAME, _LEAST_NAME)
    drop(_GO_LAST)
    grow(_NAME, name)
    grow(_CAUSE, cause)
    return sizes


def cameras_summary(counts: Mapping[Health, int]) -> str:
    """`6 cameras: 1 down, 1 unknown, 4 healthy`, of so many by health."""
    parts = ", ".join(f"{counts[health]:,} {health}" for health in HEALTHS if counts.get(health))
    total = sum(counts.values())
    return f"{total:,} camera{'s' * (total != 1)}" + (f": {parts}" if parts else "")


def print_cameras(console: Console, cameras: Sequence[CameraDocument]) -> None:
    """All of them, worst first, with whole causes."""
    if cameras:
        lines = cameras_lines(sorted(cameras, key=worst_first), console.width, fold=True)
        console.print(segments([*lines, Line("")]), end="")
    else:
        console.print(EMPTY)
    console.print(cameras_summary(Counter(camera.verdict.health for camera in cameras)), highlight=False)
