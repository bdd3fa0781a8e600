"""sd_notify(3): tell systemd that the service is ready, alive, reloading or stopping."""

from __future__ import annotations

import contextlib
import os
import socket
import time


class SystemdNotifier:
    """Speaks to `$NOTIFY_SOCKET`; without one every call does nothing."""

    def __init__(self) -> None:
        # Not for children: a confused ffmpeg must not speak for the service.
        names = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
        self.environment = {key: os.environ[key] for key in names if key in os.environ}
        """What it was told by; for the next program in this process."""
        self._address = os.environ.pop("NOTIFY_SOCKET", "")
        watchdog_us = os.environ.pop("WATCHDOG_USEC", "")
        for_us = os.environ.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._watchdog_us = int(watchdog_us) if watchdog_us.isdigit() and for_us else 0

    @property
    def watchdog_interval_s(self) -> float | None:
        """Half of what systemd waits for, as its manual advises; None without a watchdog."""
        return self._watchdog_us / 2e6 if self._address and self._watchdog_us else None

    def ready(self) -> None:
        """The service is up, or its configuration is read."""
        self._send("READY=1")

    def reloading(self) -> None:
        """The configuration is being read again."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The service is ending."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """A sign of life for the watchdog."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send("STATUS=" + text.replace("\n", " "))

    def _send(self, message: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.setblocking(False)
            channel.sendto(message.encode(), address)
