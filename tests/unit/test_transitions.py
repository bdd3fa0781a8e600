"""The life of one camera: each transition by itself, and invariants over any sequence of events."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.engine import Advance, AudioStream, Media, ProbeFailure, VideoStream
from restream.domain.life.backoff import RestartPolicy
from restream.domain.life.cause import Cause, Side
from restream.domain.life.lifecycle import (
    Admitted,
    Advanced,
    Command,
    Ended,
    Event,
    HoldAsked,
    Phase,
    ProbeAsked,
    Probed,
    Released,
    Removed,
    RestartAsked,
    Revised,
    ServerFound,
    ServerLost,
    State,
    TimerFired,
    Timing,
    Unarrived,
)
from restream.domain.life.remedy import Remedy
from restream.domain.life.transitions import begin, step
from restream.domain.rtp.report import TrackReport
from restream.domain.rtp.stream_report import StreamReport

TIMING = Timing(RestartPolicy(jitter=0.2), probe_limit_s=15, connect_timeout_s=20, stall_timeout_s=10)
MIDDLE = 0.5
NOW = 1000.0
MEDIA = Media(VideoStream("h264", 640, 360), AudioStream("aac", 16000, 1))
SILENT_MEDIA = Media(VideoStream("h264", 640, 360))
MOVED = Advanced(Advance(moved=True, frame=10))
STILL = Advanced(Advance(moved=False))
HELD_S, FIRST_S = 900.0, 0.5
W, P, S, R = Phase.WAITING, Phase.PROBING, Phase.STARTING, Phase.RUNNING
STOP, BACKOFF, HELD, FINISHED = Phase.STOPPING, Phase.BACKOFF, Phase.HELD, Phase.FINISHED
REQUEST, RELEASE = Command.REQUEST_SLOT, Command.RELEASE_SLOT
SUCCESS, FAILURE = Command.REPORT_SUCCESS, Command.REPORT_FAILURE
WITHOUT_DEADLINE = {W, STOP, FINISHED, Phase.IDLE}


def state(phase: Phase, **fields: Any) -> State:
    deadline = None if phase in WITHOUT_DEADLINE else NOW + 100
    started = phase in (S, R, STOP, Phase.IDLE)
    media = MEDIA if started else None
    defaults = {"deadline": deadline, "media": media, "started": started}
    if phase is R:
        defaults |= {"running_since": NOW - 5}
    return State(phase, NOW - 5, **{**defaults, **fields})


def follow(before: State, event: Event, now: float = NOW, draw: float = MIDDLE) -> tuple[State, tuple[Command, ...]]:
    return step(before, event, now, draw, TIMING)


def _rests(state: State) -> bool:
    return state.phase in WITHOUT_DEADLINE or (state.phase is HELD and state.on_hold)


def failed(cause: Cause) -> Probed:
    return Probed(ProbeFailure(cause, "a line"))


def test_the_first_state() -> None:
    assert begin(NOW, server_up=True) == (State(W, NOW, unpublished_since=NOW), (REQUEST,))
    assert begin(NOW, server_up=False) == (State(W, NOW, server_up=False, unpublished_since=NOW), ())


@pytest.mark.parametrize(
    ("before", "event", "phase", "commands"),
    [
        # waiting
        (state(W), Admitted(), P, (Command.PROBE,)),
        (state(W, media=MEDIA), Admitted(), S, (Command.START,)),
        (state(W, server_up=False), Admitted(), W, (RELEASE,)),
        (state(W), Revised(), W, (RELEASE, REQUEST)),
        (state(W, server_up=False), Revised(), W, (RELEASE,)),
        (state(W), Removed(), FINISHED, (RELEASE, Command.FINISH)),
        (state(W), ServerLost(), W, (RELEASE,)),
        (state(W, server_up=False), ServerLost(), W, ()),
        (state(W, server_up=False), ServerFound(), W, (REQUEST,)),
        (state(W), ServerFound(), W, ()),
        (state(W), TimerFired(), W, ()),
        # probing
        (state(P), Probed(MEDIA), S, (Command.START,)),
        (state(P, server_up=False), Probed(MEDIA), W, (RELEASE,)),
        (state(P), Probed(MEDIA, permitted=False), W, (RELEASE, REQUEST)),
        (state(P, server_up=False), Probed(MEDIA, permitted=False), W, (RELEASE,)),
        (state(P), failed(Cause.REFUSED), BACKOFF, (FAILURE,)),
        (state(P), failed(Cause.AUTH_FAILED), HELD, (FAILURE,)),
        (state(P, deadline=NOW), TimerFired(), BACKOFF, (Command.CANCEL_PROBE, FAILURE)),
        (state(P, deadline=NOW + 1), TimerFired(), P, ()),
        (state(P), Admitted(), P, ()),
        (state(P), Revised(), W, (Command.CANCEL_PROBE, RELEASE, REQUEST)),
        (state(P), Removed(), FINISHED, (Command.CANCEL_PROBE, RELEASE, Command.FINISH)),
        (state(P), ServerLost(), P, ()),
        (state(P), Ended(Cause.KILLED, ""), P, ()),
        # starting
        (state(S), MOVED, R, (SUCCESS,)),
        (state(S), STILL, S, ()),
        (state(S, deadline=NOW), TimerFired(), STOP, (Command.STOP,)),
        (state(S), Ended(Cause.REFUSED, "line"), BACKOFF, (FAILURE,)),
        (state(S), Ended(Cause.AUTH_FAILED, "line"), HELD, (FAILURE,)),
        (state(S), Ended(Cause.SERVER_REFUSED, "line"), BACKOFF, (FAILURE, Command.CHECK_SERVER)),
        (state(S, server_up=False), Ended(Cause.SERVER_GONE, ""), W, (FAILURE, Command.CHECK_SERVER)),
        (state(S), Revised(), STOP, (Command.STOP,)),
        (state(S), Removed(), STOP, (Command.STOP,)),
        (state(S), ServerLost(), S, ()),
        (state(S), Admitted(), S, ()),
        (state(S), Probed(MEDIA), S, ()),
        # running
        (state(R), MOVED, R, ()),
        (state(R), STILL, R, ()),
        (state(R, deadline=NOW), TimerFired(), STOP, (Command.STOP,)),
        (state(R), Ended(Cause.SOURCE_ENDED, "line"), BACKOFF, (FAILURE,)),
        (state(R), Ended(Cause.SERVER_GONE, "line"), BACKOFF, (FAILURE, Command.CHECK_SERVER)),
        (state(R, server_up=False), Ended(Cause.SERVER_GONE, ""), W, (FAILURE, Command.CHECK_SERVER)),
        (state(R), Revised(), STOP, (Command.STOP,)),
        (state(R), Removed(), STOP, (Command.STOP,)),
        (state(R), ServerLost(), R, ()),
        (state(R), Admitted(), R, (RELEASE,)),
        # stopping
        (state(STOP, stop_cause=Cause.STALLED), Ended(Cause.KILLED, ""), BACKOFF, (FAILURE,)),
        (state(STOP, stop_cause=Cause.STOPPED), Ended(Cause.KILLED, ""), W, (RELEASE, REQUEST)),
        (state(STOP, stop_cause=Cause.STOPPED, server_up=False), Ended(Cause.KILLED, ""), W, (RELEASE,)),
        (
            state(STOP, stop_cause=Cause.STALLED, wanted=False),
            Ended(Cause.KILLED, ""),
            FINISHED,
            (RELEASE, Command.FINISH),
        ),
        (state(STOP, stop_cause=Cause.STALLED), Removed(), STOP, ()),
        (state(STOP, stop_cause=Cause.STALLED), Revised(), STOP, ()),
        (state(STOP, stop_cause=Cause.STALLED), MOVED, STOP, ()),
        (state(STOP, stop_cause=Cause.STALLED), TimerFired(), STOP, ()),
        # backoff and held
        (state(BACKOFF, deadline=NOW), TimerFired(), W, (REQUEST,)),
        (state(BACKOFF, deadline=NOW, server_up=False), TimerFired(), W, ()),
        (state(BACKOFF, deadline=NOW + 0.001), TimerFired(), BACKOFF, ()),
        (state(BACKOFF), Revised(), W, (RELEASE, REQUEST)),
        (state(BACKOFF), Removed(), FINISHED, (RELEASE, Command.FINISH)),
        (state(BACKOFF), Admitted(), BACKOFF, (RELEASE,)),
        (state(BACKOFF, cause=Cause.SERVER_GONE, failures=3), ServerLost(), W, ()),
        (state(BACKOFF, cause=Cause.REFUSED, failures=3), ServerLost(), BACKOFF, ()),
        (state(BACKOFF, server_up=False), ServerFound(), BACKOFF, ()),
        (state(HELD, deadline=NOW), TimerFired(), W, (REQUEST,)),
        (state(HELD), TimerFired(), HELD, ()),
        (state(HELD), Revised(), W, (RELEASE, REQUEST)),
        (state(HELD), Removed(), FINISHED, (RELEASE, Command.FINISH)),
        (state(HELD), ServerLost(), HELD, ()),
        # an operator's requests
        (state(R), RestartAsked(), STOP, (Command.STOP,)),
        (state(R), ProbeAsked(), R, (Command.LOOK,)),
        (state(S), ProbeAsked(), S, (Command.LOOK,)),
        (state(P), ProbeAsked(), P, ()),
        (state(R), HoldAsked(), STOP, (Command.STOP,)),
        (state(R), Released(), R, ()),
        (state(BACKOFF), RestartAsked(), W, (RELEASE, REQUEST)),
        (state(HELD), ProbeAsked(), W, (RELEASE, REQUEST)),
        (state(P), HoldAsked(), HELD, (Command.CANCEL_PROBE, RELEASE)),
        (state(W), HoldAsked(), HELD, (RELEASE,)),
        (state(HELD, on_hold=True, deadline=None), Released(), W, (RELEASE, REQUEST)),
        (state(HELD, on_hold=True, deadline=None), Revised(), W, (RELEASE, REQUEST)),
        (state(HELD, on_hold=True, deadline=None), RestartAsked(), HELD, ()),
        (state(HELD, on_hold=True, deadline=None), HoldAsked(), HELD, ()),
        (state(HELD, on_hold=True, deadline=None), ServerFound(), HELD, ()),
        (state(HELD, on_hold=True, deadline=None), Removed(), FINISHED, (RELEASE, Command.FINISH)),
        (state(STOP, stop_cause=Cause.STALLED), HoldAsked(), STOP, ()),
        (state(STOP, stop_cause=Cause.STOPPED, on_hold=True), Ended(Cause.KILLED, ""), HELD, (RELEASE,)),
        (state(STOP, stop_cause=Cause.STOPPED, on_hold=True), Released(), STOP, ()),
        # finished
        (state(FINISHED), Removed(), FINISHED, ()),
        (state(FINISHED), HoldAsked(), FINISHED, ()),
        (state(FINISHED), Admitted(), FINISHED, ()),
        (state(FINISHED), Revised(), FINISHED, ()),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, Phase | tuple) else None,
)
def test_transition(before: State, event: Event, phase: Phase, commands: tuple[Command, ...]) -> None:
    after, given_commands = follow(before, event)
    assert (after.phase, given_commands) == (phase, commands)
    if after.phase is not before.phase:
        assert after.since == NOW
    assert (after.deadline is None) is _rests(after)


@pytest.mark.parametrize(
    ("before", "event", "deadline"),
    [
        (state(W), Admitted(), NOW + 15),
        (state(W, media=MEDIA), Admitted(), NOW + 20),
        (state(P), Probed(MEDIA), NOW + 20),
        (state(S), MOVED, NOW + 10),
        (state(R), MOVED, NOW + 10),
        (state(R, deadline=NOW + 3), STILL, NOW + 3),
        (state(S, deadline=NOW + 3), STILL, NOW + 3),
        (state(P), failed(Cause.REFUSED), NOW + 5),
        (state(P, failures=1), failed(Cause.REFUSED), NOW + 10),
        (state(P, failures=20), failed(Cause.TIMEOUT), NOW + 300),
        (state(P), failed(Cause.NOT_FOUND), NOW + 80),
        (state(P), failed(Cause.AUTH_FAILED), NOW + HELD_S),
        (state(R, running_since=NOW - 30), Ended(Cause.SOURCE_ENDED, ""), NOW + FIRST_S),
        (state(R, running_since=NOW - 30), Ended(Cause.NOT_FOUND, ""), NOW + FIRST_S),
        (state(R, running_since=NOW - 29), Ended(Cause.SOURCE_ENDED, ""), NOW + 5),
        (state(STOP, stop_cause=Cause.STALLED, running_since=NOW - 60), Ended(Cause.KILLED, ""), NOW + FIRST_S),
    ],
)
def test_deadlines(before: State, event: Event, deadline: float) -> None:
    assert follow(before, event)[0].deadline == pytest.approx(deadline)


@given(
    st.floats(0, 1, exclude_max=True),
    st.floats(30, 1e6),
    st.sampled_from(sorted(set(Cause) - {Cause.NO_MEDIA})),
    st.integers(0, 50),
)
def test_a_stable_run_restarts_soon(draw: float, ran_s: float, cause: Cause, failures: int) -> None:
    before = state(R, running_since=NOW - ran_s, failures=failures)
    after, _ = follow(before, Ended(cause, ""), draw=draw)
    assert after.failures == 0
    if after.phase is BACKOFF:
        assert after.deadline is not None
        assert after.deadline - NOW <= FIRST_S * 1.2 + 1e-6
        assert after.media is MEDIA
    else:
        assert (after.phase, cause) == (HELD, Cause.AUTH_FAILED)


@pytest.mark.parametrize(("unsendable", "delay_s"), [("", 10), ("Unsupported pixel format", 160)])
def test_a_run_of_which_nothing_arrived_is_never_stable(unsendable: str, delay_s: float) -> None:
    before = state(STOP, stop_cause=Cause.NO_MEDIA, running_since=NOW - 3600, failures=1)
    after, _ = follow(before, Ended(Cause.KILLED, "", unsendable=unsendable))
    assert (after.phase, after.failures, after.media) == (BACKOFF, 2, None)
    assert after.deadline == pytest.approx(NOW + delay_s)


@pytest.mark.parametrize("phase", [P, S, R, STOP])
def test_a_refused_login_is_held_whenever_it_shows(phase: Phase) -> None:
    before = state(phase)
    event = failed(Cause.AUTH_FAILED) if phase is P else Ended(Cause.AUTH_FAILED, "401")
    after, _ = follow(before, event)
    assert (after.phase, after.cause, after.failures) == (HELD, Cause.AUTH_FAILED, 1)


@pytest.mark.parametrize(
    ("login", "looked_s", "cause"),
    [
        (("MD5",), 0, Cause.AUTH_UNSUPPORTED),
        (("MD5",), 60, Cause.AUTH_FAILED),  # it may have been changed since
        ((), 0, Cause.AUTH_FAILED),
    ],
)
def test_a_login_that_the_probe_has_proved_is_not_blamed(login: tuple[str, ...], looked_s: float, cause: Cause) -> None:
    started, _ = step(state(P), Probed(replace(MEDIA, login=login)), NOW - 1, 0.5, TIMING)
    started = started._replace(looked_at=NOW - 1 - looked_s)
    after, _ = follow(started, Ended(Cause.AUTH_FAILED, "method SETUP failed: 401 Unauthorized"))
    assert (after.cause, after.media) == (cause, None)
    assert after.phase is (BACKOFF if cause is Cause.AUTH_UNSUPPORTED else HELD)


@pytest.mark.parametrize(("remedy", "lesser"), [(None, True), (Remedy.OPTIONS, False)])
def test_what_is_not_the_sound_is_not_tried_without_it(remedy: Remedy | None, lesser: bool) -> None:
    after, _ = follow(state(S), Ended(Cause.CAMERA_ERROR, "501", has_lesser=True, remedy=remedy))
    assert after.lesser is lesser


LOGGED_IN = replace(MEDIA, login=("SHA-256",))


@pytest.mark.parametrize(
    ("ended", "before", "remedy"),
    [
        (Ended(Cause.CAMERA_ERROR, "501", remedy=Remedy.OPTIONS, other=True), {}, Remedy.OPTIONS),
        (Ended(Cause.CAMERA_ERROR, "501", remedy=Remedy.OPTIONS), {}, None),
        (Ended(Cause.CAMERA_ERROR, "500", other=True), {}, None),
        (Ended(Cause.AUTH_UNSUPPORTED, "", other=True), {"media": LOGGED_IN}, Remedy.LOGIN),
        (Ended(Cause.AUTH_FAILED, "401", other=True), {"media": LOGGED_IN, "looked_at": NOW - 5}, Remedy.LOGIN),
        (Ended(Cause.AUTH_FAILED, "401", other=True), {"media": LOGGED_IN}, None),
        (Ended(Cause.AUTH_UNSUPPORTED, "", other=True), {}, None),
        (Ended(Cause.AUTH_UNSUPPORTED, ""), {"media": LOGGED_IN}, None),
        (Ended(Cause.KILLED, "", remedy=Remedy.OPTIONS, other=True), {"stop_cause": Cause.STALLED}, None),
    ],
)
def test_another_engine_is_named_where_it_is_there_and_something_proves_it_better(
    ended: Ended, before: dict[str, Any], remedy: Remedy | None
) -> None:
    after, _ = follow(state(STOP if "stop_cause" in before else S, **before), ended)
    assert after.remedy is remedy
    tried, _ = follow(after._replace(phase=P), failed(Cause.REFUSED))
    assert tried.remedy is None


def test_a_new_run_counts_from_the_beginning() -> None:
    before = state(W, media=MEDIA, advance=Advance(moved=True, frame=99), running_since=1.0)
    after, _ = follow(before, Admitted())
    assert (after.advance, after.running_since, after.restarts, after.started) == (
        None,
        None,
        0,
        True,
    )
    again, _ = follow(after._replace(phase=W, deadline=None), Admitted())
    assert again.restarts == 1


def test_media_clears_the_last_failure() -> None:
    after, _ = follow(state(S, cause=Cause.REFUSED, detail="line", failures=4), MOVED)
    assert (after.cause, after.detail, after.running_since) == (None, "", NOW)
    # Not the count: a camera that runs for a second between failures is still failing.
    assert after.failures == 4


@pytest.mark.parametrize(
    ("phase", "server_up", "cause"),
    [(S, True, Cause.NO_MEDIA), (R, True, Cause.STALLED), (S, False, Cause.SERVER_GONE), (R, False, Cause.SERVER_GONE)],
)
def test_why_a_silent_publisher_is_stopped(phase: Phase, server_up: bool, cause: Cause) -> None:
    after, _ = follow(state(phase, deadline=NOW, server_up=server_up), TimerFired())
    assert after.stop_cause is cause
    suspended, _ = follow(state(phase, deadline=NOW, server_up=server_up), TimerFired(excuse=Cause.SUSPENDED))
    assert suspended.stop_cause is Cause.SUSPENDED


def test_a_revision_forgets_what_the_old_row_taught() -> None:
    before = state(R, failures=7, lesser=True)
    stopping, _ = follow(before, Revised())
    assert stopping.stop_cause is Cause.STOPPED
    after, _ = follow(stopping, Ended(Cause.KILLED, ""))
    assert (after.failures, after.media, after.lesser, after.stop_cause) == (0, None, False, None)
    held, _ = follow(state(HELD, cause=Cause.AUTH_FAILED, detail="401", failures=3), Revised())
    assert (held.cause, held.detail, held.failures) == (None, "", 0)


def test_a_stop_that_was_not_asked_for_by_the_row_keeps_its_cause() -> None:
    stalled = state(STOP, stop_cause=Cause.STALLED)
    assert follow(stalled, Ended(Cause.SOURCE_ENDED, "x"))[0].cause is Cause.STALLED
    revised, _ = follow(stalled, Revised())
    assert follow(revised, Ended(Cause.SOURCE_ENDED, "x"))[0].phase is W


def test_the_removal_of_a_revised_camera_counts() -> None:
    before, _ = follow(state(R), Revised())
    before, _ = follow(before, Removed())
    assert follow(before, Ended(Cause.KILLED, ""))[0].phase is FINISHED


# -- audio that prevents media -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "cause", "lesser", "media"),
    [
        (state(STOP, stop_cause=Cause.NO_MEDIA), Cause.KILLED, True, MEDIA),
        (state(S), Cause.NO_MEDIA, True, MEDIA),
        (state(S), Cause.CODEC_UNSUPPORTED, True, MEDIA),
        (state(S), Cause.REFUSED, False, None),
        (state(S, media=SILENT_MEDIA), Cause.NO_MEDIA, False, None),
        # A start without audio proves it innocent: the next probe begins anew.
        (state(S, lesser=True), Cause.NO_MEDIA, False, None),
        (state(R, lesser=True, running_since=NOW - 60), Cause.SOURCE_ENDED, False, MEDIA),
        (state(R, lesser=True), Cause.SOURCE_ENDED, False, None),
        (state(R, lesser=True), Cause.SERVER_GONE, True, MEDIA),
        (state(P, media=None), Cause.NO_MEDIA, False, None),
        # A probe would take the one session that a busy camera has.
        (state(S), Cause.BUSY, False, MEDIA),
        (state(S, lesser=True), Cause.BUSY, True, MEDIA),
        (state(P, media=None), Cause.BUSY, False, None),
    ],
)
def test_audio_under_suspicion(before: State, cause: Cause, lesser: bool, media: Media | None) -> None:
    event = failed(cause) if before.phase is P else Ended(cause, "", has_lesser=before.media == MEDIA)
    after, _ = follow(before, event)
    assert (after.lesser, after.media) == (lesser, media)


def test_an_unsupported_audio_codec_is_left_out_at_once() -> None:
    after, _ = follow(state(S), Ended(Cause.CODEC_UNSUPPORTED, "", has_lesser=True))
    assert after.deadline == pytest.approx(NOW + FIRST_S)
    again, _ = follow(state(S, lesser=True), Ended(Cause.CODEC_UNSUPPORTED, ""))
    assert again.deadline == pytest.approx(NOW + 80)


# -- any sequence ------------------------------------------------------------------------------------------------------

CAUSES = st.sampled_from(Cause)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.just(Admitted()),
    st.just(TimerFired()),
    st.just(ServerLost()),
    st.just(ServerFound()),
    st.just(Revised()),
    st.sampled_from([RestartAsked(), ProbeAsked(), HoldAsked(), Released()]),
    st.builds(Probed, st.sampled_from([MEDIA, SILENT_MEDIA]) | st.builds(ProbeFailure, CAUSES, st.just(""))),
    st.builds(Advanced, st.builds(Advance, moved=st.booleans())),
    st.builds(Ended, CAUSES, st.just("")),
)
MOMENTS = st.tuples(EVENTS, st.sampled_from([0.0, 0.3, 2.0, 11.0, 31.0, 400.0, 2000.0]), st.floats(0, 0.999))


@given(st.lists(st.tuples(EVENTS | st.just(Removed()), st.floats(-10, 1e6), st.floats(0, 0.999)), max_size=60))
def test_no_sequence_raises_or_loses_a_deadline(moments: list[tuple[Event, float, float]]) -> None:
    current, _ = begin(NOW, server_up=True)
    now = NOW
    for event, wait_s, draw in moments:
        now += wait_s
        current, _ = step(current, event, now, draw, TIMING)
        assert (current.deadline is None) is _rests(current)
        assert current.failures >= 0


class Shell:
    """What an actor does with the commands; only what can really happen happens."""

    def __init__(self, *, server_up: bool) -> None:
        self.now = NOW
        self.requested = self.holds = self.probes = self.publishes = False
        self.woken = False
        """It starts because somebody watches: that is the media server's doing, and waits for no place."""
        self.finished = 0
        self.state, commands = begin(self.now, server_up=server_up)
        self.obey(commands)
        self.check()

    def possible(self, event: Event) -> bool:
        match event:
            case Admitted():
                return self.requested
            case Probed():
                return self.probes
            case Advanced() | Ended():
                return self.publishes
        return True

    def tell(self, event: Event, draw: float = MIDDLE) -> None:
        before = self.state
        match event:
            case Admitted():
                self.requested, self.holds = False, True
            case Probed():
                self.probes = False
            case Ended():
                self.publishes = False
        self.state, commands = step(before, event, self.now, draw, TIMING)
        self.woken = self.state.phase is S and (before.phase is Phase.IDLE or (self.woken and before.phase is S))
        self.obey(commands)
        self.check()
        if isinstance(event, Ended) and event.cause.facts.side is Side.MEDIA_SERVER and not before.server_up:
            assert self.state.failures <= before.failures

    def obey(self, commands: tuple[Command, ...]) -> None:
        for command in commands:
            match command:
                case Command.REQUEST_SLOT:
                    assert not self.requested
                    assert not self.holds
                    self.requested = True
                case Command.RELEASE_SLOT | Command.REPORT_SUCCESS | Command.REPORT_FAILURE:
                    self.requested = self.holds = False
                case Command.PROBE:
                    assert not self.probes
                    self.probes = True
                case Command.CANCEL_PROBE:
                    assert self.probes
                    self.probes = False
                case Command.START:
                    assert not self.publishes, "two publishers"
                    self.publishes = True
                case Command.STOP:
                    assert self.publishes
                case Command.FINISH:
                    self.finished += 1

    def check(self) -> None:
        phase = self.state.phase
        assert self.requested is (phase is W and self.state.server_up)
        assert self.probes is (phase is P)
        assert self.publishes is (phase in (S, R, STOP, Phase.IDLE))
        if phase in (P, S) and not self.woken:
            assert self.holds
        elif phase is not STOP:
            assert not self.holds
        assert self.finished == (phase is FINISHED)
        if phase is HELD:
            assert self.state.on_hold or self.state.cause is Cause.AUTH_FAILED
        assert (self.state.unpublished_since is None) is self.publishes
        if phase is BACKOFF:
            assert self.state.cause is not None


