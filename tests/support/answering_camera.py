"""An RTSP camera that answers as a test tells it: the faults that one status line or one header makes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import NamedTuple

from tests.support.raw_camera import RawCamera

_TRACK = "m={0} 0 RTP/AVP {1}\r\na=rtpmap:{1} {2}\r\na=control:{0}\r\n"
_SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"
    + _TRACK.format("video", 96, "H264/90000")
    + _TRACK.format("audio", 8, "PCMA/8000")
)


class Answer(NamedTuple):
    """What a request is answered with: a status line without the version, and header lines."""

    status: str = "200 OK"
    headers: str = ""


class AnsweringCamera(RawCamera):
    """Offers H.264 and PCMA, and never sends either.

    `answers` replaces answers, by method (`DESCRIBE`) or method and track (`SETUP audio`).
    """

    def __init__(self, answers: Mapping[str, Answer], tls: ssl.SSLContext | None = None) -> None:
        super().__init__(self._talk, tls=tls)
        self._answers = answers
        self.asked: list[str] = []
        """Methods, as the keys of `answers`, in the order in which they came."""

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            method, url, _ = line.decode().split()
            cseq = "1"
            while (header := await reader.readline()).strip():
                name, _, value = header.decode().partition(":")
                cseq = value.strip() if name.lower() == "cseq" else cseq
            self._answer(method, url, cseq, writer)
            await writer.drain()

    def _answer(self, method: str, url: str, cseq: str, writer: asyncio.StreamWriter) -> None:
        asked = f"SETUP {url.rpartition('/')[2]}" if method == "SETUP" else method
        self.asked.append(asked)
        usual = Answer(headers=f"Content-Base: {url}/\r\n") if method == "DESCRIBE" else Answer()
        if method == "SETUP":
            channels = "0-1" if asked == "SETUP video" else "2-3"
            usual = Answer(headers=f"Transport: RTP/AVP/TCP;unicast;interleaved={channels}\r\n")
        answer = self._answers.get(asked) or self._answers.get(method) or usual
        body = _SDP if method == "DESCRIBE" and answer is usual else ""
        head = f"RTSP/1.0 {answer.status}\r\nCSeq: {cseq}\r\nSession: 1\r\n{answer.headers}"
        writer.write(f"{head}Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
