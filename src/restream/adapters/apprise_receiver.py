"""Alerts to whatever Apprise can reach: Telegram, Teams, ntfy and more, each by a URL."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import re
from collections.abc import Callable
from typing import Any

from restream.domain.camera.secret import Secret
from restream.domain.news.alert import Alert, AlertError

NOT_INSTALLED = "Apprise is not installed: the extra restream[apprise]"
NOT_KNOWN = "Apprise knows no such URL, or it is not complete"

_TIMEOUT_S = 60.0
_STATUS = re.compile(r"error[=:]\s*(\d{3})", re.IGNORECASE)
# What it logs may quote the URL, which is a secret.
logging.getLogger("apprise").propagate = False


class AppriseReceiver:
    """One URL; only its scheme is ever named. `write` makes title and text of an alert."""

    def __init__(self, url: Secret, write: Callable[[Alert], tuple[str, str]]) -> None:
        self._url, self._write = url, write

    @property
    def name(self) -> str:
        """The scheme of the URL."""
        return f"{self._url.reveal().partition('://')[0]}://"

    async def send(self, alert: Alert, delivery: str) -> None:
        """One try. Raises AlertError."""
        # Its first import takes a while: never in the loop.
        if problem := await asyncio.to_thread(apprise_trouble, self._url):
            raise AlertError(problem, passing=False)
        title, body = self._write(alert)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                # It waits for the network in a thread of its own, with limits of its own.
                taken, told = await asyncio.to_thread(_notify, self._url.reveal(), title, body)
        except TimeoutError:
            raise AlertError(f"no answer within {_TIMEOUT_S:g} s", passing=True) from None
        if not taken:
            status = int(found[1]) if (found := _STATUS.search(told)) else None
            text = "it was not taken" if status is None else f"HTTP {status}"
            # What is refused for what it is will be refused again.
            raise AlertError(text, passing=status is None or status >= 500 or status in (408, 425, 429))

    async def close(self) -> None:
        """Nothing is held."""


def apprise_trouble(url: Secret) -> str:
    """Why nothing can be sent to this URL, found without sending; empty: it may work."""
    if importlib.util.find_spec("apprise") is None:
        return NOT_INSTALLED
    return "" if _plugin(url.reveal()) is not None else NOT_KNOWN


def _plugin(url: str) -> Any:
    import apprise  # noqa: PLC0415 - an extra, and it takes a while

    return apprise.Apprise.instantiate(url, suppress_exceptions=True)


def _notify(url: str, title: str, body: str) -> tuple[bool, str]:
    """Whether it was taken, and what the library says of it."""
    import apprise  # noqa: PLC0415 - an extra, and it takes a while

    capture: Any = apprise.LogCapture
    with capture(level=logging.WARNING) as log:
        taken = _plugin(url).notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT)
        return bool(taken), str(log.getvalue())
