"""Keeps this node's share of the cameras: renews its lease, takes, gives back, and stops what is not its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, Protocol

from restream.domain.camera.camera import Camera
from restream.domain.fleet.lease import OwnLease
from restream.domain.fleet.node import NodeName, NodeTraits
from restream.domain.fleet.placement import Wish
from restream.domain.fleet.share import Decision, Fence, Pace, View, Witnessed, decide
from restream.domain.judgement.status import CameraStatus
from restream.domain.news.component import ComponentState
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import ServerId
from restream.ports.cameras import DatabaseError
from restream.ports.nodes import LeaseTable
from restream.supervisor.components import Components
from restream.supervisor.nodes.witness import witnessed

logger = logging.getLogger(__name__)

COMPONENT = "nodes"
_ANOTHER = "another service calls itself {}: set node.name; nothing is published here until this service is restarted"


class Published(Protocol):
    """Who publishes what is ours; the fleet does."""

    @property
    def statuses(self) -> Mapping[str, CameraStatus]:
        """Of all cameras that have an actor, those that are ending too."""

    def want(self, cameras: list[Camera]) -> None:
        """These, and no others."""

    def reconsider(self) -> None:
        """Who may start has changed."""


class ShareKeeper:
    """Follows the table, and hands on what of it is ours; `run` renews the lease.

    `traits` tells what this node is like now, given how many cameras it has; `calm` whether cameras may move.
    """

    def __init__(
        self,
        table: LeaseTable,
        me: NodeName,
        instance: str,
        fleet: Published,
        components: Components,
        *,
        pictures: Callable[[], Mapping[ServerId, ServerPicture]],
        traits: Callable[[int], NodeTraits],
        calm: Callable[[], bool],
        heartbeat_s: float,
        ttl_s: float,
        fence: Fence,
        stopping_s: float,
        pace: Pace,
    ) -> None:
        self._table = table
        self._me, self._instance = me, instance
        self._fleet = fleet
        self._components = components
        self._pictures = pictures
        self._traits = traits
        self._calm = calm
        self._heartbeat_s = heartbeat_s
        self._fence = fence
        self._stopping_s = stopping_s
        """What ending all publishers takes."""
        self._pace = pace
        self._lease = OwnLease(ttl_s)
        self._loop = asyncio.get_running_loop()
        self._cameras: dict[str, Camera] = {}
        self._read = False
        self._mine: frozenset[str] = frozenset()
        self._leaving: set[str] = set()
        """Ours that are to be given back once nothing of them is left here."""
        self._moves: list[float] = []
        """When cameras left for balance, within the last minute."""
        self._fence_timer: asyncio.TimerHandle | None = None
        self.view: View | None = None
        """What the last look into the database showed."""

    # -- what is ours --------------------------------------------------------------------------------------------------

    def want(self, cameras: list[Camera]) -> None:
        """A reading of the table, for the whole fleet."""
        self._cameras = {camera.id: camera for camera in cameras}
        self._read = True
        self._follow()

    def may_start(self, camera_id: str) -> bool:
        """Whether a publisher may begin: nobody else can have the camera, or the media server shows that nobody has."""
        now = self._loop.time()
        if self._lease.valid(now):
            return camera_id in self._mine
        camera = self._cameras.get(camera_id)
        if self._fence is Fence.TIME or camera is None or camera_id not in self._mine:
            return False
        return witnessed(camera, self._pictures(), now) is Witnessed.SILENT

    @property
    def unowned(self) -> Sequence[Camera]:
        """Cameras that no living node has, as far as we know; for who leads."""
        view = self.view
        if view is None or not view.leads:
            return ()
        return [self._cameras[key] for key in view.holdings if key not in self._mine and key in self._cameras]

    def _follow(self) -> None:
        ours = self._mine - self._leaving
        if self._fence is Fence.TIME and not self._covered(self._loop.time()):
            ours = frozenset()
        # A camera that is switched off is nobody's: each node shows it, and none publishes it.
        self._fleet.want([each for each in self._cameras.values() if each.id in ours or not each.enabled])

    def _covered(self, now: float) -> bool:
        """Whether publishers that are stopped now are gone before the lease expires."""
        return self._lease.valid(now + self._stopping_s)

    # -- the heart -----------------------------------------------------------------------------------------------------

    async def run(self) -> NoReturn:
        """Beat until cancelled."""
        try:
            while True:
                began = self._loop.time()
                try:
                    await self._beat(began)
                except DatabaseError as error:
                    self._components.report(COMPONENT, ComponentState.DOWN, f"{error} ({self._meanwhile()})")
                self._fleet.reconsider()
                await asyncio.sleep(max(0.1, began + self._heartbeat_s - self._loop.time()))
        finally:
            if self._fence_timer is not None:
                self._fence_timer.cancel()

    def _meanwhile(self) -> str:
        if self._fence is Fence.TIME:
            return "streams end before the lease does"
        return "streams go on as they are"

    async def _beat(self, sent_at: float) -> None:
        view = await self._table.beat(self._me, self._instance, self._traits(len(self._mine)), self._lease.ttl_s)
        if view is None:
            self._lease, self._mine = self._lease.lost(), frozenset()
            self._components.report(COMPONENT, ComponentState.DOWN, _ANOTHER.format(self._me))
            self._follow()
            return
        self._lease = self._lease.renewed(sent_at)
        self._arm()
        self.view = view
        self._mine = view.mine
        self._leaving &= self._mine
        # At once: what another node has taken meanwhile is not ours to publish, whatever the rest of this beat brings.
        self._follow()
        if self._read:
            await self._settle(view)
        self._tell(view)

    async def _settle(self, view: View) -> None:
        now = self._loop.time()
        self._moves = [at for at in self._moves if now - at < 60.0]
        moves = max(0, self._pace.moves_per_minute - len(self._moves)) if self._calm() else 0
        pictures = self._pictures()
        wishes = {key: _wish(camera) for key, camera in self._cameras.items() if camera.enabled}
        decision = decide(
            view,
            wishes,
            witness=lambda key: witnessed(self._cameras[key], pictures, now),
            fence=self._fence,
            moves=moves,
            pace=self._pace,
        )
        begun = set(decision.give_back) - self._leaving
        self._moves += [now] * len(begun)
        self._leaving |= begun
        # Nothing but a row that is gone is forgotten; its publisher ends by itself.
        ended = {key for key in self._leaving | set(decision.forget) if key not in self._fleet.statuses}
        if begun:
            logger.info("%d cameras go to other nodes: %s", len(begun), ", ".join(sorted(begun)[:5]))
            self._follow()
        forget = tuple(key for key in decision.forget if key in ended)
        give_back = tuple(sorted(ended - set(forget)))
        if not (decision.take or forget or give_back):
            return
        taken = await self._table.settle(self._me, self._instance, Decision(decision.take, give_back, forget))
        if taken:
            logger.info("%d cameras are ours now: %s", len(taken), ", ".join(sorted(taken)[:5]))
        self._mine = (self._mine | taken) - set(give_back) - set(forget)
        self._leaving &= self._mine
        self._follow()

    def _arm(self) -> None:
        if self._fence is not Fence.TIME or self._lease.valid_until is None:
            return
        if self._fence_timer is not None:
            self._fence_timer.cancel()
        self._fence_timer = self._loop.call_at(self._lease.valid_until - self._stopping_s, self._follow)

    def _tell(self, view: View) -> None:
        others = [node for node in view.nodes.values() if node.name != self._me]
        alive = [node for node in others if node.alive]
        words = f"{len(self._mine)} cameras here, {len(alive)} other nodes"
        if view.nodes[self._me].draining:
            words += ", draining"
        self._components.report(COMPONENT, ComponentState.UP, words)
        for node in others if view.leads else ():
            held = sum(holding.node == node.name for holding in view.holdings.values())
            if node.alive:
                self._components.report(f"node:{node.name}", ComponentState.UP, "")
            elif held or self._components.state(f"node:{node.name}") is ComponentState.UP:
                lost = f"not heard of for {-node.expires_in_s:.0f} s beyond its lease, {held} cameras still its"
                self._components.report(f"node:{node.name}", ComponentState.DOWN, lost)

    async def leave(self) -> None:
        """Nothing is published here any more: others may have it."""
        try:
            await self._table.leave(self._me, self._instance)
        except DatabaseError as error:
            logger.warning("the cameras of this node are not given back: %s; they move when its lease ends", error)
        await self._table.close()


def _wish(camera: Camera) -> Wish:
    return Wish(camera.id, camera.site, camera.options.node)
