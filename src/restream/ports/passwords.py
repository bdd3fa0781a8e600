"""Passwords of people, compared with hashes of them."""

from __future__ import annotations

from typing import Protocol

from restream.domain.camera.secret import Secret


class PasswordsBusyError(Exception):
    """Too many passwords are being compared: this one was not looked at."""


class PasswordCheck(Protocol):
    """Takes its time, on purpose; elsewhere than on the event loop."""

    async def matches(self, known: Secret | None, password: str) -> bool:
        """Whether a hash is of this password. None, for somebody who is not known: False, in the same time.

        Raises PasswordsBusyError.
        """
