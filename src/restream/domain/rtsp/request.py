"""Requests and answers of ours, as bytes. What a camera named (sessions, nonces, URLs) cannot add a line to them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def encode_request(method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """One request; a body is told by its length. Values are Latin-1; control characters in them are left out."""
    length = [("Content-Length", str(len(body)))] if body else []
    return _encode(f"{method} {target.replace(' ', '%20')} RTSP/1.0", (*headers, *length)) + body


def encode_answer(status: int, reason: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """One answer to a request of the camera, without a body."""
    return _encode(f"RTSP/1.0 {status} {reason}", headers)


def _encode(first: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = (first, *(f"{name}: {value}" for name, value in headers))
    text = "\r\n".join(_CONTROL.sub("", line) for line in lines)
    return (text + "\r\n\r\n").encode("latin-1", "replace")
