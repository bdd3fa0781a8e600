"""`restream hash-password`: a password in, its hash for `api.users` out; it is in no argument and no history."""

from __future__ import annotations

import getpass
from typing import TextIO

from restream.adapters.passwords import hash_password
from restream.config.settings import ConfigError

_SHORTEST, _LONGEST = 10, 256


def print_hash(source: TextIO, target: TextIO) -> int:
    """Asks twice at a terminal, else reads one line. Raises ConfigError for what should be no password."""
    if source.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            raise ConfigError("these are two different passwords")
    else:
        # One line end behind it is no part of it, blanks are.
        password = source.readline(_LONGEST + 2).removesuffix("\n").removesuffix("\r")
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise ConfigError(f"a password has {_SHORTEST} to {_LONGEST} characters")
    target.write(f"{hash_password(password)}\n")
    return 0
