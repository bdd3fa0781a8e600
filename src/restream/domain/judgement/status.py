"""A row of the table as the supervisor sees it."""

from __future__ import annotations

from dataclasses import dataclass

from restream.domain.camera.camera import Camera, RejectedRow
from restream.domain.engine import Plan
from restream.domain.fleet.vacancy import Vacancy
from restream.domain.life.lifecycle import Phase, State
from restream.domain.rtp.stream_report import StreamReport


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One supervised camera. Times are seconds of the monotonic clock."""

    camera: Camera
    state: State
    plan: Plan | None
    pid: int | None
    """Of the process that works for this camera alone, where its engine has one."""

    @property
    def packets(self) -> StreamReport | None:
        """What the camera's packets tell just now; None: nothing is published, or its engine does not see them."""
        advance = self.state.advance
        return advance.stream if advance is not None and self.state.phase in _PUBLISHES else None


_PUBLISHES = frozenset({Phase.STARTING, Phase.RUNNING})


@dataclass(frozen=True, slots=True)
class Unowned:
    """A camera of several nodes' that none of them has; told by the one that leads."""

    camera: Camera
    vacancy: Vacancy
    silent: bool
    """The media server shows that nobody publishes it; else somebody may."""
    owner: str = ""
    """The node that had it last; empty: none did."""


Subject = CameraStatus | Unowned | Camera | RejectedRow
"""Supervised, without a node, disabled, or not understood."""


def row_of(subject: Subject) -> Camera | RejectedRow:
    """The row itself."""
    return subject if isinstance(subject, Camera | RejectedRow) else subject.camera
