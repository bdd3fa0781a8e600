"""The connection to Redis that sinks and archives have, one each."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.credentials import CredentialProvider
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from restream.adapters.tls import tls_trouble
from restream.domain.camera.secret import Secret, spellings
from restream.domain.one_line import one_line
from restream.domain.server.trust import SYSTEM, Trust
from restream.ports.outlets import SinkError

logger = logging.getLogger(__name__)

_TIMEOUT_S = 5.0
_TLS_HINT = "check redis.url, and redis.tls_ca"
_BROKEN_OFF = ("Connection closed by server", "Connection reset", "Protocol Error", "Invalid RESP")


def client(url: Secret, timeout_s: float, trust: Trust) -> Redis:
    """One that logs in with what the URL says when it connects, since a password may be replaced meanwhile."""
    whole = url.reveal()
    parts = urlsplit(whole)
    tls = {"ssl_ca_certs": trust.ca} if trust.verify else {"ssl_cert_reqs": "none", "ssl_check_hostname": False}
    login = parts.netloc.rpartition("@")[0]
    # The library types every answer as bytes or text; this client decodes nothing.
    return Redis.from_url(
        whole.replace(f"{login}@", "", 1) if login else whole,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        client_name="restream",
        credential_provider=_Login(url) if login else None,
        **(tls if parts.scheme == "rediss" else {}),
    )


class _Login(CredentialProvider):
    def __init__(self, url: Secret) -> None:
        self._url = url

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        parts = urlsplit(self._url.reveal())
        password = _password(self._url)
        return (unquote(parts.username), password) if parts.username else (password,)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        return self.get_credentials()


def _password(url: Secret) -> str:
    return unquote(urlsplit(url.reveal()).password or "")


def redis_trouble(error: Exception, url: Secret) -> str:
    """One line without the password, and behind `; ` what to do where that is known."""
    scheme = url.reveal().partition("://")[0]
    trouble = tls_trouble(error)
    text = trouble or one_line(str(error), spellings(_password(url))) or type(error).__name__
    if trouble:
        return f"{trouble}; {_TLS_HINT}"
    # A port that speaks TLS alone closes on what it cannot read; one that does not waits for the end of a line.
    if scheme == "redis" and any(said in text for said in _BROKEN_OFF):
        return f"{text}; if it speaks TLS, redis.url must begin with rediss"
    if isinstance(error, TimeoutError | RedisTimeoutError):
        way_out = "; if it does not speak TLS, redis.url must begin with redis" if scheme == "rediss" else ""
        return f"no answer within {_TIMEOUT_S:g} s{way_out}"
    return text


class Connection:
    """One client; every trouble with it is a SinkError without the password."""

    def __init__(self, url: Secret, trust: Trust = SYSTEM) -> None:
        self._url = url
        self.redis = client(url, _TIMEOUT_S, trust)

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
            raise SinkError(redis_trouble(error, self._url)) from None
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


_TYPES = script("redis_types")


def hold_types(client: Redis | Pipeline, types: Mapping[str, str]) -> Any:
    """Have keys that are of another type than theirs make room; what it answers is for `tell_replaced`."""
    return client.eval(_TYPES, len(types), *types, *types.values())


def tell_replaced(gone: Collection[bytes]) -> None:
    """One line for each key that had to make room."""
    for each in gone:
        logger.warning("redis: %s: it is begun anew", one_line(each.decode(errors="replace")))
