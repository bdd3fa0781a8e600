"""Defects of single parts that go on: each is told once, until it changes or is over."""

from __future__ import annotations

import traceback
from collections.abc import Collection

_Kind = tuple[type[Exception], str]


class Mishaps:
    """Who has a defect now, by name. The same defect of many is told in full only once."""

    def __init__(self) -> None:
        self._kinds: dict[str, _Kind] = {}
        self._told: set[_Kind] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._kinds

    def news(self, name: str, error: Exception) -> str:
        """What to log of this one: empty when it is known of `name` already."""
        kind = (type(error), _place(error))
        if self._kinds.get(name) == kind:
            return ""
        known = kind in self._told
        self._kinds[name] = kind
        self._told.add(kind)
        whole = traceback.format_exception(error)
        return whole[-1].rstrip() if known else "".join(whole).rstrip()

    def over(self, name: str) -> bool:
        """It works again; False when it always did."""
        if self._kinds.pop(name, None) is None:
            return False
        if not self._kinds:
            self._told.clear()
        return True

    def keep(self, names: Collection[str]) -> None:
        """Forget all others."""
        for name in [each for each in self._kinds if each not in names]:
            self.over(name)


def _place(error: Exception) -> str:
    """Where it was raised: texts may hold numbers that are others every time."""
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    return f"{frames[0].filename}:{frames[0].lineno}" if frames else ""
