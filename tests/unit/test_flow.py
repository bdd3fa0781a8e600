"""Byte counters over time, and what they prove."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.server.flow import Flow, ServerPicture, follow
from restream.domain.server.mediamtx import PathObservation, ServerView, SessionObservation, SrtObservation


def test_a_rate_needs_two_readings_of_one_publisher() -> None:
    first = follow(None, 1000, 10.0)
    assert first == Flow(1000, 10.0, 10.0)
    second = follow(first, 3000, 12.0)
    assert second == Flow(3000, 12.0, 12.0, 8000.0, 10.0)


def test_a_flat_counter_keeps_the_moment_it_last_moved() -> None:
    flow = follow(follow(follow(None, 1000, 10.0), 2000, 12.0), 2000, 20.0)
    assert (flow.moved_at, flow.rate_bps) == (12.0, 0.0)


def test_a_counter_that_restarts_is_no_negative_traffic() -> None:
    flow = follow(follow(None, 5000, 10.0), 100, 12.0)
    assert (flow.moved_at, flow.rate_bps) == (12.0, None)


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=20))
def test_a_rate_is_never_negative(counts: list[int]) -> None:
    flow = None
    for number, count in enumerate(counts):
        flow = follow(flow, count, float(number))
        assert flow.rate_bps is None or flow.rate_bps >= 0
        assert flow.moved_at <= flow.read_at


def _view(count: int, source: str = "a", *, available: bool = True) -> ServerView:
    path = PathObservation("cam1", available, "rtspSession" if source else None, source or None, inbound_bytes=count)
    return ServerView("v1.20.1", paths={"cam1": path})


def test_silence_is_counted_from_the_last_movement() -> None:
    picture = ServerPicture().swept(_view(100), 10.0).swept(_view(200), 12.0).swept(_view(200), 30.0)
    assert picture.silent_since("cam1", running_since=5.0) == 12.0
    assert picture.silent_since("cam1", running_since=25.0) == 25.0


def test_after_what_moment_bytes_surely_arrived() -> None:
    picture = ServerPicture().swept(_view(100), 10.0)
    assert picture.moved_after("cam1") is None
    picture = picture.swept(_view(200), 12.0).swept(_view(200), 14.0)
    assert picture.moved_after("cam1") == 10.0
    assert picture.missed().moved_after("cam1") is None
    assert picture.swept(_view(100, available=False), 16.0).moved_after("cam1") is None


def test_a_path_that_is_missing_or_not_available_is_silent_since_its_publisher_runs() -> None:
    picture = ServerPicture().swept(_view(100, available=False), 10.0)
    assert picture.silent_since("cam1", running_since=20.0) == 20.0
    assert picture.silent_since("other", running_since=20.0) == 20.0


@pytest.mark.parametrize("after", [ServerView("v1.20.1"), _view(300, available=False)])
def test_a_path_that_is_lost_is_silent_since_its_counter_last_moved(after: ServerView) -> None:
    """Not since its publisher runs: a sweep that comes while ffmpeg is ending would accuse it of a life of silence."""
    picture = ServerPicture().swept(_view(100), 10.0).swept(_view(200), 12.0).swept(after, 14.0).swept(after, 16.0)
    assert picture.silent_since("cam1", running_since=5.0) == 12.0
    assert picture.swept(after, 700.0).silent_since("cam1", running_since=5.0) == 10.0


def test_a_stale_picture_accuses_nobody_and_a_fresh_one_begins_anew() -> None:
    picture = ServerPicture().swept(_view(100), 10.0).missed()
    assert picture.streams
    assert picture.silent_since("cam1", running_since=1.0) is None
    assert picture.swept(_view(100), 60.0).silent_since("cam1", running_since=1.0) == 60.0


def _two(count: int, started: str | None, *, live: bool = True) -> ServerView:
    names = ("cam1", "cam2")
    paths = {
        name: PathObservation(name, live, "rtspSession" if live else None, name, inbound_bytes=count) for name in names
    }
    return ServerView("v1.20.1", started, paths=paths)


def test_a_restart_that_no_sweep_has_missed_begins_anew_too() -> None:
    """We stood still meanwhile: its absence is no silence of those who publish."""
    picture = ServerPicture().swept(_two(100, "t1"), 10.0).swept(_two(200, "t1"), 12.0)
    restarted = picture.swept(_two(0, "t2", live=False), 18.0)
    assert restarted.silent_since("cam1", running_since=1.0) == 18.0
    assert restarted.swept(_two(0, "t2", live=False), 20.0).silent_since("cam1", running_since=1.0) == 18.0
    # One that does not tell when it started: all is gone at once. One path alone may have gone by itself.
    picture = ServerPicture().swept(_two(100, None), 10.0).swept(_two(200, None), 12.0)
    assert picture.swept(_two(0, None, live=False), 18.0).silent_since("cam1", running_since=1.0) == 18.0
    assert picture.swept(_view(0, available=False), 18.0).silent_since("cam1", running_since=1.0) == 18.0
    one = ServerPicture().swept(_view(100), 10.0).swept(_view(200), 12.0)
    assert one.swept(_view(0, available=False), 18.0).silent_since("cam1", running_since=1.0) == 12.0


def test_what_the_server_plays_by_itself_is_no_arrival() -> None:
    """A path that is always available counts those bytes too."""
    picture = ServerPicture().swept(_view(100, ""), 10.0).swept(_view(200, ""), 12.0)
    assert not picture.arrived("cam1", since=9.0)
    assert (picture.live, picture.silent_since("cam1", running_since=9.0)) == (0, 10.0)
    # Our own publisher was there, and left: silence since then.
    lost = ServerPicture().swept(_view(100), 10.0).swept(_view(200), 12.0).swept(_view(300, ""), 14.0)
    assert lost.silent_since("cam1", running_since=9.0) == 12.0


def test_another_publisher_begins_a_new_count() -> None:
    picture = ServerPicture().swept(_view(100, "a"), 10.0).swept(_view(900, "b"), 12.0)
    assert picture.streams["cam1"].flow == Flow(900, 12.0, 12.0)


@pytest.mark.parametrize("kind", ["srtConn", "rtspSession"])
def test_a_path_is_joined_with_its_publisher(kind: str) -> None:
    path = PathObservation("cam1", True, kind, "id-1")
    srt = SrtObservation("id-1", "cam1", "10.0.0.9:5000", rtt_ms=3.0)
    session = SessionObservation("id-1", "cam1", "10.0.0.9:5000")
    view = ServerView(
        paths={"cam1": path},
        srt={"id-1": srt} if kind == "srtConn" else {},
        sessions={"id-1": session} if kind == "rtspSession" else {},
    )
    stream = ServerPicture().swept(view, 1.0).streams["cam1"]
    assert (stream.srt, stream.session) == ((srt, None) if kind == "srtConn" else (None, session))


def test_the_run_of_the_server_is_known_until_it_tells_of_another() -> None:
    picture = ServerPicture()
    assert picture.run is None
    for started, run in (("t1", "t1"), (None, "t1"), ("t2", "t2")):
        picture = picture.swept(ServerView(started=started), 1.0)
        assert picture.run == picture.missed().run == run
