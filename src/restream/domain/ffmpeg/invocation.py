"""A program to start, and what of it may be shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from restream.domain.camera.secret import Secret, mask_exact, mask_patterns
from restream.domain.camera.urls import SourceUrl
from restream.domain.ffmpeg.source_input import quoted


@dataclass(frozen=True, slots=True)
class Invocation:
    """A process to start: argv, and what to write to its standard input before closing it."""

    argv: tuple[str, ...]
    stdin: Secret | None = None
    source: SourceUrl | None = None
    """The camera's URL, where one is read: shown in its masked form."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must be masked in the program's messages, longest first."""
    memory_bytes: int | None = None
    """The most that the program may allocate; None: no limit."""

    @property
    def masked_argv(self) -> tuple[str, ...]:
        return tuple(map(self._masked, self.argv))

    @property
    def masked_stdin(self) -> str:
        return self._masked(self.stdin.reveal()) if self.stdin else ""

    def _masked(self, text: str) -> str:
        if self.source is not None:
            # First as a whole: a password of one letter is found by its place alone.
            url = self.source.reveal()
            text = text.replace(url, self.source.masked).replace(quoted(url), self.source.masked)
        return mask_patterns(mask_exact(text, self.secrets))
