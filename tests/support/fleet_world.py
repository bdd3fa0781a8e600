"""A fleet of nodes in virtual time: the real code of leases and placement, cameras and a media server as a model.

Who publishes is modelled by the rules of `domain/fleet/fencing.py`. Every start is checked against all other nodes.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from restream.domain.fleet.fencing import Fence, PathSeen, Witnessed, may_start, must_end
from restream.domain.fleet.lease import OwnLease
from restream.domain.fleet.lookout import Lookout
from restream.domain.fleet.node import Holding, NodeName, NodeTraits
from restream.domain.fleet.placement import Placement, Wish
from restream.domain.fleet.share import Decision, Pace, Share, View
from tests.support.leases import LeaseRows

HEARTBEAT_S, STOP_S, TIMEOUT_S = 3.0, 3.0, 2.0
TTL_S = {Fence.SERVER: 9.0, Fence.TIME: 15.0}
START_S, STARTS_PER_S = 1.0, 100.0
STALL_S = 13.0
"""What is not closed is silent after a stall, and the time in which an owner ends what has stalled."""


@dataclass(eq=False)
class SimNode:
    """One life of a service."""

    name: NodeName
    instance: str
    share: Share
    lease: OwnLease
    lookout: Lookout = field(default_factory=Lookout)
    has: dict[str, Holding] = field(default_factory=dict)
    publishes: set[str] = field(default_factory=set)
    """Started, flowing or not yet."""
    inherited: set[tuple[str, int]] | None = None
    ended: bool = False
    frozen_until: float = 0.0
    without_database_until: float = 0.0
    without_server_until: float = 0.0
    asked: int = 0
    beats: int = 0


class FleetWorld:
    """`run` lets time pass; the verbs break things."""

    def __init__(self, nodes: int, cameras: int, fence: Fence, seed: int) -> None:
        self.fence, self.random, self.now = fence, Random(seed), 0.0
        self.offset_s, self.away_until, self.numbers = 0.0, 0.0, itertools.count()
        self.rows = LeaseRows(lambda: self.now + self.offset_s)
        self.wishes = {f"{number}": Wish(f"{number}") for number in range(cameras)}
        self.placement, self.nodes = Placement(), list[SimNode]()
        self.publishers: defaultdict[str, set[SimNode]] = defaultdict(set)
        self.flows: dict[str, SimNode] = {}
        self.silent_from: dict[str, float] = {}
        """From when on the server shows it silent; absent: for ever."""
        self.down: dict[str, tuple[float, str]] = dict.fromkeys(self.wishes, (0.0, "cold start"))
        self.recovered: defaultdict[str, list[float]] = defaultdict(list)
        self.collisions: Counter[str] = Counter()
        self.moves: Counter[str] = Counter()
        self.decisions = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        rows, self.wishes = self.wishes, {}
        for number in range(nodes):
            self.join(f"n{number}")
        # The first node to come would take all.
        self.at(HEARTBEAT_S, lambda: setattr(self, "wishes", rows))

    def at(self, moment: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self.numbers), what))

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, what = heapq.heappop(self._events)
            what()
        self.now = until

    # What happens to nodes.

    def living(self) -> list[SimNode]:
        return [node for node in self.nodes if not node.ended]

    def join(self, name: str) -> SimNode:
        share = Share(self.fence, Pace(), self.placement)
        node = SimNode(NodeName(name), f"{next(self.numbers)}", share, OwnLease(TTL_S[self.fence]))
        self.nodes.append(node)
        self.at(self.now + self.random.uniform(0, HEARTBEAT_S), lambda: self._heartbeat(node))
        return node

    def die(self, node: SimNode, *, host: bool) -> None:
        """With its host nothing is closed: the media server waits for bytes."""
        node.ended = True
        self._end(node, set(node.publishes), f"{'host' if host else 'service'} lost", STALL_S if host else 0.0)

    def leave(self, node: SimNode) -> None:
        node.ended = True
        self._end(node, set(node.publishes), "graceful stop")
        self.rows.leave(node.name, node.instance)

    def drop(self, key: str) -> None:
        """The camera closes; its publisher ends, and is started again by who may."""
        node = self.flows.get(key)
        if node is not None:
            self._end(node, {key}, "camera dropped")
            self.at(self.now + 0.5, lambda: self._unless_frozen(node, lambda: self._act(node)))

    def cut_from_server(self, node: SimNode, seconds: float) -> None:
        node.without_server_until = self.now + seconds
        self._end(node, set(node.publishes), "cut from media server", STALL_S)

    # One node's heartbeat.

    def _unless_frozen(self, node: SimNode, what: Callable[[], None]) -> None:
        if not node.ended:
            if node.frozen_until > self.now:
                self.at(node.frozen_until, lambda: self._unless_frozen(node, what))
            else:
                what()

    def _ask(self, node: SimNode, asks: Callable[[], Callable[[], None]]) -> None:
        """Over a network that delays and loses; a statement may arrive although nobody waits for it any more."""
        node.asked = number = next(self.numbers)
        there, back = (self.random.expovariate(1 / 0.01) for _ in range(2))
        if self.random.random() < 0.01:
            there += self.random.uniform(0, 3 * TIMEOUT_S)

        def arrive() -> None:
            if self.now < max(self.away_until, node.without_database_until):
                return
            answer = asks()
            if self.random.random() < 0.01:
                return
            self.at(self.now + back, lambda: self._unless_frozen(node, lambda: node.asked == number and answer()))

        self.at(self.now + there, arrive)
        self.at(self.now + TIMEOUT_S, lambda: self._unless_frozen(node, lambda: self._give_up(node, number)))

    def _give_up(self, node: SimNode, number: int) -> None:
        if node.asked == number:
            node.asked = -1
            self._act(node)

    def _heartbeat(self, node: SimNode) -> None:
        if node.ended:
            return
        if node.frozen_until > self.now:
            self.at(node.frozen_until, lambda: self._heartbeat(node))
            return
        sent_at = self.now

        def asks() -> Callable[[], None]:
            view = self.rows.beat(node.name, node.instance, NodeTraits(len(node.has)), node.lease.ttl_s)
            return lambda: self._looked(node, view, sent_at)

        self._ask(node, asks)
        self._beat_again(node, self.now + HEARTBEAT_S * self.random.uniform(0.98, 1.02))

    def _beat_again(self, node: SimNode, moment: float) -> None:
        """At that moment, and not at the one that was meant before."""
        node.beats += 1
        number = node.beats
        self.at(moment, lambda: self._heartbeat(node) if node.beats == number else None)

    def _looked(self, node: SimNode, view: View | None, sent_at: float) -> None:
        node.asked = -1
        if view is None:
            node.lease, node.has = node.lease.lost(), {}
            self._act(node)
            return
        node.lease = node.lease.renewed(sent_at, self.now)
        node.lookout = node.lookout.looked(view.nodes, self.now)
        mine = {key: view.holdings[key] for key in view.mine}
        if node.inherited is None:
            node.inherited = {(key, each.epoch) for key, each in mine.items()}
        lost = node.lookout.lost(view.nodes, sent_at)
        moves = self.random.randrange(1, 3) if len(self.down) < 0.05 * (len(self.down) + len(self.flows)) else 0
        decision = node.share.decide(
            view,
            self.wishes,
            lost=lost,
            witness=lambda key: self._see(node, key),
            moves=moves,
            now=self.now,
        )
        self.decisions += 1
        # As the service does (`ShareKeeper._next`).
        due = node.lookout.due(view.nodes, node.name)
        soon = max(self.now, min(due, sent_at + HEARTBEAT_S / 3 if decision.awaits else due))
        if soon < sent_at + HEARTBEAT_S:
            self._beat_again(node, soon)
        leaving = {each.camera_id for each in decision.give_back + decision.forget}
        node.has = {key: each for key, each in mine.items() if key not in leaving}
        self._act(node)
        ended = tuple(each for each in decision.give_back if self._may_start(node, each))
        self._settle(node, Decision(decision.take, ended, decision.forget, decision.lost))
        assert node.lease.valid_until is not None
        self.at(node.lease.valid_until - STOP_S, lambda: self._unless_frozen(node, lambda: self._act(node)))

    def _settle(self, node: SimNode, decision: Decision) -> None:
        if not (decision.take or decision.give_back or decision.forget):
            return

        def asks() -> Callable[[], None]:
            taken = self.rows.settle(node.name, node.instance, decision)
            self.moves["given back"] += len(decision.give_back)
            self.moves["taken"] += len(taken)
            self.moves["asked for in vain"] += len(decision.take) - len(taken)
            epochs = {key: self.rows.assignments[key].epoch for key in taken}

            def answer() -> None:
                node.asked = -1
                node.share.settled(decision, taken)
                node.has |= {key: Holding(key, node.name, epochs[key]) for key in taken}
                self._act(node)

            return answer

        self._ask(node, asks)

    # Publishers.

    def _see(self, node: SimNode, key: str) -> PathSeen:
        silent_from = self.silent_from.get(key, 0.0)
        silent = key not in self.flows and silent_from <= self.now
        witnessed = Witnessed.SILENT if silent else Witnessed.SERVED
        return PathSeen(Witnessed.UNSEEN if node.without_server_until > self.now else witnessed, self.now - silent_from)

    def _may_start(self, node: SimNode, holding: Holding) -> bool:
        key = holding.camera_id
        return may_start(
            node.lease,
            self.fence,
            self.now,
            inherited=(key, holding.epoch) in (node.inherited or ()) and key not in node.publishes,
            seen=self._see(node, key),
            stop_s=STOP_S,
        )

    def _act(self, node: SimNode) -> None:
        """End what must be ended, start what may be started."""
        if must_end(node.lease, self.fence, self.now, stop_s=STOP_S):
            self._end(node, set(node.publishes), "lease ran out")
        self._end(node, node.publishes - node.has.keys(), "moved")
        if node.without_server_until > self.now:
            return
        waits = [each for key, each in node.has.items() if key not in node.publishes]
        for number, holding in enumerate(each for each in waits if self._may_start(node, each)):
            self._start(node, holding.camera_id, self.now + START_S + number / STARTS_PER_S)

    def _start(self, node: SimNode, key: str, flows_at: float) -> None:
        for other in self.publishers[key]:
            kind = "frozen owner" if other.frozen_until > self.now or node.frozen_until > self.now else "two owners"
            valid = sum(each.lease.valid(self.now) for each in (node, other))
            self.collisions[f"{kind}, {valid} with a valid lease"] += 1
        node.publishes.add(key)
        self.publishers[key].add(node)
        self.at(flows_at, lambda: self._flow(node, key))

    def _flow(self, node: SimNode, key: str) -> None:
        if node.ended or key not in node.publishes or key in self.flows:
            return
        self.flows[key] = node
        since, why = self.down.pop(key, (self.now, "none"))
        self.recovered[why].append(self.now - since)

    def _end(self, node: SimNode, keys: set[str], why: str, unseen_s: float = 0.0) -> None:
        for key in keys:
            node.publishes.discard(key)
            self.publishers[key].discard(node)
            if self.flows.get(key) is node:
                del self.flows[key]
                self.down[key] = (self.now, why)
                self.silent_from[key] = self.now + unseen_s
                # Whoever was refused meanwhile tries again.
                for other in self.publishers[key]:
                    self.at(self.now + START_S, lambda key=key, other=other: self._flow(other, key))  # type: ignore[misc]
