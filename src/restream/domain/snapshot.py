"""What the service knows at one moment, frozen: one `Snapshot`, many renderings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from restream.domain.camera import Camera, RejectedRow
from restream.domain.cause import Cause
from restream.domain.flow import ServerPicture
from restream.domain.lifecycle import Phase, State
from restream.domain.plan import StreamPlan


class ComponentState(StrEnum):
    """State of something the service depends on."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Component:
    """A dependency: its state, since when (Unix time, s), and what an operator should read about it."""

    name: str
    state: ComponentState = ComponentState.UNKNOWN
    since: float = 0.0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One supervised camera. Times are seconds of the monotonic clock."""

    camera: Camera
    state: State
    plan: StreamPlan | None
    pid: int | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole picture at `now` (monotonic, s), which was `taken_at` by the wall clock (Unix time, s)."""

    taken_at: float
    now: float
    cameras: Mapping[str, CameraStatus]
    disabled: Mapping[str, Camera]
    rejected: Mapping[str, RejectedRow]
    components: Mapping[str, Component]
    idle_since: Mapping[str, float] = field(default_factory=dict)
    """Unix time (s) since which a disabled or rejected row has been that."""
    server: ServerPicture = ServerPicture()
    start_queue_length: int = 0
    draining: bool = False

    def wall(self, monotonic: float) -> float:
        """A moment of the monotonic clock as Unix time."""
        return self.taken_at + monotonic - self.now


@dataclass(frozen=True, slots=True)
class Transition:
    """A camera changed its phase; logs and histories listen. `at` is Unix time in seconds."""

    at: float
    camera_id: str
    name: str
    before: Phase
    after: Phase
    cause: Cause | None
    detail: str
    retry_in_s: float | None
