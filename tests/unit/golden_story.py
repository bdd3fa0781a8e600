"""All that the service says of the golden fleet, by the name of the golden file.

Nothing in it looks at a clock, draws a number or asks the host: the same code says the same, byte by byte.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from rich.console import Console

from restream.adapters.stores.webhook import alert_document
from restream.domain.engine import ProbeFailure
from restream.domain.engine_choice import EngineChoice
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase
from restream.domain.news.alert import Alert, AlertRules
from restream.domain.news.component import ComponentState
from restream.domain.news.event import ComponentChange, Event, ServerRestart, Transition
from restream.domain.server.identity import DEFAULT_SERVER
from restream.interfaces.console.camera_table import print_cameras
from restream.interfaces.console.explanation import ShownCommand, ShownEngines, print_explanation
from restream.interfaces.console.findings import CheckState, Finding, findings_json, print_findings
from restream.interfaces.console.frame import Facts, frame
from restream.interfaces.documents.camera_details import CameraDetailsDocument, details
from restream.interfaces.documents.cameras import with_processes
from restream.interfaces.documents.engines import engine_document
from restream.interfaces.documents.events import event
from restream.interfaces.documents.packets import sent, with_packets
from restream.interfaces.documents.players import PublicBases
from restream.interfaces.documents.rendering import Renderer
from restream.interfaces.documents.status import ServiceFacts
from restream.interfaces.documents.visionaire import VisionaireDocument, visionaire
from restream.interfaces.http.api import Api, ApiContext
from restream.interfaces.http.exporter import Exporter
from restream.interfaces.http.live import Live
from restream.interfaces.series import line_protocol
from restream.ports.outlets import Documents, Records
from restream.supervisor.components import Components
from restream.supervisor.outlets.alert_watch import AlertWatch
from restream.supervisor.picture.history import History

from .fakes import settle
from .golden_fleet import FIRST, LAST, Fleet, wall
from .golden_fleet import pictures as fleet_pictures

NODE = "edge-1"
VERSION = "1.2.3"
WIDTH = 120
CHOICES = (
    EngineChoice("ffmpeg", chosen=True),
    EngineChoice("relay", chosen=False, changes=("published by RTSP",)),
    EngineChoice("pull", chosen=False, obstacle="options.output is for ffmpeg"),
)
ENGINES = tuple(map(engine_document, CHOICES))


def happenings() -> tuple[Event, ...]:
    """An event of every kind, that the judging itself does not make."""
    at = wall(LAST)
    detail = "[rtsp] method DESCRIBE failed: 401 Unauthorized"
    return (
        Transition(at, "1", "Gate", Phase.PROBING, Phase.STARTING, None, "", None),
        *(
            Transition(at + number, "6", "Slow", Phase.RUNNING, Phase.BACKOFF, cause, "text", 5.04)
            for number, cause in enumerate((each for each in Cause if each is not Cause.ENGINE_UNABLE), 1)
        ),
        Transition(at + 30, "5", "Wrong password", Phase.PROBING, Phase.HELD, Cause.AUTH_FAILED, detail, 900.0),
        ComponentChange(at + 31, "redis", ComponentState.UP, ComponentState.DOWN, "Connection refused"),
        ServerRestart(at + 32, "started 2025-12-29T09:30:00Z"),
    )


class _Receiver:
    name = "receiver"

    def __init__(self) -> None:
        self.taken: list[Alert] = []

    async def send(self, alert: Alert, delivery: str) -> None:
        self.taken.append(alert)

    async def close(self) -> None:
        pass


@dataclass(slots=True)
class Story:
    """What was said, by the name of the golden file; and what the stores were given."""

    said: dict[str, Any]
    documents: tuple[Documents, Documents]
    records: tuple[Records, Records]
    removed: tuple[str, ...]


async def story() -> Story:
    """Both cycles, from the snapshots to everybody who is told."""
    fleet = Fleet()
    said: dict[str, Any] = {}
    first = fleet.first
    history = History(partial(event, node=NODE))
    renderer = Renderer(ServiceFacts(NODE, VERSION, "0badcafe", FIRST - 20, 2.0))
    pictures = fleet_pictures()
    live = Live(lambda: renderer.latest, lambda after, limit: history.after(after, limit=limit))
    counts = {"events": {"camera": 3}, "alerts": {"sent": 2, "failed": 1, "dropped": 0}, "lines": {"written": 10}}
    exporter = Exporter(
        lambda: renderer.latest.snapshot, lambda: pictures, lambda: counts, lambda: 1, node=NODE, version=VERSION
    )
    exporter.took(0.0125)
    bases = {DEFAULT_SERVER: PublicBases.beside("rtsp://media.example:8554")}

    def known(camera_id: str) -> CameraDetailsDocument | None:
        habits, choices = fleet.assessor.habits(camera_id), CHOICES if camera_id == "1" else ()
        return details(renderer.latest.snapshot, camera_id, bases, habits=habits, choices=choices)

    def others() -> VisionaireDocument:
        return visionaire(pictures, now=LAST, taken_at=wall(LAST), interval_s=10.0)

    context = ApiContext(
        rendering=lambda: renderer.latest,
        status=lambda: renderer.latest.status,
        started=lambda: True,
        silent_s=lambda: None,
        details=known,
        events=history.after,
        act=lambda *_: "",
        visionaire=others,
    )
    application = web.Application()
    application.add_routes([*Api(context).routes(), *live.routes()])
    for each in (*happenings(), *fleet.changes):
        history.happened(each)
    await renderer.render(first)
    live.publish(renderer.latest)
    async with TestClient(TestServer(application)) as client:
        socket = await client.ws_connect("/ws?topics=cameras,status,events,host,streams")
        said["ws_snapshot.json"] = await socket.receive_json()
        documents = [renderer.latest.documents()]
        for name in ("status", "cameras", "streams", "streams/latest", "host", "visionaire", "events"):
            said[f"{name.replace('/', '_')}.json"] = await _json(client, f"/api/{name}")
        said["details.json"] = {key: await _json(client, f"/api/cameras/{key}") for key in first.reports}
        said["metrics.txt"] = await _metrics(exporter)
        said["lines.txt"] = "".join(f"{each}\n" for each in _lines(renderer))
        said["cameras.txt"] = _printed(lambda console: print_cameras(console, list(renderer.latest.cameras.values())))
        shown = frame(renderer.latest, ["a line of the log"], Facts("http://127.0.0.1:8000/"), WIDTH, 40).lines
        said["frame.txt"] = "".join(f"{each.text}\n" for each in shown)
        records = [Records(history.after(0), _timelines(first), first.taken_at)]
        last_id = history.after(0)[-1].id
        second = fleet.advance()
        for change in fleet.changes:
            if change.at == second.taken_at:
                history.happened(change)
        await renderer.render(second)
        live.publish(renderer.latest)
        documents.append(renderer.latest.documents())
        records.append(Records(history.after(last_id), _timelines(second), second.taken_at))
        said["ws_delta.json"] = await socket.receive_json()
        said["second_cameras.json"] = await _json(client, "/api/cameras")
        said["second_status.json"] = await _json(client, "/api/status")
        await socket.close()
    said["documents.json"] = [_decoded(each) for each in documents]
    said["alerts.json"] = await _alerts(first, second)
    said["explain.txt"] = _explained(first)
    said["check.json"] = orjson.loads(findings_json(_findings()))
    said["check.txt"] = _printed(lambda console: print_findings(console, _findings()))
    removed = tuple(first.reports.keys() - second.reports.keys())
    return Story(said, (documents[0], documents[1]), (records[0], records[1]), removed)


async def _json(client: TestClient[Any, Any], path: str) -> Any:
    async with client.get(path) as response:
        assert response.status == 200, (path, await response.text())
        return orjson.loads(await response.read())


async def _metrics(exporter: Exporter) -> str:
    lines = (await exporter.render()).decode().splitlines(keepends=True)
    # How many tasks there are is the test's own affair.
    return "".join("restream_tasks 1\n" if line.startswith("restream_tasks ") else line for line in lines)


def _lines(renderer: Renderer) -> Iterator[str]:
    latest = renderer.latest
    at_s = latest.snapshot.taken_at
    yield from line_protocol.cameras(with_processes(latest.snapshot, latest.cameras), at_s)
    yield from line_protocol.tracks(with_packets(latest.snapshot, latest.cameras), at_s)
    yield from line_protocol.fleet(latest.status, at_s)
    assert latest.host is not None
    yield from line_protocol.host(latest.host, NODE, at_s)


def _timelines(snapshot: Snapshot) -> dict[str, Any]:
    return {key: report.timeline for key, report in snapshot.reports.items() if report.timeline.spans}


def _decoded(documents: Documents) -> dict[str, Any]:
    assert documents.snapshot is not None and documents.host is not None
    return {
        "streams": orjson.loads(documents.streams),
        "snapshot": orjson.loads(documents.snapshot),
        "cameras": {key: orjson.loads(body) for key, body in documents.cameras.items()},
        "host": orjson.loads(documents.host),
    }


async def _alerts(first: Snapshot, second: Snapshot) -> list[dict[str, Any]]:
    """Webhook documents of all scopes: single cameras and components, their recovery, and the whole fleet at once."""
    found: list[Alert] = []
    for fleet_count in (1000, 1):
        receiver = _Receiver()
        rules = AlertRules(down_after_s=0.0, up_after_s=0.0, collect_s=0.0, fleet_count=fleet_count)
        watch = AlertWatch([receiver], Components(), rules)
        running = asyncio.create_task(watch.run())
        reports = dict(second.reports)
        reports["6"] = reports["6"]._replace(verdict=reports["1"].verdict)
        told = Renderer(ServiceFacts(NODE, VERSION, "0badcafe", FIRST - 20, 2.0))
        for snapshot in (first, replace(second, reports=reports)):
            watch.publish(await told.render(snapshot))
        for _ in range(20):
            await settle()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        found += receiver.taken
    return [alert_document(alert, f"delivery-{number}", NODE) for number, alert in enumerate(found)]


def _explained(snapshot: Snapshot) -> str:
    refused = ProbeFailure(Cause.AUTH_FAILED, "[rtsp] method DESCRIBE failed: 401 Unauthorized")

    def explain(console: Console) -> None:
        for report in snapshot.reports.values():
            subject = report.subject
            if isinstance(subject, CameraStatus):
                media = subject.state.media or (refused if subject.state.cause is Cause.AUTH_FAILED else None)
                command = ShownCommand.of(subject.plan) if subject.plan else None
                engines = ENGINES if subject.plan else ()
                shown = ShownEngines("auto" if command else "ffmpeg", "cameras.engine", engines)
                print_explanation(console, subject.camera, media, command, shown, sent(report))
                console.print()

    return _printed(explain)


def _findings() -> list[Finding]:
    return [
        Finding("python", CheckState.OK, "3.11.2"),
        Finding("redis", CheckState.WARN, "no answer from 127.0.0.1:6379", "start Redis, or empty redis.url"),
        Finding("ffmpeg", CheckState.FAIL, "is not on PATH", "install ffmpeg 5.1 or newer, " * 6 + "or set its path"),
    ]


def _printed(show: Callable[[Console], None]) -> str:
    text = io.StringIO()
    show(Console(file=text, width=WIDTH, color_system=None, force_terminal=False))
    return text.getvalue()
