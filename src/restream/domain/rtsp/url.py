"""RTSP URLs as they are requested: without credentials, and tolerant of what cameras write into their headers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import quote, unquote

from restream.domain.camera.secret import Secret, mask_parameters
from restream.domain.camera.urls import SourceUrl

MAX_URL_CHARACTERS = 2048
"""As for the URLs of rows."""
DEFAULT_PORT = 554
"""Of rtsp; RFC 2326 §3.2."""
DEFAULT_SECURE_PORT = 322
"""Of rtsps; RFC 7826 §4.2."""

# Cameras write `rtsp://rtsp://host/…`, and leave the scheme away (go2rtc issues 830 and 1852).
_SCHEME = re.compile(r"(?i)(?:rtspu?://)*(rtsps|rtspu?)://")
_OTHER_SCHEME = re.compile(r"(?i)[a-z][a-z0-9+.-]*://")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9_.-]+)(?::(\d{0,5}))?")
_BARE_V6 = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f.]+")
# Everything that is printable ASCII stays as it is: cameras compare the text.
_KEPT = "".join(chr(code) for code in range(0x21, 0x7F))


@dataclass(frozen=True, slots=True)
class Credentials:
    """Login and password of a camera."""

    login: str
    password: Secret


@dataclass(frozen=True, slots=True, repr=False)
class RtspUrl:
    """One URL without login. `host` has brackets where it is an IPv6 address, `rest` is path and query.

    Printing it hides what looks like a password in those; `reveal` is for the camera.
    """

    secure: bool
    host: str
    port: int | None
    rest: str = ""

    def reveal(self) -> str:
        """As it stands in a request."""
        port = "" if self.port is None else f":{self.port}"
        return f"{'rtsps' if self.secure else 'rtsp'}://{self.host}{port}{self.rest}"

    def __str__(self) -> str:
        return mask_parameters(self.reveal())

    def __repr__(self) -> str:
        return f"RtspUrl({str(self)!r})"

    @property
    def address(self) -> tuple[str, int]:
        """Host without brackets, and port: where to connect to."""
        port = self.port if self.port is not None else DEFAULT_SECURE_PORT if self.secure else DEFAULT_PORT
        return self.host.strip("[]"), port

    def at(self, other: Self) -> Self:
        """The same path at another server."""
        return replace(self, secure=other.secure, host=other.host, port=other.port)

    def under(self, rest: str) -> Self:
        """Another path and query at this server; what no request line may contain is percent-encoded."""
        return replace(self, rest=_clean(rest))


def source_parts(source: SourceUrl) -> tuple[RtspUrl, Credentials | None] | None:
    """URL and credentials of a row; None: it is none of RTSP."""
    # Latin-1 of the UTF-8, as the text of messages is.
    return parse_url(source.reveal().encode("utf-8", "replace").decode("latin-1"))


def parse_url(text: str) -> tuple[RtspUrl, Credentials | None] | None:
    """Take a URL apart; None for what is no RTSP URL. A `host/path` without scheme counts as one."""
    if len(text) > MAX_URL_CHARACTERS:
        return None
    text = text.strip()
    scheme = _SCHEME.match(text)
    if scheme is None and _OTHER_SCHEME.match(text):
        return None
    secure = scheme is not None and scheme[1].lower() == "rtsps"
    head, rest = _split(text[scheme.end() :] if scheme else text)
    userinfo, at, authority = head.rpartition("@")
    if _BARE_V6.fullmatch(authority):  # go2rtc issue 830: `rtsp://::ffff:192.168.1.123/`
        authority = f"[{authority}]"
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        return None
    port = int(match[2]) if match[2] else None
    if port is not None and not 1 <= port <= 65535:
        return None
    login, _, password = userinfo.partition(":")
    credentials = Credentials(unquote(login), Secret(unquote(password))) if at else None
    return RtspUrl(secure, match[1].lower(), port, _clean(rest)), credentials


def _split(text: str) -> tuple[str, str]:
    end = next((at for at, letter in enumerate(text) if letter in "/?"), len(text))
    return text[:end], text[end:]


def _clean(rest: str) -> str:
    return quote(rest[:MAX_URL_CHARACTERS].encode("latin-1", "replace"), safe=_KEPT)


def redirect_target(url: RtspUrl, location: str) -> tuple[RtspUrl, Credentials | None] | None:
    """Where a `Location` leads from a URL, and the credentials that it brings along; None: to no RTSP URL."""
    if location.startswith("/"):
        return url.under(location), None
    return parse_url(location) if "://" in location else None


def base_url(
    request: RtspUrl, session_control: str = "", content_base: str = "", content_location: str = ""
) -> RtspUrl:
    """What the controls of a description are relative to, and what PLAY, keep-alives and TEARDOWN name.

    RFC 2326 §C.1.1: Content-Base, else Content-Location, else the URL of the request; an absolute control of the
    whole session wins, as ffmpeg and gortsplib have it. The server is always the one that answered: behind NAT
    cameras name an address of their own network.
    """
    for named in (session_control if "://" in session_control else "", content_base, content_location):
        if named.startswith("/"):
            return request.under(named)
        found = parse_url(named) if named else None
        if found is not None:
            return found[0].at(request)
    return request


def control_url(base: RtspUrl, control: str) -> RtspUrl:
    """URL of one track. Relative controls are put behind the base, its query included: what cameras expect.

    A control that begins with the base's own path is an absolute path; `*` and none name the base itself.
    """
    control = control.strip()
    if control in ("", "*"):
        return base
    if "://" in control:
        found = parse_url(control)
        return base.under(_split(control.partition("://")[2])[1]) if found is None else found[0].at(base)
    stem = base.rest.rstrip("/")
    if control[0] == "/":
        own = stem.partition("?")[0]
        return base.under(control if own and control.startswith(f"{own}/") else stem + control)
    if control[0] == "?":
        return base.under(base.rest + control)
    return base.under(base.rest + control if base.rest.endswith("/") else f"{base.rest}/{control}")
