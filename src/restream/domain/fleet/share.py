"""What a node does about the cameras of a shared table: take, keep, give back. Pure; every node decides for itself.

Safety is the database's: of those who decide to take a camera only one gets it (a new `epoch`), and nobody gets one
whose owner has renewed its lease. What is decided here makes it gentle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from restream.domain.fleet.fencing import Fence, PathSeen, may_take
from restream.domain.fleet.node import NOBODY, FleetNode, Holding, NodeName, Sighting
from restream.domain.fleet.placement import Placement, Wish

Witness = Callable[[str], PathSeen]
"""Of a camera id."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How gently cameras move."""

    moves_per_minute: int = 30
    """At most so many leave a node for one where they belong more."""
    drained_per_heartbeat: int = 50
    """At most so many leave a node that is drained, at a time."""
    taken_per_heartbeat: int = 2000
    """At most so many are asked for at a time: a transaction is bounded."""
    left_after_s: float = 10.0
    """A camera that the node it belongs to has not taken for so long goes to whoever has room."""
    asked_again_after_s: float = 60.0
    """A camera that somebody else turned out to have is asked for again."""
    awaited_looks: int = 15
    """So often in a row paths of lost nodes are said to be about to be silent."""


@dataclass(frozen=True, slots=True)
class View:
    """What one look into the database showed."""

    me: NodeName
    nodes: Mapping[NodeName, FleetNode]
    holdings: Mapping[str, Holding]
    """Ours, and those whose owner's lease has expired, or who have none."""
    leads: bool = False
    """Whether we have the duties that one node has for all: to tell of lost nodes, and of cameras that nobody has."""

    @property
    def mine(self) -> frozenset[str]:
        """Cameras that are ours."""
        return frozenset(key for key, each in self.holdings.items() if each.node == self.me)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with which cameras."""

    take: tuple[str, ...] = ()
    """Their ids."""
    give_back: tuple[Holding, ...] = ()
    """As they were seen: an owner of a later epoch keeps them. Once their publishers have ended, a former life's too
    (`may_start`); and for good: they are not started again before they were taken again."""
    forget: tuple[Holding, ...] = ()
    """Likewise; ours, of rows that are gone."""
    lost: frozenset[Sighting] = frozenset()
    """Nodes from whom cameras are taken, unless they have renewed their leases since."""
    awaits: bool = False
    """Cameras of lost nodes will be taken once their paths are silent: to be looked at again soon."""


class Share:
    """What one node decides, from heartbeat to heartbeat."""

    def __init__(self, fence: Fence, pace: Pace, placement: Placement) -> None:
        self._fence, self._pace, self._placement = fence, pace, placement
        self._leaving: dict[str, Holding] = {}
        self._elsewhere: set[str] = set()
        """Cameras without a holding that we see, and not to be had: their owners live."""
        self._asked_at: float | None = None
        self._awaited = 0
        """In so many decisions in a row somebody's paths were waited for."""
        self._free_since: dict[str, float] = {}
        """Since when we have seen that they may be taken."""

    def decide(
        self,
        view: View,
        wishes: Mapping[str, Wish],
        *,
        lost: frozenset[Sighting],
        witness: Witness,
        moves: int,
        now: float,
    ) -> Decision:
        """What to do next.

        `wishes` are the rows that are wanted; `moves` is how many may still move for balance now; `now` is monotonic.
        """
        me = view.nodes.get(view.me)
        if me is None:
            return Decision()
        self._placement.show(view.nodes)
        self._placement.want(wishes)
        mine = view.mine
        wanted_still = {key for key in mine if key in wishes}
        forget = tuple(view.holdings[key] for key in sorted(mine - wanted_still))
        give_back = self._leave(view, wishes, wanted_still, moves, draining=me.draining)
        if not me.has_room:
            return Decision((), give_back, forget)
        most = min(self._pace.taken_per_heartbeat, me.traits.room if me.traits.room is not None else len(wishes))
        orphans = tuple(self._orphans(view, wishes, lost, witness, now))
        wanted = (*orphans, *self._strangers(view, wishes, now))
        self._awaited = self._awaited + 1 if lost and self._awaits(view, wishes, lost, orphans) else 0
        return Decision(wanted[:most], give_back, forget, lost, 0 < self._awaited <= self._pace.awaited_looks)

    def settled(self, decision: Decision, taken: Collection[str]) -> None:
        """Which of those we asked for are ours now."""
        self._elsewhere |= set(decision.take) - set(taken)

    def _orphans(
        self, view: View, wishes: Mapping[str, Wish], lost: frozenset[Sighting], witness: Witness, now: float
    ) -> Iterator[str]:
        """Of nobody, or of a node that is lost: of the node it belongs to first, then of whoever has room."""
        free = [key for key in view.holdings if key in wishes and self._is_free(view, key, lost, witness)]
        self._free_since = {key: self._free_since.get(key, now - _given_back_s(view.holdings[key])) for key in free}
        for key in free:
            left = now - self._free_since[key] > self._pace.left_after_s and wishes[key].pin in (None, view.me)
            if left or self._placement.home(wishes[key]) == view.me:
                yield key

    def _awaits(
        self, view: View, wishes: Mapping[str, Wish], lost: frozenset[Sighting], orphans: Collection[str]
    ) -> bool:
        left = (key for key in view.holdings.keys() - set(orphans) if key in wishes and self._is_left(view, key, lost))
        return any(self._placement.home(wishes[key]) == view.me for key in left)

    def _is_free(self, view: View, key: str, lost: frozenset[Sighting], witness: Witness) -> bool:
        given_back = view.holdings[key].node == NOBODY
        return given_back or (self._is_left(view, key, lost) and may_take(self._fence, witness(key)))

    def _is_left(self, view: View, key: str, lost: frozenset[Sighting]) -> bool:
        """Whether its owner is lost."""
        name = view.holdings[key].node
        owner = view.nodes.get(name)
        return name not in (view.me, NOBODY) and (owner is None or owner.sighting in lost)

    def _strangers(self, view: View, wishes: Mapping[str, Wish], now: float) -> Iterator[str]:
        """Without a holding that we see: new, or of a living node."""
        if self._asked_at is None or now - self._asked_at >= self._pace.asked_again_after_s:
            self._asked_at, self._elsewhere = now, set()
        self._elsewhere = {key for key in self._elsewhere if key in wishes}
        yield from sorted(self._placement.belonging(view.me) - view.holdings.keys() - self._elsewhere)

    def _leave(
        self, view: View, wishes: Mapping[str, Wish], mine: set[str], moves: int, *, draining: bool
    ) -> tuple[Holding, ...]:
        """Ours that belong elsewhere more; one that is drained keeps what nobody would take."""
        self._leaving = {
            key: holding
            for key, holding in self._leaving.items()
            if key in mine and view.holdings[key].epoch == holding.epoch
        }
        most = self._pace.drained_per_heartbeat if draining else moves
        offered = Counter[NodeName]()
        for key in sorted(mine - self._leaving.keys()) if most > 0 else ():
            if most <= 0:
                break
            home = self._placement.home(wishes[key], view.me)
            if home in (None, view.me) or offered[home] >= _offer(view, home, draining=draining):
                continue
            offered[home] += 1
            most -= 1
            self._leaving[key] = view.holdings[key]
        return tuple(self._leaving.values())


def _given_back_s(holding: Holding) -> float:
    """How long ago, by the database's clock; 0 where it has an owner, who is lost."""
    return max(0.0, holding.age_s) if holding.node == NOBODY else 0.0


def _offer(view: View, home: NodeName, *, draining: bool) -> float:
    """How many one node may offer to another: all others see the same room, and offer too."""
    room = view.nodes[home].traits.room
    if room is None:
        return float("inf")
    givers = sum(node.alive for node in view.nodes.values()) - 1
    return max(room // max(1, givers), int(draining))


def calm(healths: Sequence[str]) -> bool:
    """Whether cameras may move for balance: a fleet that has trouble is left alone."""
    return bool(healths) and sum(each in ("healthy", "disabled") for each in healths) >= 0.95 * len(healths)
