"""Stand-in for MediaMTX in demos and tests: RTSP publishers and readers, and the part of the control API we read.

Answers, codes and field names follow MediaMTX v1.20. Not hardened, not fast, not for production.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Self

from restream.demo.control_api import ControlApi
from restream.demo.rtsp_sink import LivePath, SinkConnection
from restream.demo.sink_faults import SinkFault

__all__ = ["SinkFault", "StandInServer"]

_PATH_NAME = re.compile(r"[0-9a-zA-Z_\-/.]+")
_SWEEP_INTERVAL_S = 0.5

logger = logging.getLogger(__name__)


class StandInServer:
    """The server; restartable on the same ports. `fault` may be set at any time."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        rtsp_port: int = 0,
        api_port: int = 0,
        publish_user: str | None = None,
        publish_password: str | None = None,
        known_paths: Collection[str] | None = None,
        override_publisher: bool = True,
        read_timeout_s: float = 10.0,
        auth_failure_delay_s: float = 0.3,
        max_backlog_bytes: int = 1 << 20,
        on_packet: Callable[[str, int, bytes], None] | None = None,
    ) -> None:
        self.host = host
        self.rtsp_port = rtsp_port
        self.api_port = api_port
        self.publish_user = publish_user
        self.publish_password = publish_password
        self.known_paths = None if known_paths is None else frozenset(known_paths)
        self.override_publisher = override_publisher
        self.read_timeout_s = read_timeout_s
        self.auth_failure_delay_s = auth_failure_delay_s
        self.max_backlog_bytes = max_backlog_bytes
        self.on_packet = on_packet
        self.paths: dict[str, LivePath] = {}
        self.connections: set[SinkConnection] = set()
        self.started_at = datetime.now(UTC)
        self._fault = SinkFault.NONE
        self._api = ControlApi(self)
        self._listener: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def rtsp_url(self) -> str:
        """Where to publish and read, without a path."""
        return f"rtsp://{self.host}:{self.rtsp_port}"

    @property
    def api_url(self) -> str:
        """Base of the control API."""
        return f"http://{self.host}:{self.api_port}"

    @property
    def fault(self) -> SinkFault:
        """What goes wrong now; see SinkFault."""
        return self._fault

    @fault.setter
    def fault(self, fault: SinkFault) -> None:
        self._fault = fault
        for connection in self.connections:
            if connection.state == "publish" and not connection.transport.is_closing():
                connection.last_packet_at_s = time.monotonic()
                if fault is SinkFault.STOP_READING:
                    connection.transport.pause_reading()
                elif not connection.transport.is_reading():
                    connection.transport.resume_reading()
        if fault is SinkFault.API_HANG:
            self._api.answers.clear()
        else:
            self._api.answers.set()

    async def start(self) -> None:
        """Listen; ports that were 0 are known afterwards. Raises OSError when one is taken."""
        if self._listener is not None:
            return
        loop = asyncio.get_running_loop()
        self.started_at = datetime.now(UTC)
        self._listener = await loop.create_server(
            lambda: SinkConnection(self), self.host, self.rtsp_port, reuse_address=True, backlog=1024
        )
        self.rtsp_port = self._listener.sockets[0].getsockname()[1]
        try:
            self.api_port = await self._api.start(self.host, self.api_port)
        except BaseException:
            await self.stop()
            raise
        self._sweep = loop.call_later(_SWEEP_INTERVAL_S, self._close_silent_publishers)
        logger.warning(
            "Stand-in media server on %s (control API %s): a demo and test double, not for production",
            self.rtsp_url,
            self.api_url,
        )

    async def stop(self) -> None:
        """Close the listeners and every connection; the ports are remembered for the next `start`."""
        listener, self._listener = self._listener, None
        if self._sweep:
            self._sweep.cancel()
        if listener:
            listener.close()
        await self._api.stop()
        while self.connections:
            connection = next(iter(self.connections))
            connection.close()
            await connection.lost.wait()
        if listener:
            await listener.wait_closed()

    def accepts(self, path: str) -> bool:
        """Whether `path` is a valid name and, where paths are listed, one of them."""
        valid = _PATH_NAME.fullmatch(path) and not {"", ".", ".."} & set(path.split("/"))
        return bool(valid) and (self.known_paths is None or path in self.known_paths)

    def _close_silent_publishers(self) -> None:
        self._sweep = asyncio.get_running_loop().call_later(_SWEEP_INTERVAL_S, self._close_silent_publishers)
        if self._fault is SinkFault.STOP_READING:
            return
        oldest_s = time.monotonic() - self.read_timeout_s
        for path in tuple(self.paths.values()):
            if path.publisher.last_packet_at_s < oldest_s:
                path.publisher.close()
