"""Maintenance windows as documents."""

from __future__ import annotations

from typing import Annotated

from restream.domain.maintenance.window import MaintenanceWindow, Stretch
from restream.interfaces.documents.values import Document, Moment, about, timestamp

Names = tuple[Annotated[str, about("", "North")], ...]


class WindowDocument(Document):
    """Planned work: meanwhile nobody is called, and what is down is not counted as down."""

    id: Annotated[str, about("", "9c2f7d1a04be")]
    title: Annotated[str, about("", "switch in cabinet 3 is replaced")]
    begin: Annotated[Moment, about("Of a calendar: not before.")]
    end: Annotated[Moment | None, about("Null: a calendar without an end.")]
    cron: Annotated[str | None, about("When it begins, again and again; null: it is once.", "0 2 * * 0")]
    duration_s: Annotated[float | None, about("Of each time of a calendar.", 7200.0)]
    zone: Annotated[str | None, about("Of a calendar.", "Europe/Berlin")]
    cameras: Annotated[Names, about("Ids; with sites and servers all empty: every camera.")]
    sites: Names
    servers: Annotated[Names, about("Media servers.")]
    who: Annotated[str, about("As he signed.", "Ann")]
    made: Moment
    open: Annotated[bool, about("It is now.", False)]
    next_begin: Annotated[Moment | None, about("Of the present or the next time; null: it is over.")]
    next_end: Moment | None


class WindowsDocument(Document):
    """Maintenance windows that are not over."""

    kept: Annotated[bool, about("Whether they outlive the service.", True)]
    windows: Annotated[tuple[WindowDocument, ...], about("In the order in which they were made.")]


class NewWindowDocument(Document, forbid_unknown_fields=True):
    """The body of a new window: once with `end`, or by a calendar with `cron` and `duration_s`."""

    title: str = ""
    begin: Annotated[Moment | None, about("Null: now.")] = None
    end: Annotated[
        Moment | None, about("Of a calendar: when it is over for good; null: never.", "2036-01-05T10:00:40.000Z")
    ] = None
    cron: Annotated[str | None, about("Minute, hour, day, month, weekday.", "0 2 * * 0")] = None
    duration_s: Annotated[float | None, about("60 to 2678400.", 7200.0)] = None
    zone: Annotated[str, about("", "Europe/Berlin")] = "UTC"
    cameras: Names = ()
    sites: Names = ()
    servers: Names = ()
    everything: Annotated[bool, about("It is of all cameras; else something must be named.", False)] = False
    who: Annotated[str, about("Who makes it; who is signed in is told instead.", "Ann")] = ""


def window_document(window: MaintenanceWindow, span: Stretch | None, now: float) -> WindowDocument:
    """One of them; `span`: its present or next time."""
    calendar = window.calendar
    return WindowDocument(
        id=window.id,
        title=window.title,
        begin=timestamp(window.begin),
        end=timestamp(window.end) if window.end is not None else None,
        cron=calendar.cron if calendar else None,
        duration_s=calendar.duration_s if calendar else None,
        zone=calendar.zone if calendar else None,
        cameras=tuple(sorted(window.cameras)),
        sites=tuple(sorted(window.sites)),
        servers=tuple(sorted(window.servers)),
        who=window.who,
        made=timestamp(window.made),
        open=span is not None and span.begin <= now,
        next_begin=timestamp(span.begin) if span else None,
        next_end=timestamp(span.end) if span else None,
    )
