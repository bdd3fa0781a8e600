"""What happened: frozen facts that logs, histories and alerts listen to. `at` is Unix time in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from restream.domain.judgement.verdict import Health, Verdict
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase
from restream.domain.news.component import ComponentState


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


@dataclass(frozen=True, slots=True)
class HealthChange:
    """A camera is judged differently."""

    at: float
    camera_id: str
    name: str
    before: Health
    after: Verdict


@dataclass(frozen=True, slots=True)
class ComponentChange:
    """A dependency came or went."""

    at: float
    component: str
    before: ComponentState
    after: ComponentState
    detail: str


@dataclass(frozen=True, slots=True)
class ServerRestart:
    """The media server began anew, and cut all its publishers off."""

    at: float
    detail: str


Event = Transition | HealthChange | ComponentChange | ServerRestart
"""Anything that histories keep."""
