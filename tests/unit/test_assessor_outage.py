"""An outage of a media server is one event of it, whoever notices it first: the publishers, or the sweep."""

from __future__ import annotations

import pytest

from restream.domain.judgement.flaws import Thresholds
from restream.domain.judgement.status import CameraStatus
from restream.domain.judgement.verdict import Health
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase, State
from restream.domain.news.event import Event, HealthChange
from restream.domain.server.api_trouble import ApiTrouble
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.mediamtx import PathObservation, ServerView
from restream.supervisor.picture.assessor import Assessor
from tests.unit.fakes import camera


class Watched:
    """Camera 1, and what is told of its health."""

    def __init__(self) -> None:
        self.told: list[Health] = []
        self._assessor = Assessor(Thresholds(), self)
        self._server = ServerPicture()
        self._bytes = 0

    def happened(self, event: Event) -> None:
        assert isinstance(event, HealthChange)
        self.told.append(event.after.health)

    def sweep(self, now: float) -> None:
        self._bytes += 1000
        path = PathObservation("cam1", True, "rtspSession", "ours", inbound_bytes=self._bytes)
        self._server = self._server.swept(ServerView(paths={"cam1": path}), now)

    def miss(self, trouble: ApiTrouble | None = None) -> None:
        self._server = self._server.missed(trouble)

    def look(self, now: float, phase: Phase, cause: Cause | None = None, since: float = 0.0) -> Health:
        state = State(phase, since, cause=cause, running_since=0.0 if phase is Phase.RUNNING else None)
        subject = CameraStatus(camera(1), state, None, None)
        reports = dict(self._assessor.assess({"1": subject}, {DEFAULT_SERVER: self._server}, now, now))
        return reports["1"].verdict.health


@pytest.fixture
def watched() -> Watched:
    found = Watched()
    for now in (1.0, 3.0):
        found.sweep(now)
        found.look(now, Phase.RUNNING)
    return found


def test_publishers_that_notice_first_tell_nothing_of_their_own(watched: Watched) -> None:
    assert watched.look(4.0, Phase.BACKOFF, Cause.SERVER_GONE, 3.9) is Health.DOWN
    watched.miss()
    watched.look(4.1, Phase.BACKOFF, Cause.SERVER_GONE, 3.9)
    assert watched.told == []


def test_a_path_that_alone_was_cut_off_is_an_event_once_the_server_is_seen(watched: Watched) -> None:
    watched.look(4.0, Phase.BACKOFF, Cause.SERVER_GONE, 3.9)
    assert watched.told == []
    watched.sweep(5.0)
    watched.look(5.0, Phase.BACKOFF, Cause.SERVER_GONE, 3.9)
    assert watched.told == [Health.DOWN]


def test_without_an_api_no_sweep_is_waited_for(watched: Watched) -> None:
    watched.miss(ApiTrouble.OFF)
    watched.look(4.0, Phase.BACKOFF, Cause.SERVER_GONE, 3.9)
    assert watched.told == [Health.DOWN]


def test_what_a_camera_did_is_told_at_once(watched: Watched) -> None:
    watched.look(4.0, Phase.BACKOFF, Cause.SOURCE_ENDED, 3.9)
    assert watched.told == [Health.DOWN]
