"""What a new reading of the table means for the cameras that are being supervised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from restream.domain.camera.camera import Camera


@dataclass(frozen=True, slots=True)
class Changes:
    """Cameras to start, to stop (ids), to restart with a new stream, and to update in place."""

    started: tuple[Camera, ...] = ()
    stopped: tuple[str, ...] = ()
    restarted: tuple[Camera, ...] = ()
    updated: tuple[Camera, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.started or self.stopped or self.restarted or self.updated)


def reconcile(current: Mapping[str, Camera], wanted: Iterable[Camera]) -> Changes:
    """Compare supervised cameras with enabled rows. A change of name, site or priority restarts nothing."""
    enabled = {camera.id: camera for camera in wanted if camera.enabled}
    both = [(camera, current[camera.id]) for camera in enabled.values() if camera.id in current]
    return Changes(
        started=tuple(camera for camera in enabled.values() if camera.id not in current),
        stopped=tuple(camera_id for camera_id in current if camera_id not in enabled),
        restarted=tuple(new for new, old in both if new.stream != old.stream),
        updated=tuple(new for new, old in both if new != old and new.stream == old.stream),
    )
