"""A node's own lease, as it may count on it: on its monotonic clock, from before the renewal was sent.

Whoever takes it to have expired has counted the same time from a later moment (`lookout`), so nobody does while its
owner takes it to be valid, whatever network, pauses and wall clocks do in between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class OwnLease:
    """`now` is monotonic, in seconds, of a clock that goes on while the process is suspended."""

    ttl_s: float
    valid_until: float | None = None
    """None: there never was one, or another service has our name."""
    began: float | None = None
    """When the first renewal of this life was confirmed."""

    def renewed(self, sent_at: float, answered_at: float) -> OwnLease:
        """The database has confirmed a renewal that was sent at this moment."""
        until = sent_at + self.ttl_s
        if self.valid_until is not None:
            until = max(until, self.valid_until)
        return replace(self, valid_until=until, began=answered_at if self.began is None else self.began)

    def lost(self) -> OwnLease:
        """Another service calls itself as we do."""
        return replace(self, valid_until=None)

    def valid(self, now: float, *, needed_s: float = 0.0) -> bool:
        """Whether nobody else can have taken what is ours, now and for so long."""
        return self.valid_until is not None and now + needed_s < self.valid_until

    def alone(self, now: float) -> bool:
        """Whether the lease of a former life of our name is over, which had as long a ttl."""
        return self.began is not None and now >= self.began + self.ttl_s


class KeptShare(NamedTuple):
    """What a node goes on with while its service is replaced by its next version."""

    instance: str
    mine: frozenset[str]
    """Ids of cameras."""
    lease: OwnLease
