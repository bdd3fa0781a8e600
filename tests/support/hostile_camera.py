"""An RTSP camera that means harm, in the way its `mode` says."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from typing import Self

MODES = (
    *("endless_sdp", "many_streams", "endless_headers", "slow_bytes", "redirect_to_itself", "odd_reason"),
    *("garbage_rtp", "wild_rtp", "no_rtsp", "silence"),
)
_VIDEO = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:t{}\r\n"
_SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n" + _VIDEO.format(0)


class HostileCamera:
    """Listens on loopback; `url` has credentials."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.url = ""
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"rtsp://admin:sEcret-w0rd@127.0.0.1:{port}/x"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                headers = {}
                while (header := await reader.readline()).strip():
                    name, _, value = header.partition(b":")
                    headers[name.lower()] = value.strip().decode()
                await self._answer(line.split()[0].decode(), headers.get(b"cseq", "1"), writer)
        except (OSError, IndexError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, method: str, cseq: str, writer: asyncio.StreamWriter) -> None:
        ok = f"RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\nSession: 1\r\n"
        body = _SDP
        match self.mode, method:
            case "no_rtsp", _:
                writer.write(os.urandom(4000))
            case "silence", _:
                await asyncio.Event().wait()
            case "odd_reason", "DESCRIBE":
                text = "\x1b[31m<script>alert(1)</script> rtsp://admin:sEcret-w0rd@h/ Could not write header"
                writer.write(f"RTSP/1.0 500 {text}\r\nCSeq: {cseq}\r\n\r\n".encode())
                return
            case "redirect_to_itself", "DESCRIBE":
                writer.write(f"RTSP/1.0 302 Moved\r\nCSeq: {cseq}\r\nLocation: {self.url}\r\n\r\n".encode())
                return
            case "endless_headers", "DESCRIBE":
                writer.write(ok.encode())
                for number in itertools.count():
                    writer.write(f"X-{number}: {'y' * 3000}\r\n".encode())
                    await writer.drain()
            case "endless_sdp", "DESCRIBE":
                writer.write(
                    f"{ok}Content-Type: application/sdp\r\nContent-Length: {2**31 - 1000}\r\n\r\n{_SDP}".encode()
                )
                while True:
                    writer.write((b"a=x:" + b"y" * 60_000 + b"\r\n") * 10)
                    await writer.drain()
            case "slow_bytes", "DESCRIBE":
                writer.write(f"{ok}Content-Type: application/sdp\r\nContent-Length: 100000000\r\n\r\n".encode())
                while True:
                    writer.write(b"a")
                    await writer.drain()
                    await asyncio.sleep(0.1)
            case "many_streams", "DESCRIBE":
                body += "".join(map(_VIDEO.format, range(1, 20_000)))
        if method == "DESCRIBE":
            ok += f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
            writer.write(f"{ok}\r\n{body}".encode())
        elif method == "SETUP":
            writer.write(f"{ok}Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n".encode())
        else:
            writer.write(f"{ok}Public: DESCRIBE, SETUP, PLAY\r\n\r\n".encode())
        await writer.drain()
        if method == "PLAY":
            await self._play(writer)

    async def _play(self, writer: asyncio.StreamWriter) -> None:
        chance = random.Random(7)
        timestamp = 1
        for number in itertools.count():
            size = chance.choice([12, 20, 1400, 65_000])
            packet = chance.randbytes(size)
            if self.mode != "garbage_rtp":
                timestamp += chance.randrange(1 << 31)
                head = b"\x80\x60" + (number % 65536).to_bytes(2, "big") + (timestamp % 2**32).to_bytes(4, "big")
                # Parameter sets, key frames and fragments, of noise.
                packet = head + b"\0\0\0\1" + bytes([chance.choice([0x65, 0x41, 0x67, 0x68, 0x7C])]) + packet
            writer.write(b"$\0" + len(packet).to_bytes(2, "big") + packet)
            await writer.drain()
