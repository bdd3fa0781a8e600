"""What a camera asks for with 401: the challenges of its `WWW-Authenticate` headers (RFC 7235, 7616, 7617)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

MAX_CHALLENGES = 16
"""Of one answer; those behind it are not looked at."""

_SEPARATORS = re.compile(r"[\s,]*+")
_TOKEN = r"[^\s,=\"]++"  # noqa: S105 - a token of RFC 7230, more tolerant
# The quotes may be missing at the end: of all that follows no other begins then.
_PARAMETER = re.compile(rf'({_TOKEN})\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)\\?(?:"|$)|([^\s,]*+))', re.DOTALL)
_SCHEME = re.compile(_TOKEN)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

Digester = Callable[[bytes], str]
"""A hash, in hexadecimal."""


def _digester(name: str) -> Digester:
    return lambda data: hashlib.new(name, data, usedforsecurity=False).hexdigest()


DIGESTERS: Mapping[str, Digester] = {
    name: _digester(implementation)
    for name, implementation in (("SHA-512-256", "sha512_256"), ("SHA-256", "sha256"), ("MD5", "md5"))
    if implementation in hashlib.algorithms_available
}
"""What we can compute, the strongest first; each also as `…-sess`."""
_ALIASES: Mapping[str, str] = {
    "": "MD5",
    "SHA256": "SHA-256",
    "SHA512-256": "SHA-512-256",
    "SHA-512/256": "SHA-512-256",
}
_STRENGTH = {name: strength for strength, name in enumerate(("Basic", *reversed(list(DIGESTERS))))}


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to log in that a camera offers. Texts are Latin-1, as they came."""

    scheme: str
    """Lower case."""
    realm: str = ""
    nonce: str = ""
    algorithm: str | None = None
    """As the camera wrote it; None: it named none, which means MD5."""
    qop: tuple[str, ...] = ()
    opaque: str | None = None
    stale: bool = False

    @property
    def is_session(self) -> bool:
        """Whether the hash of the login covers the nonces too (`MD5-sess` and its like)."""
        return (self.algorithm or "").lower().endswith("-sess")

    @property
    def hash_name(self) -> str:
        """Name of the hash in DIGESTERS where we know it, else as the camera wrote it, in capitals."""
        name = (self.algorithm or "").upper().removesuffix("-SESS")
        return _ALIASES.get(name, name)

    @property
    def name(self) -> str:
        """What it is called for people, and what other programs are compared with: `Basic`, `MD5`, `SHA-256` …"""
        if self.scheme == "basic":
            return "Basic"
        return self.hash_name if self.scheme == "digest" else self.scheme

    @property
    def strength(self) -> int | None:
        """The higher the better; None: we cannot answer it."""
        if self.scheme == "digest" and not self.nonce:
            return None
        return _STRENGTH.get(self.name)


def parse_challenges(values: Iterable[str]) -> tuple[Challenge, ...]:
    """Challenges of all `WWW-Authenticate` headers in their order, several to a header or not. Never raises."""
    found: list[tuple[str, dict[str, str]]] = []
    for value in values:
        at = 0
        while (at := _SEPARATORS.match(value, at).end()) < len(value):  # type: ignore[union-attr]  # matches nothing too
            if parameter := _PARAMETER.match(value, at):
                name, quoted, plain = parameter.groups()
                if found:
                    text = plain if quoted is None else _ESCAPED.sub(r"\1", quoted)
                    found[-1][1].setdefault(name.lower(), text)
                at = parameter.end()
            elif scheme := _SCHEME.match(value, at):
                found.append((scheme[0].lower(), {}))
                at = scheme.end()
            else:
                at += 1
            if len(found) > MAX_CHALLENGES:
                break
    return tuple(_challenge(scheme, fields) for scheme, fields in found[:MAX_CHALLENGES])


def _challenge(scheme: str, fields: Mapping[str, str]) -> Challenge:
    return Challenge(
        scheme=scheme,
        realm=fields.get("realm", ""),
        nonce=fields.get("nonce", ""),
        algorithm=fields.get("algorithm"),
        qop=tuple(each.strip().lower() for each in fields.get("qop", "").split(",") if each.strip()),
        opaque=fields.get("opaque"),
        stale=fields.get("stale", "").lower() == "true",
    )
