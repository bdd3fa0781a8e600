"""By what a server proves over TLS that it is the one that is meant."""

from __future__ import annotations

from typing import NamedTuple


class Trust(NamedTuple):
    """Whose certificates are believed."""

    ca: str | None = None
    """File with certificates of authorities (PEM); None: the system's."""
    verify: bool = True
    """Authority, dates and host name are checked; False: anybody is believed, and only listeners are kept out."""


class TlsServer(NamedTuple):
    """One that has to prove who it is before it is told anything."""

    host: str
    port: int
    trust: Trust


SYSTEM = Trust()
"""Whom this host believes."""
UNCHECKED = Trust(verify=False)
"""Anybody."""
