"""A value of the cameras table as the text that its author meant, whatever type the column has."""

from __future__ import annotations

from decimal import Decimal
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from uuid import UUID

from restream.domain.camera.urls import UrlError

# Here a moment is a name like any other; elsewhere it would become a password or a channel that nobody meant.
_FOR_PEOPLE = frozenset({"id", "name", "site"})
_MOST_DIGITS = 40
# Whole numbers beyond this are not exact in a double.
_MOST_EXACT = 1 << 53

_ADDRESSES = (IPv4Address, IPv6Address, IPv4Interface, IPv6Interface, IPv4Network, IPv6Network)


def column_text(column: str, value: object) -> str:
    """`101` for 101, 101.0 and numeric 101.00. Raises UrlError that names the column for what is no text or number."""
    text = _text(column, value)
    if text is None:
        raise UrlError(f"{column}: expected a text or a number")
    return text


def _text(column: str, value: object) -> str | None:
    match value:
        case str():
            return value
        case bool():
            return None
        case int():
            # Python refuses to print numbers of very many digits.
            return str(value) if value.bit_length() <= 4 * _MOST_DIGITS else None
        case float():
            return _number(Decimal(repr(value)), whole_below=_MOST_EXACT)
        case Decimal():
            return _number(value, whole_below=10**_MOST_DIGITS)
        case UUID():
            return str(value)
    if hasattr(value, "isoformat"):
        return str(value) if column in _FOR_PEOPLE else None
    return _address(value) if isinstance(value, _ADDRESSES) else None


def _number(value: Decimal, whole_below: int) -> str | None:
    """Without an exponent, and without a fraction that is none."""
    # NaN and infinity are numbers in name only; the exponent first, since 1E+1000000 has as many digits.
    if not value.is_finite() or abs(value.adjusted()) > _MOST_DIGITS or len(value.as_tuple().digits) > _MOST_DIGITS:
        return None
    if value == (whole := int(value)):
        return str(whole) if abs(whole) <= whole_below else None
    return f"{value:f}"


def _address(
    value: IPv4Address | IPv6Address | IPv4Interface | IPv6Interface | IPv4Network | IPv6Network,
) -> str | None:
    """Of a host; a network is none, unless it has only one."""
    if isinstance(value, IPv4Network | IPv6Network):
        return _address(value.network_address) if value.num_addresses == 1 else None
    host = value.ip if isinstance(value, IPv4Interface | IPv6Interface) else value
    return f"[{host}]" if isinstance(host, IPv6Address) else str(host)
