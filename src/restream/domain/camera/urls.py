"""Camera URLs: templates per camera type, percent-encoding, and a URL type that hides its password."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote

from restream.domain.camera.secret import MASK, Secret, credentials_in, mask_parameters, mask_patterns, spellings

SCHEMES = frozenset({"rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "srt", "udp"})
"""Ways to a camera that a URL may name."""
MAX_URL_LENGTH = 2048
"""In characters."""

_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9_.\-]+)(?::(?P<port>\d{1,5}))?")
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://(?P<head>[^/]*)(?P<rest>.*)", re.DOTALL)
_FIELD = re.compile(r"\{(?P<name>\w+)(?:\|(?P<default>[^{}]*))?\}(?P<port>:\d+)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class UrlError(ValueError):
    """A URL or link cannot be used; the message never contains the value."""


@dataclass(frozen=True, slots=True)
class SourceUrl:
    """Where a camera's stream is read from. Printing it shows the masked form."""

    url: Secret
    masked: str
    scheme: str
    host: str
    port: int | None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Spellings of the password, longest first, for masking messages that may quote it."""

    def __str__(self) -> str:
        return self.masked

    def reveal(self) -> str:
        """The URL with its credentials, in clear text."""
        return self.url.reveal()


@dataclass(frozen=True, slots=True)
class SourceFields:
    """The columns a URL is made of, as text; empty where a row has none."""

    link: str = ""
    login: str = ""
    password: str = field(default="", repr=False)
    channel: str = ""
    camera_type: str = ""
    rtsp_url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class UrlRule:
    """A template, and the column values (as text) under which it holds."""

    template: str
    when: Mapping[str, str] = field(default_factory=dict)

    def matches(self, fields: SourceFields) -> bool:
        """Whether a row has all the values under which this template holds."""
        return all(getattr(fields, column) == value for column, value in self.when.items())


class CameraTypes:
    """URL templates per camera type (upper case), and the one for every other type.

    A template is a URL with `{link}`, `{login}`, `{password}`, `{channel}`; `{channel|101}` gives the value used when
    the column is null, empty or 0; a `:554` right after `{link}` gives way to a port inside the link.
    """

    def __init__(self, types: Mapping[str, Sequence[UrlRule]], default: Sequence[UrlRule]) -> None:
        self._types = {name.upper(): tuple(rules) for name, rules in types.items()}
        self._default = tuple(default)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CameraTypes) and (self._types, self._default) == (other._types, other._default)

    __hash__ = None  # type: ignore[assignment]

    @property
    def names(self) -> tuple[str, ...]:
        """The types with templates of their own, sorted."""
        return tuple(sorted(self._types))

    @classmethod
    def parse(cls, document: object) -> CameraTypes:
        """Read the content of `camera_types.yml`. Raises ValueError that names the entry at fault."""
        if not isinstance(document, Mapping) or not isinstance(document.get("types", {}), Mapping):
            raise ValueError("expected a mapping with the keys 'types' and 'default'")
        unknown = set(document) - {"types", "default"}
        if unknown:
            raise ValueError(f"unknown key {sorted(map(str, unknown))[0]!r} (known: types, default)")
        if "default" not in document:
            raise ValueError("the key 'default' is missing: the template for every other camera type")
        types = {str(name): _parse_rules(f"types.{name}", entry) for name, entry in document.get("types", {}).items()}
        return cls(types, _parse_rules("default", document["default"]))

    def source(self, fields: SourceFields) -> SourceUrl:
        """The URL of a row: `rtsp_url`, else a `link` that is a whole URL, else the type's template.

        Raises UrlError, whose message says which column to repair.
        """
        if fields.rtsp_url:
            return parse_source(fields.rtsp_url, column="rtsp_url")
        if not fields.link:
            raise UrlError("link: is empty, and there is no rtsp_url")
        link = _parse_link(fields.link)
        if link is None:
            return _authenticated(fields)
        rules = self._types.get(fields.camera_type.upper(), self._default)
        for rule in rules:
            if rule.matches(fields):
                return parse_source(
                    _render(rule.template, link, fields, quote(fields.password, safe="")),
                    column="link",
                    masked=_render(rule.template, link, fields, MASK if fields.password else ""),
                    password=fields.password,
                )
        raise UrlError(f"camera_type: no template of type {fields.camera_type[:40]!r} holds for this row")


def _parse_rules(where: str, entry: object) -> tuple[UrlRule, ...]:
    items = entry if isinstance(entry, list) else [entry]
    if not items:
        raise ValueError(f"{where}: is empty")
    return tuple(_parse_rule(where, item) for item in items)


def _parse_rule(where: str, item: object) -> UrlRule:
    if isinstance(item, str):
        item = {"url": item}
    if not isinstance(item, Mapping) or not isinstance(item.get("url"), str) or set(item) - {"url", "when"}:
        raise ValueError(f"{where}: expected a template, or a mapping with 'url' and optionally 'when'")
    when = item.get("when") or {}
    columns = {"link", "login", "channel", "camera_type"}
    if not isinstance(when, Mapping) or set(when) - columns:
        raise ValueError(f"{where}.when: expected columns among {', '.join(sorted(columns))}")
    template = item["url"] if "://" in item["url"] else "rtsp://" + item["url"]
    for match in _FIELD.finditer(template):
        if match["name"] not in columns | {"password"}:
            raise ValueError(f"{where}: unknown field {{{match['name']}}}")
    if re.search(r"[{}]", _FIELD.sub("", template)):
        raise ValueError(f"{where}: unbalanced braces in the template")
    return UrlRule(template, {str(column): str(value) for column, value in when.items()})


def _render(template: str, link: str, fields: SourceFields, password: str) -> str:
    """Fill a template; `password` is already encoded, or the mask."""
    if not fields.login and not fields.password:
        template = template.replace("{login}:{password}@", "")
    has_port = re.search(r":\d+$", link) is not None

    def value(match: re.Match[str]) -> str:
        name, default, port = match["name"], match["default"], match["port"] or ""
        if name == "link":
            return link if has_port else link + port
        text = password if name == "password" else quote(getattr(fields, name), safe="")
        if default is not None and text in ("", "0"):
            text = default
        elif name == "channel" and not text:
            text = "0"
        return text + port

    return _FIELD.sub(value, template)


def _parse_link(link: str) -> str | None:
    """The `host` or `host:port` to put into a template; None when the link is a whole URL.

    A URL without a path (the camera's web page) counts as its host.
    """
    if "://" not in link:
        bare = link.rstrip("/")
        _split_authority(bare, "link")
        return bare
    parts = _split(link, "link")
    if parts.rest not in ("", "/") or parts.scheme not in ("http", "https", "rtsp") or parts.user is not None:
        return None
    return f"{parts.host}:{parts.port}" if parts.scheme == "rtsp" and parts.port is not None else parts.host


def _split_authority(authority: str, column: str) -> tuple[str, int | None]:
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise UrlError(f"{column}: expected a host, host:port or a URL")
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 1 <= port <= 65535:
        raise UrlError(f"{column}: port {port} is out of range")
    return match["host"], port


@dataclass(frozen=True, slots=True)
class _Parts:
    """A URL taken apart; `user` and `password` decoded, `None` where the URL has none."""

    scheme: str
    user: str | None
    password: str | None
    host: str
    port: int | None
    rest: str

    def compose(self, shown_password: str | None) -> str:
        userinfo = ""
        if self.user is not None:
            userinfo = quote(self.user, safe="") + ("" if shown_password is None else f":{shown_password}") + "@"
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{userinfo}{self.host}{port}{self.rest}"

    def source(self, column: str, masked: str | None, secrets: tuple[str, ...]) -> SourceUrl:
        encoded = None if self.password is None else quote(self.password, safe="")
        url = self.compose(encoded)
        # Encoding makes it longer.
        _check_length(url, column)
        return SourceUrl(
            url=Secret(url),
            masked=masked if masked is not None else mask_patterns(mask_parameters(self.compose(encoded and MASK))),
            scheme=self.scheme,
            host=self.host.lower(),
            port=self.port,
            secrets=tuple(sorted({*spellings(self.password or ""), *secrets}, key=len, reverse=True)),
        )


def _check_length(url: str, column: str) -> None:
    if len(url) > MAX_URL_LENGTH:
        raise UrlError(f"{column}: longer than {MAX_URL_LENGTH} characters")


def _split(url: str, column: str) -> _Parts:
    _check_length(url, column)
    if _CONTROL.search(url):
        raise UrlError(f"{column}: contains a control character")
    match = _URL.fullmatch(url)
    if match is None:
        raise UrlError(f"{column}: is no URL (expected rtsp://host/…)")
    scheme = match["scheme"].lower()
    if scheme not in SCHEMES:
        raise UrlError(f"{column}: scheme {scheme[:20]!r} is not one of {', '.join(sorted(SCHEMES))}")
    head, rest = match["head"], match["rest"]
    before_query = head.partition("?")[0]
    # Passwords get pasted in without encoding, so the last @ counts, unless what precedes a ? already is a host.
    userinfo, at, authority = ("", "", head) if _AUTHORITY.fullmatch(before_query) else head.rpartition("@")
    authority, mark, query = authority.partition("?")
    host, port = _split_authority(authority, column)
    user, colon, password = userinfo.partition(":")
    return _Parts(
        scheme, unquote(user) if at else None, unquote(password) if colon else None, host, port, mark + query + rest
    )


def parse_source(url: str, *, column: str = "url", masked: str | None = None, password: str = "") -> SourceUrl:
    """Check a whole URL and find what must be hidden in it.

    A password pasted in without percent-encoding is understood up to the last `@` of the authority, and encoded.
    `password` is one that is known to stand elsewhere in the URL. Raises UrlError.
    """
    parts = _split(url, column)
    return parts.source(column, masked, (*spellings(password), *credentials_in(parts.rest)))


def _authenticated(fields: SourceFields) -> SourceUrl:
    """A link that is a whole URL, with the row's credentials unless it has its own."""
    parts = _split(fields.link, "link")
    if parts.user is None and fields.login:
        parts = replace(parts, user=fields.login, password=fields.password)
    return parts.source("link", None, credentials_in(parts.rest))
