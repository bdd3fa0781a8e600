"""The life of one camera as a pure, total function: `step(state, event, now, draw, timing) → (state, commands)`.

The shell (supervisor.actor) carries out the commands, feeds back what happens as events, and sends `TimerFired` when
`state.deadline` has come. The picture is in docs/architecture.md.
"""

from __future__ import annotations

from restream.domain.engine import Advance, Media, ProbeFailure
from restream.domain.life.cause import Cause, Policy, Side
from restream.domain.life.kept import KeptCamera
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
from restream.domain.life.steps import HAS_PUBLISHER, Step, enter, queue
from restream.domain.life.wishes import removed, requested, revised

_MOST_SERVER_FAILURES = 2
# A camera that refuses the SETUP of its sound refuses, for ffmpeg, all of it (go2rtc issue 221).
_MAY_BE_THE_SOUND = frozenset({Cause.NO_MEDIA, Cause.CODEC_UNSUPPORTED, Cause.REQUEST_REFUSED, Cause.CAMERA_ERROR})


def begin(now: float, *, server_up: bool, media: Media | None = None) -> Step:
    """The first state of a camera; `media`: what it sent in an earlier life of the service."""
    state = State(Phase.WAITING, now, server_up=server_up, unpublished_since=now, media=media)
    return state, ((Command.REQUEST_SLOT,) if server_up else ())


def resume(kept: KeptCamera, now: float, timing: Timing, *, server_up: bool) -> Step:
    """The first state of a camera whose publisher ran on while the service was replaced."""
    state = State(
        Phase.RUNNING,
        kept.since,
        now + timing.stall_timeout_s,
        server_up,
        failures=kept.failures,
        media=kept.media,
        looked_at=kept.looked_at,
        lesser=kept.lesser,
        running_since=kept.running_since,
        restarts=kept.restarts,
        started=True,
    )
    return state, (Command.CONTINUE,)


def step(state: State, event: Event, now: float, draw: float, timing: Timing) -> Step:
    """Follow one event. Events that do not concern the phase change nothing. Never raises."""
    if state.phase is Phase.FINISHED:
        return state, ()
    match event:
        case Advanced(advance):
            return _advanced(state, advance, now, timing)
        case Admitted():
            return _admitted(state, now, timing)
        case Probed():
            return _probed(state, event, now, draw, timing)
        case Ended():
            return _ended(state, event, now, draw, timing)
        case TimerFired():
            return _timer(state, event, now, draw, timing)
        case Unarrived():
            return _unarrived(state, event, now, timing)
        case Revised():
            return revised(state._replace(media=None), now)
        case RestartAsked() | ProbeAsked() | HoldAsked() | Released():
            return requested(state, event, now)
        case Removed():
            return removed(state, now)
        case ServerLost():
            return _server_lost(state, now)
        case ServerFound():
            return _server_found(state)


def crash(state: State, now: float, timing: Timing, *, publishing: bool) -> Step:
    """The shell failed while it followed an event: end what runs, then it is one more failure of this camera."""
    clean = (Command.RELEASE_SLOT, Command.CANCEL_PROBE)
    if publishing:
        ending = enter(state, Phase.STOPPING, now)._replace(stop_cause=Cause.INTERNAL, detail="")
        return ending, (*clean, Command.STOP)
    if not state.wanted:
        return enter(state, Phase.FINISHED, now), clean
    failed = state._replace(cause=Cause.INTERNAL, failures=state.failures + 1)
    return enter(failed, Phase.BACKOFF, now, now + timing.restart.base_s), clean


def _admitted(state: State, now: float, timing: Timing) -> Step:
    if state.phase is not Phase.WAITING or not state.server_up:
        return state, (() if state.phase in (Phase.PROBING, Phase.STARTING) else (Command.RELEASE_SLOT,))
    if state.media is not None:
        return _start(state, now, timing)
    return enter(state, Phase.PROBING, now, now + timing.probe_limit_s), (Command.PROBE,)


def _start(state: State, now: float, timing: Timing) -> Step:
    state = enter(state, Phase.STARTING, now, now + timing.connect_timeout_s)
    restarts = state.restarts + (1 if state.started else 0)
    state = state._replace(advance=None, running_since=None, restarts=restarts, started=True)
    return state._replace(unpublished_since=None), (Command.START,)


