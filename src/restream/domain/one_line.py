"""What a server says of an error, as one line for a log, a component or a finding."""

from __future__ import annotations

from collections.abc import Iterable

from restream.domain.camera.secret import mask_exact, mask_patterns

MOST_CHARACTERS = 300
"""A server may quote a statement, a row, or a page of HTML."""
# A URL that begins in what is shown is masked as a whole; urls.MAX_URL_LENGTH.
_LOOKED_AT = MOST_CHARACTERS + 2048
_MOST_TAKEN = 64 << 10


def one_line(text: str, secrets: Iterable[str] = ()) -> str:
    """Printable, bounded and masked; `secrets` as for `mask_exact`."""
    # Before any cut, which would leave a part of a secret.
    hidden = mask_exact(text, secrets)[:_MOST_TAKEN]
    printable = "".join(character if character.isprintable() else " " for character in hidden)
    line = mask_patterns(" ".join(printable.split())[:_LOOKED_AT])
    return line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 1].rstrip()}…"
