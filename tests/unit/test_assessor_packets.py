"""A camera whose engine tells of its packets, judged cycle by cycle."""

from __future__ import annotations

import pytest

from restream.domain.engine import Advance
from restream.domain.judgement.flaws import Thresholds
from restream.domain.judgement.series import PacketSeries
from restream.domain.judgement.snapshot import Report
from restream.domain.judgement.status import CameraStatus
from restream.domain.judgement.verdict import Health
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase, State
from restream.domain.rtp.report import TrackReport
from restream.domain.rtp.stream_report import StreamReport
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.mediamtx import PathObservation, ServerView
from restream.supervisor.picture.assessor import Assessor
from tests.unit.fakes import Listener, camera

STEP_S = 5


class Watched:
    """Camera 1, of which 1,000 packets arrive between two looks, and as many are lost as is said."""

    def __init__(self) -> None:
        self._assessor = Assessor(Thresholds(), Listener())
        self._server = ServerPicture()
        self._now = 0.0
        self._packets = self._lost = 0

    def look(self, lost: int, *, phase: Phase = Phase.RUNNING) -> Report:
        self._now += STEP_S
        self._packets += 1000
        self._lost += lost
        video = TrackReport(
            self._packets, self._lost, frames=self._packets, last_frame_age_s=0.0, last_key_frame_age_s=1.0
        )
        state = State(phase, 0.0, cause=Cause.REFUSED, advance=Advance(True, stream=StreamReport(video)))
        path = PathObservation("cam1", True, "rtspSession", "ours", inbound_bytes=1000 * self._packets)
        self._server = self._server.swept(ServerView(paths={"cam1": path}), self._now)
        subject = CameraStatus(camera(1), state, None, None)
        reports = dict(self._assessor.assess({"1": subject}, {DEFAULT_SERVER: self._server}, self._now, self._now))
        return reports["1"]

    def series(self) -> PacketSeries:
        habits = self._assessor.habits("1")
        assert habits is not None and habits.packets is not None
        return habits.packets


def test_a_lossy_camera_is_degraded_and_returns_to_healthy() -> None:
    watched = Watched()
    assert [watched.look(lost).verdict.health for lost in (0, 5, 5)] == [Health.HEALTHY] * 3
    report = watched.look(100)
    assert report.verdict.health is Health.DEGRADED
    assert report.verdict.reasons[0].code == "camera_loss"
    assert report.packets.loss_ratio == 105 / 2105
    # Below the threshold, not yet by much: 7 of 1,000.
    assert [watched.look(7).verdict.health for _ in range(3)] == [Health.DEGRADED] * 3
    assert [watched.look(0).verdict.health for _ in range(2)] == [Health.HEALTHY] * 2
    assert [watched.look(7).verdict.health for _ in range(3)] == [Health.HEALTHY] * 3


def test_what_the_last_publication_told_is_forgotten_with_it() -> None:
    watched = Watched()
    assert watched.look(0).packets.loss_ratio is None
    assert watched.look(500).verdict.health is Health.DEGRADED
    down = watched.look(500, phase=Phase.BACKOFF)
    assert (down.verdict.health, down.packets.loss_ratio) == (Health.DOWN, None)
    again = watched.look(0)
    assert (again.verdict.health, again.packets.loss_ratio) == (Health.HEALTHY, None)


def test_the_last_hour_of_packets_is_kept() -> None:
    watched = Watched()
    for _ in range(9):
        watched.look(10)
    kept = watched.series()
    assert kept.fps.values == [None, 200, 200, 200, 200]
    assert kept.camera_loss_ratio.values[-1] == pytest.approx(10 / 1010, abs=1e-4)
    assert kept.key_frame_s.values[-1] == 1
