"""The life of one camera as a pure, total function: `step(state, event, now, draw, timing) → (state, commands)`.

The shell (supervisor.actor) carries out the commands, feeds back what happens as events, and sends `TimerFired` when
`state.deadline` has come. The picture is in docs/architecture.md.
"""

from __future__ import annotations

from restream.domain.engine import Advance, Media, ProbeFailure
from restream.domain.life.cause import Cause, Policy, Side
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
    Request,
    RestartAsked,
    Revised,
    ServerFound,
    ServerLost,
    State,
    TimerFired,
    Timing,
    Unarrived,
)

Step = tuple[State, tuple[Command, ...]]
_MOST_SERVER_FAILURES = 2
_HAS_PUBLISHER = frozenset({Phase.STARTING, Phase.RUNNING, Phase.STOPPING})


def begin(now: float, *, server_up: bool) -> Step:
    """The first state of a camera."""
    state = State(Phase.WAITING, now, server_up=server_up, unpublished_since=now)
    return state, ((Command.REQUEST_SLOT,) if server_up else ())


def step(state: State, event: Event, now: float, draw: float, timing: Timing) -> Step:
    """Follow one event. Events that do not concern the phase change nothing. Never raises."""
    if state.phase is Phase.FINISHED:
        return state, ()
    match event:
        case Advanced(advance):
            return _advanced(state, advance, now, timing)
        case Admitted():
            return _admitted(state, now, timing)
        case Probed(outcome):
            return _probed(state, outcome, now, draw, timing)
        case Ended():
            return _ended(state, event, now, draw, timing)
        case TimerFired():
            return _timer(state, event, now, draw, timing)
        case Unarrived():
            return _unarrived(state, event, now, timing)
        case Revised():
            return _revised(state._replace(media=None), now)
        case RestartAsked() | ProbeAsked() | HoldAsked() | Released():
            return _requested(state, event, now)
        case Removed():
            return _removed(state, now)
        case ServerLost():
            return _server_lost(state, now)
        case ServerFound():
            return _server_found(state)


def crash(state: State, now: float, timing: Timing, *, publishing: bool) -> Step:
    """The shell failed while it followed an event: end what runs, then it is one more failure of this camera."""
    clean = (Command.RELEASE_SLOT, Command.CANCEL_PROBE)
    if publishing:
        ending = _enter(state, Phase.STOPPING, now)._replace(stop_cause=Cause.INTERNAL, detail="")
        return ending, (*clean, Command.STOP)
    if not state.wanted:
        return _enter(state, Phase.FINISHED, now), clean
    failed = state._replace(cause=Cause.INTERNAL, failures=state.failures + 1)
    return _enter(failed, Phase.BACKOFF, now, now + timing.restart.base_s), clean


def _enter(state: State, phase: Phase, now: float, deadline: float | None = None) -> State:
    return state._replace(phase=phase, since=now, deadline=deadline)


def _wait(state: State, now: float) -> Step:
    """Queue for admission, or for the media server."""
    return _enter(state, Phase.WAITING, now), ((Command.REQUEST_SLOT,) if state.server_up else ())


def _admitted(state: State, now: float, timing: Timing) -> Step:
    if state.phase is not Phase.WAITING or not state.server_up:
        return state, (() if state.phase in (Phase.PROBING, Phase.STARTING) else (Command.RELEASE_SLOT,))
    if state.media is not None:
        return _start(state, now, timing)
    return _enter(state, Phase.PROBING, now, now + timing.probe_limit_s), (Command.PROBE,)


def _start(state: State, now: float, timing: Timing) -> Step:
    state = _enter(state, Phase.STARTING, now, now + timing.connect_timeout_s)
    restarts = state.restarts + (1 if state.started else 0)
    state = state._replace(advance=None, running_since=None, restarts=restarts, started=True)
    return state._replace(unpublished_since=None), (Command.START,)


def _probed(state: State, outcome: Media | ProbeFailure, now: float, draw: float, timing: Timing) -> Step:
    if state.phase is not Phase.PROBING:
        return state, ()
    if isinstance(outcome, ProbeFailure):
        return _fail(state, outcome.cause, outcome.detail, now, draw, timing)
    state = state._replace(media=outcome)
    if state.server_up:
        return _start(state, now, timing)
    return _enter(state, Phase.WAITING, now), (Command.RELEASE_SLOT,)


def _advanced(state: State, advance: Advance, now: float, timing: Timing) -> Step:
    if state.phase not in (Phase.STARTING, Phase.RUNNING):
        return state, ()
    if not advance.moved:
        return state._replace(advance=advance), ()
    deadline = now + timing.stall_timeout_s
    if state.phase is Phase.RUNNING:
        return state._replace(advance=advance, deadline=deadline), ()
    state = _enter(state, Phase.RUNNING, now, deadline)
    return state._replace(advance=advance, running_since=now, cause=None, detail=""), (Command.RELEASE_SLOT,)


