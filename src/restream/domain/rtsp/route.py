"""The way to a camera: its URL after redirects, the login that goes with it, and how often it may change."""

from __future__ import annotations

from restream.domain.camera.secret import credentials_in, spellings
from restream.domain.life.cause import Cause
from restream.domain.rtsp.url import Credentials, RtspUrl, redirect_target

REDIRECTIONS = frozenset({301, 302, 303, 305, 307, 308})
"""Answers with a `Location`."""
MAX_REDIRECTS = 3
"""Of one conversation."""
MAX_RECONNECTS = 3
"""Of one conversation: cameras close the connection after 401, or after each answer."""


class Route:
    """Where a conversation is held."""

    def __init__(self, url: RtspUrl, credentials: Credentials | None) -> None:
        self.url = url
        self.credentials = credentials
        self.secrets: tuple[str, ...] = ()
        """Spellings of every password that was on the way, in URLs too; longest first."""
        self.reconnects = 0
        """Connections to the same place after the first one."""
        self._redirects = 0
        self._remember()

    def _remember(self) -> None:
        password = self.credentials.password.reveal() if self.credentials else ""
        known = {*self.secrets, *spellings(password), *credentials_in(self.url.rest)}
        self.secrets = tuple(sorted(known, key=len, reverse=True))

    def redirect(self, location: str) -> Cause | None:
        """Follow a `Location`; else the class of failure. Credentials never go to another host, or from TLS into clear.

        Those that the redirect itself brings are followed with it.
        """
        self._redirects += 1
        if self._redirects > MAX_REDIRECTS:
            return Cause.CAMERA_ERROR
        target = redirect_target(self.url, location)
        if target is None:
            return Cause.REQUEST_REFUSED
        url, brought = target
        stays = url.host == self.url.host and url.secure >= self.url.secure
        self.credentials = brought or (self.credentials if stays else None)
        self.url = url
        self._remember()
        return None

    @property
    def trouble(self) -> str:
        """What a person should know beside the last redirect, where it was not the only one."""
        return f"redirected {self._redirects} times: " if self._redirects > 1 else ""

    def may_reconnect(self) -> bool:
        """Count one more connection to the same place."""
        self.reconnects += 1
        return self.reconnects <= MAX_RECONNECTS
