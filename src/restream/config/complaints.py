"""What is wrong with a configuration, in one line that names the key."""

from __future__ import annotations

from pydantic import ValidationError

from restream.domain.one_line import one_line


def reason(error: ValidationError) -> str:
    """The first complaint, without its key."""
    return error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")


def described(error: ValidationError) -> str:
    """The first complaint, behind its key."""
    first = error.errors(include_url=False)[0]
    if not first["loc"]:
        return reason(error)
    # Whatever stands there as a key is quoted.
    key = one_line(".".join(str(part) for part in first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    if first["type"] == "model_type":
        return f"{key}: expected a mapping of keys"
    return f"{key}: {reason(error)}"
