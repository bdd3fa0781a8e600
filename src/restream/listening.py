"""Ports that the service answers on."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from restream.config import ConfigError

_logger = logging.getLogger("restream.http")


def _in_a_line(record: logging.LogRecord) -> bool:
    """What is no HTTP is one line, no traceback: whoever reaches the port can send it as often as he likes."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = None
        record.msg, record.args = "%s: %s", (record.getMessage(), error.message.partition("\n")[0][:80])
    return True


_logger.addFilter(_in_a_line)


@contextlib.asynccontextmanager
async def listening(app: web.Application, host: str, port: int, key: str) -> AsyncIterator[None]:
    """Serve an application. Raises ConfigError, naming the key, when the port cannot be had."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, logger=_logger)
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
