"""An alert for people: a line, a text, and HTML with the last pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from urllib.parse import urlencode

from restream.domain.news.alert import Affected, Alert, AlertKind, AlertSubject, Scope, Telling
from restream.domain.news.incident import IncidentScope
from restream.interfaces.messages.words import Language, duration, of_page, word

# What has a name that says where it is.
_PLACES = frozenset(
    {IncidentScope.SITE, IncidentScope.PARENT, IncidentScope.HOST, IncidentScope.SERVER, IncidentScope.NODE}
)
_CELL = "padding:2px 12px 2px 0;text-align:left;vertical-align:top"


@dataclass(frozen=True, slots=True)
class LetterStyle:
    """What messages have in common. `page_url`: where the page is reached; empty: messages have no link."""

    language: Language = Language.EN
    node: str = ""
    page_url: str = ""


@dataclass(frozen=True, slots=True)
class LastPicture:
    """A JPEG of a camera; `taken_at` is Unix time (s), `id` is what HTML calls it by."""

    id: str
    camera: str
    jpeg: bytes
    taken_at: float


@dataclass(frozen=True, slots=True)
class AlertText:
    """A message in three forms."""

    subject: str
    text: str
    html: str


def alert_text(alert: Alert, style: LetterStyle, pictures: Sequence[LastPicture] = ()) -> AlertText:
    """What is told; the subject says what happened, where and why."""
    subject, language = headline(alert, style.language), style.language
    lines = list(_lines(alert, language))
    rows = [_row(affected, language) for affected in alert.cameras]
    heads = [word(language, key) for key in ("camera", "site", "host", "began", "cause")]
    more = word(language, "more", count=alert.total - len(rows)) if alert.total > len(rows) and rows else ""
    link, foot = page_link(alert, style.page_url), word(language, "sent_by", node=style.node or "?")
    shown = [(each, f"{each.camera}: {word(language, 'picture', moment=moment(each.taken_at))}") for each in pictures]
    listed = [" · ".join(filter(None, row)) for row in rows]
    text = "\n".join([subject, "", *lines, "", *listed, more, "", link, "", "-- ", foot])
    html = "".join(
        [
            '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body style="font-family:sans-serif">',
            f"<h2>{escape(subject)}</h2>",
            *(f"<p>{escape(line)}</p>" for line in lines),
            _table(heads, rows) if rows else "",
            f"<p>{escape(more)}</p>" if more else "",
            *(f'<p>{escape(told)}<br><img src="cid:{each.id}" alt="" width="640"></p>' for each, told in shown),
            f'<p><a href="{escape(link)}">{escape(word(language, "open"))}</a></p>' if link else "",
            f'<p style="color:#666">{escape(foot)}</p></body></html>',
        ]
    )
    return AlertText(subject, _without_gaps(text), html)


def headline(alert: Alert, language: Language) -> str:
    """One line."""
    if alert.kind is AlertKind.TEST:
        return word(language, "test")
    what = _what(alert, language)
    if alert.telling is Telling.NEWS:
        return what
    return word(language, str(alert.telling), duration=duration(language, alert.at - alert.since), what=what)


def page_link(alert: Alert, page_url: str) -> str:
    """Where the page shows what is meant; empty without a page."""
    if not page_url:
        return ""
    view: dict[str, str] = {}
    if alert.incident:
        view = {"tab": "incidents", "incident": alert.incident}
    elif alert.scope is Scope.HOST and alert.host:
        view = {"host": alert.host}
    elif len(alert.cameras) == 1:
        view = {"camera": alert.cameras[0].subject.id}
    elif alert.cameras:
        view = {"health": "down"}
    return page_url + (f"#{urlencode(view)}" if view else "")


def moment(seconds: float) -> str:
    """Local time, with its zone."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def _what(alert: Alert, language: Language) -> str:
    way = "up" if alert.kind in (AlertKind.RECOVERED, AlertKind.COMPONENT_UP) else "down"
    if alert.scope is Scope.COMPONENT:
        told = word(language, f"component.{way}", name=alert.component)
        return f"{told}: {alert.detail}" if way == "down" and alert.detail else told
    if alert.total == 1 and alert.cameras:
        subject = alert.cameras[0].subject
        told = word(language, f"{way}.one", name=subject.name or subject.id) + _where(alert)
        return f"{told}: {_cause(subject, language)}" if way == "down" else told
    bond = alert.bond
    if bond is not None and bond.scope in _PLACES:
        where = "" if bond.scope is IncidentScope.SITE else _where(alert)
        return word(language, f"{way}.{bond.scope}", count=alert.total, host=bond.place) + where
    key = f"{way}.host" if alert.scope is Scope.HOST and alert.host else f"{way}.many"
    return word(language, key, count=alert.total, host=alert.host) + _where(alert)


def _where(alert: Alert) -> str:
    sites = {affected.subject.site for affected in alert.everyone or alert.cameras}
    return f" ({sites.pop()})" if len(sites) == 1 and sites != {""} else ""


def _lines(alert: Alert, language: Language) -> list[str]:
    if alert.kind is AlertKind.TEST:
        return [word(language, "test.text")]
    if alert.kind in (AlertKind.RECOVERED, AlertKind.COMPONENT_UP):
        span = {"from": moment(alert.since), "to": moment(alert.at)}
        lines = [word(language, "lasted", duration=duration(language, alert.at - alert.since), **span)]
    else:
        lines = [word(language, "since", moment=moment(alert.since))]
    if alert.scope is Scope.COMPONENT and alert.total:
        lines.append(word(language, "affected", count=alert.total))
    if alert.left:
        lines.append(word(language, "left", count=alert.left))
    return lines


def _row(affected: Affected, language: Language) -> list[str]:
    subject = affected.subject
    name = f"{subject.name} [{subject.id}]" if subject.name else f"[{subject.id}]"
    return [name, subject.site, subject.host, moment(affected.since), _cause(subject, language)]


def _cause(subject: AlertSubject, language: Language) -> str:
    told = subject.text or subject.code
    return told if language is Language.EN else of_page(language, f"cause.{subject.code}") or told


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th style="{_CELL}">{escape(each)}</th>' for each in heads)
    # Names of any direction of writing stay in their own cell.
    body = "".join(
        f"<tr>{''.join(f'<td style={chr(34)}{_CELL}{chr(34)}><bdi>{escape(each)}</bdi></td>' for each in row)}</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _without_gaps(text: str) -> str:
    """No two empty lines follow each other."""
    lines: list[str] = []
    for line in text.split("\n"):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines) + "\n"
