"""A report as tables of named columns, for every rendering: text, CSV, XLSX, PDF."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from math import floor
from typing import Any, NamedTuple

from restream.domain.history.figures import Figures
from restream.interfaces.reports.availability_report import AvailabilityReport
from restream.interfaces.reports.words import ReportWords

METHOD = ("availability", "counts", "unknown", "planned", "outages", "repair", "source")
"""How it was made, in so many sentences: `report.method.NAME`."""


class Kind(StrEnum):
    """What the cells of a column are."""

    TEXT = "text"
    SHARE = "share"
    """Of one; None: not known."""
    TIME = "time"
    """Seconds; None: there is none."""
    COUNT = "count"


Cell = str | float | int | None


class Column(NamedTuple):
    """A column: `report.column.NAME` is its heading."""

    name: str
    kind: Kind
    value: Callable[[Any], Cell]


class Sheet(NamedTuple):
    """A table."""

    name: str
    """For programs."""
    title: str
    headings: tuple[str, ...]
    kinds: tuple[Kind, ...]
    rows: Sequence[tuple[Cell, ...]]


def _figures(path: Callable[[Any], Figures]) -> tuple[Column, ...]:
    return (
        Column("availability", Kind.SHARE, lambda row: path(row).availability),
        Column("down", Kind.TIME, lambda row: path(row).down_s),
        Column("outages", Kind.COUNT, lambda row: path(row).outages),
        Column("longest", Kind.TIME, lambda row: path(row).longest_s if path(row).outages else None),
        Column("repair", Kind.TIME, lambda row: path(row).repair_mean_s),
        Column("degraded", Kind.TIME, lambda row: path(row).degraded_s),
        Column("planned", Kind.TIME, lambda row: path(row).planned_s),
        Column("disabled", Kind.TIME, lambda row: path(row).disabled_s),
        Column("unknown", Kind.TIME, lambda row: path(row).unknown_s),
    )


def sheets(report: AvailabilityReport, words: ReportWords) -> Sequence[Sheet]:
    """All of it, in words; sums first."""
    none = words("report.site.none")
    of_camera: tuple[Column, ...] = (
        Column("camera", Kind.TEXT, lambda row: row.camera),
        Column("name", Kind.TEXT, lambda row: row.name),
        Column("site", Kind.TEXT, lambda row: row.site or none),
        *_figures(lambda row: row.figures),
    )
    of_site: tuple[Column, ...] = (
        Column("site", Kind.TEXT, lambda row: row.site or none),
        Column("cameras", Kind.COUNT, lambda row: row.cameras),
        *_figures(lambda row: row.figures),
    )
    of_all: tuple[Column, ...] = (
        Column("cameras", Kind.COUNT, lambda row: len(report.sums.cameras)),
        *_figures(lambda row: row),
    )
    of_cause: tuple[Column, ...] = (
        Column("cause", Kind.TEXT, lambda row: words.of_code("cause", row[0].cause) or none),
        Column("side", Kind.TEXT, lambda row: words.of_code("fault", row[0].side)),
        Column("down", Kind.TIME, lambda row: row[1].down_s),
        Column("outages", Kind.COUNT, lambda row: row[1].outages),
        Column("cameras", Kind.COUNT, lambda row: row[1].cameras),
    )
    causes = sorted(report.sums.by_cause.items(), key=lambda each: (-each[1].down_s, each[0]))
    found = (
        _sheet("all", [report.sums.total], of_all, words),
        _sheet("sites", report.by_site, of_site, words),
        _sheet("causes", causes, of_cause, words),
        _sheet("worst", report.sums.worst, of_camera, words),
        _sheet("cameras", report.cameras, of_camera, words),
    )
    return [sheet for sheet in found if sheet.rows]


def _sheet(name: str, rows: Iterable[Any], columns: Sequence[Column], words: ReportWords) -> Sheet:
    return Sheet(
        name,
        words(f"report.sheet.{name}"),
        tuple(words(f"report.column.{column.name}") for column in columns),
        tuple(column.kind for column in columns),
        [tuple(column.value(row) for column in columns) for row in rows],
    )


def heading(report: AvailabilityReport, words: ReportWords) -> tuple[str, Sequence[str]]:
    """Title, and what stands below it."""
    period = report.period
    title = words("report.title")
    lines = [
        words(
            "report.range",
            begin=period.shown(period.begin),
            end=period.shown(period.end),
            zone=period.zone,
        ),
        words("report.made", at=period.shown(report.made_at)),
    ]
    if report.sites:
        lines.append(words("report.only", sites=", ".join(each or words("report.site.none") for each in report.sites)))
    if not report.sums.cameras:
        lines.append(words("report.none"))
    return f"{title} · {period.name}" if period.name else title, lines


def method(words: ReportWords) -> Sequence[str]:
    """How it was made, one sentence or two each."""
    return [words(f"report.method.{name}") for name in METHOD]


def shown(cell: Cell, kind: Kind) -> str:
    """A cell for people. A share is cut, not rounded: 100 % is said of nothing that was down."""
    if cell is None or isinstance(cell, str):
        return cell or ("" if kind is Kind.TEXT else "–")
    if kind is Kind.SHARE:
        return f"{floor(cell * 100_000) / 1000:.3f} %"
    return duration(cell) if kind is Kind.TIME else str(cell)


def duration(seconds: float) -> str:
    """`3d 04:05:06`."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    clock = f"{hour:02}:{minute:02}:{second:02}"
    return f"{days}d {clock}" if days else clock
