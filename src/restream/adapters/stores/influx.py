"""InfluxDB 2, and whatever else takes line protocol at /api/v2/write."""

from __future__ import annotations

import asyncio
import gzip
import time
from email.utils import parsedate_to_datetime

import aiohttp
import orjson

from restream.adapters.bounded_body import BodyTooLargeError, read_body
from restream.adapters.network_errors import reason
from restream.adapters.tls import context_of
from restream.domain.camera.secret import Secret, mask_exact, mask_patterns, spellings
from restream.domain.line_buffer import Rejected, Unavailable, WriteOutcome, Written
from restream.domain.server.trust import SYSTEM, Trust

_TIMEOUT_S = 15.0
# Ten times smaller already; higher levels cost more time than they save bytes.
_GZIP_LEVEL = 2
_MAX_ANSWER_BYTES = 64 << 10
_MAX_DETAIL_LENGTH = 200
# What the statuses mean that a wrong configuration brings: once it is repaired, here or there, the lines are welcome.
_HINTS = {
    401: "set influx.token to a token that may write to the bucket",
    403: "the token may not write to this bucket",
    404: "check influx.org and influx.bucket",
}
# Nobody repairs it within a second; the database need not be asked as often as one that is away.
_REPAIR_PACE_S = 60.0


class InfluxStore:
    """One bucket. `url` like http://127.0.0.1:8086, `precision` of the lines' timestamps: s, ms, us or ns."""

    name = "influx"

    def __init__(
        self,
        url: str,
        *,
        token: Secret | None,
        org: str | None,
        bucket: str,
        precision: str,
        trust: Trust = SYSTEM,
    ) -> None:
        self._trust = trust
        self._url = f"{url.rstrip('/')}/api/v2/write"
        self._token = token
        self._query = {"bucket": bucket, "precision": precision, **({"org": org} if org else {})}
        self._session: aiohttp.ClientSession | None = None

    async def write(self, lines: list[str]) -> WriteOutcome:
        """One batch, at most 15 s; never raises."""
        body = await asyncio.to_thread(_compress, lines)
        try:
            if self._session is None:
                self._session = self._open()
            # A redirect is not followed: the token is for nobody else.
            headers = {"Authorization": f"Token {self._token.reveal()}"} if self._token else {}
            async with self._session.post(
                self._url, params=self._query, data=body, headers=headers, allow_redirects=False
            ) as response:
                return await self._outcome(response)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            return Unavailable(self._masked(reason(error, _TIMEOUT_S)))

    async def close(self) -> None:
        """Let go of connections; never raises."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _outcome(self, response: aiohttp.ClientResponse) -> WriteOutcome:
        status = response.status
        if 200 <= status < 300:
            return Written()
        try:
            said = await read_body(response, _MAX_ANSWER_BYTES)
        except BodyTooLargeError as error:
            said = error.beginning
        parts = (f"HTTP {status}", _HINTS.get(status, ""), _message(said))
        detail = self._masked(": ".join(part for part in parts if part))
        if status in _HINTS:
            return Unavailable(detail, _REPAIR_PACE_S)
        if 400 <= status < 500 and status != 429:
            return Rejected(detail)
        return Unavailable(detail, _retry_after_s(response.headers.get("Retry-After"), time.time()))

    def _masked(self, text: str) -> str:
        hidden = spellings(self._token.reveal()) if self._token else ()
        return mask_patterns(mask_exact(text, hidden))[:_MAX_DETAIL_LENGTH]

    def _open(self) -> aiohttp.ClientSession:
        headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Encoding": "gzip"}
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context_of(self._trust)),
            headers={**headers, "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )


def _compress(lines: list[str]) -> bytes:
    return gzip.compress("\n".join(lines).encode(), _GZIP_LEVEL, mtime=0)


def _message(body: bytes) -> str:
    """What the database says, one line."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    text = document.get("message") or document.get("error") if isinstance(document, dict) else None
    text = text if isinstance(text, str) else body.decode(errors="replace")
    return " ".join(text[: 4 * _MAX_DETAIL_LENGTH].split())


def _retry_after_s(value: str | None, now: float) -> float | None:
    """Seconds from `now` (Unix time, s); the header is a number of seconds or a date."""
    if value is None:
        return None
    try:
        return max(0.0, float(value)) if value.strip().isdecimal() else parsedate_to_datetime(value).timestamp() - now
    except ValueError:
        return None
