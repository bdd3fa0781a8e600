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
    """A board that services write to; a change of state is logged once, not every cycle."""

    def __init__(self, listener: EventListener | None = None) -> None:
        self._components: dict[str, Component] = {}
        self._listener = listener

    @property
    def all(self) -> Mapping[str, Component]:
        """By name."""
        return dict(self._components)

    def state(self, name: str) -> ComponentState:
        """Of one component; unknown until it was reported."""
        component = self._components.get(name)
        return component.state if component else ComponentState.UNKNOWN

    def report(self, name: str, state: ComponentState, detail: str, server: ServerId | None = None) -> bool:
        """Note a state; True when it differs from the one before. `server`: which media server it is, if it is one."""
        before = self._components.get(name) or Component(name)
        if before.state is state:
            self._components[name] = replace(before, detail=detail)
            return False
        self._components[name] = Component(name, state, time.monotonic(), detail, server)
        level = logging.WARNING if state is ComponentState.DOWN else logging.INFO
        logger.log(level, "%s is %s%s", name, state, f": {detail}" if detail else "")
        if self._listener is not None:
            self._listener.happened(ComponentChange(time.time(), name, before.state, state, detail, server))
        return True