def _probed(state: State, event: Probed, now: float, draw: float, timing: Timing) -> Step:
    outcome = event.outcome
    if state.phase is not Phase.PROBING:
        return state, ()
    if isinstance(outcome, ProbeFailure):
        return _fail(state, outcome.cause, outcome.detail, now, draw, timing)
    state = state._replace(media=outcome, looked_at=now)
    if state.server_up and event.permitted:
        return _start(state, now, timing)
    again = (Command.REQUEST_SLOT,) if state.server_up else ()
    return enter(state, Phase.WAITING, now), (Command.RELEASE_SLOT, *again)


def _advanced(state: State, advance: Advance, now: float, timing: Timing) -> Step:
    if state.phase not in (Phase.STARTING, Phase.RUNNING, Phase.IDLE):
        return state, ()
    if advance.idle or state.phase is Phase.IDLE:
        return _demanded(state, advance, now, timing)
    if not advance.moved:
        return state._replace(advance=advance), ()
    deadline = now + timing.stall_timeout_s
    if state.phase is Phase.RUNNING:
        return state._replace(advance=advance, deadline=deadline), ()
    state = enter(state, Phase.RUNNING, now, deadline)
    return state._replace(advance=advance, running_since=now, cause=None, detail=""), (Command.REPORT_SUCCESS,)


def _demanded(state: State, advance: Advance, now: float, timing: Timing) -> Step:
    """It is fetched on demand: nobody asks for it any more, or somebody does again."""
    if not advance.idle:
        # What still moves is of the time before.
        awaited = enter(state, Phase.STARTING, now, now + timing.connect_timeout_s)._replace(advance=None)
        return (state, ()) if advance.moved else (awaited, ())
    if state.phase is Phase.IDLE:
        return state, ()
    ran_s = now - state.running_since if state.running_since is not None else 0.0
    failures = 0 if ran_s >= timing.restart.stable_after_s else state.failures
    idle = enter(state, Phase.IDLE, now)._replace(advance=None, running_since=None, failures=failures)
    return idle._replace(cause=None, detail=""), (Command.REPORT_SUCCESS,)


def _ended(state: State, ended: Ended, now: float, draw: float, timing: Timing) -> Step:
    if state.phase not in HAS_PUBLISHER:
        return state, ()
    state = state._replace(unpublished_since=now)
    if not state.wanted:
        return enter(state, Phase.FINISHED, now), (Command.RELEASE_SLOT, Command.FINISH)
    if state.stop_cause is Cause.STOPPED:
        # On request: a new life, but not a new camera.
        fresh = state._replace(failures=0, lesser=False, stop_cause=None, running_since=None, last_cause=Cause.STOPPED)
        state, commands = (enter(fresh, Phase.HELD, now), ()) if state.on_hold else queue(fresh, now)
        return state, (Command.RELEASE_SLOT, *commands)
    # The reason of a stop is part of the record: what a publisher says while it is being ended tells nothing.
    cause, detail = (ended.cause, ended.detail) if state.stop_cause is None else (state.stop_cause, state.detail)
    if cause is Cause.AUTH_FAILED and _has_just_logged_in(state):
        cause = Cause.AUTH_UNSUPPORTED
    if cause is Cause.NO_MEDIA:
        # Its engine may have taken it for a run: one of which nothing arrived is not stable, however long it was.
        state = state._replace(running_since=None)
        if ended.unsendable:
            cause, detail = Cause.CODEC_UNSUPPORTED, ended.unsendable
    # What it gave up at before it came to the sound is not the sound.
    has_lesser = ended.has_lesser and ended.remedy is None
    failed, commands = _fail(state, cause, detail, now, draw, timing, has_lesser=has_lesser)
    return failed._replace(remedy=_remedy(state, ended, cause)), commands


def _remedy(state: State, ended: Ended, cause: Cause) -> Remedy | None:
    """Only where the other engine is there, and the ending itself tells, or the probe, which got in."""
    if not ended.other or state.stop_cause is not None:
        return None
    logged_in = state.media is not None and bool(state.media.login)
    return Remedy.LOGIN if cause is Cause.AUTH_UNSUPPORTED and logged_in else ended.remedy


def _has_just_logged_in(state: State) -> bool:
    """The probe right before this start got in by the same login: what is refused then is not the password."""
    return state.media is not None and bool(state.media.login) and state.looked_at == state.since


