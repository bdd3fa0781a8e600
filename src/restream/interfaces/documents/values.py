"""What all renderings share. Nothing that is rendered contains a credential."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

Document = dict[str, Any]


def timestamp(seconds: float) -> str:
    """Unix time as RFC 3339 in UTC, milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rounded(number: float | None, digits: int = 0) -> float | None:
    """As many digits as are worth showing; whole numbers are ints."""
    if number is None:
        return None
    return round(number, digits) if digits else round(number)
