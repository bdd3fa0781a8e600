"""A node's own lease, as it may count on it: on its monotonic clock, from before the renewal was sent.

The database counts from a later moment, so nobody else takes a lease to have expired while its owner takes it to be
valid, whatever the network and the wall clocks do in between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class OwnLease:
    """`now` is monotonic, in seconds, of a clock that goes on while the process is suspended."""

    ttl_s: float
    valid_until: float | None = None
    """None: there never was one, or another service has our name."""

    def renewed(self, sent_at: float) -> OwnLease:
        """The database has confirmed a renewal that was sent at this moment."""
        until = sent_at + self.ttl_s
        return replace(self, valid_until=until if self.valid_until is None else max(until, self.valid_until))

    def lost(self) -> OwnLease:
        """Another service calls itself as we do."""
        return replace(self, valid_until=None)

    def valid(self, now: float) -> bool:
        """Whether nobody else can have taken what is ours."""
        return self.valid_until is not None and now < self.valid_until
