"""What happened lately: a bounded ring of events, for those who ask afterwards."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from restream.domain.snapshot import Transition

_KEPT_EVENTS = 10_000


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """A transition with its place in the order of things; ids rise by one and begin anew with the service."""

    id: int
    transition: Transition


class History:
    """Listens to transitions."""

    def __init__(self) -> None:
        self._events: deque[RecordedEvent] = deque(maxlen=_KEPT_EVENTS)
        self._last_id = 0

    def record(self, transition: Transition) -> None:
        self._last_id += 1
        self._events.append(RecordedEvent(self._last_id, transition))

    def after(self, event_id: int, camera_id: str | None, limit: int) -> Sequence[RecordedEvent]:
        """The newest `limit` events after an id, oldest first, of one camera or of all."""
        found: list[RecordedEvent] = []
        for event in reversed(self._events):
            if event.id <= event_id or len(found) >= limit:
                break
            if camera_id is None or event.transition.camera_id == camera_id:
                found.append(event)
        return found[::-1]