@given(st.lists(MOMENTS, max_size=60), st.booleans())
def test_slots_probes_and_publishers_are_accounted_for(
    moments: list[tuple[Event, float, float]], server_up: bool
) -> None:
    shell = Shell(server_up=server_up)
    for event, wait_s, draw in moments:
        shell.now += wait_s
        if shell.possible(event):
            shell.tell(event, draw)
    shell.tell(Removed())
    if shell.publishes:
        assert shell.state.phase is STOP
        shell.tell(Ended(Cause.KILLED, ""))
    assert shell.state.phase is FINISHED
    assert not (shell.requested or shell.holds or shell.probes or shell.publishes)


@given(st.lists(MOMENTS, max_size=40))
def test_after_anything_a_healthy_world_leads_back_to_running(moments: list[tuple[Event, float, float]]) -> None:
    shell = Shell(server_up=True)
    for event, wait_s, draw in moments:
        shell.now += wait_s
        if shell.possible(event):
            shell.tell(event, draw)
    shell.tell(ServerFound())
    shell.tell(Released())
    for _ in range(12):
        if shell.state.phase is R:
            return
        if shell.state.deadline is not None and shell.state.phase in (BACKOFF, HELD):
            shell.now = shell.state.deadline
            shell.tell(TimerFired())
        elif shell.requested:
            shell.tell(Admitted())
        elif shell.probes:
            shell.tell(Probed(MEDIA))
        elif shell.state.phase is STOP:
            shell.tell(Ended(Cause.KILLED, ""))
        elif shell.state.phase is Phase.IDLE:
            # Somebody asks for it.
            shell.tell(STILL)
        else:
            shell.tell(MOVED)
    raise AssertionError(f"stuck in {shell.state}")


