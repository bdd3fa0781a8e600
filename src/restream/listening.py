"""Ports that the service answers on."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from restream.config import ConfigError


@contextlib.asynccontextmanager
async def listening(app: web.Application, host: str, port: int, key: str) -> AsyncIterator[None]:
    """Serve an application. Raises ConfigError, naming the key, when the port cannot be had."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigError(f"{key}: cannot listen on {host}:{port}: {reason}") from None
        yield
    finally:
        await runner.cleanup()
