"""What messages to people say, in each language."""

from __future__ import annotations

import string
import time
from dataclasses import replace

import pytest

from restream.config.settings import Settings
from restream.domain.ffmpeg.invocation import Invocation
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.judgement.verdict import NOT_JUDGED
from restream.domain.life.lifecycle import Phase, State
from restream.domain.news.alert import Affected, Alert, AlertKind, AlertSubject, Scope, Telling
from restream.domain.news.incident import Bond, IncidentScope
from restream.interfaces.messages.alert_letter import LastPicture, LetterStyle, alert_text, headline, page_link
from restream.interfaces.messages.words import WORDS, Language, duration
from restream.service.alert_letters import AlertPictures, LetterWriter
from restream.service.from_settings import still_of
from restream.supervisor.picture.still_queue import StillQueue
from tests.unit.fakes import camera

GATE = AlertSubject("7", "Gate", "North", "192.0.2.7", "down", "camera", "refused", "connection refused")
BEGAN = 1767607200.0
PAGE = "https://cameras.example/"


def of(count: int, kind: AlertKind = AlertKind.DOWN, scope: Scope = Scope.HOST) -> Alert:
    cameras = tuple(Affected(replace(GATE, id=str(number)), BEGAN) for number in range(count))
    return Alert(kind, BEGAN + 720, scope, count, cameras[:20], "192.0.2.7", since=BEGAN, everyone=cameras)


COMPONENT = Alert(
    AlertKind.COMPONENT_DOWN, BEGAN + 30, Scope.COMPONENT, 12, component="mediamtx", detail="refused", since=BEGAN
)


@pytest.mark.parametrize(
    ("alert", "english", "german"),
    [
        (
            of(1, scope=Scope.CAMERA),
            "Gate is down (North): connection refused",
            "Gate ist ausgefallen (North): Verbindung abgelehnt",
        ),
        (of(40), "40 cameras at 192.0.2.7 are down (North)", "40 Kameras an 192.0.2.7 sind ausgefallen (North)"),
        (
            of(40, AlertKind.RECOVERED, Scope.FLEET),
            "40 cameras are back (North)",
            "40 Kameras sind wieder da (North)",
        ),
        (COMPONENT, "mediamtx is down: refused", "mediamtx ist ausgefallen: refused"),
        (replace(COMPONENT, kind=AlertKind.COMPONENT_UP), "mediamtx works again", "mediamtx arbeitet wieder"),
        (
            replace(of(2), telling=Telling.ESCALATION),
            "Escalation after 12 min: 2 cameras at 192.0.2.7 are down (North)",
            "Eskalation nach 12 min: 2 Kameras an 192.0.2.7 sind ausgefallen (North)",
        ),
        (Alert(AlertKind.TEST, BEGAN, Scope.CAMERA, 0), "Test message", "Testnachricht"),
    ],
)
def test_the_subject_says_what_where_and_why(alert: Alert, english: str, german: str) -> None:
    assert headline(alert, Language.EN) == english
    assert headline(alert, Language.DE) == german
    assert headline(alert, Language.RU)


@pytest.mark.parametrize("language", Language)
def test_a_message_lists_some_cameras_and_says_how_many_more(language: Language) -> None:
    style = LetterStyle(language, "site-a", PAGE)
    told = alert_text(replace(of(40), left=3), style)
    for text in (told.text, told.html):
        assert text.count("192.0.2.7") >= 20 and "20" in text and "site-a" in text
        assert "https://cameras.example/#host=192.0.2.7" in text
    assert "\n\n\n" not in told.text


def test_what_cameras_are_called_stays_text() -> None:
    name = '<img src=x onerror="1">&{count}\u202e'
    cameras = (Affected(replace(GATE, name=name, site="{site}", text="%s"), BEGAN),)
    alert = replace(of(1), cameras=cameras, everyone=cameras)
    picture = LastPicture("picture0", name, b"", BEGAN)
    html = alert_text(alert, LetterStyle(page_url='https://c.example/?a="b'), [picture]).html
    assert "<img src=x" not in html and html.count("<img ") == 1 and '"b' not in html
    assert "<bdi>&lt;img" in html and "{count}" in html


