"""What happened: frozen facts that logs, histories and alerts listen to. `at` is Unix time in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from restream.domain.camera.camera import Camera
from restream.domain.judgement.verdict import Health, Verdict
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase, State
from restream.domain.news.component import ComponentState
from restream.domain.news.incident import Bond, Entry, Incident
from restream.domain.server.identity import DEFAULT_SERVER, ServerId


@dataclass(frozen=True, slots=True)
class Transition:
    """A camera changed its phase."""

    at: float
    camera_id: str
    name: str
    before: Phase
    after: Phase
    cause: Cause | None
    detail: str
    retry_in_s: float | None
    server: ServerId = DEFAULT_SERVER
    """The media server it is published to."""

    @classmethod
    def between(cls, camera: Camera, before: State, after: State, *, at: float, now: float) -> Transition:
        """What led from one state to the next at this moment (`at` Unix time, `now` monotonic, s)."""
        retry_at = after.deadline if after.phase in (Phase.BACKOFF, Phase.HELD) else None
        return cls(
            at=at,
            camera_id=camera.id,
            name=camera.name,
            before=before.phase,
            after=after.phase,
            cause=after.cause if after.phase is not Phase.STOPPING else after.stop_cause,
            detail=after.detail,
            retry_in_s=None if retry_at is None else retry_at - now,
            server=camera.server,
        )


@dataclass(frozen=True, slots=True)
class HealthChange:
    """A camera is judged differently."""

    at: float
    camera_id: str
    name: str
    before: Health
    after: Verdict
    server: ServerId = DEFAULT_SERVER


@dataclass(frozen=True, slots=True)
class ComponentChange:
    """A dependency came or went."""

    at: float
    component: str
    before: ComponentState
    after: ComponentState
    detail: str
    server: ServerId | None = None
    """Which media server it is, if it is one."""


@dataclass(frozen=True, slots=True)
class ServerRestart:
    """The media server began anew, and cut all its publishers off."""

    at: float
    detail: str
    server: ServerId = DEFAULT_SERVER


@dataclass(frozen=True, slots=True)
class ActionAsked:
    """Somebody asked for something to be done with a camera."""

    at: float
    camera_id: str
    name: str
    action: str
    by: str
    """Empty: nobody who is known."""


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """An incident began or ended, or somebody did something about it."""

    at: float
    incident: str
    """Its id."""
    bond: Bond
    step: str
    """`began`, `ended`, `merged`, or what was done."""
    cameras: int = 0
    """Of it now, or at most."""
    cause: str = ""
    side: str = "none"
    by: str = ""
    """Who did it; empty: nobody who is known, or nobody had to."""
    text: str = ""
    """What he wrote."""

    @classmethod
    def between(cls, before: Incident | None, now: Incident, *, at: float) -> IncidentChange | None:
        """What led from one state to the next; None: it goes on."""
        if before is not None and now.ended is None:
            return None
        step = "began" if now.ended is None else "merged" if now.merged_into else "ended"
        size = len(now.members) if now.ended is None else now.most
        return cls(at, now.id, now.bond, step, size, now.cause, now.side)

    @classmethod
    def done(cls, incident: Incident, entry: Entry) -> IncidentChange:
        """Somebody did something about it."""
        size = len(incident.members) if incident.ended is None else incident.most
        return cls(
            entry.at, incident.id, incident.bond, entry.deed, size, incident.cause, incident.side, entry.who, entry.text
        )


Event = Transition | HealthChange | ComponentChange | ServerRestart | ActionAsked | IncidentChange
"""Anything that histories keep."""
