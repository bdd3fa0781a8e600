"""States of what the service depends on, with the moment they last changed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from restream.domain.news.component import Component, ComponentState
from restream.domain.news.event import ComponentChange

logger = logging.getLogger(__name__)


class Components:
    """A board that services write to; a change of state is logged once, not every cycle."""

    def __init__(self, on_change: Callable[[ComponentChange], None] | None = None) -> None:
        self._components: dict[str, Component] = {}
        self._on_change = on_change

    @property
    def all(self) -> Mapping[str, Component]:
        """Every component that was reported, by name."""
        return dict(self._components)

    def state(self, name: str) -> ComponentState:
        """State of one component."""
        component = self._components.get(name)
        return component.state if component else ComponentState.UNKNOWN

    def report(self, name: str, state: ComponentState, detail: str) -> bool:
        """Note a state; True when it differs from the one before."""
        before = self._components.get(name) or Component(name)
        if before.state is state:
            self._components[name] = replace(before, detail=detail)
            return False
        self._components[name] = Component(name, state, time.monotonic(), detail)
        level = logging.WARNING if state is ComponentState.DOWN else logging.INFO
        logger.log(level, "%s is %s%s", name, state, f": {detail}" if detail else "")
        if self._on_change is not None:
            self._on_change(ComponentChange(time.time(), name, before.state, state, detail))
        return True
