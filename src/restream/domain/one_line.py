"""What a server says of an error, as one line for a log, a component or a finding."""

from __future__ import annotations

from collections.abc import Iterable

from restream.domain.camera.secret import mask_exact, mask_patterns

MOST_CHARACTERS = 300
"""A server may quote a statement, a row, or a page of HTML."""
# Masking may shorten what is cut afterwards; no message needs more to be looked through.
_LOOKED_AT = 4 * MOST_CHARACTERS


def one_line(text: str, secrets: Iterable[str] = ()) -> str:
    """Printable, bounded and masked; `secrets` as for `mask_exact`."""
    # A secret that the cut would leave a part of is hidden before it.
    hidden = mask_exact(text[: 2 * _LOOKED_AT], secrets)[:_LOOKED_AT]
    printable = "".join(character if character.isprintable() else " " for character in hidden)
    line = " ".join(mask_patterns(printable).split())
    return line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 1].rstrip()}…"
