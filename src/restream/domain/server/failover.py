"""Where the cameras of a media server that is lost are published meanwhile. Pure.

Each goes to the server that wins it by rendezvous hashing among those that are up, so that those of one that is lost
spread over all others, and a further loss moves no camera but that one's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from restream.domain.fleet.node import NodeName
from restream.domain.fleet.placement import draws_of, slot_of
from restream.domain.server.identity import ServerId


class OnServerLoss(StrEnum):
    """What becomes of the cameras of a media server that is lost."""

    WAIT = "wait"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class FailoverPolicy:
    """Which cameras move, and how soon."""

    pool: frozenset[ServerId] = frozenset()
    """Servers whose cameras move; nobody else takes them."""
    after_s: float = 30.0
    """How long a server is down before its cameras leave, and up before they return."""
    returns_per_minute: int = 30


class Standing(NamedTuple):
    """Whether a server is there, and since when; seconds of the monotonic clock."""

    up: bool
    since: float


@dataclass(frozen=True, slots=True)
class Failover:
    """What one node decides at one moment. A server that was never asked is neither up nor lost."""

    policy: FailoverPolicy
    standings: Mapping[ServerId, Standing]
    now: float

    def away(
        self, homes: Mapping[str, ServerId], before: Mapping[str, ServerId], *, returns: int
    ) -> dict[str, ServerId]:
        """Which cameras are published elsewhere than at home, and where; at most so many of `before` return."""
        found: dict[str, ServerId] = {}
        for camera_id, home in homes.items():
            at = before.get(camera_id, home)
            if at != home and returns > 0 and self._for_long(home, up=True):
                returns -= 1
            elif at == home or at not in self.policy.pool or self._is_lost(at):
                at = self._instead(camera_id, home, at)
                if at != home:
                    found[camera_id] = at
            else:
                found[camera_id] = at
        return found

    def next_at(self) -> float | None:
        """When a server will have been up or down for long enough; None: they all have."""
        moments = [each.since + self.policy.after_s for each in self.standings.values()]
        return min((at for at in moments if at > self.now), default=None)

    def _instead(self, camera_id: str, home: ServerId, at: ServerId) -> ServerId:
        if not self._is_lost(home) and (at == home or self._is_up(home)):
            return home
        others = sorted(each for each in self.policy.pool if self._is_up(each))
        slot = slot_of(camera_id)
        return max(others, key=lambda each: draws_of(NodeName(each))[slot], default=at)

    def _is_up(self, server: ServerId) -> bool:
        standing = self.standings.get(server)
        return standing is not None and standing.up

    def _is_lost(self, server: ServerId) -> bool:
        return self._for_long(server, up=False)

    def _for_long(self, server: ServerId, *, up: bool) -> bool:
        standing = self.standings.get(server)
        return standing is not None and standing.up is up and self.now >= standing.since + self.policy.after_s