@given(st.lists(st.sampled_from([Cause.SERVER_GONE, Cause.SERVER_REFUSED, Cause.SERVER_CONFLICT]), max_size=10))
def test_an_outage_of_the_server_never_counts_against_the_camera(causes: list[Cause]) -> None:
    shell = Shell(server_up=True)
    shell.tell(Admitted())
    shell.tell(Probed(MEDIA))
    shell.tell(ServerLost())
    for cause in causes:
        if shell.publishes:
            shell.tell(Ended(cause, ""))
        assert shell.state.failures == 0
        assert shell.state.media is MEDIA


def test_a_restart_on_request_trusts_the_last_probe() -> None:
    stopping, _ = follow(state(R, failures=3), RestartAsked())
    after, _ = follow(stopping, Ended(Cause.KILLED, ""))
    assert (after.media, after.failures, after.last_cause) == (MEDIA, 0, Cause.STOPPED)


def test_a_probe_on_request_never_disturbs_a_stream() -> None:
    before = state(R, failures=3)
    assert follow(before, ProbeAsked()) == (before, (Command.LOOK,))
    assert follow(before, Probed(ProbeFailure(Cause.TIMEOUT, ""))) == (before, ())
    waiting, _ = follow(state(BACKOFF, failures=3), ProbeAsked())
    assert (waiting.phase, waiting.media) == (W, None)


