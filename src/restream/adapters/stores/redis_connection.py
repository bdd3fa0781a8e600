"""The connection to Redis that sinks and archives have, one each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from restream.domain.camera.secret import Secret, mask_exact, mask_patterns, spellings
from restream.ports.outlets import SinkError

_TIMEOUT_S = 5.0


class Connection:
    """One client; every trouble with it is a SinkError without the password."""

    def __init__(self, url: Secret) -> None:
        self._secrets = spellings(urlsplit(url.reveal()).password or "")
        # The library types every answer as bytes or text; this client decodes nothing.
        self.redis: Redis = Redis.from_url(
            url.reveal(), socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, client_name="restream"
        )

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Pipeline]:
        """A MULTI to fill and to execute."""
        async with self.translated(), self.redis.pipeline(transaction=True) as pipe:
            yield pipe

    @contextlib.asynccontextmanager
    async def translated(self) -> AsyncIterator[None]:
        """Bounded in time. Raises SinkError."""
        task = asyncio.current_task()
        asked = task.cancelling() if task else 0
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                yield
        except (RedisError, OSError, TimeoutError) as error:
            text = " ".join(str(error).split()) or type(error).__name__
            raise SinkError(mask_patterns(mask_exact(text, self._secrets))) from None
        finally:
            # The library sends within asyncio.wait_for, which until Python 3.12 loses a cancellation that comes as it
            # ends: whoever waits for this task would wait for ever.
            if task and task.cancelling() > asked:
                raise asyncio.CancelledError

    async def close(self) -> None:
        """Never raises."""
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await self.redis.aclose()


def script(name: str) -> str:
    """A Lua script beside this file. It is sent whole every time: Redis forgets what it has when it restarts."""
    return Path(__file__).with_name(f"{name}.lua").read_text(encoding="utf-8")
