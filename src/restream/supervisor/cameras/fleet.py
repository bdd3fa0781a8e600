"""The cameras that are wanted, each with its actor."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping

from restream.domain.camera.camera import Camera
from restream.domain.camera.reconcile import reconcile
from restream.domain.judgement.status import CameraStatus
from restream.domain.life.lifecycle import Removed, Request, ServerFound, ServerLost
from restream.domain.news.event import Transition
from restream.domain.server.flow import ServerPicture
from restream.ports import Prober, Publisher
from restream.supervisor.cameras.actor import CameraActor
from restream.supervisor.cameras.admission import Admission
from restream.supervisor.cameras.settings import Environment, StreamSettings

logger = logging.getLogger(__name__)

# Counters move between any two sweeps of a healthy stream; only longer silence is worth a message to its actor.
_SURELY_SILENT_S = 1.0
_LONGEST_DRAIN_S = 120.0


class Fleet:
    """Starts, changes and ends actors so that they follow the table and the media server."""

    def __init__(
        self,
        settings: StreamSettings,
        *,
        prober: Prober,
        publisher: Publisher,
        admission: Admission,
        check_server: Callable[[], None],
        on_transition: Callable[[Transition], None],
    ) -> None:
        self._settings = settings
        self._admission = admission
        self._environment = Environment(prober, publisher, admission, check_server, on_transition)
        self._actors: dict[str, CameraActor] = {}
        self._leaving: dict[str, CameraActor] = {}
        self._leaving_paths: Counter[str] = Counter()
        # Wanted while an actor of the same id or path is still ending: never two publishers on one path.
        self._successors: dict[str, Camera] = {}
        self._successor_of_path: dict[str, str] = {}
        self._server_up = True
        self._draining = False

    @property
    def statuses(self) -> Mapping[str, CameraStatus]:
        return {camera_id: actor.status for camera_id, actor in {**self._leaving, **self._actors}.items()}

    def stderr_tail(self, camera_id: str) -> tuple[str, ...]:
        """The last lines that a camera's publisher wrote, masked; not part of the snapshot, since few ever ask."""
        actor = self._actors.get(camera_id) or self._leaving.get(camera_id)
        return actor.stderr_tail if actor else ()

    @property
    def start_queue_length(self) -> int:
        return self._admission.queue_length

    @property
    def draining(self) -> bool:
        """The service is being stopped."""
        return self._draining

    def want(self, cameras: list[Camera]) -> None:
        """Follow a new reading of the table."""
        if self._draining:
            return
        current = {camera_id: actor.camera for camera_id, actor in self._actors.items()}
        changes = reconcile({**current, **self._successors}, cameras)
        for camera_id in changes.stopped:
            self._remove(camera_id)
        for camera in changes.updated:
            if camera.id in self._successors:
                self._successors[camera.id] = camera
            else:
                self._actors[camera.id].update(camera)
        for camera in changes.restarted:
            logger.info("camera %s: its row changed, restarting with %s", camera.id, camera.source)
            self._restart(camera)
        for camera in changes.started:
            self._add(camera)
        if changes:
            counts = (len(changes.started), len(changes.stopped), len(changes.restarted), len(changes.updated))
            logger.info("cameras: %d started, %d stopped, %d restarted, %d updated in place", *counts)

    def ask(self, camera_id: str, request: Request) -> str | None:
        """An operator's request: why it is refused, empty when it is not, None when no such camera is supervised."""
        actor = self._actors.get(camera_id)
        if actor is None or self._draining:
            return None if actor is None else "the service is stopping"
        refusal = actor.status.state.refusal(request)
        if not refusal:
            logger.info("camera %s: %s by an operator", camera_id, type(request).__name__)
            actor.tell(request)
        return refusal

    def server_changed(self, up: bool) -> None:
        """The media server was lost or found; all cameras hear it."""
        self._server_up = up
        event = ServerFound() if up else ServerLost()
        for actor in self._actors.values():
            actor.tell(event)

    def observed(self, picture: ServerPicture) -> None:
        """A sweep over the media server: tell those publishers from whom nothing arrives."""
        for actor in self._actors.values():
            running_since = actor.running_since
            if running_since is None:
                continue
            path = actor.camera.path
            silent_since = picture.silent_since(path, running_since)
            if silent_since is not None and picture.asked_at - silent_since > _SURELY_SILENT_S:
                stream = picture.streams.get(path)
                published = stream is not None and stream.path.available
                actor.tell_unarrived(silent_since, picture.asked_at, published=published)

    def adopt(self, settings: StreamSettings, max_starting: int, max_per_host: int | None) -> None:
        """New settings of the service: only cameras whose command changes restart."""
        self._admission.resize(max_starting, max_per_host)
        if settings == self._settings:
            return
        self._settings = settings
        for actor in self._actors.values():
            actor.adopt(settings)

    async def drain(self, limit_s: float = _LONGEST_DRAIN_S) -> None:
        """Stop all cameras in parallel; returns when no publisher is left, at the latest after `limit_s` seconds."""
        self._draining = True
        self._successors.clear()
        for camera_id in list(self._actors):
            self._remove(camera_id)
        tasks = [actor.task for actor in self._leaving.values()]
        late = (await asyncio.wait(tasks, timeout=limit_s))[1] if tasks else ()
        if late:
            names = ", ".join(list(self._leaving)[:5])
            logger.error("%d cameras have not ended within %g s and are left behind: %s", len(late), limit_s, names)

    def _restart(self, camera: Camera) -> None:
        actor = self._actors.get(camera.id)
        if actor is not None and actor.camera.path == camera.path:
            actor.revise(camera, self._settings)
            return
        # Under another path it is another stream, which may have to wait for who publishes there now.
        self._remove(camera.id)
        self._add(camera)

    def _add(self, camera: Camera) -> None:
        if self._must_wait(camera):
            self._successors[camera.id] = camera
            self._successor_of_path[camera.path] = camera.id
            return
        actor = CameraActor(camera, self._settings, self._environment, server_up=self._server_up)
        self._actors[camera.id] = actor
        actor.task.add_done_callback(lambda task: self._gone(actor, task))

    def _must_wait(self, camera: Camera) -> bool:
        return camera.id in self._leaving or self._leaving_paths[camera.path] > 0

    def _remove(self, camera_id: str) -> None:
        self._successors.pop(camera_id, None)
        actor = self._actors.pop(camera_id, None)
        if actor is not None:
            self._leaving[camera_id] = actor
            self._leaving_paths[actor.camera.path] += 1
            actor.tell(Removed())

    def _gone(self, actor: CameraActor, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        camera = actor.camera
        if task.exception() is not None:
            logger.error("camera %s: its actor died", camera.id, exc_info=task.exception())
        if self._actors.get(camera.id) is actor:
            # It ended although nobody asked: begin anew.
            del self._actors[camera.id]
            self._successors[camera.id] = camera
        else:
            del self._leaving[camera.id]
            self._leaving_paths[camera.path] -= 1
        if self._draining:
            return
        for camera_id in (camera.id, self._successor_of_path.pop(camera.path, None)):
            successor = self._successors.get(camera_id) if camera_id is not None else None
            if successor is not None and not self._must_wait(successor):
                del self._successors[successor.id]
                self._add(successor)
