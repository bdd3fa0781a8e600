"""Where a PostgreSQL is, as the configuration says it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr


def _checked(value: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        # Several hosts, for fail-over, are libpq's host1:port1,host2:port2.
        hosts = parts.netloc.rpartition("@")[2].split(",")
        ports = [urlsplit(f"//{host}").port for host in hosts]
        valid = parts.scheme in ("postgresql", "postgres") and all(port is None or port > 0 for port in ports)
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("expected postgresql://user:password@host:port/database")
    return value


PostgresDsn = Annotated[SecretStr, AfterValidator(_checked)]
