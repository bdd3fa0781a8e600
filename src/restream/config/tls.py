"""Keys about TLS: whose certificates of servers are believed."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator


def _authorities(name: str) -> str:
    if not name.isprintable() or not Path(name).is_absolute():
        raise ValueError("expected the absolute path of a file with certificates (PEM)")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(name)
    except ssl.SSLError:
        raise ValueError(f"{name}: has no certificate in PEM") from None
    except OSError as error:
        raise ValueError(f"{name}: cannot be read: {error.strerror}") from None
    return name


CaFile = Annotated[str, AfterValidator(_authorities)]
"""Certificates of the authorities that are believed, instead of the system's."""
