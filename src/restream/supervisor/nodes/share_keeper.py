"""Keeps this node's share of the cameras: renews its lease, takes, gives back, and stops what is not its own."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

from restream.domain.camera.camera import Camera
from restream.domain.fleet.fencing import Fence, Witnessed, may_start, must_end
from restream.domain.fleet.lease import KeptShare, OwnLease
from restream.domain.fleet.lookout import Lookout
from restream.domain.fleet.node import NOBODY, Holding, NodeName, NodeTraits, Sighting
from restream.domain.fleet.placement import Placement, Wish
from restream.domain.fleet.share import Pace, Share, View
from restream.domain.fleet.vacancy import Vacancies
from restream.domain.judgement.status import Unowned
from restream.domain.life.lifecycle import Phase
from restream.domain.news.component import ComponentState
from restream.ports.cameras import DatabaseError
from restream.ports.nodes import LeaseTable
from restream.supervisor.components import Components
from restream.supervisor.journeys import Published
from restream.supervisor.nodes.node_news import NodeNews
from restream.supervisor.nodes.witness import PathWatch

logger = logging.getLogger(__name__)

COMPONENT = "nodes"
_LEAST_PAUSE_S = 0.1
_SOONER = 3
"""Times as often it beats while a lost node's paths are about to be silent."""
_ANOTHER = "another service calls itself {}: set node.name; nothing is published here until this service is restarted"
_MEANWHILE = {Fence.TIME: "streams end before the lease does", Fence.SERVER: "streams go on as they are"}