def test_a_release_before_the_publisher_has_ended_starts_it_again() -> None:
    held, _ = follow(state(R), HoldAsked())
    released, _ = follow(held, Released())
    assert follow(released, Ended(Cause.KILLED, ""))[0].phase is W


# -- the closed loop: what the media server receives -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("silent_s", "ran_s", "published", "cause"),
    [
        (10, 60, True, Cause.STALLED),
        (10, 60, False, Cause.SERVER_GONE),
        (9.9, 60, True, None),
        (60, 9.9, True, None),  # the silence began before this publisher
        (60, 9.9, False, None),
    ],
)
def test_nothing_arrives_at_the_server(silent_s: float, ran_s: float, published: bool, cause: Cause | None) -> None:
    before = state(R, running_since=NOW - ran_s)
    after, commands = follow(before, Unarrived(NOW - silent_s, NOW, published))
    if cause is None:
        assert (after, commands) == (before, ())
    else:
        assert (after.phase, after.stop_cause, commands) == (STOP, cause, (Command.STOP,))


def test_an_answer_that_comes_late_proves_nothing_about_the_time_it_took() -> None:
    """The server hung, or the service itself was stopped: its counters may be as old as the question."""
    before = state(R, running_since=NOW - 60)
    assert follow(before, Unarrived(NOW - 30, NOW - 25, True)) == (before, ())


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not R])
def test_what_arrives_concerns_only_a_running_publisher(phase: Phase) -> None:
    before = state(phase, running_since=NOW - 60)
    assert follow(before, Unarrived(0.0, NOW, True)) == (before, ())


