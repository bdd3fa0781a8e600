"""What a node does about the cameras of a shared table: take, keep, give back. Pure; every node decides for itself.

Safety is the database's: of those who decide to take a camera only one gets it (an `epoch` more), and nobody gets one
whose owner's lease is valid. What is decided here makes it gentle.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from restream.domain.fleet.node import NOBODY, FleetNode, Holding, NodeName
from restream.domain.fleet.placement import Wish, home


class Fence(StrEnum):
    """What keeps two nodes from publishing one camera when the owner's lease has expired."""

    SERVER = "server"
    """The media server is asked: what still flows is left alone."""
    TIME = "time"
    """The owner has ended its publishers before its lease expired."""


class Witnessed(StrEnum):
    """What the media server shows of a path that somebody else had."""

    SERVED = "served"
    SILENT = "silent"
    UNSEEN = "unseen"
    """It does not answer, or has not for long enough."""


Witness = Callable[[str], Witnessed]
"""Of a camera id."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How gently cameras move."""

    moves_per_minute: int = 30
    """At most so many leave a node for one where they belong more."""
    drained_per_heartbeat: int = 50
    """At most so many leave a node that is drained, at a time."""
    left_after_s: float = 10.0
    """A camera that the node it belongs to has not taken for so long goes to whoever has room."""


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

    def free_for_s(self, camera_id: str) -> float:
        """How long it has had no owner whose lease is valid, as far as that is known."""
        holding = self.holdings.get(camera_id)
        if holding is None:
            return 0.0
        owner = self.nodes.get(holding.node)
        return max(0.0, holding.age_s if owner is None else -owner.expires_in_s)


@dataclass(frozen=True, slots=True)
class Decision:
    """Ids of cameras."""

    take: tuple[str, ...] = ()
    give_back: tuple[str, ...] = ()
    """Once their publishers have ended."""
    forget: tuple[str, ...] = ()
    """Ours, of rows that are gone."""


def decide(
    view: View,
    wishes: Mapping[str, Wish],
    *,
    witness: Witness,
    fence: Fence,
    moves: int,
    pace: Pace,
) -> Decision:
    """What to do next.

    `wishes` are the rows that are wanted; `moves` is how many may still move for balance now. Of a camera without a
    holding a living owner may not be known: then the database does not give it.
    """
    me = view.nodes.get(view.me)
    if me is None:
        return Decision()
    mine = view.mine
    forget = tuple(sorted(mine - wishes.keys()))
    give_back = _leaving(view, wishes, mine & wishes.keys(), moves, pace, draining=me.draining)
    if not me.takes:
        return Decision((), give_back, forget)
    wanted = [
        key
        for key, wish in wishes.items()
        if key not in mine and _falls_to_us(view, wish, pace) and _is_takeable(view.holdings.get(key), witness, fence)
    ]
    room = me.traits.room
    return Decision(tuple(wanted if room is None else wanted[:room]), give_back, forget)


def _is_takeable(holding: Holding | None, witness: Witness, fence: Fence) -> bool:
    if holding is None or holding.node == NOBODY or fence is Fence.TIME:
        return True
    return witness(holding.camera_id) is Witnessed.SILENT


def _falls_to_us(view: View, wish: Wish, pace: Pace) -> bool:
    belongs_to = home(wish, view.nodes.values())
    if belongs_to == view.me:
        return True
    return wish.pin in (None, view.me) and view.free_for_s(wish.camera_id) > pace.left_after_s


def _leaving(
    view: View, wishes: Mapping[str, Wish], mine: Collection[str], moves: int, pace: Pace, *, draining: bool
) -> tuple[str, ...]:
    """Ours that belong elsewhere more; one that is drained keeps what nobody would take."""
    most = pace.drained_per_heartbeat if draining else moves
    found: list[str] = []
    for key in sorted(mine):
        if len(found) >= most:
            break
        if home(wishes[key], view.nodes.values(), view.me) not in (None, view.me):
            found.append(key)
    return tuple(found)


def calm(healths: Sequence[str]) -> bool:
    """Whether cameras may move for balance: a fleet that has trouble is left alone."""
    return bool(healths) and sum(each in ("healthy", "disabled") for each in healths) >= 0.95 * len(healths)
