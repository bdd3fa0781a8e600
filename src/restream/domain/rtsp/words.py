"""What a camera said, as a person may read it: printable, short, and without credentials."""

from __future__ import annotations

from collections.abc import Iterable

from restream.domain.camera.secret import mask_exact, mask_patterns

MAX_WORDS = 200
"""Characters of a camera's own words that are shown."""
_MASKABLE = 2048
"""Characters that are looked at: a secret is masked before the text is cut."""


def readable(said: str | bytes, secrets: Iterable[str] = ()) -> str:
    """One line of at most MAX_WORDS printable characters; `secrets` are spellings, longest first.

    Text of messages is kept as Latin-1, byte for byte (see messages.Headers); what is valid UTF-8 is shown as that.
    """
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in _text(said[:_MASKABLE])).split())
    text = mask_patterns(mask_exact(text, secrets))
    return text if len(text) <= MAX_WORDS else text[: MAX_WORDS - 1] + "…"


def _text(said: str | bytes) -> str:
    try:
        raw = said if isinstance(said, bytes) else said.encode("latin-1")
    except UnicodeEncodeError:  # not of a message
        return str(said)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def no_rtsp(problem: str, begin: bytes, secrets: Iterable[str] = ()) -> str:
    """What is said of bytes that are no RTSP; an alert or a handshake of TLS (RFC 8446 §5.1) is told as that."""
    if begin[:2] in (b"\x15\x03", b"\x16\x03"):
        return "the port speaks TLS: the URL should begin with rtsps://"
    return f"{problem}: {readable(begin, secrets)}"
