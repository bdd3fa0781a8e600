"""What happened lately: a bounded ring of events, for those who ask afterwards.

An outage of a media server is one event: what it does to cameras is folded into it. An ending on the server's side is
therefore kept back for a moment, until it is known whether the server or only this one stream was hit.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence

from restream.domain.judgement.verdict import Health
from restream.domain.life.cause import Cause, Side
from restream.domain.life.lifecycle import Phase
from restream.domain.news.component import ComponentState
from restream.domain.news.event import ComponentChange, Event, HealthChange, ServerRestart, Transition
from restream.domain.server.identity import ServerId
from restream.ports.outlets import EventRecord

_KEPT_EVENTS = 10_000
# Two missed checks of the default interval, and a margin.
_UNDECIDED_S = 6.0


class History:
    """Listens to events, and keeps them as `render(id, event)` gives them.

    Ids rise, also over restarts of the service: they begin at the milliseconds of Unix time.
    """

    def __init__(self, render: Callable[[int, Event], EventRecord]) -> None:
        self._render = render
        self._events: deque[EventRecord] = deque(maxlen=_KEPT_EVENTS)
        self._last_id = 0
        self._servers_down: set[ServerId] = set()
        self._undecided: deque[Transition] = deque()
        self._cut_off: set[str] = set()
        self._away: set[str] = set()
        """Cameras that are down with the server, as far as their verdict goes."""
        self.recorded: Counter[str] = Counter()
        """How many events of each kind this service has recorded."""

    def restore(self, events: Iterable[EventRecord]) -> None:
        """Put events of an earlier life before the present ones."""
        first = self._events[0].id if self._events else float("inf")
        older = [event for event in events if event.id < first]
        if older:
            # The clock may have been ahead in that life.
            self._last_id = max(self._last_id, older[-1].id)
        self._events = deque([*older, *self._events], maxlen=_KEPT_EVENTS)

    def happened(self, event: Event) -> None:
        """Keep an event, unless it is folded into an outage of a media server or has to wait for `settle`."""
        match event:
            case ServerRestart(server=server):
                self._lost(server)
                self._servers_down.discard(server)
            case ComponentChange(server=str(server), after=ComponentState.DOWN):
                self._lost(server)
            case ComponentChange(server=str(server)):
                self._servers_down.discard(server)
            case Transition() if self._folds(event):
                return
            case HealthChange() if self._folds_health(event):
                return
        self._keep(event)

    def settle(self, now: float) -> None:
        """Once a cycle: what was kept back and the server is innocent of is recorded after all (Unix time, s)."""
        # A clock that was set back must not keep them for as long as it was set back.
        while self._undecided and abs(now - self._undecided[0].at) > _UNDECIDED_S:
            self._keep(self._undecided.popleft())

    def keep_only(self, camera_ids: Collection[str]) -> None:
        """Forget what an outage did to cameras that are not supervised any more."""
        for known in (self._cut_off, self._away):
            known.difference_update([camera_id for camera_id in known if camera_id not in camera_ids])

    def after(
        self, event_id: int, *, camera_id: str | None = None, kind: str | None = None, limit: int = _KEPT_EVENTS
    ) -> Sequence[EventRecord]:
        """The newest `limit` events after an id, oldest first."""
        found: list[EventRecord] = []
        for event in reversed(self._events):
            if event.id <= event_id or len(found) >= limit:
                break
            if camera_id in (None, event.camera) and kind in (None, event.kind):
                found.append(event)
        return found[::-1]

    def _lost(self, server: ServerId) -> None:
        self._servers_down.add(server)
        self._cut_off.update(each.camera_id for each in self._undecided if each.server == server)
        self._undecided = deque(each for each in self._undecided if each.server != server)

    def _folds(self, transition: Transition) -> bool:
        """Whether this is the server's doing, or may be."""
        camera_id = transition.camera_id
        if transition.cause is Cause.SERVER_GONE and transition.after is not Phase.RUNNING:
            if transition.server in self._servers_down:
                self._cut_off.add(camera_id)
            elif camera_id not in self._cut_off:
                self._undecided.append(transition)
            return True
        if camera_id in self._cut_off:
            # On its way back; another failure is news again.
            if transition.after is Phase.RUNNING or transition.cause is not None:
                self._cut_off.discard(camera_id)
            return transition.cause is None
        return False

    def _folds_health(self, change: HealthChange) -> bool:
        camera_id, verdict = change.camera_id, change.after
        was_away = camera_id in self._away
        if verdict.fault is Side.MEDIA_SERVER and (change.server in self._servers_down or camera_id in self._cut_off):
            self._away.add(camera_id)
            return True
        self._away.discard(camera_id)
        return was_away and verdict.health in (Health.HEALTHY, Health.DEGRADED)

    def _keep(self, event: Event) -> None:
        self._last_id = max(self._last_id + 1, int(event.at * 1000))
        document = self._render(self._last_id, event)
        self.recorded[document.kind] += 1
        self._events.append(document)
