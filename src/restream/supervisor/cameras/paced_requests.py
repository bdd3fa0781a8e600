"""Requests to many cameras at once: each is handed on when there is room for what it brings about."""

from __future__ import annotations

import asyncio
import logging

from restream.domain.life.lifecycle import ProbeAsked, Request, RestartAsked
from restream.supervisor.cameras.fleet import Fleet

logger = logging.getLogger(__name__)

# What stops a camera needs no room, and what starts one that is stopped queues for admission by itself.
_PACED = (RestartAsked, ProbeAsked)
_LOOK_S = 0.25
# So long a camera counts as on its way whatever it shows: requests are read from a mailbox.
_JUST_S = 0.5
# A camera that is on its way for longer than this keeps the others waiting no more.
_LONGEST_S = 30.0


class PacedRequests:
    """A restart of a thousand cameras stops no more of them at once than admission would start; probes likewise.

    Belongs to one event loop. What waits is forgotten when the service stops.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._waiting: dict[str, Request] = {}
        self._begun: dict[str, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """So many cameras have not had their turn."""
        return len(self._waiting)

    def ask(self, camera_id: str, request: Request) -> str | None:
        """As `Fleet.ask`, but that a restart or probe waits for its turn, and is refused then if it makes no sense any
        more. Of two requests for a camera the later one counts."""
        self._waiting.pop(camera_id, None)
        if not isinstance(request, _PACED):
            return self._fleet.ask(camera_id, request)
        refusal = self._fleet.refusal(camera_id, request)
        if refusal == "":
            self._waiting[camera_id] = request
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(0, self._hand_on)
        return refusal

    def _hand_on(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._begun = {camera_id: at for camera_id, at in self._begun.items() if self._on_its_way(camera_id, now - at)}
        room = max(1, self._fleet.starts.window) - len(self._begun)
        for camera_id in [*self._waiting][: max(0, room)]:
            refusal = self._fleet.ask(camera_id, self._waiting.pop(camera_id))
            if refusal == "":
                self._begun[camera_id] = now
            else:
                logger.info("camera %s: nothing is done when its turn comes: %s", camera_id, refusal or "it is gone")
        self._timer = loop.call_later(_LOOK_S, self._hand_on) if self._waiting else None

    def _on_its_way(self, camera_id: str, for_s: float) -> bool:
        return for_s < _JUST_S or (for_s < _LONGEST_S and self._fleet.on_its_way(camera_id))