@pytest.mark.parametrize("stop_cause", [None, Cause.NO_MEDIA])
def test_what_could_not_be_sent_explains_why_nothing_came(stop_cause: Cause | None) -> None:
    before = state(STOP if stop_cause else R, stop_cause=stop_cause, running_since=NOW - 9)
    after, _ = follow(before, Ended(Cause.NO_MEDIA, "Broken pipe", unsendable="Unsupported pixel format"))
    assert (after.cause, after.detail) == (Cause.CODEC_UNSUPPORTED, "Unsupported pixel format")
    after, _ = follow(before, Ended(Cause.NO_MEDIA, "Broken pipe"))
    assert after.cause is Cause.NO_MEDIA
    after, _ = follow(state(R, running_since=NOW - 9), Ended(Cause.STALLED, "", unsendable="one frame"))
    assert after.cause is Cause.STALLED


@pytest.mark.parametrize(("received", "cause"), [(True, Cause.STALLED), (False, Cause.NO_MEDIA)])
def test_a_publisher_from_whom_nothing_ever_arrived_has_not_stalled(received: bool, cause: Cause) -> None:
    after, _ = follow(state(R, running_since=NOW - 11), Unarrived(NOW - 11, NOW, published=True, received=received))
    assert (after.phase, after.stop_cause) == (STOP, cause)


