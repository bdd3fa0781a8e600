"""What somebody types at the live table: scrolling, and words that cameras are filtered by."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

_MOST_WORDS = 80


class Key(StrEnum):
    """A key that does something, as terminals send it; `Keys.pressed` takes any other text as it is."""

    UP = "\x1b[A"
    DOWN = "\x1b[B"
    PAGE_UP = "\x1b[5~"
    PAGE_DOWN = "\x1b[6~"
    HOME = "\x1b[H"
    END = "\x1b[F"
    ENTER = "\r"
    ESCAPE = "\x1b"
    ERASE = "\x7f"
    FILTER = "/"


# Terminals differ: application mode, the Linux console, old keyboards; and letters that pagers have taught.
_ALIKE = {
    "\x1bOA": Key.UP,
    "\x1bOB": Key.DOWN,
    "\x1bOH": Key.HOME,
    "\x1bOF": Key.END,
    "\x1b[1~": Key.HOME,
    "\x1b[4~": Key.END,
    "\n": Key.ENTER,
    "\x08": Key.ERASE,
}
_LETTERS = {"k": Key.UP, "j": Key.DOWN, "g": Key.HOME, "G": Key.END, " ": Key.PAGE_DOWN}
# One sequence, or one character. A sequence that is not whole is an escape and letters: nothing waits for its end.
_TYPED = re.compile(r"\x1b[\[O][0-9;]{0,8}[A-Za-z~]|.", re.DOTALL)


class Sought(NamedTuple):
    """Which part of the cameras is looked at. `typing`: what is typed goes into the filter."""

    first: int = 0
    words: str = ""
    typing: bool = False

    def pressed(self, typed: str, page: int) -> Sought:
        """After some text from the terminal; a page has so many cameras. It may point below the last camera."""
        sought = self
        for text in _TYPED.findall(typed):
            key = _ALIKE.get(text, text)
            sought = sought._in_filter(key) if sought.typing else sought._in_list(_LETTERS.get(key, key), max(1, page))
        return sought

    def _in_filter(self, key: str) -> Sought:
        match key:
            case Key.ENTER:
                return self._replace(typing=False)
            case Key.ESCAPE:
                return Sought()
            case Key.ERASE:
                return Sought(0, self.words[:-1], typing=True)
            case _ if key.isprintable() and len(self.words) < _MOST_WORDS:
                return Sought(0, self.words + key, typing=True)
        return self

    def _in_list(self, key: str, page: int) -> Sought:
        match key:
            case Key.FILTER:
                return self._replace(typing=True)
            case Key.ESCAPE:
                return Sought()
            case Key.HOME:
                return self._replace(first=0)
            case Key.END:
                return self._replace(first=_LAST)
        return self._replace(first=max(0, self.first + _STEPS.get(key, 0) * (page if key in _PAGES else 1)))


_STEPS: dict[str, int] = {Key.UP: -1, Key.DOWN: 1, Key.PAGE_UP: -1, Key.PAGE_DOWN: 1}
_PAGES: tuple[str, ...] = (Key.PAGE_UP, Key.PAGE_DOWN)
_LAST = 10**9
