"""What the cookie of a browser says, and the signature without which it says nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import NamedTuple

from restream.domain.camera.secret import Secret

_LONGEST = 1024


class Pass(NamedTuple):
    """A cookie's value, as it was read; nothing of it is believed before its signature was checked."""

    expires: str
    """Unix time (s), as it was signed."""
    signature: bytes
    kind: str = ""
    """Of the account; empty: the holder of `http.token`."""
    name: str = ""

    @property
    def expires_at(self) -> float:
        """When it expires (Unix time, s)."""
        return float(self.expires)

    def is_signed(self, key: Secret, fingerprint: str = "") -> bool:
        """Whether it was signed with this key, of an account with this fingerprint. Compares in constant time."""
        return hmac.compare_digest(self.signature, _signature(key, self.expires, self.kind, self.name, fingerprint))


def written(key: Secret, expires_at: float, kind: str = "", name: str = "", fingerprint: str = "") -> str:
    """A cookie's value: when it expires, whose it is, signed. Nothing is stored, so a restart ends no session."""
    expires = str(int(expires_at))
    value = f"{expires}.{_signature(key, expires, kind, name, fingerprint).decode()}"
    return f"{value}.{_packed(f'{kind}:{name}')}" if kind else value


def read(value: str, now: float) -> Pass | None:
    """What stands there; None for what was never written like that, or has expired (`now`: Unix time, s)."""
    expires, _, rest = value[:_LONGEST].partition(".")
    signature, _, whose = rest.partition(".")
    if not (expires.isascii() and expires.isdigit() and len(expires) < 15 and int(expires) > now):
        return None
    signed = signature.encode("utf-8", "surrogateescape")
    if not whose:
        return Pass(expires, signed)
    kind, found, name = _unpacked(whose).partition(":")
    return Pass(expires, signed, kind, name) if found and kind else None


def _signature(key: Secret, expires: str, kind: str, name: str, fingerprint: str) -> bytes:
    # Of the holder of http.token it is what earlier versions sign, and other nodes may still be of one.
    whose = f" {kind} {fingerprint} {name}" if kind else ""
    text = f"restream session {expires}{whose}"
    return hmac.new(key.reveal().encode(), text.encode(), hashlib.sha256).hexdigest().encode()


def _packed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _unpacked(text: str) -> str:
    """Empty for what is none."""
    if not text.isascii():
        return ""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        return ""