def _ended(state: State, ended: Ended, now: float, draw: float, timing: Timing) -> Step:
    if state.phase not in _HAS_PUBLISHER:
        return state, ()
    state = state._replace(unpublished_since=now)
    if not state.wanted:
        return _enter(state, Phase.FINISHED, now), (Command.RELEASE_SLOT, Command.FINISH)
    if state.stop_cause is Cause.STOPPED:
        # On request: a new life, but not a new camera.
        fresh = state._replace(failures=0, lesser=False, stop_cause=None, running_since=None, last_cause=Cause.STOPPED)
        state, commands = (_enter(fresh, Phase.HELD, now), ()) if state.on_hold else _wait(fresh, now)
        return state, (Command.RELEASE_SLOT, *commands)
    # The reason of a stop is part of the record: what a publisher says while it is being ended tells nothing.
    cause, detail = (ended.cause, ended.detail) if state.stop_cause is None else (state.stop_cause, state.detail)
    if cause is Cause.NO_MEDIA and ended.unsendable:
        cause, detail = Cause.CODEC_UNSUPPORTED, ended.unsendable
    return _fail(state, cause, detail, now, draw, timing, has_lesser=ended.has_lesser)


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
    try_less = has_lesser and cause in (Cause.NO_MEDIA, Cause.CODEC_UNSUPPORTED) and not state.lesser
    trusted = stable or blames_server or try_less
    state = state._replace(
        cause=cause,
        last_cause=cause,
        detail=detail,
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
        return _enter(state, Phase.HELD, now, deadline), (Command.RELEASE_SLOT, *check)
    if blames_server and not state.server_up:
        return _enter(state._replace(failures=0), Phase.WAITING, now), (Command.RELEASE_SLOT, *check)
    quick = cause is Cause.CODEC_UNSUPPORTED and try_less
    delay_s = timing.restart.delay_s(0 if quick else failures, draw, slow=policy is Policy.SLOW and not quick)
    return _enter(state, Phase.BACKOFF, now, now + delay_s), (Command.RELEASE_SLOT, *check)


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
            if state.phase is Phase.RUNNING and fired.moved_after is not None:
                # ffmpeg tells of a picture when the next one comes: of few pictures the server knows sooner.
                arrived_until = fired.moved_after + timing.stall_timeout_s
                if arrived_until > now:
                    return state._replace(deadline=arrived_until), ()
            silent = Cause.NO_MEDIA if state.phase is Phase.STARTING else Cause.STALLED
            # A publisher blocked on a server that is away is not the camera's fault.
            cause = fired.excuse or (silent if state.server_up else Cause.SERVER_GONE)
            return _give_up(state, cause, now, timing)
        case Phase.BACKOFF | Phase.HELD:
            return _wait(state, now)
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
    detail = timing.passed(state.phase) if cause in (Cause.NO_MEDIA, Cause.STALLED) else ""
    return _enter(state, Phase.STOPPING, now)._replace(stop_cause=cause, detail=detail), (Command.STOP,)


def _requested(state: State, request: Request, now: float) -> Step:
    if state.refusal(request):
        return state, ()
    match request:
        case HoldAsked():
            return _held(state, now)
        case ProbeAsked():
            return _revised(state._replace(media=None), now)
        case RestartAsked() | Released():
            return _revised(state, now)


def _revised(state: State, now: float) -> Step:
    """A new start, with delays and failures forgotten; what is known of the media is the caller's to forget."""
    fresh = state._replace(failures=0, lesser=False, on_hold=False)
    match state.phase:
        case Phase.STARTING | Phase.RUNNING:
            return _stop(fresh, now)
        case Phase.STOPPING:
            return fresh._replace(stop_cause=Cause.STOPPED), ()
        case _:
            # The host may be another one: ask again under the new name.
            cancel = (Command.CANCEL_PROBE,) if state.phase is Phase.PROBING else ()
            state, commands = _wait(fresh._replace(cause=None, detail=""), now)
            return state, (*cancel, Command.RELEASE_SLOT, *commands)


def _held(state: State, now: float) -> Step:
    """Stop until released; a change of the row ends it too."""
    held = state._replace(on_hold=True, failures=0, cause=None, detail="")
    match state.phase:
        case Phase.STARTING | Phase.RUNNING:
            return _stop(held, now)
        case Phase.STOPPING:
            return held._replace(stop_cause=Cause.STOPPED), ()
        case _:
            cancel = (Command.CANCEL_PROBE,) if state.phase is Phase.PROBING else ()
            return _enter(held, Phase.HELD, now), (*cancel, Command.RELEASE_SLOT)


def _stop(state: State, now: float) -> Step:
    return _enter(state, Phase.STOPPING, now)._replace(stop_cause=Cause.STOPPED), (Command.STOP,)


def _removed(state: State, now: float) -> Step:
    state = state._replace(wanted=False)
    match state.phase:
        case Phase.STARTING | Phase.RUNNING:
            return _stop(state, now)
        case Phase.STOPPING:
            return state, ()
        case _:
            cancel = (Command.CANCEL_PROBE,) if state.phase is Phase.PROBING else ()
            return _enter(state, Phase.FINISHED, now), (*cancel, Command.RELEASE_SLOT, Command.FINISH)


def _server_lost(state: State, now: float) -> Step:
    if not state.server_up:
        return state, ()
    state = state._replace(server_up=False)
    if state.phase is Phase.WAITING:
        return state, (Command.RELEASE_SLOT,)
    if state.phase is Phase.BACKOFF and state.cause is not None and state.cause.facts.side is Side.MEDIA_SERVER:
        return _enter(state._replace(failures=0), Phase.WAITING, now), ()
    return state, ()


def _server_found(state: State) -> Step:
    if state.server_up:
        return state, ()
    return state._replace(server_up=True), ((Command.REQUEST_SLOT,) if state.phase is Phase.WAITING else ())
