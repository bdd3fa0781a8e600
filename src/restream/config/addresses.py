"""Where a PostgreSQL and a Redis are, as the configuration says it: URLs that may hold a user and a password."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

from pydantic import AfterValidator, SecretStr

from restream.config.secret_files import SecretText


def _several_hosts(url: str) -> bool:
    parts = urlsplit(url)
    # Several hosts, for fail-over, are libpq's host1:port1,host2:port2.
    hosts = parts.netloc.rpartition("@")[2].split(",")
    ports = [urlsplit(f"//{host}").port for host in hosts]
    # The driver takes what is behind the first @ for the host.
    return "@" not in parts.netloc.partition("@")[2] and all(port is None or port > 0 for port in ports)


def _one_host(url: str) -> bool:
    port = urlsplit(url).port
    return port is None or port > 0


def _checked(schemes: tuple[str, ...], valid: Callable[[str], bool], expected: str) -> Callable[[SecretStr], SecretStr]:
    def check(value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        try:
            usable = urlsplit(url).scheme in schemes and valid(url)
        except ValueError:
            usable = False
        trouble = unencoded(url, usable=usable)
        if trouble:
            raise ValueError(f"a {trouble} in the password must be written as {quote(trouble, safe='')}")
        if not usable:
            raise ValueError(f"expected {expected}")
        return value

    return check


def unencoded(url: str, *, usable: bool) -> str:
    """The character of a password that makes its URL another one; empty: there is none. `usable`: it parses."""
    _, found, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    behind = rest[len(authority) :]
    if not found or ":" not in authority:
        return ""
    if "@" in authority:
        return "" if usable or authority.count("@") < 2 else "@"
    # user:12/34@host/… has a port, and a path that no database is called; ?option=a@b is none of a password.
    where = behind.partition("=")[0] if usable else behind
    return behind[0] if "@" in where else ""


def with_password(url: SecretStr, password: SecretStr) -> SecretStr:
    """An address with the password that stands at a key of its own. Raises ValueError when it has one already."""
    scheme, _, rest = url.get_secret_value().partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user, _, hosts = authority.rpartition("@")
    if ":" in user:
        raise ValueError("the address has a password already: keep that one, or the key password")
    login = f"{user}:{quote(password.get_secret_value(), safe='')}"
    return SecretStr(f"{scheme}://{login}@{hosts}{rest[len(authority) :]}")


_SCHEMES = ("postgresql", "postgres", "redis", "rediss", "unix")


def hidden_parts(secret: SecretStr) -> frozenset[str]:
    """What of a secret must not be seen: of an address the password, as it stands there and as it is."""
    value = secret.get_secret_value()
    if value.partition("://")[0] not in _SCHEMES:
        return frozenset({value} - {""})
    password = _login(value).partition(":")[2]
    return frozenset({password, unquote(password)} - {""})


def without_login(secret: SecretStr) -> str:
    """What of a secret stays when it is replaced: the place that an address leads to; empty where it is none."""
    value = secret.get_secret_value()
    scheme, _, rest = value.partition("://")
    if scheme not in _SCHEMES:
        return ""
    login = _login(value)
    return f"{scheme}://{rest[len(login) + 1 :] if login else rest}"


def _login(address: str) -> str:
    return re.split(r"[/?#]", address.partition("://")[2], maxsplit=1)[0].rpartition("@")[0]


PostgresDsn = Annotated[
    SecretText,
    AfterValidator(_checked(_SCHEMES[:2], _several_hosts, "postgresql://user:password@host:port/database")),
]
"""Of one database, or of several for fail-over."""
RedisUrl = Annotated[SecretText, AfterValidator(_checked(_SCHEMES[2:], _one_host, "redis://:password@host:port/0"))]
"""`rediss` for TLS."""
