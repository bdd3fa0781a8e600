"""Whose fault an ending is, by what the media server showed meanwhile."""

from __future__ import annotations

import pytest

from restream.domain.engine import Ending, Plan
from restream.domain.life.attribution import CUT_FOR_SILENCE_S, attributed, unarrived
from restream.domain.life.cause import Cause, Side
from restream.domain.server.flow import ServerPicture
from restream.domain.server.mediamtx import PathObservation, ServerView

PULLED = PathObservation("cam1", False, "rtspSource", online=True)
ALWAYS = PathObservation("cam1", True, inbound_bytes=5000, online=False)
TAKEN = PathObservation("cam1", True, "rtspSession", "theirs", online=True)
BLAMES_SERVER = [cause for cause in Cause if cause.facts.side is Side.MEDIA_SERVER]


def picture(*sweeps: tuple[float, PathObservation | None]) -> ServerPicture:
    result = ServerPicture()
    for at, path in sweeps:
        result = result.swept(ServerView(paths={"cam1": path} if path else {}), at)
    return result


def ours(count: int) -> PathObservation:
    return PathObservation("cam1", True, "rtspSession", "ours", inbound_bytes=count, online=True)


def cause_of(cause: Cause, seen: ServerPicture, running_since: float | None = 10.0, *, fetched: bool = False) -> Cause:
    ending = Ending(cause, "the line", ("a log",))
    plan = Plan(engine="any", camera_id="1", path="cam1", fetched=fetched)
    found = attributed(ending, seen, plan, 10.0, running_since)
    assert found.log == ending.log
    assert ("readTimeout" in found.detail) is (found.cause in (Cause.STALLED, Cause.NO_MEDIA) and found != ending)
    return found.cause


@pytest.mark.parametrize("cause", BLAMES_SERVER)
def test_a_path_that_the_server_fetches_takes_no_publisher(cause: Cause) -> None:
    """Over RTSP that looks like a conflict, over SRT like a server that is gone."""
    assert cause_of(cause, picture((1.0, PULLED)), None) is Cause.SERVER_REFUSED
    assert cause_of(cause, picture((1.0, PULLED)).missed(), None) is cause


@pytest.mark.parametrize("cause", BLAMES_SERVER)
def test_a_path_that_the_server_fetches_for_us_is_no_reason(cause: Cause) -> None:
    assert cause_of(cause, picture((1.0, PULLED)), None, fetched=True) is cause


def test_a_server_that_fetches_loses_a_silent_camera_by_its_read_timeout() -> None:
    def fetched(count: int) -> PathObservation:
        return PathObservation("cam1", True, "rtspSource", inbound_bytes=count, online=True)

    silent = picture((11.0, fetched(9)), (12.0, fetched(20)), (18.0, fetched(20)), (19.0, PULLED))
    assert cause_of(Cause.SOURCE_ENDED, silent, fetched=True) is Cause.STALLED
    assert cause_of(Cause.SOURCE_ENDED, silent) is Cause.SOURCE_ENDED
    flowing = picture((11.0, fetched(9)), (18.0, fetched(90)), (19.0, PULLED))
    assert cause_of(Cause.SOURCE_ENDED, flowing, fetched=True) is Cause.SOURCE_ENDED


def test_a_path_that_vanished_while_it_was_fetched_has_lost_its_camera() -> None:
    there = PathObservation("cam1", True, "rtspSource", inbound_bytes=20, online=True)
    for gone in (None, PULLED):
        seen = picture((11.0, there), (12.0, there._replace(inbound_bytes=40)), (14.0, gone), (18.0, gone))
        told = unarrived(seen, Plan(engine="any", camera_id="1", path="cam1", fetched=True), 10.0, None)
        published = unarrived(seen, Plan(engine="any", camera_id="1", path="cam1"), 10.0, None)
        assert told is not None and told.published
        assert published is not None and not published.published


