"""Who may publish a camera: what keeps two nodes from doing it at once."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from restream.domain.fleet.lease import OwnLease

ALONE_AFTER_S = 30.0
"""A node without a valid lease leaves a silent path so long to whoever may have taken it: a look, and a start."""


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
    """Nobody publishes there, or nothing has come for longer than an owner takes to end what has stalled."""
    UNSEEN = "unseen"
    """It does not answer, or has not for long enough."""


class PathSeen(NamedTuple):
    """What is seen of a path now, and for how long it has been seen silent."""

    witnessed: Witnessed
    for_s: float = 0.0


def may_take(fence: Fence, seen: PathSeen) -> bool:
    """Whether a lost node's camera may be taken: not about when that node, if it runs, starts it alone."""
    if fence is Fence.TIME:
        return True
    soon, late = ALONE_AFTER_S / 2, ALONE_AFTER_S * 2
    return seen.witnessed is Witnessed.SILENT and not soon <= seen.for_s < late


def may_start(
    lease: OwnLease,
    fence: Fence,
    now: float,
    *,
    inherited: bool,
    seen: PathSeen,
    stop_s: float = 0.0,
) -> bool:
    """Whether an owner may start its camera.

    `inherited`: a former life of our name or a lost node had it, and may still be there; `stop_s`: how long it takes to
    end a publisher.
    """
    if fence is Fence.TIME:
        return lease.valid(now, needed_s=stop_s) and (not inherited or lease.alone(now))
    if not lease.valid(now):
        return seen.witnessed is Witnessed.SILENT and seen.for_s >= ALONE_AFTER_S
    return not inherited or seen.witnessed is Witnessed.SILENT


def must_end(lease: OwnLease, fence: Fence, now: float, *, stop_s: float) -> bool:
    """Whether an owner ends its publishers now, so that none is left when its lease expires."""
    return fence is Fence.TIME and not lease.valid(now, needed_s=stop_s)
