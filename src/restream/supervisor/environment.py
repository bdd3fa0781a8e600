"""What actors are given: the settings that all cameras share, and the ports to the world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from restream.domain.backoff import RestartPolicy
from restream.domain.event import Transition
from restream.domain.plan import FfmpegSettings, Target
from restream.ports import Prober, Publisher
from restream.supervisor.admission import Admission


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """What all cameras share; a change restarts those whose command it changes."""

    ffmpeg: FfmpegSettings
    target: Target
    restart: RestartPolicy


@dataclass(frozen=True, slots=True)
class Environment:
    """What an actor needs from outside."""

    prober: Prober
    publisher: Publisher
    admission: Admission
    check_server: Callable[[], None]
    on_transition: Callable[[Transition], None]
