"""Checking the `Authorization` header of an RTSP request: Basic (RFC 7617) and Digest (RFC 2617, RFC 7616)."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict

_DIGEST_FIELD = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}
_MOST_NONCES = 1000


class IssuedNonces:
    """The nonces of one camera and how often each was used; the oldest are forgotten."""

    def __init__(self) -> None:
        self._uses: OrderedDict[str, int] = OrderedDict()

    def issue(self) -> str:
        """A new one."""
        nonce = secrets.token_hex(16)
        self._uses[nonce] = 0
        if len(self._uses) > _MOST_NONCES:
            self._uses.popitem(last=False)
        return nonce

    def use(self, nonce: str | None, most_uses: int | None) -> bool:
        """Whether it is one of ours and may be used once more."""
        if nonce is None or nonce not in self._uses:
            return False
        self._uses[nonce] += 1
        return most_uses is None or self._uses[nonce] <= most_uses


def basic_ok(authorization: str, login: str, password: str) -> bool:
    """Check an `Authorization: Basic` value."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, f"{login}:{password}".encode())


def digest_fields(authorization: str) -> dict[str, str]:
    """Fields of an `Authorization: Digest` value by their lower-case names; none of any other scheme."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "digest":
        return {}
    return {name.lower(): quoted or plain for name, quoted, plain in _DIGEST_FIELD.findall(rest)}


def digest_ok(
    authorization: str, method: str, login: str, password: str, *, realm: str, nonce: str, algorithm: str = "MD5"
) -> bool:
    """Check an `Authorization: Digest` value, with or without qop=auth (RFC 7616 §3.4.1)."""
    fields = digest_fields(authorization)
    if fields.get("realm") != realm or fields.get("nonce") != nonce or fields.get("username") != login:
        return False
    if fields.get("algorithm", "MD5") != algorithm or algorithm not in _HASHES:
        return False
    ha1 = _hash(algorithm, f"{login}:{realm}:{password}")
    ha2 = _hash(algorithm, f"{method}:{fields.get('uri', '')}")
    middle = f"{nonce}:{fields.get('nc', '')}:{fields.get('cnonce', '')}:auth" if fields.get("qop") else nonce
    return hmac.compare_digest(
        _hash(algorithm, f"{ha1}:{middle}:{ha2}").encode(), fields.get("response", "").encode(errors="replace")
    )


def _hash(algorithm: str, text: str) -> str:
    return hashlib.new(_HASHES[algorithm], text.encode(errors="replace"), usedforsecurity=False).hexdigest()
