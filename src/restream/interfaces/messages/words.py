"""The words of messages to people, in the languages of the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files


class Language(StrEnum):
    """What messages are written in."""

    EN = "en"
    DE = "de"
    RU = "ru"


WORDS: Mapping[str, tuple[str, str, str]] = {
    "down.one": ("{name} is down", "{name} ist ausgefallen", "{name}: нет связи"),
    "down.host": (
        "{count} cameras at {host} are down",
        "{count} Kameras an {host} sind ausgefallen",
        "Камеры за {host} недоступны: {count}",
    ),
    "down.site": (
        "{count} cameras of site {host} are down",
        "{count} Kameras am Standort {host} sind ausgefallen",
        "Площадка {host}: камеры недоступны: {count}",
    ),
    "down.parent": (
        "{count} cameras behind {host} are down",
        "{count} Kameras hinter {host} sind ausgefallen",
        "Камеры за {host} недоступны: {count}",
    ),
    "down.server": (
        "{count} cameras on media server {host} are down",
        "{count} Kameras auf dem Medienserver {host} sind ausgefallen",
        "Медиасервер {host}: камеры недоступны: {count}",
    ),
    "down.node": (
        "{count} cameras of node {host} are down",
        "{count} Kameras des Knotens {host} sind ausgefallen",
        "Узел {host}: камеры недоступны: {count}",
    ),
    "down.many": ("{count} cameras are down", "{count} Kameras sind ausgefallen", "Камеры недоступны: {count}"),
    "up.one": ("{name} is back", "{name} ist wieder da", "{name}: связь восстановлена"),
    "up.host": (
        "{count} cameras at {host} are back",
        "{count} Kameras an {host} sind wieder da",
        "Камеры за {host} восстановлены: {count}",
    ),
    "up.site": (
        "{count} cameras of site {host} are back",
        "{count} Kameras am Standort {host} sind wieder da",
        "Площадка {host}: камеры восстановлены: {count}",
    ),
    "up.parent": (
        "{count} cameras behind {host} are back",
        "{count} Kameras hinter {host} sind wieder da",
        "Камеры за {host} восстановлены: {count}",
    ),
    "up.server": (
        "{count} cameras on media server {host} are back",
        "{count} Kameras auf dem Medienserver {host} sind wieder da",
        "Медиасервер {host}: камеры восстановлены: {count}",
    ),
    "up.node": (
        "{count} cameras of node {host} are back",
        "{count} Kameras des Knotens {host} sind wieder da",
        "Узел {host}: камеры восстановлены: {count}",
    ),
    "up.many": ("{count} cameras are back", "{count} Kameras sind wieder da", "Камеры восстановлены: {count}"),
    "component.down": ("{name} is down", "{name} ist ausgefallen", "{name}: не работает"),
    "component.up": ("{name} works again", "{name} arbeitet wieder", "{name}: снова работает"),
    "reminder": (
        "Reminder after {duration}: {what}",
        "Erinnerung nach {duration}: {what}",
        "Напоминание через {duration}: {what}",
    ),
    "escalation": (
        "Escalation after {duration}: {what}",
        "Eskalation nach {duration}: {what}",
        "Эскалация через {duration}: {what}",
    ),
    "test": ("Test message", "Testnachricht", "Проверочное сообщение"),
    "test.text": (
        "This is a test. Alerts arrive here.",
        "Dies ist ein Test. Meldungen kommen hier an.",
        "Это проверка. Оповещения будут приходить сюда.",
    ),
    "since": ("Since {moment}", "Seit {moment}", "С {moment}"),
    "lasted": ("{from} to {to}, {duration}", "{from} bis {to}, {duration}", "{from} – {to}, {duration}"),
    "affected": ("Cameras affected: {count}", "Betroffene Kameras: {count}", "Затронуто камер: {count}"),
    "left": (
        "Still down of the same outage: {count}",
        "Von demselben Ausfall noch betroffen: {count}",
        "Из того же сбоя ещё недоступно: {count}",
    ),
    "more": ("and {count} more", "und {count} weitere", "и ещё {count}"),
    "camera": ("Camera", "Kamera", "Камера"),
    "site": ("Site", "Standort", "Площадка"),
    "host": ("Host", "Host", "Адрес"),
    "began": ("Since", "Seit", "С"),
    "cause": ("Cause", "Ursache", "Причина"),
    "picture": ("Last picture, {moment}", "Letztes Bild, {moment}", "Последний кадр, {moment}"),
    "open": ("Open the page", "Seite öffnen", "Открыть страницу"),
    "sent_by": ("Sent by restream on {node}", "Gesendet von restream auf {node}", "Отправлено restream на {node}"),
    "minutes": ("{minutes} min", "{minutes} min", "{minutes} мин"),
    "hours": ("{hours} h {minutes} min", "{hours} h {minutes} min", "{hours} ч {minutes} мин"),
    "days": ("{days} d {hours} h", "{days} d {hours} h", "{days} д {hours} ч"),
}
_INDEX = {language: index for index, language in enumerate(Language)}


def word(language: Language, key: str, **values: object) -> str:
    """A text with its values; what stands in values is not looked into."""
    return WORDS[key][_INDEX[language]].format(**values)


def duration(language: Language, seconds: float) -> str:
    """In the two greatest units."""
    minutes = max(0, round(seconds / 60))
    hours, days = minutes // 60, minutes // 1440
    if days:
        return word(language, "days", days=days, hours=hours % 24)
    if hours:
        return word(language, "hours", hours=hours, minutes=minutes % 60)
    return word(language, "minutes", minutes=minutes)


def of_page(language: Language, key: str) -> str | None:
    """A text of the page; None where it has none, or where it needs values."""
    found = _page().get(key, {}).get(language)
    return None if found is None or "{" in found else found


@lru_cache(maxsize=1)
def _page() -> Mapping[str, Mapping[str, str]]:
    found: Mapping[str, Mapping[str, str]] = json.loads(
        (files("restream.interfaces") / "static" / "texts.json").read_text(encoding="utf-8")
    )
    return found
