"""States of what the service depends on, with the moment they last changed."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace

from restream.domain.news.component import Component, ComponentState
from restream.domain.news.event import ComponentChange
from restream.domain.server.identity import ServerId
from restream.supervisor.journeys import EventListener

logger = logging.getLogger(__name__)


class Components:
    """A board that services write to; a change of state is logged once, not every cycle.

    What a component says of itself is outranked by a defect in our own part of it, until that is over.
    """

    def __init__(self, listener: EventListener | None = None) -> None:
        self._components: dict[str, Component] = {}
        self._said: dict[str, Component] = {}
        self._defects: dict[str, dict[str, str]] = {}
        self._listener = listener

    @property
    def all(self) -> Mapping[str, Component]:
        """By name."""
        return dict(self._components)

    def state(self, name: str) -> ComponentState:
        """UNKNOWN until something was said of it."""
        component = self._components.get(name)
        return component.state if component else ComponentState.UNKNOWN

    def report(self, name: str, state: ComponentState, detail: str, server: ServerId | None = None) -> bool:
        """Note what a component says of itself; True when its state differs from the one before.

        `server`: which media server it is, if it is one.
        """
        self._said[name] = Component(name, state, 0.0, detail, server)
        return self._settle(name)

    def forget(self, name: str) -> None:
        """There is no such component any more; nobody is told."""
        for known in (self._components, self._said, self._defects):
            known.pop(name, None)

    def failed(self, name: str, part: str, error: Exception) -> None:
        """A part of ours that serves this component has a defect; it is down until all its parts have `recovered`."""
        self._defects.setdefault(name, {})[part] = f"internal error ({type(error).__name__}), see the log"
        self._settle(name)

    def recovered(self, name: str, part: str) -> None:
        """That part works again."""
        defects = self._defects.get(name, {})
        if defects.pop(part, None) is not None:
            self._settle(name)

    def _settle(self, name: str) -> bool:
        now = self._said.get(name) or Component(name, ComponentState.UP)
        if defects := self._defects.get(name):
            now = replace(now, state=ComponentState.DOWN, detail="; ".join(dict.fromkeys(defects.values())))
        state, detail = now.state, now.detail
        before = self._components.get(name) or Component(name)
        if before.state is state:
            self._components[name] = replace(before, detail=detail)
            return False
        self._components[name] = replace(now, since=time.monotonic())
        level = logging.WARNING if state is ComponentState.DOWN else logging.INFO
        logger.log(level, "%s is %s%s", name, state, f": {detail}" if detail else "")
        if self._listener is not None:
            self._listener.happened(ComponentChange(time.time(), name, before.state, state, detail, now.server))
        return True
