"""What all documents share. Nothing that is rendered contains a credential."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from math import floor
from operator import attrgetter
from time import gmtime, strftime
from typing import Annotated, Any, TypeVar, dataclass_transform

import msgspec
from msgspec import Meta


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Document(msgspec.Struct, frozen=True, gc=False):
    """A JSON object. Its keys, their types, descriptions and examples are what GET /openapi.json tells of it; it has
    no other keys."""


def about(description: str = "", example: object = None, **schema: object) -> Meta:
    """What the description of the interface tells about a key; `schema`: more of its JSON schema."""
    return Meta(
        description=description or None,
        examples=None if example is None else [example],
        extra_json_schema=dict(schema) or None,
    )


def one_of(values: Iterable[str]) -> Meta:
    """A text with these values, which are no enumeration of their own."""
    return about(enum=[str(value) for value in values])


Whole = Annotated[int, Meta(ge=0)]
"""A whole number that is never negative."""
Moment = Annotated[str, about("", "2026-01-05T10:00:40.000Z", format="date-time")]
"""RFC 3339 in UTC, milliseconds."""

encode = msgspec.json.Encoder().encode
"""The JSON of a document, or of several."""

D = TypeVar("D", bound=Document)


def copied(kind: type[D], source: Any) -> D:
    """A document with the values that another object has under the same names."""
    return kind(*values_of(kind)(source))


@cache
def values_of(kind: type[Document]) -> Callable[[Any], tuple[Any, ...]]:
    """What takes the values of a kind of document, of at least two keys, from another object."""
    return attrgetter(*kind.__struct_fields__)


def timestamp(seconds: float) -> str:
    """Unix time as RFC 3339 in UTC, milliseconds."""
    whole = floor(seconds)
    # Microseconds first, as datetime has them.
    milliseconds = round((seconds - whole) * 1e6) // 1000
    if milliseconds == 1000:
        whole, milliseconds = whole + 1, 0
    return f"{_second(whole)}.{milliseconds:03}Z"


@lru_cache(maxsize=10_000)
def _second(seconds: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(seconds))


def rounded(number: float | None, digits: int) -> float | None:
    """As many digits as are worth showing."""
    return None if number is None else round(number, digits)


def whole(number: float | None) -> int | None:
    """Without digits."""
    return None if number is None else round(number)
