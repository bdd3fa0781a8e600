"""Documents say what the domain says, under the same names."""

from __future__ import annotations

import ast
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.config.places import ROOT
from restream.domain.camera.options import CameraOptions
from restream.domain.engine import Advance, AudioStream, Plan, VideoStream
from restream.domain.host_sample import MemorySample, NetworkSample, ServiceSample, TemperatureSample
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.judgement.verdict import NOT_JUDGED
from restream.domain.life.lifecycle import Phase, State
from restream.domain.server.mediamtx import PathObservation, SessionObservation, SrtObservation
from restream.interfaces.documents.camera_details import AudioDocument, OptionsDocument, ProgressDocument, VideoDocument
from restream.interfaces.documents.cameras import ReasonDocument, renewed, summary
from restream.interfaces.documents.host_document import (
    MemoryDocument,
    NetworkDocument,
    ServiceDocument,
    TemperatureDocument,
)
from restream.interfaces.documents.streams import PublisherDocument, ServerPathDocument, SrtConnectionDocument
from restream.interfaces.documents.values import timestamp
from tests.unit.fakes import camera


@pytest.mark.parametrize(
    ("document", "known"),
    [
        (OptionsDocument, CameraOptions),
        (VideoDocument, VideoStream),
        (AudioDocument, AudioStream),
        (MemoryDocument, MemorySample),
        (NetworkDocument, NetworkSample),
        (TemperatureDocument, TemperatureSample),
        (ServiceDocument, ServiceSample),
        (ServerPathDocument, PathObservation),
        (SrtConnectionDocument, SrtObservation),
        (PublisherDocument, SessionObservation),
    ],
)
def test_what_is_shown_field_by_field_has_every_field(document: Any, known: Any) -> None:
    names = tuple(field.name for field in fields(known)) if is_dataclass(known) else known._fields
    assert document.__struct_fields__ == names


def test_progress_is_what_has_advanced() -> None:
    """`stream` is a document of its own."""
    assert ("moved", *ProgressDocument.__struct_fields__, "idle", "stream") == Advance._fields


def test_every_number_of_a_reason_has_its_key() -> None:
    room = ROOT / "src" / "restream" / "domain" / "judgement"
    trees = [ast.parse((room / name).read_text("utf-8")) for name in ("verdict.py", "flaws.py", "stream_flaws.py")]
    tuples = [each.elts for tree in trees for each in ast.walk(tree) if isinstance(each, ast.Tuple)]
    firsts = [values[0] for values in tuples if len(values) == 2]
    names = {first.value for first in firsts if isinstance(first, ast.Constant)}
    assert names == set(ReasonDocument.__struct_fields__) - {"code", "text", "since", "measured"}


def test_another_engine_is_shown_although_nothing_else_has_changed() -> None:
    plans = [Plan(engine=engine, camera_id="1", path="cam1") for engine in ("ffmpeg", "relay")]
    subjects = [CameraStatus(camera(1), State(Phase.RUNNING, 0.0), plan, None) for plan in plans]
    before, after = (Report(subject, NOT_JUDGED, 0.0) for subject in subjects)
    snapshot = Snapshot(1, 1000.0, 10.0, {"1": after}, {}, {})
    shown = summary(snapshot, before)
    assert renewed(snapshot, before, shown, before) is shown
    assert (shown.engine, renewed(snapshot, after, shown, before).engine) == ("ffmpeg", "relay")


@given(st.floats(0, 4e9))
def test_a_moment_is_what_the_library_makes_of_it(seconds: float) -> None:
    expected = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert timestamp(seconds) == expected
