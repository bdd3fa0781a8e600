"""What every step of a camera's life is made of."""

from __future__ import annotations

from restream.domain.life.lifecycle import Command, Phase, State

Step = tuple[State, tuple[Command, ...]]
"""The state after an event, and what is to be done."""
HAS_PUBLISHER = frozenset({Phase.STARTING, Phase.RUNNING, Phase.IDLE, Phase.STOPPING})
"""Phases in which a publisher of ours is there, or may be."""


def enter(state: State, phase: Phase, now: float, deadline: float | None = None) -> State:
    """The same camera in another phase, to be looked at again at `deadline`."""
    return state._replace(phase=phase, since=now, deadline=deadline)


def queue(state: State, now: float) -> Step:
    """Queue for admission, or for the media server."""
    return enter(state, Phase.WAITING, now), ((Command.REQUEST_SLOT,) if state.server_up else ())