def test_a_server_that_restarted_unseen_is_no_silence_of_the_camera_that_it_fetches() -> None:
    there = PathObservation("cam1", True, "rtspSource", inbound_bytes=20, online=True)
    moved = there._replace(inbound_bytes=40)
    seen = ServerPicture()
    for at, started, path in ((11.0, "t1", there), (12.0, "t1", moved), (18.0, "t2", PULLED)):
        seen = seen.swept(ServerView(started=started, paths={"cam1": path}), at)
    assert unarrived(seen, Plan(engine="any", camera_id="1", path="cam1", fetched=True), 10.0, None) is None
    assert cause_of(Cause.SOURCE_ENDED, seen, fetched=True) is Cause.SOURCE_ENDED


def test_a_path_that_is_always_available_refuses_other_tracks() -> None:
    assert cause_of(Cause.SERVER_CONFLICT, picture((1.0, ALWAYS)), None) is Cause.CODEC_UNSUPPORTED
    assert cause_of(Cause.SERVER_CONFLICT, picture((1.0, TAKEN)), None) is Cause.SERVER_CONFLICT
    assert cause_of(Cause.SERVER_CONFLICT, picture((1.0, None)), None) is Cause.SERVER_CONFLICT
    assert cause_of(Cause.SERVER_REFUSED, picture((1.0, ALWAYS)), None) is Cause.SERVER_REFUSED


@pytest.mark.parametrize("cause", [each for each in Cause if each not in BLAMES_SERVER])
def test_other_endings_stay_what_they_are(cause: Cause) -> None:
    for seen in (picture((1.0, PULLED)), picture((11.0, ours(0)), (19.0, ours(0)))):
        assert cause_of(cause, seen) is cause


@pytest.mark.parametrize(
    ("sweeps", "cause"),
    [
        # Cut off by the server's read timeout: nothing ever came, or nothing came any more.
        (((11.0, ours(0)), (17.0, ours(0))), Cause.NO_MEDIA),
        (((11.0, ours(0)), (17.0, ours(0)), (18.0, None)), Cause.NO_MEDIA),
        (((11.0, ours(9)), (12.0, ours(20)), (18.0, ours(20))), Cause.STALLED),
        # Cut off while it flowed, or too soon to tell; never shown: the API may be another server's.
        (((11.0, ours(0)), (13.0, ours(0))), Cause.SERVER_GONE),
        (((11.0, ours(9)), (18.0, ours(90))), Cause.SERVER_GONE),
        (((11.0, None), (18.0, None)), Cause.SERVER_GONE),
        # What the publisher before this one did is not this one's.
        (((1.0, ours(9)), (9.0, ours(9)), (11.0, None), (18.0, None)), Cause.SERVER_GONE),
    ],
)
def test_the_server_is_never_blamed_for_what_nobody_sent(
    sweeps: tuple[tuple[float, PathObservation | None], ...], cause: Cause
) -> None:
    assert cause_of(Cause.SERVER_GONE, picture(*sweeps)) is cause
    # Still starting: what had been received before is another's.
    starting = cause_of(Cause.SERVER_GONE, picture(*sweeps), None)
    assert starting is (Cause.NO_MEDIA if cause is Cause.NO_MEDIA else Cause.SERVER_GONE)
    assert cause_of(Cause.SERVER_GONE, picture(*sweeps).missed()) is Cause.SERVER_GONE


def test_the_first_media_may_come_after_the_server_has_closed() -> None:
    """A key frame 20 s after the start: ffmpeg counts it, and learns only then that nobody listens."""
    seen = picture((12.0, ours(0)), (20.0, ours(0)), (22.0, None), (28.0, None))
    assert cause_of(Cause.SERVER_GONE, seen, 29.9) is Cause.NO_MEDIA


def test_silence_is_counted_from_when_the_server_was_seen_again() -> None:
    seen = picture((11.0, ours(9)), (12.0, ours(20))).missed()
    for at in (30.0, 30.0 + CUT_FOR_SILENCE_S - 0.1):
        seen = seen.swept(ServerView(paths={"cam1": ours(20)}), at)
        assert cause_of(Cause.SERVER_GONE, seen) is Cause.SERVER_GONE
    assert cause_of(Cause.SERVER_GONE, seen.swept(ServerView(paths={"cam1": ours(20)}), 35.0)) is Cause.STALLED
