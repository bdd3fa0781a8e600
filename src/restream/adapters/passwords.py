"""Hashes of passwords by argon2id: made, checked, and compared in threads of their own."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import Future, ThreadPoolExecutor

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from restream.domain.camera.secret import Secret
from restream.ports.passwords import PasswordsBusyError

# Each takes 64 MiB and a core for some 50 ms, on purpose.
_AT_ONCE = 2
_MOST_WAITING = 16
_hasher = argon2.PasswordHasher()


def hash_password(password: str) -> str:
    """A hash for `api.users`, with a salt of its own."""
    return _hasher.hash(password)


class Argon2Passwords:
    """Compares two at a time; whoever comes while many wait is sent away, so that a flood of logins costs no more."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="password")
        self._running: set[Future[bool]] = set()
        self._nobody: str | None = None

    async def matches(self, known: Secret | None, password: str) -> bool:
        """Raises PasswordsBusyError."""
        self._running = {each for each in self._running if not each.done()}
        if len(self._running) >= _MOST_WAITING:
            raise PasswordsBusyError
        running = self._threads.submit(self._matches, known, password)
        self._running.add(running)
        # Who leaves takes along what has not begun; what has counts until it ends.
        return await asyncio.wrap_future(running)

    def close(self) -> None:
        """Nothing more is compared."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, known: Secret | None, password: str) -> bool:
        if known is None:
            self._nobody = self._nobody or hash_password(secrets.token_urlsafe(16))
        text = self._nobody if known is None else known.reveal()
        try:
            return _hasher.verify(text or "", password) and known is not None
        except (VerificationError, InvalidHashError, UnicodeError):
            return False
