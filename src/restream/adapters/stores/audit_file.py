"""The audit log as a file: one JSON object a line, only added to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from restream.domain.access.audit import AuditEntry, AuditQuery
from restream.ports.outlets import SinkError


class AuditFile:
    """Opened anew for each write, so that it can be rotated; readable by our user alone."""

    name = "audit file"

    def __init__(self, path: Path) -> None:
        self._path = path

    async def save(self, entries: Sequence[AuditEntry]) -> None:
        """Raises SinkError."""
        text = b"".join(_line(entry) for entry in entries)
        try:
            await asyncio.to_thread(self._append, text)
        except OSError as error:
            raise SinkError(f"{self._path}: {error.strerror}") from None

    async def find(self, query: AuditQuery) -> None:
        """A file is not asked."""

    async def close(self) -> None:
        """Nothing is held."""

    def _append(self, text: bytes) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, 0o600)
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(text)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _line(entry: AuditEntry) -> bytes:
    at = datetime.fromtimestamp(entry.at, UTC).isoformat(timespec="milliseconds")
    return msgspec.json.encode(asdict(entry) | {"at": at}) + b"\n"
