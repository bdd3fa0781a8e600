"""The last words of a program, bounded and masked."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from restream.domain.camera.secret import mask_exact, mask_patterns

_TAIL_LINES = 20
_LINE_LENGTH = 400


class StderrTail:
    """The last lines of a stream of bytes, bounded whatever comes."""

    def __init__(self, lines: Iterable[bytes] = ()) -> None:
        self._lines: deque[bytes] = deque((line[:_LINE_LENGTH] for line in lines), maxlen=_TAIL_LINES)
        self._pending = b""

    def feed(self, chunk: bytes) -> None:
        """Take what was written; only the last lines are kept."""
        # Progress bars and repeated messages end in \r.
        lines = (self._pending + chunk).replace(b"\r", b"\n").split(b"\n")
        self._pending = lines.pop()[-_LINE_LENGTH:]
        self._lines.extend(line[:_LINE_LENGTH] for line in lines[-_TAIL_LINES:] if line.strip())

    @property
    def lines(self) -> tuple[bytes, ...]:
        """As they were written, oldest first."""
        return (*self._lines, self._pending) if self._pending.strip() else tuple(self._lines)

    def masked(self, secrets: tuple[str, ...]) -> tuple[str, ...]:
        """The lines as text, oldest first, without credentials and control characters."""
        texts = (line.decode("utf-8", "replace") for line in self.lines)
        return tuple(_printable(mask_patterns(mask_exact(text, secrets))) for text in texts)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text).strip()