@pytest.mark.parametrize(
    ("alert", "expected"),
    [
        (of(1, scope=Scope.CAMERA), "#camera=0"),
        (of(2), "#host=192.0.2.7"),
        (of(9, scope=Scope.FLEET), "#health=down"),
        (COMPONENT, ""),
    ],
)
def test_where_the_page_shows_it(alert: Alert, expected: str) -> None:
    assert page_link(alert, PAGE) == PAGE + expected
    known = replace(alert, incident="4f1d")
    assert page_link(alert, "") == page_link(known, "") == ""
    assert page_link(known, PAGE) == f"{PAGE}#tab=incidents&incident=4f1d"


async def test_a_letter_leads_to_the_incident_that_it_is_about() -> None:
    writer, known = LetterWriter(LetterStyle(page_url=PAGE)), replace(of(2), incident="4f1d")
    assert "#tab=incidents&incident=4f1d" in (await writer.write(known, "1")).text
    assert "#tab=incidents&incident=4f1d" in writer.short(known)[1]
    assert "#host=192.0.2.7" in (await writer.write(of(3), "1")).text


@pytest.mark.parametrize(
    ("scope", "place", "expected"),
    [
        (IncidentScope.SITE, "North", "40 cameras of site North are down"),
        (IncidentScope.HOST, "192.0.2.7", "40 cameras at 192.0.2.7 are down (North)"),
        (IncidentScope.SERVER, "west", "40 cameras on media server west are down (North)"),
        (IncidentScope.NODE, "b", "40 cameras of node b are down (North)"),
        (IncidentScope.FLEET, "", "40 cameras are down (North)"),
    ],
)
def test_an_incident_is_told_by_what_its_cameras_share(scope: IncidentScope, place: str, expected: str) -> None:
    alert = replace(of(40, scope=Scope.FLEET), incident="4f1d", bond=Bond(scope, place), host="")
    assert headline(alert, Language.EN) == expected
    assert headline(replace(alert, kind=AlertKind.RECOVERED), Language.DE)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-5, "0 min"), (59, "1 min"), (3600, "1 h 0 min"), (90000, "1 d 1 h")]
)
def test_durations(seconds: float, expected: str) -> None:
    assert duration(Language.EN, seconds) == expected


def test_a_text_says_the_same_things_in_each_language() -> None:
    def values(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}

    assert {key: texts for key, texts in WORDS.items() if len(set(map(frozenset, map(values, texts)))) > 1} == {}


async def test_the_picture_is_the_newest_that_there_is() -> None:
    class Camera:
        async def take(self, invocation: Invocation) -> bytes:
            return b"shown"

    sampled: dict[str, tuple[float, bytes]] = {}

    async def newest(camera_id: str) -> tuple[float, bytes] | None:
        return sampled.get(camera_id)

    status = CameraStatus(camera("0"), State(Phase.BACKOFF, 0.0), None, None)
    latest = Snapshot(1, 0.0, 0.0, {"0": Report(status, NOT_JUDGED, 0.0)})
    stills = StillQueue(Camera())
    pictures = AlertPictures(stills, lambda: latest, newest).by(Settings()).pictures
    one = of(1, scope=Scope.CAMERA)
    assert await pictures(one) == []
    sampled["0"] = 5.0, b"sampled"
    assert [(each.jpeg, each.taken_at) for each in await pictures(one)] == [(b"sampled", 5.0)]
    await stills.take(*still_of(Settings(), status.camera))
    assert [each.jpeg for each in await pictures(one)] == [b"shown"]
    sampled["0"] = time.time() + 60, b"sampled"
    assert [each.jpeg for each in await pictures(one)] == [b"sampled"]
