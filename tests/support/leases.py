"""The tables of leases in memory: every verb is one step, by a clock that may be set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

from restream.domain.fleet.node import NOBODY, FleetNode, Holding, NodeName, NodeTraits
from restream.domain.fleet.share import Decision, View
from restream.ports.cameras import DatabaseError


@dataclass(frozen=True, slots=True)
class _Row:
    instance: str
    expires_at: float
    ttl_s: float
    renewals: int
    draining: bool
    traits: NodeTraits


@dataclass(frozen=True, slots=True)
class _Assignment:
    node: NodeName
    epoch: int
    since: float


class LeaseRows:
    """What PostgreSQL would hold, and what its transactions do. `clock` is the database's, in seconds.

    `transactions` and `rows` count what was asked of it: rows that were read, and written.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.transactions = 0
        self.rows = 0
        self.nodes: dict[NodeName, _Row] = {}
        self.assignments: dict[str, _Assignment] = {}
        self._of: defaultdict[NodeName, set[str]] = defaultdict(set)
        self._lives: set[tuple[NodeName, str]] = set()
        self._leader: NodeName | None = None
        self._epoch = 0

    def beat(self, me: NodeName, instance: str, traits: NodeTraits, ttl_s: float) -> View | None:
        """As `LeaseTable.beat`."""
        self.transactions += 1
        now, row = self.clock(), self.nodes.get(me)
        if row is not None and row.instance != instance and (me, instance) in self._lives:
            return None
        self._lives.add((me, instance))
        renewals, draining = (row.renewals, row.draining) if row is not None else (0, False)
        self.nodes[me] = _Row(instance, now + ttl_s, ttl_s, renewals + 1, draining, traits)
        for name, each in self.nodes.items():
            if each.expires_at > now + each.ttl_s:
                self.nodes[name] = replace(each, expires_at=now + each.ttl_s)
        nodes = {name: self._node(name, each, now) for name, each in self.nodes.items()}
        if self._leader is None or self._leader not in nodes or not nodes[self._leader].alive:
            self._leader = me
        seen = [owner for owner in self._of if owner == me or owner not in nodes or not nodes[owner].alive]
        holdings = {key: self._holding(key, now) for owner in seen for key in self._of[owner]}
        self.rows += 1 + len(nodes) + len(holdings)
        return View(me, nodes, holdings, self._leader == me)

    def settle(self, me: NodeName, instance: str, decision: Decision) -> frozenset[str]:
        """As `LeaseTable.settle`."""
        self.transactions += 1
        now, row = self.clock(), self.nodes.get(me)
        self.rows += 1 + len(decision.take) + len(decision.give_back) + len(decision.forget)
        if row is None or row.instance != instance:
            return frozenset()
        for holding in decision.give_back:
            if self._is_still(me, holding):
                self._assign(holding.camera_id, _Assignment(NOBODY, holding.epoch, now))
        for holding in decision.forget:
            if self._is_still(me, holding):
                self._assign(holding.camera_id, None)
        if row.expires_at <= now:
            return frozenset()
        taken = frozenset(key for key in decision.take if self._is_to_be_had(me, key, decision))
        for key in taken:
            self._epoch += 1
            self._assign(key, _Assignment(me, self._epoch, now))
        return taken

    def leave(self, me: NodeName, instance: str) -> None:
        """As `LeaseTable.leave`."""
        self.transactions += 1
        now, row = self.clock(), self.nodes.get(me)
        if row is None or row.instance != instance:
            return
        for key in sorted(self._of[me]):
            self.rows += 1
            self._assign(key, replace(self.assignments[key], node=NOBODY, since=now))
        self.nodes[me] = replace(row, expires_at=now)

    def drain(self, name: NodeName, *, draining: bool) -> bool:
        """As `LeaseTable.drain`."""
        self.transactions += 1
        if name not in self.nodes:
            return False
        self.nodes[name] = replace(self.nodes[name], draining=draining)
        return True

    def _is_still(self, me: NodeName, seen: Holding) -> bool:
        has = self.assignments.get(seen.camera_id)
        return has is not None and (has.node, has.epoch) == (me, seen.epoch)

    def _is_to_be_had(self, me: NodeName, key: str, decision: Decision) -> bool:
        has = self.assignments.get(key)
        if has is None or has.node == NOBODY or has.node not in self.nodes:
            return True
        owner = self._node(has.node, self.nodes[has.node], self.clock())
        return has.node != me and owner.sighting in decision.lost

    def _assign(self, key: str, assignment: _Assignment | None) -> None:
        had = self.assignments.pop(key, None)
        if had is not None:
            self._of[had.node].discard(key)
        if assignment is not None:
            self.assignments[key] = assignment
            self._of[assignment.node].add(key)

    def _node(self, name: NodeName, row: _Row, now: float) -> FleetNode:
        return FleetNode(name, row.instance, row.expires_at - now, row.draining, row.traits, row.renewals, row.ttl_s)

    def _holding(self, key: str, now: float) -> Holding:
        has = self.assignments[key]
        return Holding(key, has.node, has.epoch, now - has.since)


class MemoryLeases:
    """A `LeaseTable` over rows that several nodes share; `away` stands for a database that does not answer."""

    def __init__(self, rows: LeaseRows) -> None:
        self.rows = rows
        self.away = False

    def _reached(self) -> LeaseRows:
        if self.away:
            raise DatabaseError("the database does not answer")
        return self.rows

    async def beat(self, me: NodeName, instance: str, traits: NodeTraits, ttl_s: float) -> View | None:
        return self._reached().beat(me, instance, traits, ttl_s)

    async def settle(self, me: NodeName, instance: str, decision: Decision) -> frozenset[str]:
        return self._reached().settle(me, instance, decision)

    async def leave(self, me: NodeName, instance: str) -> None:
        self._reached().leave(me, instance)

    async def drain(self, name: NodeName, *, draining: bool) -> bool:
        return self._reached().drain(name, draining=draining)

    async def close(self) -> None:
        pass
