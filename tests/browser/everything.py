"""A service of which every view has something to show, in texts as long as a test wants them."""

from __future__ import annotations

import time
from dataclasses import replace

from restream.domain.life.cause import Cause
from restream.domain.maintenance.window import Calendar, MaintenanceWindow
from restream.domain.news.incident import Deed, Entry
from tests.browser import fleet
from tests.browser.backend import Backend
from tests.browser.test_report import a_report

HOSTS = range(100, 140)
EVENTS = (
    ("health", "healthy", "down"),
    ("camera", "running", "backoff"),
    ("component", "up", "down"),
    ("action", "running", "hold"),
)


def receiver(name: str, error: str = "", **keys: object) -> dict[str, object]:
    shown = {"name": name, "address": name, "routes": ["day"], "waiting": 0, "error": error, "last_sent": fleet.ago(60)}
    return shown | keys


def delivery(receiver: str, state: str, error: str = "") -> dict[str, object]:
    return {
        "id": f"{receiver}-{state}",
        "receiver": receiver,
        "route": "day",
        "kind": "down",
        "telling": "reminder",
        "scope": "host",
        "total": 40,
        "text": "down, 40 of scope host at 192.0.2.7",
        "at": fleet.ago(60),
        "state": state,
        "tries": 2,
        "error": error,
        "done": None,
    }


def fill(backend: Backend, text: str, language: str = "en") -> None:
    """A switch has failed, somebody has it in hand, work is planned, everybody is told; audit and nodes are shown."""
    backend.put(fleet.down(3, Cause.AUTH_FAILED, 60, name=text, site=text))
    backend.put(*(fleet.down(each, Cause.REFUSED, 0, site=text, host=f"10.9.0.{each}", name=text) for each in HOSTS))
    for incident in list(backend.incidents.open.values()):
        for number, deed in enumerate((Deed.ACKNOWLEDGE, Deed.NOTE, Deed.SNOOZE)):
            until = time.time() + 3600 if deed is Deed.SNOOZE else None
            entry = Entry(f"{incident.id}-{number}", time.time(), text, deed, text, until)
            backend.incidents.record(incident.id, entry)
    began = time.time() - 60
    window = MaintenanceWindow("w1", text, began, began + 7200, sites=frozenset((text,)), who=text, made=began)
    calendar = Calendar("0 2 * * 0", 7200.0, "Europe/Berlin")
    again = replace(window, id="w2", end=None, calendar=calendar, cameras=frozenset((text,)))
    backend.maintenance._windows |= {each.id: each for each in (window, again)}
    backend.alerts = {"receivers": [receiver(text, text)], "deliveries": [delivery(text, "failed", text)]}
    backend.report = a_report(30, language, site=text)
    backend.nodes = [fleet.node(text), fleet.node("south", state="lost", url=None, problem=text)]
    backend.streams = [{"name": text, "managed": False, "available": True, "source_type": text, "moved": fleet.ago(9)}]
    backend.components[text] = {"state": "down", "since": fleet.ago(9), "detail": text}
    backend.visionaire = [
        {
            "host": text,
            "url": f"http://10.1.1.1:4004/{text}",
            "fresh": False,
            "observed": fleet.ago(9),
            "age_s": 9.0,
            "response_time_s": 0.02,
            "errors_total": 3,
            "error": text,
            "streams": [
                {
                    "stream_id": "7",
                    "name": text,
                    "node_num": 1,
                    "state": "RUNNING",
                    "active": True,
                    "up": True,
                    "fps": 25.0,
                    "width": 1920,
                    "height": 1080,
                    "error": text,
                }
            ],
        }
    ]
    did = {"role": "operate", "address": "10.0.0.7", "target": text, "detail": text, "node": text, "at": fleet.ago(60)}
    backend.role = "configure"
    backend.audit = [did | {"id": 1, "who": text, "action": "cameras/hold", "result": "done"}]
    for kind, before, after in EVENTS:
        told = {"kind": kind, "before": before, "after": after, "cause": "auth_failed", "detail": text}
        backend.happened(camera="3", name=text, side="config", **told)