def _fail(
    state: State, cause: Cause, detail: str, now: float, draw: float, timing: Timing, *, has_lesser: bool = False
) -> Step:
    """One failure: what it means for the next try."""
    policy = cause.facts.policy
    ran_s = now - state.running_since if state.running_since is not None else 0.0
    stable = state.running_since is not None and ran_s >= timing.restart.stable_after_s
    blames_server = cause.facts.side is Side.MEDIA_SERVER
    failures = 0 if stable else state.failures + 1
    if policy is Policy.SERVER:
        # Not the camera's failure; still no tight loop where the server cuts off this path alone.
        failures = min(failures, _MOST_SERVER_FAILURES)
    # A start that brought nothing may succeed with less; a lesser one that brought nothing proves the rest innocent.
    try_less = has_lesser and cause in _MAY_BE_THE_SOUND and not state.lesser
    # A camera of one session would be locked out by the next probe just when it has forgotten this one.
    trusted = stable or blames_server or try_less or cause is Cause.BUSY
    state = state._replace(
        cause=cause,
        last_cause=cause,
        detail=detail,
        remedy=None,
        failures=failures,
        media=state.media if trusted else None,
        # After a stable run all of it gets another chance: one hiccup must not mute a camera for good.
        lesser=try_less or (state.lesser and trusted and not stable),
        stop_cause=None,
        running_since=None,
    )
    check = (Command.CHECK_SERVER,) if blames_server else ()
    if policy is Policy.HOLD:
        deadline = now + timing.restart.held_delay_s(draw)
        return enter(state, Phase.HELD, now, deadline), (Command.REPORT_FAILURE, *check)
    if blames_server and not state.server_up:
        return enter(state._replace(failures=0), Phase.WAITING, now), (Command.REPORT_FAILURE, *check)
    quick = try_less and cause is not Cause.NO_MEDIA
    delay_s = timing.restart.delay_s(0 if quick else failures, draw, slow=policy is Policy.SLOW and not quick)
    return enter(state, Phase.BACKOFF, now, now + delay_s), (Command.REPORT_FAILURE, *check)


def _timer(state: State, fired: TimerFired, now: float, draw: float, timing: Timing) -> Step:
    if state.deadline is None or now < state.deadline:
        return state, ()
    if fired.blind and state.phase in (Phase.STARTING, Phase.RUNNING):
        return state._replace(deadline=now + timing.stall_timeout_s), ()
    match state.phase:
        case Phase.PROBING:
            state, commands = _fail(state, Cause.TIMEOUT, "", now, draw, timing)
            return state, (Command.CANCEL_PROBE, *commands)
        case Phase.STARTING | Phase.RUNNING:
            if state.phase is Phase.RUNNING and fired.moved_after is not None and not state.only_sound:
                # ffmpeg tells of a picture when the next one comes: of few pictures the server knows sooner.
                arrived_until = fired.moved_after + timing.stall_timeout_s
                if arrived_until > now:
                    return state._replace(deadline=arrived_until), ()
            silent = Cause.NO_MEDIA if state.phase is Phase.STARTING else Cause.STALLED
            # A publisher blocked on a server that is away is not the camera's fault.
            cause = fired.excuse or (silent if state.server_up else Cause.SERVER_GONE)
            return _give_up(state, cause, now, timing)
        case Phase.BACKOFF | Phase.HELD:
            return queue(state, now)
    return state, ()


def _unarrived(state: State, event: Unarrived, now: float, timing: Timing) -> Step:
    """An advance proves only that the engine writes; the server's counter proves that something arrives."""
    if state.phase is not Phase.RUNNING or state.running_since is None:
        return state, ()
    if event.until - max(event.silent_since, state.running_since) < timing.stall_timeout_s:
        return state, ()
    silent = Cause.STALLED if event.received else Cause.NO_MEDIA
    return _give_up(state, event.excuse or (silent if event.published else Cause.SERVER_GONE), now, timing)


def _give_up(state: State, cause: Cause, now: float, timing: Timing) -> Step:
    """Stop a publisher from whom nothing came for too long; what that is, and where it is set, is told."""
    detail = timing.passed(state) if cause in (Cause.NO_MEDIA, Cause.STALLED) else ""
    return enter(state, Phase.STOPPING, now)._replace(stop_cause=cause, detail=detail), (Command.STOP,)


def _server_lost(state: State, now: float) -> Step:
    if not state.server_up:
        return state, ()
    state = state._replace(server_up=False)
    if state.phase is Phase.WAITING:
        return state, (Command.RELEASE_SLOT,)
    if state.phase is Phase.BACKOFF and state.cause is not None and state.cause.facts.side is Side.MEDIA_SERVER:
        return enter(state._replace(failures=0), Phase.WAITING, now), ()
    return state, ()


def _server_found(state: State) -> Step:
    if state.server_up:
        return state, ()
    return state._replace(server_up=True), ((Command.REQUEST_SLOT,) if state.phase is Phase.WAITING else ())
