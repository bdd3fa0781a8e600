"""Third-party stream servers ("Visionaire" API) over HTTP."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from restream.adapters.bounded_body import BodyTooLargeError, read_body
from restream.adapters.network_errors import reason
from restream.domain.visionaire import (
    API_ERROR,
    Collection,
    ListedStream,
    StreamDetails,
    StreamServer,
    ThirdPartyStream,
    parse_details,
    parse_streams,
)

MAX_CALLS_PER_HOST = 16
"""Calls at the same time to one server."""
MAX_CALLS = 256
"""Calls at the same time to all of them. Each server has its own share: one that hangs uses up nobody else's."""
CYCLE_SHARE = 0.75
"""Share of the interval after which a cycle ends with what there is."""
SPREAD_SHARE = 0.25
"""Share of the interval over which many calls to one server are spread."""
CALL_SPACING_S = 0.02
"""Calls to one server begin that far apart, or closer where SPREAD_SHARE demands it: thousands of answers at once would
hold up everything else in the service, and the server too."""

# 10,000 entries with long names are 4 MB; details are half a kilobyte.
_MAX_LIST_BYTES = 8 << 20
_MAX_DETAILS_BYTES = 256 << 10
# Larger lists are parsed beside the event loop.
_MANY_BYTES = 64 << 10
_FAILURE = StreamDetails(state=API_ERROR)

T = TypeVar("T")


def stream_directories(
    servers: Sequence[StreamServer], *, interval_s: float, timeout_s: float
) -> list[VisionaireDirectory]:
    """A client per server. A call takes `timeout_s` at most, a cycle CYCLE_SHARE of `interval_s`."""
    calls = max(1, min(MAX_CALLS_PER_HOST, MAX_CALLS // max(1, len(servers))))
    return [VisionaireDirectory(server, interval_s=interval_s, timeout_s=timeout_s, calls=calls) for server in servers]


@dataclass(slots=True)
class _Cycle:
    """What a cycle has brought so far."""

    calls_total: int = 0
    seconds_total: float = 0.0
    details: dict[ListedStream, StreamDetails] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)


class VisionaireDirectory:
    """One server; connections are reused from cycle to cycle."""

    def __init__(
        self, server: StreamServer, *, interval_s: float, timeout_s: float, calls: int = MAX_CALLS_PER_HOST
    ) -> None:
        self._server = server
        self._timeout_s = timeout_s
        self._bound_s = CYCLE_SHARE * interval_s
        self._spread_s = SPREAD_SHARE * interval_s
        self._calls = calls
        self._session: aiohttp.ClientSession | None = None

    @property
    def server(self) -> StreamServer:
        """Which one is asked."""
        return self._server

    async def collect(self) -> Collection:
        """One cycle, at most CYCLE_SHARE of the interval; never raises."""
        cycle = _Cycle()
        started = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._bound_s):
                listed = await self._call(cycle, "streams", parse_streams, _MAX_LIST_BYTES)
        except (_CallError, TimeoutError) as error:
            return Collection(None, errors=1, error=str(error) or f"no list within {self._bound_s:g} s")
        spacing_s = min(CALL_SPACING_S, self._spread_s / max(1, len(listed)))
        first_at = asyncio.get_running_loop().time()
        pending = ((first_at + number * spacing_s, stream) for number, stream in enumerate(listed))
        try:
            async with asyncio.timeout_at(started + self._bound_s), asyncio.TaskGroup() as group:
                for _ in range(min(self._calls, len(listed))):
                    group.create_task(self._ask(cycle, pending))
        except TimeoutError:
            cycle.failures[f"not asked within {self._bound_s:g} s"] = len(listed) - len(cycle.details)
        return Collection(
            streams=tuple(ThirdPartyStream(stream, cycle.details.get(stream, _FAILURE)) for stream in listed),
            errors=sum(cycle.failures.values()),
            response_time_s=cycle.seconds_total / cycle.calls_total,
            error=_summary(cycle.failures, len(listed)),
        )

    async def close(self) -> None:
        """Let go of connections; never raises."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, cycle: _Cycle, pending: Iterator[tuple[float, ListedStream]]) -> None:
        """Ask for details of streams that nobody else asks for, none before its time."""
        loop = asyncio.get_running_loop()
        for not_before, stream in pending:
            await asyncio.sleep(max(0.0, not_before - loop.time()))
            path = f"streams/{quote(stream.node_num, safe='')}/{quote(stream.stream_id, safe='')}"
            try:
                cycle.details[stream] = await self._call(cycle, path, parse_details, _MAX_DETAILS_BYTES)
            except _CallError as error:
                cycle.details[stream] = _FAILURE
                cycle.failures[str(error)] += 1

    async def _call(self, cycle: _Cycle, path: str, parse: Callable[[object], T | None], max_bytes: int) -> T:
        """One call, counted in the cycle however it ends. Raises _CallError."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            body = await self._get(path, max_bytes)
        except BodyTooLargeError as error:
            raise _CallError(str(error)) from None
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise _CallError(reason(error, self._timeout_s)) from None
        finally:
            cycle.calls_total += 1
            cycle.seconds_total += loop.time() - started
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise _CallError("its answer is no JSON") from None
        parsed = parse(document) if len(body) < _MANY_BYTES else await asyncio.to_thread(parse, document)
        if parsed is None:
            raise _CallError("its answer is not what the API promises")
        return parsed

    async def _get(self, path: str, max_bytes: int) -> bytes:
        if self._session is None:
            self._session = self._open()
        # The path is quoted already, and stays as it is.
        url = URL(f"{self._server.url}/{path}", encoded=True)
        async with self._session.get(url, allow_redirects=False) as response:
            if response.status != 200:
                raise _CallError(f"HTTP {response.status}")
            return await read_body(response, max_bytes)

    def _open(self) -> aiohttp.ClientSession:
        # A few compressed bytes can become gigabytes; these answers are small as they are.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        user, password = self._server.user, self._server.password
        if user is not None:
            login = f"{user}:{password.reveal() if password else ''}"
            headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
        return aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            auto_decompress=False,
        )


class _CallError(Exception):
    """A call failed; the message says why in a few words that repeat from call to call."""


def _summary(failures: Counter[str], streams: int) -> str:
    if not failures:
        return ""
    causes = ", ".join(f"{cause} ({count})" for cause, count in failures.most_common(3))
    return f"no details of {sum(failures.values())} of {streams} streams: {causes}"
