"""A broker that speaks MQTT 3.1.1."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiomqtt

from restream.adapters.network_errors import reason
from restream.adapters.tls import context_of, tls_trouble
from restream.domain.camera.secret import Secret
from restream.domain.one_line import one_line
from restream.domain.server.trust import Trust
from restream.ports.topics import TopicError, TopicSession

ONLINE, OFFLINE = b"online", b"offline"
_TIMEOUT_S = 10.0
_KEEPALIVE_S = 30
# What stands at a broker comes at once; who sends nothing for so long has sent everything.
_QUIET_S, _KEPT_WITHIN_S, _MOST_KEPT = 0.5, 10.0, 100_000
_FAREWELL_S = 2.0
_REFUSALS = ("not authori", "bad user")
# The library tells every packet, and of some the content.
_SILENT = logging.getLogger(f"{__name__}.library")
_SILENT.setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker is, and as whom it is spoken to. `trust` None: without TLS."""

    host: str
    port: int
    user: str | None = None
    password: Secret | None = None
    trust: Trust | None = None
    client: str = "restream"


class _Session:
    def __init__(self, client: aiomqtt.Client, address: BrokerAddress) -> None:
        self._client, self._address = client, address

    async def publish(self, topic: str, payload: bytes) -> None:
        try:
            # What is lost with a connection is said again in the next one.
            await self._client.publish(topic, payload, qos=0, retain=True)
            _heed_cancellation()
        except (aiomqtt.MqttError, OSError, ValueError) as error:
            raise trouble(error, self._address) from None

    async def kept(self, pattern: str) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        try:
            await self._client.subscribe(pattern)
            _heed_cancellation()
            with suppress(TimeoutError):
                async with asyncio.timeout(_KEPT_WITHIN_S):
                    messages = aiter(self._client.messages)
                    while len(found) < _MOST_KEPT:
                        async with asyncio.timeout(_QUIET_S):
                            message = await anext(messages)
                        if message.retain and isinstance(message.payload, bytes):
                            found[message.topic.value] = message.payload
            await self._client.unsubscribe(pattern)
            _heed_cancellation()
        except (aiomqtt.MqttError, OSError) as error:
            raise trouble(error, self._address) from None
        return found

    async def lost(self) -> TopicError:
        try:
            async for _ in self._client.messages:
                pass
        except (aiomqtt.MqttError, OSError) as error:
            return trouble(error, self._address)
        return TopicError("the broker has closed the connection")


def _heed_cancellation() -> None:
    """The library waits by `asyncio.wait_for`, which before Python 3.12 loses one that comes with the answer."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class MqttBroker:
    """One connection at a time; its last will is that we are gone."""

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address

    @property
    def name(self) -> str:
        """As a component."""
        return "mqtt"

    @asynccontextmanager
    async def session(self, availability: str) -> AsyncIterator[TopicSession]:
        """A connection. Raises TopicError."""
        try:
            client = self._client(availability)
            await client.__aenter__()
        except (aiomqtt.MqttError, OSError, ValueError) as error:
            raise trouble(error, self._address) from None
        try:
            session = _Session(client, self._address)
            await session.publish(availability, ONLINE)
            yield session
        finally:
            with suppress(aiomqtt.MqttError, OSError, ValueError):
                await client.publish(availability, OFFLINE, qos=1, retain=True, timeout=_FAREWELL_S)
            with suppress(aiomqtt.MqttError, OSError, ValueError):
                await client.__aexit__(None, None, None)

    async def check(self) -> None:
        """Connect and log in, say nothing. Raises TopicError."""
        try:
            async with self._client(None):
                pass
        except (aiomqtt.MqttError, OSError, ValueError) as error:
            raise trouble(error, self._address) from None

    def _client(self, availability: str | None) -> aiomqtt.Client:
        address = self._address
        return aiomqtt.Client(
            address.host,
            address.port,
            username=address.user,
            password=address.password.reveal() if address.password else None,
            identifier=address.client if availability else f"{address.client}-check",
            will=aiomqtt.Will(availability, OFFLINE, qos=1, retain=True) if availability else None,
            tls_context=context_of(address.trust) if address.trust else None,
            timeout=_TIMEOUT_S,
            keepalive=_KEEPALIVE_S,
            logger=_SILENT,
        )


def trouble(error: Exception, address: BrokerAddress) -> TopicError:
    """What went wrong, in a line."""
    if found := tls_trouble(error):
        return TopicError(found)
    # The library keeps of what the system has said the text alone, and what it was as the context.
    cause = error
    while isinstance(inner := cause.__cause__ or cause.__context__, Exception):
        cause = inner
    if isinstance(cause, OSError | TimeoutError):
        return TopicError(reason(cause, _TIMEOUT_S))
    text = one_line(str(error), (address.password.reveal(),) if address.password else ())
    if any(each in text.lower() for each in _REFUSALS):
        return TopicError("login refused")
    return TopicError(text.removeprefix("[code:").partition("] ")[2] or text)