def test_bytes_that_arrived_later_than_the_last_report_are_no_stall() -> None:
    """Of one picture in five seconds ffmpeg reports when the next one comes."""
    before = state(R, running_since=NOW - 60)
    before = before._replace(deadline=NOW)
    after, commands = follow(before, TimerFired(moved_after=NOW - 4))
    assert (after.phase, after.deadline, commands) == (R, NOW - 4 + TIMING.stall_timeout_s, ())
    for moved_after in (None, NOW - TIMING.stall_timeout_s):
        after, _ = follow(before, TimerFired(moved_after=moved_after))
        assert (after.phase, after.stop_cause) == (STOP, Cause.STALLED)
        assert "stall_timeout_s" in after.detail


def test_how_long_was_waited_and_which_setting_that_is_stays_with_the_failure() -> None:
    stopping, _ = follow(state(S)._replace(deadline=NOW, detail="of the last time"), TimerFired())
    failed_, _ = follow(stopping, Ended(Cause.KILLED, "SIGTERM"))
    assert failed_.cause is Cause.NO_MEDIA
    assert "no key frame" in failed_.detail and "20 s (connect_timeout_s)" in failed_.detail


def idle(failures: int = 0) -> State:
    """Fetched on demand, and nobody asks."""
    return State(Phase.IDLE, 0.0, failures=failures, started=True, media=MEDIA)


