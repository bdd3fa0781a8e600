"""Logging in at a camera: Basic (RFC 7617) and Digest (RFC 2617, 7616), the strongest that it offers, and once.

A refused login counts at the camera: accounts get locked. So a password is sent a second time only where the camera
itself says that the nonce was the trouble, or where that must be so.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

from restream.domain.life.cause import Cause
from restream.domain.rtsp.challenges import DIGESTERS, Challenge, parse_challenges
from restream.domain.rtsp.messages import Response
from restream.domain.rtsp.url import Credentials
from restream.domain.rtsp.words import readable

Cnonce = Callable[[], str]
"""Where client nonces come from: hexadecimal digits nobody can guess."""
_LONGEST_NAME = 40


class Authenticator:
    """The login at one host. `refused` takes each 401, `authorize` gives the header of the next request."""

    def __init__(self, credentials: Credentials | None, cnonce: Cnonce) -> None:
        self._credentials = credentials
        self._cnonce_source = cnonce
        self._challenge: Challenge | None = None
        """The one that is answered."""
        self._cnonce = ""
        self._count = 0
        """Requests under this nonce."""
        self._proven = False
        """The camera has accepted an answer to this challenge."""
        self._foreign = False
        """This challenge came over an earlier connection."""
        self._renewed = False
        """Its nonce was already replaced for the request that is under way."""
        self.offered: tuple[str, ...] = ()
        """Names of all that the camera offered last: `Basic`, `MD5`, `SHA-256` …"""

    @property
    def trouble(self) -> str:
        """What a person should know of a login that failed."""
        if self._credentials is None:
            return "no login is sent: the row has none, or the camera redirected to another host"
        if not self.offered:
            return "it does not say how to log in"
        return f"it offers {', '.join(self.offered)}"

    def accepted(self) -> None:
        """An answer other than 401 has come."""
        self._proven, self._renewed = self._challenge is not None, False

    def reconnected(self) -> None:
        """The next request goes over another connection, which may not know the nonce."""
        self._foreign = True

    def refused(self, response: Response) -> Cause | None:
        """A 401 has come: None, when the request is to be sent again with `authorize`."""
        challenges = parse_challenges(response.headers.all("www-authenticate"))
        self.offered = tuple(dict.fromkeys(readable(challenge.name)[:_LONGEST_NAME] for challenge in challenges))
        chosen = _strongest(challenges)
        if self._credentials is None or not challenges:
            return Cause.AUTH_FAILED
        if chosen is None:
            return Cause.AUTH_UNSUPPORTED
        if self._challenge is not None and not self._may_renew(chosen):
            return Cause.AUTH_FAILED
        self._renewed = self._challenge is not None
        self._challenge, self._count, self._proven, self._foreign = chosen, 0, False, False
        self._cnonce = self._cnonce_source()
        return None

    def _may_renew(self, chosen: Challenge) -> bool:
        """Whether not the password but the nonce was refused. Cameras leave `stale` out."""
        if self._renewed or not chosen.nonce:
            return False
        known = self._challenge is not None and chosen.nonce == self._challenge.nonce
        return chosen.stale or ((self._proven or self._foreign) and not known)

    def authorize(self, method: str, uri: str) -> str | None:
        """Value of the `Authorization` header (Latin-1); None: nothing was asked for yet."""
        challenge, credentials = self._challenge, self._credentials
        if challenge is None or credentials is None:
            return None
        if challenge.scheme == "basic":
            pair = f"{credentials.login}:{credentials.password.reveal()}".encode()
            return "Basic " + base64.b64encode(pair).decode()
        self._count += 1
        return digest(challenge, credentials, method, uri, self._cnonce, self._count)


def _strongest(challenges: Sequence[Challenge]) -> Challenge | None:
    known = [challenge for challenge in challenges if challenge.strength is not None]
    return max(known, key=lambda challenge: challenge.strength or 0, default=None)


def digest(challenge: Challenge, credentials: Credentials, method: str, uri: str, cnonce: str, count: int) -> str:
    """The answer to one Digest challenge whose `strength` is known, for a request without a body.

    Login and password are UTF-8, which is all that `charset` can say (RFC 7616 §4), and what ffmpeg sends anyway.
    """
    hashed = DIGESTERS[challenge.hash_name]

    def h(*parts: str) -> str:
        return hashed(":".join(parts).encode("latin-1", "replace"))

    # Byte for byte, as everything else here: Latin-1 of the UTF-8.
    login = credentials.login.encode().decode("latin-1")
    password = credentials.password.reveal().encode().decode("latin-1")
    qop = next((each for each in ("auth", "auth-int") if each in challenge.qop), None)
    number = f"{count:08x}"
    ha1 = h(login, challenge.realm, password)
    if challenge.is_session:
        ha1 = h(ha1, challenge.nonce, cnonce)
    ha2 = h(method, uri, h("")) if qop == "auth-int" else h(method, uri)
    middle = (challenge.nonce, number, cnonce, qop) if qop else (challenge.nonce,)
    fields = [
        f'username="{_escaped(login)}"',
        f'realm="{_escaped(challenge.realm)}"',
        f'nonce="{_escaped(challenge.nonce)}"',
        f'uri="{_escaped(uri)}"',
        f'response="{h(ha1, *middle, ha2)}"',
    ]
    if challenge.algorithm is not None:
        fields.append(f"algorithm={challenge.algorithm}")
    if qop:
        fields += [f"qop={qop}", f"nc={number}"]
    if qop or challenge.is_session:
        fields.append(f'cnonce="{cnonce}"')
    if challenge.opaque is not None:
        fields.append(f'opaque="{_escaped(challenge.opaque)}"')
    return "Digest " + ", ".join(fields)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
