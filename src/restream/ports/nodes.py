"""The tables through which several services share the cameras, as verbs."""

from __future__ import annotations

from typing import Protocol

from restream.domain.fleet.node import NodeName, NodeTraits
from restream.domain.fleet.share import Decision, View


class LeaseTable(Protocol):
    """Nodes, who has which camera, and duties that one node has for all. All times are the database's.

    Every verb is bounded in time, and raises DatabaseError (`ports.cameras`).
    """

    async def beat(self, me: NodeName, instance: str, traits: NodeTraits, ttl_s: float) -> View | None:
        """Renew our lease for `ttl_s` from now, and look around.

        None: another life of a service of our name has begun since; this one has nothing any more. The first beat of
        an instance takes the name over, with all that it had. Each beat adds one to the row's `renewals`, which tells
        one renewal from all others. A lease that ends later than its own ttl from now, by a clock that was set back,
        is shortened to that.
        """

    async def settle(self, me: NodeName, instance: str, decision: Decision) -> frozenset[str]:
        """Carry out a decision; tells which cameras were taken.

        Taken is what nobody has, whose owner has no row, or whose owner is still as `decision.lost` shows it: its row
        is locked and compared, no clock is asked. Each gets a new epoch, from one sequence. Nothing is taken by a node
        whose own lease is not valid. What is given back or forgotten is ours and of the epoch that was seen: a
        statement that arrives late changes nothing.
        """

    async def leave(self, me: NodeName, instance: str) -> None:
        """Give everything back, and end our lease."""

    async def drain(self, name: NodeName, *, draining: bool) -> bool:
        """Have a node give its cameras away, or no longer; False: there is no such node."""

    async def close(self) -> None:
        """Let go of connections; never raises."""