def followed(before: State, *events: tuple[float, Event]) -> tuple[State, list[Command]]:
    commands: list[Command] = []
    for at, event in events:
        before, given = step(before, event, at, 0.5, TIMING)
        commands += given
    return before, commands


NOBODY = Advanced(Advance(moved=False, idle=True))


def test_on_demand_it_is_idle_until_somebody_asks_and_again_when_nobody_does() -> None:
    begun = State(Phase.STARTING, 0.0, deadline=15.0, failures=2, cause=Cause.REFUSED, started=True, media=MEDIA)
    now, commands = followed(begun, (1.0, NOBODY))
    assert (now.phase, now.deadline, now.cause, now.failures) == (Phase.IDLE, None, None, 2)
    assert commands == [Command.REPORT_SUCCESS]
    assert (
        followed(now, (2.0, MOVED), (3.0, NOBODY), (900.0, TimerFired()), (901.0, ServerLost()))[0].phase is Phase.IDLE
    )
    now, _ = followed(now, (10.0, STILL))
    assert (now.phase, now.since, now.deadline) == (Phase.STARTING, 10.0, 10.0 + TIMING.connect_timeout_s)
    now, _ = followed(now, (12.0, MOVED))
    assert (now.phase, now.deadline) == (Phase.RUNNING, 12.0 + TIMING.stall_timeout_s)
    assert followed(now, (13.0, NOBODY))[0].failures == 2
    now, _ = followed(now, (12.0 + TIMING.restart.stable_after_s, NOBODY))
    assert (now.phase, now.failures, now.running_since, now.deadline) == (Phase.IDLE, 0, None, None)


