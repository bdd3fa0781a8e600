"""The description of the HTTP interface: complete, valid, made of the tables that the service goes by."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from restream.config.places import ROOT
from restream.config.settings import Settings
from restream.domain.camera.camera import Camera, RejectedRow
from restream.domain.camera.secret import Secret
from restream.domain.engine import Advance, Media, ProbeFailure, VideoStream
from restream.domain.ffmpeg.plan import FfmpegSettings, build_plan
from restream.domain.host_sample import HostSample, NetworkSample, ProcessSample, SpaceSample, TemperatureSample
from restream.domain.judgement.quality import Quality
from restream.domain.judgement.reason import Reason
from restream.domain.judgement.series import Habits
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.judgement.verdict import Health, Verdict
from restream.domain.life.cause import Cause, Side
from restream.domain.life.lifecycle import Phase, State
from restream.domain.look import Look, LookStep
from restream.domain.news.component import Component, ComponentState
from restream.domain.news.event import ActionAsked, ComponentChange, Event, HealthChange, ServerRestart, Transition
from restream.domain.news.incident import Deed
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.mediamtx import PathObservation, ServerView, SessionObservation, SrtObservation
from restream.domain.server.target import Target
from restream.interfaces.documents.answers import Action
from restream.interfaces.documents.camera_details import details
from restream.interfaces.documents.cameras import PHASES, summary
from restream.interfaces.documents.events import EventKind, event
from restream.interfaces.documents.players import PublicBases
from restream.interfaces.documents.rendering import Renderer
from restream.interfaces.documents.status import ServiceFacts
from restream.interfaces.documents.streams import latest_streams, streams
from restream.interfaces.documents.values import encode
from restream.interfaces.http.auth import Access
from restream.interfaces.http.exporter import Exporter
from restream.interfaces.http.live import TOPICS, Live
from restream.interfaces.http.openapi.document import document
from restream.interfaces.http.openapi.schema import named
from restream.interfaces.http.query import SORTS
from restream.reference.samples import sample
from restream.service.http_application import Web
from restream.supervisor.outlets.audit_keeper import AuditKeeper
from restream.supervisor.picture.history import History
from tests.browser import fleet
from tests.support.openapi import DOCUMENT, MESSAGE, conforms, misfits
from tests.unit.fakes import WITH_AUDIO, camera

METHODS = {"GET", "POST"}
SCHEMAS: Mapping[str, Any] = DOCUMENT["components"]["schemas"]


def application_routes() -> set[tuple[str, str]]:
    parts: dict[str, Any] = {field.name: None for field in fields(Web)}
    parts |= {"settings": Settings, "history": History(event)}
    live = Live(lambda: None, lambda after, limit: [])  # type: ignore[arg-type, return-value]
    exporter = Exporter(lambda: None, dict, dict, int, node="", version="")  # type: ignore[arg-type, return-value]
    parts["outlets"] = SimpleNamespace(live=live, exporter=exporter, audit=AuditKeeper())
    routes = Web(**parts).application().router.routes()
    return {(route.method, route.resource.canonical) for route in routes if route.resource}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def parameter(path: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        each["schema"] for each in DOCUMENT["paths"][path]["get"]["parameters"] if each["name"] == name
    )
    return found


# -- the document ------------------------------------------------------------------------------------------------------


def test_the_document_is_openapi() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_route_is_described_and_nothing_else() -> None:
    routes = {(method, path) for method, path in application_routes() if method != "HEAD"}
    assert {(method, path) for method, path, _ in operations()} == routes
    # Every GET answers HEAD.
    assert {("HEAD", path) for method, path in routes if method == "GET"} <= application_routes()


def test_names_of_operations_and_schemas_are_used_once_and_lead_somewhere() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))
    text = json.dumps(DOCUMENT)
    unused = {name for name in SCHEMAS if f'"#/components/schemas/{name}"' not in text}
    assert unused == {"Snapshot", "Delta"}, "the messages of /ws are referred to in words"


def test_values_are_those_of_the_domain() -> None:
    properties = SCHEMAS["Camera"]["properties"]
    verdict = SCHEMAS["Verdict"]["properties"]
    assert verdict["health"]["enum"] == list(Health)
    assert verdict["fault"]["enum"] == list(Side)
    assert properties["phase"]["enum"] == [*Phase, "disabled"]
    assert SCHEMAS["Component"]["properties"]["state"]["enum"] == list(ComponentState)
    for name, known in (("health", Health), ("phase", PHASES), ("fault", Side)):
        assert parameter("/api/cameras", name)["items"]["enum"] == list(known)
        assert list(SCHEMAS["Status"]["properties"][name]["properties"]) == list(known)
    assert parameter("/api/cameras", "sort")["enum"] == list(SORTS)
    assert parameter("/api/events", "kind")["enum"] == list(EventKind)
    assert parameter("/ws", "topics")["items"]["enum"] == list(TOPICS)
    assert {f"/api/cameras/{{id}}/{action}" for action in Action} <= set(DOCUMENT["paths"])
    assert {f"/api/incidents/{{id}}/{deed}" for deed in Deed} <= set(DOCUMENT["paths"])


def test_objects_are_closed() -> None:
    def objects(schema: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(schema, dict):
            if "properties" in schema and isinstance(schema.get("additionalProperties", True), bool):
                yield place, schema
            for key, value in schema.items():
                yield from objects(value, f"{place}.{key}")

    found = [place for name, schema in SCHEMAS.items() for place, each in objects(schema, name) if "type" in each]
    assert len(found) > 20
    open_ = [
        place
        for name, schema in SCHEMAS.items()
        for place, each in objects(schema, name)
        if "type" in each and each.get("additionalProperties") is not False
    ]
    assert open_ == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_examples_fit(name: str) -> None:
    conforms(sample(named(name), DOCUMENT), name)


@pytest.mark.parametrize(
    ("access", "guarded"),
    [
        (Access(), set()),
        (Access(Secret("x"), "none"), {"write"}),
        (Access(Secret("x"), "token"), {"read", "write"}),
    ],
)
def test_a_token_is_asked_for_where_it_is_needed(access: Access, guarded: set[str]) -> None:
    paths = document(access, "1")["paths"]
    assert bool(paths["/api/cameras"]["get"]["security"]) == ("read" in guarded)
    assert bool(paths["/api/cameras/{id}/hold"]["post"]["security"]) == ("write" in guarded)
    assert ("401" in paths["/api/cameras"]["get"]["responses"]) == ("read" in guarded)
    assert paths["/livez"]["get"]["security"] == []


# -- what is rendered --------------------------------------------------------------------------------------------------

PATH = PathObservation("cam1", True, "srtConn", "s1", ("H264",), 1000, 2000, 1, 3, "2026-01-05T09:58:12Z")
SRT = SrtObservation("s1", "cam1", "10.0.0.1:1", 12.5, 2.0, 900.0, 120.0, 100, 3, 1, 0)
SESSION = SessionObservation("s1", "cam1", "10.0.0.1:1", "user", "a=b")
SERVER = ServerPicture().swept(
    ServerView(
        paths={"cam1": PATH, "foreign": PATH._replace(name="foreign", source_id=None, source_type=None)},
        srt={"s1": SRT},
        sessions={"s1": SESSION},
    ),
    5.0,
)
HOST = HostSample(
    taken_at=1000.0,
    disks=(SpaceSample(10, 5, 50.0, "/"),),
    network=(NetworkSample("eth0", 1.5, 2.5, 0, 0),),
    temperatures=(TemperatureSample("core", 50.0),),
    processes={4242: ProcessSample(4242, 1.0, 2.0, 3)},
)
ROW = camera(1, options={"publish": "srt", "stall_timeout_s": 20, "input": {"max_delay": "5"}})
assert isinstance(ROW, Camera)
PLAN = build_plan(ROW, WITH_AUDIO, Target(), FfmpegSettings())
NUMBERS = ("ratio_10s", "ratio_60s", "rtt_ms", "latency_ms", "packets_60s", "frames_60s", "bitrate_bps", "restarts_1h")
REASONS = (
    Reason("srt_loss", "text", tuple((name, 1) for name in NUMBERS)),
    Reason("server_conflict", "text", (("address", "10.0.0.9:1"), ("level", "bad"), ("last_cause", "stalled"))),
)
EVERYTHING = State(
    Phase.RUNNING,
    1.0,
    deadline=9.0,
    cause=Cause.REFUSED,
    last_cause=Cause.REFUSED,
    detail="text",
    media=WITH_AUDIO,
    advance=Advance(True, 1, 2, 3, 25.0, 1.0, 0, 0),
)


def plain(document: object) -> Any:
    """As clients get it."""
    return json.loads(encode(document))


def subjects() -> Iterator[Any]:
    for phase in Phase:
        yield CameraStatus(ROW, State(phase, 0.0), None, None)
        yield CameraStatus(ROW, EVERYTHING._replace(phase=phase), PLAN, 4242)
    yield replace(ROW, enabled=False)
    yield RejectedRow("1", "name", "link: is empty")


def snapshot_of(subject: Any) -> Snapshot:
    stream = SERVER.streams["cam1"] if isinstance(subject, CameraStatus) and subject.plan else None
    quality = Quality(bitrate_bps=1e6, loss_ratio=0.01) if stream else Quality()
    report = Report(subject, Verdict(Health.DOWN, Side.CAMERA, REASONS, "hint"), 3.0, stream, quality)
    parts = {"database": Component("database", ComponentState.UP, 1.0, "text")}
    return Snapshot(7, 1000.0, 10.0, {"1": report}, parts, {DEFAULT_SERVER: SERVER}, HOST)


@pytest.mark.parametrize("subject", list(subjects()), ids=lambda each: type(each).__name__)
def test_a_camera_in_every_state_is_as_described(subject: Any) -> None:
    snapshot = snapshot_of(subject)
    conforms(plain(summary(snapshot, snapshot.reports["1"])), "Camera")
    habits = Habits()
    habits.record(snapshot.reports["1"].stream, Quality(), 5.0)
    step = LookStep("describe", "DESCRIBE", "RTSP/1.0 200 OK", 0.01)
    media = Media(VideoStream("h264", 640, 360), login=("SHA-256", "MD5"))
    answered = Look(
        outcome=media, by="rtsp", at=1e9, took_s=0.02, steps=(step,), choice=("taken",), clock_offset_s=-2.0
    )
    refused = Look(outcome=ProbeFailure(Cause.BUSY, "453"), by="rtsp", at=1e9, took_s=0.02)
    for known, look in ((None, None), (habits, answered), (habits, refused)):
        bases = {DEFAULT_SERVER: PublicBases.beside("rtsp://127.0.0.1:8554")}
        whole = details(snapshot, "1", bases, habits=known, stderr_tail=("line",), look=look, probing=look is answered)
        assert whole is not None
        conforms(plain(whole), "CameraDetails")


def test_what_was_seen_last_is_shown_although_the_next_start_looks_anew() -> None:
    snapshot = snapshot_of(CameraStatus(ROW, EVERYTHING._replace(media=None), PLAN, None))
    bases = {DEFAULT_SERVER: PublicBases.beside("rtsp://127.0.0.1:8554")}
    unseen, seen = (
        details(snapshot, "1", bases, look=look)
        for look in (None, Look(outcome=WITH_AUDIO, by="rtsp", at=0.0, took_s=0.1))
    )
    assert unseen and unseen.media is None
    assert seen and seen.media and seen.media.video.codec == WITH_AUDIO.video.codec


async def test_everything_else_is_as_described() -> None:
    renderer = Renderer(ServiceFacts("node", "1", "i", 0.0, 2.0))
    conforms(plain(renderer.latest.status), "Status")
    rendering = await renderer.render(snapshot_of(CameraStatus(ROW, EVERYTHING, PLAN, 4242)))
    conforms(plain(rendering.status), "Status")
    conforms(plain(rendering.host), "Host")
    conforms(plain(streams(rendering.snapshot)), "Streams")
    for each in latest_streams({DEFAULT_SERVER: SERVER}):
        conforms(plain(each), "LatestStream")


HAPPENED: tuple[Event, ...] = (
    Transition(1.0, "1", "Gate", Phase.RUNNING, Phase.BACKOFF, Cause.STALLED, "text", 5.0),
    Transition(1.0, "1", "Gate", Phase.PROBING, Phase.STARTING, None, "", None),
    HealthChange(1.0, "1", "Gate", Health.HEALTHY, Verdict(Health.DOWN, Side.CAMERA, REASONS, "hint")),
    HealthChange(1.0, "1", "Gate", Health.DOWN, Verdict(Health.HEALTHY, Side.NONE)),
    ComponentChange(1.0, "redis", ComponentState.UP, ComponentState.DOWN, "text"),
    ServerRestart(1.0, "text"),
    ActionAsked(1.0, "1", "Gate", "restart", "anna"),
)


@pytest.mark.parametrize("happened", HAPPENED, ids=lambda each: type(each).__name__)
def test_an_event_of_every_kind_is_as_described(happened: Event) -> None:
    conforms(plain(event(1, happened)), "Event")


def test_an_undescribed_key_is_noticed() -> None:
    whole = sample(named("Camera"), DOCUMENT)
    assert misfits(whole | {"colour": "red"}, named("Camera"))
    assert misfits({key: value for key, value in whole.items() if key != "site"}, named("Camera"))
    assert misfits({"type": "gossip"}, MESSAGE)


def test_the_cameras_of_the_pages_tests_are_as_described() -> None:
    for each in fleet.fleet(200).values():
        conforms(each, "Camera")
    conforms(fleet.host(), "Host")


def test_the_guide_for_front_ends_names_every_key_of_a_camera() -> None:
    text = (ROOT / "docs" / "frontend.md").read_text(encoding="utf-8")
    section = text.partition("## What a camera looks like")[2].partition("\n## ")[0]
    told = {name for line in section.splitlines() if line.startswith("| `") for name in _names(line.split("|")[1])}
    verdict = {f"verdict.{name}" for name in SCHEMAS["Verdict"]["properties"]}
    assert told == set(SCHEMAS["Camera"]["properties"]) - {"verdict"} | verdict


def _names(cell: str) -> list[str]:
    return re.findall(r"`([\w.]+)`", cell)
