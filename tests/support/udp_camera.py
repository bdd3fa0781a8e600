"""A scripted camera that sends over UDP: what it likes, when it likes, and keeps what comes to its ports."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import NamedTuple

from tests.support.eventually import eventually
from tests.support.raw_camera import SDP, RawCamera, answer


class Heard(NamedTuple):
    """One datagram."""

    data: bytes
    address: tuple[str, int]


class UdpCamera(RawCamera):
    """One track of H.264. `leaves`: it closes the connection after PLAY, and after each answer from then on; `source`:
    it sends from this address of loopback, and says so."""

    def __init__(self, *, leaves: bool = False, source: str = "") -> None:
        super().__init__(self._talk)
        self._leaves, self._source = leaves, source
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for each in self.sockets:
            each.bind((source or "127.0.0.1", 0))
            each.setblocking(False)
        self.client_ports = (0, 0)
        self.sequence = 0
        self.asked: list[str] = []
        self.plays = False

    async def __aexit__(self, *of: object) -> None:
        await super().__aexit__(*of)
        for each in self.sockets:
            each.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            method = request.partition(" ")[0]
            self.asked.append(method)
            headers = ["Session: 1;timeout=4"]
            if method == "SETUP":
                first, _, second = request.partition("client_port=")[2].partition("\r")[0].partition("-")
                self.client_ports = int(first), int(second)
                ports = "-".join(str(each.getsockname()[1]) for each in self.sockets)
                source = f";source={self._source}" if self._source else ""
                headers.append(f"Transport: RTP/AVP;unicast{source};client_port={first}-{second};server_port={ports}")
            writer.write(answer("200 OK", *headers, body=SDP if method == "DESCRIBE" else ""))
            self.plays = self.plays or method == "PLAY"
            if self.plays and self._leaves:
                return

    async def played(self) -> None:
        """Somebody has asked for media."""
        await eventually(lambda: self.plays, 10)

    def send(self, data: bytes, *, rtcp: bool = False) -> None:
        """One datagram; lost where the system takes no more."""
        with contextlib.suppress(BlockingIOError):
            self.sockets[rtcp].sendto(data, ("127.0.0.1", self.client_ports[rtcp]))

    def picture(self, number: int | None = None) -> bytes:
        """One key frame in one packet: that number, else the next one."""
        self.sequence = self.sequence + 1 if number is None else number
        head = bytes((0x80, 0xE0)) + self.sequence.to_bytes(2, "big") + (3600 * self.sequence).to_bytes(4, "big")
        return head + b"cam1" + b"\x65\x88" + bytes(50)

    async def film(self, seconds: float) -> None:
        """Ten pictures a second."""
        for _ in range(round(10 * seconds)):
            self.send(self.picture())
            await asyncio.sleep(0.1)

    async def heard(self, *, rtcp: bool = False) -> list[Heard]:
        """What has come to its ports since the last call, at least one."""
        found: list[Heard] = []

        def some() -> bool:
            with contextlib.suppress(BlockingIOError):
                while True:
                    found.append(Heard(*self.sockets[rtcp].recvfrom(2000)))
            return bool(found)

        await eventually(some, 8)
        return found
