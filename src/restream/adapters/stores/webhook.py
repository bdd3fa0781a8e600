"""Alerts as JSON to a webhook, signed when a secret is given."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from restream.adapters.network_errors import reason
from restream.adapters.tls import context_of
from restream.domain.camera.secret import Secret
from restream.domain.news.alert import Affected, Alert, AlertError, Scope
from restream.domain.server.trust import SYSTEM, Trust

_TIMEOUT_S = 10.0
# The receiver is busy or not ready: worth another try. Any other 3xx or 4xx would be answered the same again.
_PASSING = frozenset({408, 425, 429})


class Webhook:
    """One receiver. Only its host is ever named: path, query and user may be secrets."""

    def __init__(
        self,
        url: Secret,
        *,
        secret: Secret | None = None,
        node: str = "",
        clock: Callable[[], float] = time.time,
        trust: Trust = SYSTEM,
        page_url: str = "",
    ) -> None:
        """`page_url`: where the page is reached; empty: messages have no link."""
        self._page_url = page_url
        self._trust = trust
        self._url = url
        self._secret = secret
        self._node = node
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        """Host of the URL."""
        return urlsplit(self._url.reveal()).hostname or "webhook"

    async def send(self, alert: Alert, delivery: str) -> None:
        """One try, at most 10 s. `delivery` is the same in every try of one alert. Raises AlertError."""
        body = msgspec.json.encode(alert_document(alert, delivery, self._node, self._page_url))
        headers = {"Content-Type": "application/json", "X-Restream-Delivery": delivery}
        if self._secret:
            stamp = str(int(self._clock()))
            headers["X-Restream-Timestamp"] = stamp
            headers["X-Restream-Signature"] = f"sha256={signature(self._secret, stamp, body)}"
        try:
            if self._session is None:
                self._session = self._open()
            # A redirect is not followed: what is in the alert is for the configured receiver.
            async with self._session.post(
                self._url.reveal(), data=body, headers=headers, allow_redirects=False
            ) as response:
                status = response.status
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise AlertError(reason(error, _TIMEOUT_S), passing=True) from None
        if not 200 <= status < 300:
            raise AlertError(f"HTTP {status}", passing=status >= 500 or status in _PASSING)

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context_of(self._trust)),
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Let go of connections; never raises."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def signature(secret: Secret, stamp: str, body: bytes) -> str:
    """HMAC-SHA256 in hex of the time stamp (Unix time, s), a dot and the body."""
    return hmac.new(secret.reveal().encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def alert_document(alert: Alert, delivery: str, node: str, page_url: str = "") -> dict[str, Any]:
    """What is sent, as JSON values; `delivery` is its id, `node` this host, `page_url` where the page is."""
    document: dict[str, Any] = {
        "id": delivery,
        "kind": alert.kind,
        "at": _timestamp(alert.at),
        "since": _timestamp(alert.since),
        "node": node,
        "scope": alert.scope,
        "total": alert.total,
    }
    if alert.threads:
        document |= {"telling": alert.telling, "outages": alert.threads, "left": alert.left}
    if alert.incident and alert.bond is not None:
        document |= {"incident": alert.incident, "incident_scope": alert.bond.scope, "place": alert.bond.place}
        document |= {"left": alert.left}
        document |= {"link": f"{page_url}#incident={alert.incident}"} if page_url else {}
    if alert.scope is Scope.COMPONENT:
        return {**document, "component": alert.component, "detail": alert.detail}
    return {**document, "host": alert.host, "cameras": [_camera(affected) for affected in alert.cameras]}


def _camera(affected: Affected) -> dict[str, Any]:
    subject = affected.subject
    return {
        "id": subject.id,
        "name": subject.name,
        "site": subject.site,
        "host": subject.host,
        "since": _timestamp(affected.since),
        "fault": subject.fault,
        "code": subject.code,
        "text": subject.text,
    }


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
