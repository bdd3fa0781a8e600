"""Values that must not be seen, and the masking of text that may contain them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

MASK = "***"
"""Stands where a secret was."""
# Shorter strings occur by chance in ordinary text; replacing them would only destroy messages.
_SHORTEST_MASKED = 3


class Secret:
    """A string that masks itself wherever it is printed; `reveal()` is the only way to the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value in clear text: for the connection that needs it, never for people."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK if self._value else ""

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not serialised")


class ReplaceableSecret(Secret):
    """One that may become another while it is in use: who reveals it next gets that."""

    __slots__ = ()

    def replace(self, value: str) -> None:
        """From now on it is this."""
        self._value = value


def spellings(secret: str) -> tuple[str, ...]:
    """Every form in which a password may turn up in a message: as it is, and percent-encoded; longest first."""
    forms = {secret, quote(secret, safe=""), quote(secret)}
    return tuple(sorted((form for form in forms if len(form) >= _SHORTEST_MASKED), key=len, reverse=True))


def mask_exact(text: str, secrets: Iterable[str]) -> str:
    """Replace every occurrence of the given strings (see `spellings`, longest first)."""
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, MASK)
    return text


_NAMES = r"(?i)((?:password|passwd|passwort|passphrase|pass?|pwd|psw|pw|secret|token|jwt|auth|key)=)"
_PARAMETER = re.compile(_NAMES + r"([^&\s'\"/;,]+)")
# Inside a URL only these end a value; in a sentence also quotes and punctuation.
_URL_PARAMETER = re.compile(_NAMES + r"([^&\s]+)")

# The same bound as for URLs of rows (urls.MAX_URL_LENGTH): without it a text of many URLs is looked through for each.
_LONGEST_URL = 2048

_PATTERNS = (
    # scheme://user:password@ — up to the last @ of the authority, since passwords are pasted in unencoded.
    # No pattern begins with something that can be long: each letter of a long word would be a new beginning.
    (re.compile(r"(://[^\s:/@'\"]*):[^\s/'\"]*@"), rf"\1:{MASK}@"),
    # scheme://user:2024/rest@host — an unencoded password that begins like a port
    (re.compile(rf"(://[^\s:/@'\"]+):\d{{1,5}}[/?#][^\s'\"]{{0,{_LONGEST_URL}}}@"), rf"\1:{MASK}@"),
    # password=…, also inside the path of the URL, as XM-type cameras want it.
    (_PARAMETER, rf"\1{MASK}"),
    # MediaMTX's SRT stream id: publish:path:user:password
    (re.compile(r"(streamid=(?:#!::)?(?:publish|read):[^:&\s'\"]*:[^:&\s'\"]*):[^&\s'\"]+"), rf"\1:{MASK}"),
    (re.compile(r"(?i)\b(authorization:\s*(?:basic|bearer|digest))\s+\S+"), rf"\1 {MASK}"),
)


def mask_patterns(text: str) -> str:
    """Second fence: hide whatever looks like a credential, without knowing it."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def mask_parameters(url: str) -> str:
    """Hide the values of `password=…` and its like in something that is known to be a URL."""
    return _URL_PARAMETER.sub(rf"\1{MASK}", url)


def credentials_in(text: str) -> tuple[str, ...]:
    """Spellings of the values of `password=…` and its like in a URL."""
    return tuple(form for match in _URL_PARAMETER.finditer(text) for form in spellings(unquote(match[2])))
