"""Redis: what is known of each camera's pictures, for whichever node has it next."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from restream.adapters.stores import redis_keys as keys
from restream.adapters.stores.redis_connection import Connection
from restream.domain.camera.secret import Secret
from restream.domain.server.trust import SYSTEM, Trust

_KEPT_MS = 30 * 24 * 3600 * 1000
_MOST_BYTES = 256 * 1024


class RedisPictures:
    """One text a camera, forgotten a month after it was last written."""

    def __init__(self, url: Secret, prefix: str, trust: Trust = SYSTEM) -> None:
        self._connection = Connection(url, trust)
        self._before = f"{prefix}{keys.PICTURE_KEYS}"

    async def load(self, camera_id: str) -> object:
        """Others may write there: whoever reads it looks what it is. Raises SinkError."""
        async with self._connection.translated():
            body = await self._connection.redis.get(self._before + camera_id)
        if not isinstance(body, bytes) or len(body) > _MOST_BYTES:
            return None
        try:
            return msgspec.json.decode(body)
        except (ValueError, RecursionError):
            return None

    async def save(self, documents: Mapping[str, Mapping[str, object]]) -> None:
        """Raises SinkError."""
        async with self._connection.transaction() as pipe:
            for camera_id, document in documents.items():
                pipe.set(self._before + camera_id, msgspec.json.encode(document), px=_KEPT_MS)
            await pipe.execute()

    async def close(self) -> None:
        """Never raises."""
        await self._connection.close()