@pytest.mark.parametrize("event", [Revised(), Removed(), HoldAsked(), RestartAsked()])
def test_what_is_idle_is_stopped_like_what_runs(event: Event) -> None:
    now, commands = followed(idle(), (5.0, event))
    assert (now.phase, commands) == (Phase.STOPPING, [Command.STOP])


def test_what_ends_while_it_is_idle_has_failed() -> None:
    now, _ = followed(idle(failures=1), (5.0, Ended(Cause.REFUSED, "Connection refused")))
    assert (now.phase, now.cause, now.failures) == (Phase.BACKOFF, Cause.REFUSED, 2)


@pytest.mark.parametrize(("sound_s", "words"), [(0.1, "nothing but sound arrived for 10 s"), (9.0, "nothing arrived")])
def test_a_stall_says_whether_sound_goes_on(sound_s: float, words: str) -> None:
    stream = StreamReport(TrackReport(last_frame_age_s=10.0), TrackReport(last_frame_age_s=sound_s))
    before = state(R, advance=Advance(moved=False, stream=stream))._replace(deadline=NOW)
    after, _ = follow(before, TimerFired())
    assert after.stop_cause is Cause.STALLED
    assert after.detail.startswith(words)


def test_sound_that_arrives_at_the_server_is_no_picture() -> None:
    for sound_s, phase in ((0.1, STOP), (9.0, R)):
        stream = StreamReport(TrackReport(last_frame_age_s=10.0), TrackReport(last_frame_age_s=sound_s))
        before = state(R, advance=Advance(moved=False, stream=stream))._replace(deadline=NOW)
        assert follow(before, TimerFired(moved_after=NOW - 1))[0].phase is phase
