"""The cameras that are wanted, each with its actor."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence

from restream.domain.admission.queue import StartFigures, StartLimits
from restream.domain.camera.camera import Camera
from restream.domain.camera.reconcile import reconcile
from restream.domain.judgement.status import CameraStatus
from restream.domain.known_media import KnownMedia, asked_for
from restream.domain.life.kept import KeptCamera
from restream.domain.life.lifecycle import Removed, Request, ServerFound, ServerLost
from restream.domain.look import Look
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import ServerId
from restream.supervisor.cameras.actor import CameraActor
from restream.supervisor.cameras.admission import Admission
from restream.supervisor.cameras.settings import StreamSettings
from restream.supervisor.journeys import EventListener, ServerSuspect

logger = logging.getLogger(__name__)

_LONGEST_DRAIN_S = 120.0

_Place = tuple[ServerId, str]
"""A path of a media server: no two publishers may ever be there."""


class Fleet:
    """Starts, changes and ends actors so that they follow the table and the media servers."""

    def __init__(
        self, settings: StreamSettings, *, admission: Admission, servers: ServerSuspect, listener: EventListener
    ) -> None:
        self._settings = settings
        self._admission = admission
        self._servers = servers
        self._listener = listener
        self._actors: dict[str, CameraActor] = {}
        self._leaving: dict[str, CameraActor] = {}
        self._leaving_places: Counter[_Place] = Counter()
        # Wanted while an actor of the same id or place is still ending.
        self._successors: dict[str, Camera] = {}
        self._successor_of_place: dict[_Place, str] = {}
        self._servers_down: set[ServerId] = set()
        self._pictures: dict[ServerId, ServerPicture] = {}
        self._draining = False
        self._known: dict[str, KnownMedia] = {}
        self._kept: dict[str, KeptCamera] = {}
        """Of the life before, running on until a row wants them, or none does."""
        self._discarding: dict[str, asyncio.Task[None]] = {}

    @property
    def statuses(self) -> Mapping[str, CameraStatus]:
        return {camera_id: actor.status for camera_id, actor in {**self._leaving, **self._actors}.items()}

    @property
    def settings(self) -> StreamSettings:
        """What all cameras share."""
        return self._settings

    def log(self, camera_id: str) -> tuple[str, ...]:
        """The last lines that a camera's publisher wrote, masked; not part of the snapshot, since few ever ask."""
        actor = self._actors.get(camera_id) or self._leaving.get(camera_id)
        return actor.log if actor else ()

    def look(self, camera_id: str) -> Look | None:
        """The last look at a camera; None: there was none."""
        actor = self._actors.get(camera_id) or self._leaving.get(camera_id)
        return actor.look if actor else None

    def probing(self, camera_id: str) -> bool:
        """Whether a camera is being looked at now."""
        actor = self._actors.get(camera_id)
        return actor is not None and actor.probing is not None

    def on_its_way(self, camera_id: str) -> bool:
        """Whether a camera is being stopped, started or looked at, or has its turn to come."""
        actor = self._actors.get(camera_id)
        return actor is not None and (actor.probing is not None or actor.status.state.on_its_way)

    @property
    def starts(self) -> StartFigures:
        """How many wait and start, and how many may."""
        return self._admission.figures

    @property
    def draining(self) -> bool:
        """The service is being stopped."""
        return self._draining

    def know(self, known: Mapping[str, KnownMedia]) -> None:
        """What cameras sent in an earlier life of the service: where a row asks for the same, nobody probes again."""
        self._known = dict(known)

    def resume(self, kept: Sequence[KeptCamera]) -> None:
        """Take over what has run on while the service was replaced; the first reading of the table tells what of it is
        still wanted as it is, and the rest is ended."""
        self._kept = {each.camera_id: each for each in kept}

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
        for kept in tuple(self._kept.values()):
            self._discard(kept)
        if changes:
            counts = (len(changes.started), len(changes.stopped), len(changes.restarted), len(changes.updated))
            logger.info("cameras: %d started, %d stopped, %d restarted, %d updated in place", *counts)

    def reconsider(self) -> None:
        """Who may start has changed."""
        self._admission.reconsider()

    def refusal(self, camera_id: str, request: Request) -> str | None:
        """Why an operator's request makes no sense now, empty when it does, None when no such camera is supervised."""
        if (actor := self._actors.get(camera_id)) is None:
            return None
        return "the service is stopping" if self._draining else actor.status.state.refusal(request)

    def ask(self, camera_id: str, request: Request) -> str | None:
        """Do what an operator asks for, unless it is refused: as `refusal`."""
        if (refusal := self.refusal(camera_id, request)) == "":
            logger.info("camera %s: %s by an operator", camera_id, type(request).__name__)
            self._actors[camera_id].tell(request)
        return refusal

    def server_changed(self, server: ServerId, up: bool) -> None:
        """A media server was lost or found; its cameras hear it, no others."""
        (self._servers_down.discard if up else self._servers_down.add)(server)
        event = ServerFound() if up else ServerLost()
        for actor in self._actors.values():
            if actor.camera.server == server:
                actor.tell(event)

    def observed(self, server: ServerId, picture: ServerPicture) -> None:
        """A sweep over a media server: what arrives there is told to its cameras."""
        self._pictures[server] = picture
        for actor in self._actors.values():
            if actor.camera.server == server:
                actor.see(picture)

    def adopt(self, settings: StreamSettings, limits: StartLimits) -> None:
        """New settings of the service: only cameras whose command changes restart."""
        self._admission.resize(limits)
        if settings == self._settings:
            return
        self._settings = settings
        for actor in self._actors.values():
            actor.adopt(settings)

    async def leave(self, limit_s: float = _LONGEST_DRAIN_S) -> list[KeptCamera]:
        """Let what flows run on for the next life of the service, and stop everything else. What starts or ends at this
        moment is waited for, at most `limit_s` seconds. Nothing runs between the last publisher that is left and the
        return: whoever calls leaves what they share in the same turn.
        """
        until = asyncio.get_running_loop().time() + limit_s
        self._draining = True
        while going := [each for each in self._actors.values() if not each.leavable] + list(self._leaving.values()):
            for actor in going:
                if actor.camera.id in self._actors:
                    self._remove(actor.camera.id)
            left_s = until - asyncio.get_running_loop().time()
            _, late = await asyncio.wait([each.task for each in going], timeout=max(0.0, left_s))
            if late:
                logger.error("%d cameras have not ended within %g s", len(late), limit_s)
                break
        found = [kept for actor in self._actors.values() if (kept := actor.leave()) is not None]
        self._actors.clear()
        return found

    async def drain(self, limit_s: float = _LONGEST_DRAIN_S) -> None:
        """Stop all cameras in parallel; returns when no publisher is left, at the latest after `limit_s` seconds."""
        self._draining = True
        self._successors.clear()
        self._successor_of_place.clear()
        for camera_id in list(self._actors):
            self._remove(camera_id)
        tasks = [actor.task for actor in self._leaving.values()]
        late = (await asyncio.wait(tasks, timeout=limit_s))[1] if tasks else ()
        if late:
            names = ", ".join(list(self._leaving)[:5])
            logger.error("%d cameras have not ended within %g s and are left behind: %s", len(late), limit_s, names)

    def _restart(self, camera: Camera) -> None:
        actor = self._actors.get(camera.id)
        if actor is not None and _place(actor.camera) == _place(camera):
            actor.revise(camera, self._settings)
            return
        # In another place it is another stream, which may have to wait for who publishes there now.
        self._remove(camera.id)
        self._add(camera)

    def _add(self, camera: Camera) -> None:
        if self._must_wait(camera):
            self._successors[camera.id] = camera
            self._successor_of_place[_place(camera)] = camera.id
            return
        self._successor_of_place.pop(_place(camera), None)
        kept = self._kept.get(camera.id)
        if kept is not None and not self._settings.wants(kept, camera):
            self._discard(kept)
            self._add(camera)
            return
        self._kept.pop(camera.id, None)
        known = self._known.pop(camera.id, None)
        actor = CameraActor(
            camera,
            self._settings,
            admission=self._admission,
            servers=self._servers,
            listener=self._listener,
            server_up=camera.server not in self._servers_down,
            # It may end before the next sweep.
            picture=self._pictures.get(camera.server, ServerPicture()),
            media=known.media if known is not None and known.asked == asked_for(camera) else None,
            kept=kept,
        )
        self._actors[camera.id] = actor
        actor.task.add_done_callback(lambda task: self._gone(actor, task))

    def _discard(self, kept: KeptCamera) -> None:
        """End what ran on and is not wanted as it is; whoever wants its place waits."""
        del self._kept[kept.camera_id]
        self._leaving_places[kept.place] += 1
        engine = self._settings.engines.get(kept.engine)
        ending = engine.discard(kept.words) if engine else asyncio.sleep(0)
        task = asyncio.create_task(ending, name=f"end {kept.camera_id}")
        self._discarding[kept.camera_id] = task
        task.add_done_callback(lambda _: self._discarded(kept))

    def _discarded(self, kept: KeptCamera) -> None:
        del self._discarding[kept.camera_id]
        self._left(kept.place)
        self._start_successors(kept.camera_id, kept.place)

    def _must_wait(self, camera: Camera) -> bool:
        going = camera.id in self._leaving or camera.id in self._discarding
        return going or self._leaving_places[_place(camera)] > 0

    def _remove(self, camera_id: str) -> None:
        successor = self._successors.pop(camera_id, None)
        if successor is not None and self._successor_of_place.get(_place(successor)) == camera_id:
            del self._successor_of_place[_place(successor)]
        actor = self._actors.pop(camera_id, None)
        if actor is not None:
            self._leaving[camera_id] = actor
            self._leaving_places[_place(actor.camera)] += 1
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
            self._left(_place(camera))
        self._start_successors(camera.id, _place(camera))

    def _left(self, place: _Place) -> None:
        self._leaving_places[place] -= 1
        if not self._leaving_places[place]:
            del self._leaving_places[place]

    def _start_successors(self, camera_id: str, place: _Place) -> None:
        if self._draining:
            return
        for waiting in (camera_id, self._successor_of_place.pop(place, None)):
            successor = self._successors.get(waiting) if waiting is not None else None
            if successor is not None and not self._must_wait(successor):
                del self._successors[successor.id]
                self._add(successor)


def _place(camera: Camera) -> _Place:
    return camera.server, camera.path