class ShareKeeper:
    """Follows the table, and hands on what of it is ours; `run` renews the lease.

    `traits` tells what this node is like now, given how many cameras it has; `calm` whether cameras may move;
    `fetches` whether the media server fetches a camera itself.
    """

    def __init__(
        self,
        table: LeaseTable,
        me: NodeName,
        instance: str,
        fleet: Published,
        components: Components,
        *,
        paths: PathWatch,
        traits: Callable[[int], NodeTraits],
        calm: Callable[[], bool],
        fetches: Callable[[Camera], bool],
        heartbeat_s: float,
        ttl_s: float,
        fence: Fence,
        stopping_s: float,
        pace: Pace,
    ) -> None:
        self._table = table
        self._me, self._instance = me, instance
        self._fleet, self._components = fleet, components
        self._news = NodeNews(components)
        self._paths = paths
        self._traits = traits
        self._calm = calm
        self._fetches = fetches
        self._heartbeat_s = heartbeat_s
        self._fence = fence
        self._stopping_s = stopping_s
        """What ending all publishers takes."""
        self._pace = pace
        self._share = Share(fence, pace, Placement())
        self._lookout, self._awaits = Lookout(), False
        self._lease = OwnLease(ttl_s)
        self._loop = asyncio.get_running_loop()
        self._cameras: dict[str, Camera] = {}
        self._wishes: dict[str, Wish] = {}
        self._was_read = False
        self._mine: frozenset[str] = frozenset()
        self._leaving: dict[str, Holding] = {}
        """Ours that are to be given back once nothing of them is left here."""
        self._inherited: frozenset[str] = frozenset()
        """What a former life of our name had, or a lost node: their publishers may still be there, or there again."""
        self._moves: list[float] = []
        """When cameras left for balance, within the last minute."""
        self._fence_timer: asyncio.TimerHandle | None = None
        self.view: View | None = None
        """What the last look into the database showed."""
        self.seen_at = 0.0
        """When that was (monotonic, s)."""
        self._vacancies = Vacancies()

    def kept(self) -> KeptShare:
        """What the next life goes on with."""
        return KeptShare(self._instance, self._mine - self._leaving.keys(), self._lease)

    def resume(self, kept: KeptShare) -> None:
        """Go on with what the life before has left."""
        self._mine, self._lease = kept.mine, replace(kept.lease, ttl_s=self._lease.ttl_s)

    # -- what is ours --------------------------------------------------------------------------------------------------

    def want(self, cameras: list[Camera]) -> None:
        """A reading of the table, for the whole fleet."""
        self._cameras = {camera.id: camera for camera in cameras}
        self._wishes = {camera.id: Wish.of(camera) for camera in cameras if camera.enabled}
        self._was_read = True
        self._follow()

    def may_start(self, camera_id: str) -> bool:
        """Whether a publisher may begin: nobody else can have the camera, or the media server shows that nobody has."""
        camera, now = self._cameras.get(camera_id), self._loop.time()
        if camera is None or camera_id not in self._mine:
            return False
        # What a media server fetches for a former life is let go by its engine.
        inherited = camera_id in self._inherited and not self._fetches(camera)
        seen = self._paths.see(camera, now)
        return may_start(self._lease, self._fence, now, inherited=inherited, seen=seen, stop_s=self._stopping_s)

    @property
    def mine(self) -> frozenset[str]:
        """Ids of the cameras that are ours."""
        return self._mine

    @property
    def leased(self) -> bool:
        """Whether nobody else can have taken what is ours."""
        return self._lease.valid(self._loop.time())

    def unowned(self, told: Collection[str] | None) -> Mapping[str, Unowned]:
        """Cameras that no node has, by id; for who leads. `told`: of which other living nodes tell; None: not all do,
        so that only those of lost nodes are known."""
        view, now = self.view, self._loop.time()
        if view is None or not view.leads or not self._was_read:
            self._vacancies = Vacancies()
            return {}
        had = self._mine | (self._wishes.keys() - view.holdings.keys() if told is None else set(told))
        self._vacancies = self._vacancies.seen(self._wishes, had, now)
        return {
            key: Unowned(
                camera := self._cameras[key],
                why,
                self._paths.see(camera, now).witnessed is Witnessed.SILENT,
                view.holdings[key].node if key in view.holdings else "",
            )
            for key, why in self._vacancies.at(view, self._wishes, now).items()
        }

    def _follow(self) -> None:
        ours = self._mine - self._leaving.keys()
        if must_end(self._lease, self._fence, self._loop.time(), stop_s=self._stopping_s):
            ours = frozenset()
        # A camera that is switched off is nobody's: each node shows it, and none publishes it.
        self._fleet.want([each for each in self._cameras.values() if each.id in ours or not each.enabled])

    # -- the heart -----------------------------------------------------------------------------------------------------

    async def run(self) -> NoReturn:
        """Beat until cancelled."""
        try:
            while True:
                began = self._loop.time()
                try:
                    await self._beat(began)
                except DatabaseError as error:
                    self._components.report(COMPONENT, ComponentState.DOWN, f"{error} ({_MEANWHILE[self._fence]})")
                self._watch_paths()
                self._fleet.reconsider()
                await asyncio.sleep(max(_LEAST_PAUSE_S, self._next(began) - self._loop.time()))
        finally:
            if self._fence_timer is not None:
                self._fence_timer.cancel()

    def _next(self, began: float) -> float:
        """When to beat again: sooner where a node may show to be lost before that, or the paths of one to be silent."""
        due = self._lookout.due(self.view.nodes, self._me) if self.view is not None else math.inf
        return min(began + self._heartbeat_s / (_SOONER if self._awaits else 1), due)

    def _watch_paths(self) -> None:
        """How long they have been silent decides what an owner without a lease starts: asked or not, it looks."""
        now = self._loop.time()
        if not self._lease.valid(now):
            for key in self._mine & self._cameras.keys():
                self._paths.see(self._cameras[key], now)
        self._paths.turn()
        if self._inherited:
            # What flows there from now on is ours.
            statuses = self._fleet.statuses.items()
            self._inherited -= {key for key, each in statuses if each.state.phase is Phase.RUNNING}

    async def _beat(self, sent_at: float) -> None:
        view = await self._table.beat(self._me, self._instance, self._traits(len(self._mine)), self._lease.ttl_s)
        if view is None:
            self._lease, self._mine = self._lease.lost(), frozenset()
            self._components.report(COMPONENT, ComponentState.DOWN, _ANOTHER.format(self._me))
            self._follow()
            return
        answered_at = self._loop.time()
        first = self._lease.began is None
        self._lease = self._lease.renewed(sent_at, answered_at)
        self._lookout = self._lookout.looked(view.nodes, answered_at)
        self._arm()
        self.view, self.seen_at = view, answered_at
        if first:
            self._inherited = view.mine
        self._own(view.mine)
        # At once: what another node has taken meanwhile is not ours to publish, whatever the rest of this beat brings.
        self._follow()
        lost = self._lookout.lost(view.nodes, sent_at)
        if self._was_read:
            await self._settle(view, lost)
        self._tell(view, lost)

    async def _settle(self, view: View, lost: frozenset[Sighting]) -> None:
        now = self._loop.time()
        self._moves = [at for at in self._moves if now - at < 60.0]
        moves = max(0, self._pace.moves_per_minute - len(self._moves)) if self._calm() else 0
        decision = self._share.decide(
            view,
            self._wishes,
            lost=lost,
            witness=lambda key: self._paths.see(self._cameras[key], now),
            moves=moves,
            now=now,
        )
        self._awaits = decision.awaits
        self._let_leave(decision.give_back, now)
        statuses = self._fleet.statuses
        decision = replace(
            decision,
            give_back=tuple(
                each
                for each in decision.give_back
                if each.camera_id not in statuses and self._is_left(each.camera_id, now)
            ),
            forget=tuple(each for each in decision.forget if each.camera_id not in statuses),
        )
        if not (decision.take or decision.forget or decision.give_back):
            return
        taken = await self._table.settle(self._me, self._instance, decision)
        self._share.settled(decision, taken)
        if taken:
            logger.info("%d cameras are ours now: %s", len(taken), ", ".join(sorted(taken)[:5]))
        gone = {each.camera_id for each in (*decision.give_back, *decision.forget)}
        left = {key for key in taken if key in view.holdings and view.holdings[key].node != NOBODY}
        self._inherited = self._inherited - taken | left
        self._own((self._mine | taken) - gone)
        self._follow()

    def _own(self, mine: frozenset[str]) -> None:
        self._mine = mine
        self._inherited &= mine
        self._leaving = {key: each for key, each in self._leaving.items() if key in mine}

    def _is_left(self, camera_id: str, now: float) -> bool:
        """Whether a former life of our name publishes it no more."""
        if camera_id not in self._inherited:
            return True
        return self._paths.see(self._cameras[camera_id], now).witnessed is Witnessed.SILENT

    def _let_leave(self, going: Sequence[Holding], now: float) -> None:
        begun = [each for each in going if each.camera_id not in self._leaving]
        if begun:
            self._moves += [now] * len(begun)
            self._leaving |= {each.camera_id: each for each in begun}
            logger.info("%d cameras go to other nodes: %s", len(begun), ", ".join(each.camera_id for each in begun[:5]))
            self._follow()

    def _arm(self) -> None:
        if self._fence is not Fence.TIME or self._lease.valid_until is None:
            return
        if self._fence_timer is not None:
            self._fence_timer.cancel()
        self._fence_timer = self._loop.call_at(self._lease.valid_until - self._stopping_s, self._follow)

    def _tell(self, view: View, lost: frozenset[Sighting]) -> None:
        alive = [node for node in view.nodes.values() if node.name != self._me and node.alive]
        words = f"{len(self._mine)} cameras here, {len(alive)} other nodes"
        if view.nodes[self._me].draining:
            words += ", draining"
        self._components.report(COMPONENT, ComponentState.UP, words)
        self._news.tell(view, lost)

    async def leave(self) -> None:
        """Nothing is published here any more: others may have it."""
        try:
            await self._table.leave(self._me, self._instance)
        except DatabaseError as error:
            logger.warning("the cameras of this node are not given back: %s; they move when its lease ends", error)
        await self.close()

    async def close(self) -> None:
        """Let go of the database, and of no camera."""
        await self._table.close()
