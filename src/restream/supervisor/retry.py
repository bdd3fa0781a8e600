"""Waiting before the next try of something that fails now."""

from __future__ import annotations

import asyncio
import random

from restream.domain.life.backoff import RestartPolicy


class Retry:
    """Counts the failures in a row of one thing; each makes the next pause longer, as the policy says."""

    def __init__(self, policy: RestartPolicy) -> None:
        self._policy = policy
        self._failures = 0

    async def pause(self, at_least_s: float = 0.0) -> None:
        """One more failure: wait as long as the policy says, or `at_least_s` seconds if that is longer."""
        self._failures += 1
        delay_s = self._policy.delay_s(self._failures, random.random())  # noqa: S311
        await asyncio.sleep(max(delay_s, at_least_s))

    def reset(self) -> None:
        """It went well: the next failure is the first one again."""
        self._failures = 0
