"""When a path counts as left by whoever had it: by the limits of its own camera, and never by an old picture."""

from __future__ import annotations

import pytest

from restream.domain.fleet.fencing import Witnessed
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.mediamtx import PathObservation, ServerView
from restream.supervisor.nodes.witness import PathWatch
from tests.unit.fakes import camera

_THERE = PathObservation("cam1", True, "rtspSession", "theirs", inbound_bytes=9)


def _still(*moments: float) -> ServerPicture:
    """A path that is there, and on which nothing comes after the first sweep."""
    found = ServerPicture()
    for at in moments:
        found = found.swept(ServerView(paths={"cam1": _THERE}), at)
    return found


@pytest.mark.parametrize(("silent_s", "seen"), [(12.0, Witnessed.SILENT), (32.0, Witnessed.SERVED)])
def test_what_may_stall_for_longer_is_left_for_longer(silent_s: float, seen: Witnessed) -> None:
    picture = _still(1.0, 7.0, 14.0)
    watch = PathWatch(lambda: {DEFAULT_SERVER: picture}, lambda _: silent_s, 6.0)
    assert watch.see(camera(1), 14.5).witnessed is seen


@pytest.mark.parametrize(("stale_s", "seen"), [(6.0, Witnessed.UNSEEN), (30.0, Witnessed.SILENT)])
def test_an_old_picture_shows_the_past(stale_s: float, seen: Witnessed) -> None:
    picture = _still(1.0, 14.0)
    watch = PathWatch(lambda: {DEFAULT_SERVER: picture}, lambda _: 12.0, stale_s)
    assert watch.see(camera(1), 25.0).witnessed is seen
