"""In which order cameras are listed."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.life.cause import Cause
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.ranking import worst_first
from tests.browser import fleet as simulated


@given(sinces=st.lists(st.text(max_size=30), min_size=1, max_size=6))
def test_the_newest_failure_comes_first_and_the_rest_is_by_id(sinces: list[str]) -> None:
    stamps = [f"2026-01-05T10:{minute:02}:00.000Z" for minute in (10, 30, 20)] + sinces
    verdicts = [simulated.failed(Cause.TIMEOUT) | {"since": since} for since in stamps]
    cameras = [
        msgspec.convert(simulated.camera(number, verdict=verdict), CameraDocument)
        for number, verdict in enumerate([*verdicts, simulated.verdict("healthy"), simulated.verdict("healthy")])
    ]
    ranked = [camera.id for camera in sorted(cameras, key=worst_first)]
    assert [each for each in ranked if each in ("0", "1", "2")] == ["1", "2", "0"]
    assert ranked[-2:] == [str(len(stamps)), str(len(stamps) + 1)]
