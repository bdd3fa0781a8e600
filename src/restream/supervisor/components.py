"""States of what the service depends on, with the moment they last changed."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace

from restream.domain.snapshot import Component, ComponentState

logger = logging.getLogger(__name__)


class Components:
    """A board that services write to; a change of state is logged once, not every cycle."""

    def __init__(self) -> None:
        self._components: dict[str, Component] = {}

    @property
    def all(self) -> Mapping[str, Component]:
        return dict(self._components)

    def state(self, name: str) -> ComponentState:
        component = self._components.get(name)
        return component.state if component else ComponentState.UNKNOWN

    def report(self, name: str, state: ComponentState, detail: str) -> bool:
        """Note a state; True when it differs from the one before."""
        before = self._components.get(name) or Component(name)
        if before.state is state:
            self._components[name] = replace(before, detail=detail)
            return False
        self._components[name] = Component(name, state, time.time(), detail)
        level = logging.WARNING if state is ComponentState.DOWN else logging.INFO
        logger.log(level, "%s is %s: %s", name, state, detail)
        return True
