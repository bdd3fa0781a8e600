"""The life of one camera: its phases, the events it follows, the commands it gives, and its state.

The rules that lead from one to the next are in `transitions`. Times are seconds of a monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from restream.domain.engine import Advance, Media, ProbeFailure
from restream.domain.life.backoff import RestartPolicy
from restream.domain.life.cause import Cause
from restream.domain.life.remedy import Remedy


class Phase(StrEnum):
    """What a camera is doing."""

    WAITING = "waiting"
    """For admission, or for the media server."""
    PROBING = "probing"
    STARTING = "starting"
    """The publisher runs, no media has moved yet."""
    RUNNING = "running"
    IDLE = "idle"
    """It is fetched on demand, and nobody asks for it."""
    STOPPING = "stopping"
    BACKOFF = "backoff"
    HELD = "held"
    FINISHED = "finished"


class Command(StrEnum):
    """What the shell has to do; all data is in the state."""

    REQUEST_SLOT = "request_slot"
    RELEASE_SLOT = "release_slot"
    """Or leave the queue."""
    REPORT_SUCCESS = "report_success"
    """Release the slot, and tell that media flows: others may follow faster."""
    REPORT_FAILURE = "report_failure"
    """Release the slot, and tell the cause."""
    PROBE = "probe"
    LOOK = "look"
    """Probe beside the stream, for whoever asked: what flows is left alone."""
    CANCEL_PROBE = "cancel_probe"
    START = "start"
    CONTINUE = "continue"
    """Take over a publisher that runs."""
    STOP = "stop"
    CHECK_SERVER = "check_server"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class Admitted:
    """Admission control has given this camera a slot."""


@dataclass(frozen=True, slots=True)
class Probed:
    """The probe has answered."""

    outcome: Media | ProbeFailure
    permitted: bool = True
    """Whether the camera may still be started: a probe takes longer than another node needs to take it."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """The publisher, or the media server for it, reported how far it is."""

    advance: Advance


@dataclass(frozen=True, slots=True)
class Ended:
    """The publisher has ended and nothing of it is left; `cause` is what its ending tells, had nobody asked for it."""

    cause: Cause
    detail: str
    has_lesser: bool = False
    """A plan with less (without sound) is worth a try where this one brought no media."""
    unsendable: str = ""
    """As in `Ending`."""
    remedy: Remedy | None = None
    """As in `Ending`."""
    other: bool = False
    """Another engine, which speaks with cameras as a probe does, can publish this one."""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The state's deadline has come (or a little earlier: that is harmless)."""

    excuse: Cause | None = None
    """Why the publisher's silence says nothing about the camera, where its engine knows."""
    blind: bool = False
    """Nobody could have seen media move: only the media server can tell, and it does not answer."""
    moved_after: float | None = None
    """The media server saw bytes arrive after this moment; None: it did not, or nobody knows."""


@dataclass(frozen=True, slots=True)
class Revised:
    """The row changed in a way that changes the stream."""


@dataclass(frozen=True, slots=True)
class Removed:
    """The row is gone or disabled, or the service ends."""


@dataclass(frozen=True, slots=True)
class ServerLost:
    """The media server is away."""


@dataclass(frozen=True, slots=True)
class ServerFound:
    """The media server is there (again)."""


@dataclass(frozen=True, slots=True)
class Unarrived:
    """The media server answers, and received nothing from `silent_since` `until` it was asked; `published`: it has the
    path."""

    silent_since: float
    until: float
    published: bool
    excuse: Cause | None = None
    """As in `TimerFired`."""
    received: bool = True
    """Whether anything ever arrived from this publisher."""


@dataclass(frozen=True, slots=True)
class RestartAsked:
    """An operator wants it started again, at once."""


@dataclass(frozen=True, slots=True)
class ProbeAsked:
    """An operator wants the camera looked at anew, at once."""


@dataclass(frozen=True, slots=True)
class HoldAsked:
    """An operator wants it stopped until further notice."""


@dataclass(frozen=True, slots=True)
class Released:
    """The operator lets go of it."""


Request = RestartAsked | ProbeAsked | HoldAsked | Released
"""What an operator may ask for."""

Event = (
    Admitted
    | Probed
    | Advanced
    | Ended
    | TimerFired
    | Revised
    | Removed
    | ServerLost
    | ServerFound
    | Unarrived
    | Request
)


@dataclass(frozen=True, slots=True)
class Timing:
    """Limits of one camera, in seconds."""

    restart: RestartPolicy = RestartPolicy()
    probe_limit_s: float = 15.0
    connect_timeout_s: float = 15.0
    stall_timeout_s: float = 10.0

    def passed(self, state: State) -> str:
        """Which limit a publisher has passed without media, and the setting that it is."""
        if state.phase is Phase.STARTING:
            return f"no key frame was published within {self.connect_timeout_s:g} s (connect_timeout_s)"
        what = "nothing but sound" if state.only_sound else "nothing"
        return f"{what} arrived for {self.stall_timeout_s:g} s (stall_timeout_s)"


class State(NamedTuple):
    """Everything the machine knows about one camera. A tuple, because it is replaced a thousand times a second."""

    phase: Phase
    since: float
    """When this phase began."""
    deadline: float | None = None
    server_up: bool = True
    failures: int = 0
    """Failures in a row without a stable run between them."""
    cause: Cause | None = None
    """Of the last failure; None once media flows."""
    last_cause: Cause | None = None
    """Of the last ending, kept while media flows again; STOPPED when it was asked for."""
    detail: str = ""
    remedy: Remedy | None = None
    """Of the last failure: what another engine, which can publish this camera, does better."""
    stop_cause: Cause | None = None
    """Why the publisher is being stopped."""
    wanted: bool = True
    on_hold: bool = False
    """Stopped by an operator."""
    media: Media | None = None
    """The last probe, as long as it can be trusted: a stable stream restarts without another one."""
    looked_at: float | None = None
    """When the last probe found media."""
    lesser: bool = False
    """The last start brought no media: this time by the engine's lesser plan (without sound)."""
    advance: Advance | None = None
    """The newest report of the publisher that runs."""
    running_since: float | None = None
    unpublished_since: float | None = None
    """Since when no publisher of ours runs; None while one does."""
    restarts: int = 0
    """Starts after the first one."""
    started: bool = False

    @property
    def only_sound(self) -> bool:
        """Of the camera sound comes lately and no picture; False where its engine does not see that."""
        stream = self.advance.stream if self.advance is not None else None
        return stream is not None and stream.only_sound

    @property
    def waits_for_server(self) -> bool:
        return self.phase is Phase.WAITING and not self.server_up

    @property
    def on_its_way(self) -> bool:
        """It is being stopped, started or looked at, or its turn is to come."""
        moves = (Phase.STOPPING, Phase.WAITING, Phase.PROBING, Phase.STARTING)
        return self.phase in moves and not self.waits_for_server

    def refusal(self, request: Request) -> str:
        """Why an operator's request makes no sense now; empty when it does."""
        if isinstance(request, Released):
            return "" if self.on_hold else "it is not on hold"
        return "it is on hold: release it first" if self.on_hold else ""
