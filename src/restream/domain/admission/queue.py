"""The queue of starts before the windows, one for all and one per camera host. Pure: `now` is monotonic, in seconds.

Higher priority first, then first tries before repeated ones, then in order of arrival. Repeated tries never take the
last quarter of a window of two or more: cameras that hang until their timeout cannot keep the others out.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import NamedTuple

from restream.domain.admission.outcome import StartOutcome
from restream.domain.admission.pressure import Strain
from restream.domain.admission.window import FORGOTTEN_AFTER_S, StartWindow

_FIRST_PER_HOST = 4
# While the machine is calm, a start that takes longer than this waits for its camera and costs us nothing.
_WAITS_FOR_CAMERA_S = 5.0


@dataclass(frozen=True, slots=True)
class StartLimits:
    """Bounds of the windows; `first` is what the one for all begins with."""

    first: int
    most: int
    most_per_host: int
    spacing_s: float = 0.0
    """Between two starts."""


@dataclass(frozen=True, slots=True)
class StartFigures:
    """What an operator should know of the starts."""

    waiting: int = 0
    starting: int = 0
    window: int = 0
    """How many may start at once."""
    slowed_hosts: int = 0
    """Camera hosts that are asked by fewer at once than usual, since they refused more."""


class _Waiting(NamedTuple):
    """Sorted by what comes first; `order` makes it unique."""

    behind: int
    retry: bool
    order: int
    camera_id: str
    host: str


class _Starting(NamedTuple):
    host: str
    retry: bool
    granted_at: float


def _hung(start: _Starting, now: float) -> bool:
    return now - start.granted_at >= _WAITS_FOR_CAMERA_S


class _Host:
    """A camera host of which something waits or starts, or was learnt."""

    __slots__ = ("retries", "shown", "starting", "waiting", "window")

    def __init__(self, limits: StartLimits) -> None:
        self.window = StartWindow.begin(_FIRST_PER_HOST, limits.most_per_host)
        self.starting = 0
        self.retries = 0
        # First tries, repeated ones; and who of them stands in the front row.
        self.waiting: tuple[list[_Waiting], list[_Waiting]] = [], []
        self.shown: list[_Waiting | None] = [None, None]

    @property
    def empty(self) -> bool:
        return not self.starting and not self.waiting[False] and not self.waiting[True]

    def foremost(self, retry: bool) -> _Waiting | None:
        """Who of this host comes next, while it has room for one."""
        line, window = self.waiting[retry], self.window
        full = self.starting >= window.places or (retry and self.retries >= window.places_for_retries)
        return None if full or not line else line[0]


def _remove(line: list[_Waiting], waiting: _Waiting) -> None:
    del line[bisect_left(line, waiting)]


class StartQueue:
    """`request`, `release` and `press` tell what happens; after each, `admit` says who may start, and `deadline` when
    to ask again."""

    def __init__(self, limits: StartLimits) -> None:
        self._limits = limits
        self._window = StartWindow.begin(limits.first, limits.most)
        self._strain = Strain.CALM
        self._order = itertools.count()
        self._hosts: dict[str, _Host] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._starting: dict[str, _Starting] = {}
        # Those whose place is taken; the others wait for their cameras.
        self._placed: dict[str, _Starting] = {}
        self._retries = 0
        # The foremost of every host with room: first tries, repeated ones.
        self._front: tuple[list[_Waiting], list[_Waiting]] = [], []
        self._spaced_until = -math.inf
        # Since when nothing of a host is left, longest first.
        self._left: dict[str, float] = {}

    @property
    def figures(self) -> StartFigures:
        """For the picture of a cycle."""
        slowed = sum(host.window.places < host.window.first for host in self._hosts.values())
        return StartFigures(len(self._waiting), len(self._starting), self._window.places, slowed)

    @property
    def idle(self) -> bool:
        """Nothing waits or starts."""
        return not self._waiting and not self._starting

    def holds(self, camera_id: str) -> bool:
        """Whether the camera may be starting now."""
        return camera_id in self._starting

    def window_of(self, host: str) -> StartWindow | None:
        """What was learnt of a camera host; None: nothing."""
        return self._hosts[host].window if host in self._hosts else None

    def resize(self, limits: StartLimits) -> None:
        """New limits: the windows begin anew. Takes nothing from who is starting."""
        if limits == self._limits:
            return
        self._limits = limits
        self._window = StartWindow.begin(limits.first, limits.most)
        for host in self._hosts.values():
            host.window = StartWindow.begin(_FIRST_PER_HOST, limits.most_per_host)
            self._show(host)

    def press(self, strain: Strain, now: float) -> None:
        """How hard the machine is pressed from now on."""
        self._strain = strain
        if strain is Strain.OVERLOADED:
            self._window = self._window.pressed(len(self._placed), now)

    def request(self, camera_id: str, name: str, *, priority: int, retry: bool, now: float) -> None:
        """A camera of the host `name` wants to start; what it wanted or had before is released."""
        self.release(camera_id, StartOutcome.UNTOLD, now)
        self._forget(now)
        if not self._starting:
            self._window = self._window.rested(now)
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = _Host(self._limits)
        elif self._left.pop(name, None) is not None:
            host.window = host.window.rested(now)
        waiting = self._waiting[camera_id] = _Waiting(-priority, retry, next(self._order), camera_id, name)
        insort(host.waiting[retry], waiting)
        self._show(host)

    def release(self, camera_id: str, outcome: StartOutcome, now: float) -> None:
        """A start is over, or not wanted any more. Harmless for who neither waits nor starts."""
        waiting = self._waiting.pop(camera_id, None)
        if waiting is not None:
            _remove(self._hosts[waiting.host].waiting[waiting.retry], waiting)
            self._settle(waiting.host, now)
        start = self._starting.get(camera_id)
        if start is None:
            return
        host = self._hosts[start.host]
        self._learn(host, start, outcome, now)
        del self._starting[camera_id]
        self._free(camera_id)
        host.starting -= 1
        host.retries -= start.retry
        self._settle(start.host, now)

    def admit(self, now: float) -> list[str]:
        """Who may start now, by what comes first; each of them holds its place until it is released."""
        while self._strain is Strain.CALM and self._placed:
            camera_id, start = next(iter(self._placed.items()))
            if not _hung(start, now):
                break
            self._free(camera_id)
        admitted = []
        while now >= self._spaced_until and (foremost := self._foremost()) is not None:
            self._start(foremost, now)
            admitted.append(foremost.camera_id)
        return admitted

    @property
    def deadline(self) -> float | None:
        """When `admit` may find somebody although nothing happens; None: never."""
        if self._foremost() is not None:
            return self._spaced_until
        if self._waiting and self._placed and self._strain is Strain.CALM:
            return next(iter(self._placed.values())).granted_at + _WAITS_FOR_CAMERA_S
        return None

    def _foremost(self) -> _Waiting | None:
        if len(self._starting) >= self._limits.most or len(self._placed) >= self._window.places:
            return None
        firsts, retries = self._front
        allowed = firsts[:1] + (retries[:1] if self._retries < self._window.places_for_retries else [])
        return min(allowed, default=None)

    def _start(self, waiting: _Waiting, now: float) -> None:
        host = self._hosts[waiting.host]
        del self._waiting[waiting.camera_id]
        _remove(host.waiting[waiting.retry], waiting)
        start = _Starting(waiting.host, waiting.retry, now)
        self._starting[waiting.camera_id] = self._placed[waiting.camera_id] = start
        host.starting += 1
        host.retries += waiting.retry
        self._retries += waiting.retry
        self._window = self._window.granted(len(self._placed), self._retries, now)
        host.window = host.window.granted(host.starting, host.retries, now)
        self._spaced_until = now + self._limits.spacing_s
        self._show(host)

    def _learn(self, host: _Host, start: _Starting, outcome: StartOutcome, now: float) -> None:
        ours, theirs = self._window.released(now), host.window.released(now)
        match outcome:
            case StartOutcome.SUCCEEDED:
                theirs = host.window.succeeded(start.granted_at, now)
                if self._strain < Strain.PRESSED:
                    ours = self._window.succeeded(start.granted_at, now, slowly=self._strain is Strain.BUSY)
            # A repeated try that hangs again tells nothing new: its host has been slowed for the first one.
            case StartOutcome.HOST_BUSY if not (start.retry and _hung(start, now)):
                theirs = host.window.failed(start.granted_at, host.starting, now)
            case StartOutcome.WE_BUSY:
                ours = self._window.failed(start.granted_at, len(self._placed), now)
        self._window, host.window = ours, theirs

    def _free(self, camera_id: str) -> None:
        placed = self._placed.pop(camera_id, None)
        self._retries -= placed is not None and placed.retry

    def _settle(self, name: str, now: float) -> None:
        """Somebody of this host is gone."""
        host = self._hosts[name]
        self._show(host)
        if host.empty and host.window.fresh:
            del self._hosts[name]
        elif host.empty:
            self._left[name] = now

    def _forget(self, now: float) -> None:
        while self._left:
            name, since = next(iter(self._left.items()))
            if now - since < FORGOTTEN_AFTER_S:
                return
            del self._left[name], self._hosts[name]

    def _show(self, host: _Host) -> None:
        for retry, front in enumerate(self._front):
            shown, foremost = host.shown[retry], host.foremost(bool(retry))
            if shown == foremost:
                continue
            if shown is not None:
                _remove(front, shown)
            if foremost is not None:
                insort(front, foremost)
            host.shown[retry] = foremost
