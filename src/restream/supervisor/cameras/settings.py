"""What actors are given: the settings that all cameras share, and the ports to the world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from restream.domain.ffmpeg.plan import FfmpegSettings, Target
from restream.domain.life.backoff import RestartPolicy
from restream.domain.news.event import Transition
from restream.ports import Prober, Publisher
from restream.supervisor.cameras.admission import Admission


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
