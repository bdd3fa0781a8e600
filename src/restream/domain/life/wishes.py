"""What people want of a camera: requests of operators, rows that are changed or removed."""

from __future__ import annotations

from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import (
    Command,
    HoldAsked,
    Phase,
    ProbeAsked,
    Released,
    Request,
    RestartAsked,
    State,
)
from restream.domain.life.steps import HAS_PUBLISHER, Step, enter, queue


def requested(state: State, request: Request, now: float) -> Step:
    """What an operator asks for."""
    if state.refusal(request):
        return state, ()
    match request:
        case HoldAsked():
            return _held(state, now)
        case ProbeAsked():
            if state.phase in HAS_PUBLISHER:
                return state, (Command.LOOK,)
            return (state, ()) if state.phase is Phase.PROBING else revised(state._replace(media=None), now)
        case RestartAsked() | Released():
            return revised(state, now)


def revised(state: State, now: float) -> Step:
    """A new start, with delays and failures forgotten; what is known of the media is the caller's to forget."""
    fresh = state._replace(failures=0, lesser=False, on_hold=False)
    match state.phase:
        case Phase.STARTING | Phase.RUNNING | Phase.IDLE:
            return _stop(fresh, now)
        case Phase.STOPPING:
            return fresh._replace(stop_cause=Cause.STOPPED), ()
        case _:
            # The host may be another one: ask again under the new name.
            cancel = (Command.CANCEL_PROBE,) if state.phase is Phase.PROBING else ()
            state, commands = queue(fresh._replace(cause=None, detail=""), now)
            return state, (*cancel, Command.RELEASE_SLOT, *commands)


def _held(state: State, now: float) -> Step:
    """Stop until released; a change of the row ends it too."""
    held = state._replace(on_hold=True, failures=0, cause=None, detail="")
    match state.phase:
        case Phase.STARTING | Phase.RUNNING | Phase.IDLE:
            return _stop(held, now)
        case Phase.STOPPING:
            return held._replace(stop_cause=Cause.STOPPED), ()
        case _:
            cancel = (Command.CANCEL_PROBE,) if state.phase is Phase.PROBING else ()
            return enter(held, Phase.HELD, now), (*cancel, Command.RELEASE_SLOT)


def _stop(state: State, now: float) -> Step:
    return enter(state, Phase.STOPPING, now)._replace(stop_cause=Cause.STOPPED), (Command.STOP,)


def removed(state: State, now: float) -> Step:
    """Its row is gone or disabled, or the service ends."""
    state = state._replace(wanted=False)
    match state.phase:
        case Phase.STARTING | Phase.RUNNING | Phase.IDLE:
            return _stop(state, now)
        case Phase.STOPPING:
            return state, ()
        case _:
            cancel = (Command.CANCEL_PROBE,) if state.phase is Phase.PROBING else ()
            return enter(state, Phase.FINISHED, now), (*cancel, Command.RELEASE_SLOT, Command.FINISH)
