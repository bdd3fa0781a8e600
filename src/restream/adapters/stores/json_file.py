"""The classic array of streams in a file, for readers that know nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from pathlib import Path

from restream.ports.outlets import Documents, SinkError

# Other users read this file (a web front end); there is no credential in it.
_MODE = 0o644


class JsonFileSink:
    """Replaces one file as a whole, so that a reader never sees half of it."""

    name = "json_file"

    def __init__(self, path: Path) -> None:
        self._path = path

    async def write(self, documents: Documents) -> None:
        """Replace the file by the newest streams, whole or not at all. Raises SinkError."""
        try:
            await asyncio.to_thread(self._replace, documents.streams)
        except OSError as error:
            raise SinkError(f"{self._path} cannot be written: {error.strerror}") from None

    async def close(self) -> None:
        """Nothing is held open; the last file stays."""

    def _replace(self, content: bytes) -> None:
        # A name of its own beside the target: in a shared directory a predictable one could be somebody's link.
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(name).chmod(_MODE)
            Path(name).replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
