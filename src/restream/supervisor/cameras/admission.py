"""Who may start now: a budget for starts, global and per camera host, so that a fleet comes up without a stampede.

Higher priority first, then first tries before repeated ones, then in order of arrival. Repeated tries never take the
last quarter of a budget: cameras that hang until their timeout cannot keep the others of their host out.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(order=True, slots=True)
class _Request:
    """Sorted by what comes first; `live` is cleared when it is withdrawn."""

    rank: tuple[int, bool, int]
    camera_id: str = field(compare=False)
    host: str = field(compare=False)
    retry: bool = field(compare=False)
    grant: Callable[[], None] = field(compare=False)
    live: bool = field(default=True, compare=False)


def _for_retries(limit: int) -> int:
    return limit - max(1, limit // 4) if limit > 1 else limit


class Admission:
    """Grants slots by calling back; everything is synchronous and belongs to one event loop.

    `max_per_host` None: no limit per host.
    """

    def __init__(self, max_starting: int, max_per_host: int | None) -> None:
        self._max_starting = max_starting
        self._max_per_host = max_per_host
        self._order = itertools.count()
        self._queue: list[_Request] = []
        self._waiting: dict[str, _Request] = {}
        self._holding: dict[str, _Request] = {}
        self._parked: dict[str, list[_Request]] = {}
        self._parked_retries: list[_Request] = []
        self._by_host: Counter[str] = Counter()
        self._retries_by_host: Counter[str] = Counter()
        self._retries = 0

    @property
    def queue_length(self) -> int:
        """Cameras that wait for a slot."""
        return len(self._waiting)

    def holds(self, camera_id: str) -> bool:
        """Whether the camera has a slot now."""
        return camera_id in self._holding

    def resize(self, max_starting: int, max_per_host: int | None) -> None:
        """New limits; None: no limit a host. Who waits is admitted where they allow it."""
        self._max_starting, self._max_per_host = max_starting, max_per_host
        self._unpark_all()
        self._grant()

    def request(self, camera_id: str, host: str, *, priority: int, retry: bool, grant: Callable[[], None]) -> None:
        """Queue for a slot; `grant` is called, perhaps at once, when there is one."""
        self.release(camera_id)
        request = _Request((-priority, retry, next(self._order)), camera_id, host, retry, grant)
        self._waiting[camera_id] = request
        heapq.heappush(self._queue, request)
        self._grant()

    def release(self, camera_id: str) -> None:
        """Give the slot back, or leave the queue. Harmless when the camera has neither."""
        waiting = self._waiting.pop(camera_id, None)
        if waiting is not None:
            waiting.live = False
        held = self._holding.pop(camera_id, None)
        if held is None:
            return
        self._by_host[held.host] -= 1
        if not self._by_host[held.host]:
            del self._by_host[held.host]
        if held.retry:
            self._retries -= 1
            self._retries_by_host[held.host] -= 1
            if not self._retries_by_host[held.host]:
                del self._retries_by_host[held.host]
            self._push(self._parked_retries)
            self._parked_retries = []
        self._push(self._parked.pop(held.host, []))
        self._grant()

    def _unpark_all(self) -> None:
        for requests in (*self._parked.values(), self._parked_retries):
            self._push(requests)
        self._parked, self._parked_retries = {}, []

    def _push(self, requests: list[_Request]) -> None:
        for request in requests:
            if request.live:
                heapq.heappush(self._queue, request)

    def _grant(self) -> None:
        while self._queue and len(self._holding) < self._max_starting:
            request = heapq.heappop(self._queue)
            if not request.live:
                continue
            if request.retry and self._retries >= _for_retries(self._max_starting):
                self._parked_retries.append(request)
                continue
            if self._host_is_full(request):
                self._parked.setdefault(request.host, []).append(request)
                continue
            del self._waiting[request.camera_id]
            self._holding[request.camera_id] = request
            self._by_host[request.host] += 1
            if request.retry:
                self._retries += 1
                self._retries_by_host[request.host] += 1
            request.grant()

    def _host_is_full(self, request: _Request) -> bool:
        limit = self._max_per_host
        if limit is None:
            return False
        if self._by_host[request.host] >= limit:
            return True
        return request.retry and self._retries_by_host[request.host] >= _for_retries(limit)
