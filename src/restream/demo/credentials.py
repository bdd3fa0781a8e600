"""Checking the `Authorization` header of an RTSP request: Basic and Digest (RFC 2617)."""

import base64
import binascii
import hashlib
import hmac
import re

_DIGEST_FIELD = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')


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


def digest_ok(authorization: str, method: str, login: str, password: str, *, realm: str, nonce: str) -> bool:
    """Check an `Authorization: Digest` value: MD5, with or without qop=auth (RFC 2617 §3.2.2)."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "digest":
        return False
    fields = {name.lower(): quoted or plain for name, quoted, plain in _DIGEST_FIELD.findall(rest)}
    if fields.get("realm") != realm or fields.get("nonce") != nonce or fields.get("username") != login:
        return False
    ha1 = _md5(f"{login}:{realm}:{password}")
    ha2 = _md5(f"{method}:{fields.get('uri', '')}")
    middle = f"{nonce}:{fields.get('nc', '')}:{fields.get('cnonce', '')}:auth" if fields.get("qop") else nonce
    return hmac.compare_digest(_md5(f"{ha1}:{middle}:{ha2}").encode(), fields.get("response", "").encode())


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
