"""A control API of MediaMTX by script, in a process of its own: so many paths, each published by SRT, all advancing.

The items are those of v1.20.1, key by key. It prints its URL, and serves until its standard input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import sys
import time
import uuid
from collections.abc import AsyncIterator

from aiohttp import web

from restream.demo.embedded import free_port

_AGE_S = 86_400
_TRACKS = (
    '"tracks":["H264","MPEG-4 Audio"],"tracks2":[{"codec":"H264","codecProps":{"width":1920,"height":1080,'
    '"profile":"Main","level":"4"}},{"codec":"MPEG-4 Audio","codecProps":{"sampleRate":16000,"channelCount":1}}]'
)
_READER = '{"type":"hlsMuxer","id":""}'


class _Source:
    """One publisher: what is fixed is written once, what moves is filled in."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._rate_bytes = 125_000 + 37 * (number % 5_000)
        name, key = f"cam{number}", str(uuid.UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC834 % (1 << 128)))
        since = "2026-11-21T07:23:11.049666521Z"
        self._path = (
            f'{{"name":"{name}","confName":"all_others","ready":true,"readyTime":"{since}","available":true,'
            f'"availableTime":"{since}","online":true,"onlineTime":"{since}",'
            f'"source":{{"type":"srtConn","id":"{key}"}},{_TRACKS},"readers":[%s],"inboundBytes":%d,'
            '"outboundBytes":%d,"inboundFramesInError":0,"bytesReceived":%d,"bytesSent":%d}'
        )
        self._srt = (
            f'{{"id":"{key}","created":"{since}","remoteAddr":"10.{number >> 8}.{number & 255}.7:41234",'
            f'"state":"publish","path":"{name}","query":"","user":"",'
            '"packetsSent":0,"packetsReceived":%(packets)d,"packetsSentUnique":0,"packetsReceivedUnique":%(packets)d,'
            '"packetsSendLoss":0,"packetsReceivedLoss":%(lost)d,"packetsRetrans":0,"packetsReceivedRetrans":%(lost)d,'
            '"packetsSentACK":%(packets)d,"packetsReceivedACK":0,"packetsSentNAK":%(lost)d,"packetsReceivedNAK":0,'
            '"packetsSentKM":0,"packetsReceivedKM":0,"usSndDuration":0,"packetsReceivedBelated":0,'
            '"packetsSendDrop":0,"packetsReceivedDrop":0,"packetsReceivedUndecrypt":0,"bytesReceived":%(bytes)d,'
            '"bytesSent":0,"bytesSentUnique":0,"bytesReceivedUnique":%(bytes)d,"bytesReceivedLoss":%(lost)d,'
            '"bytesRetrans":0,"bytesReceivedRetrans":0,"bytesReceivedBelated":0,"bytesSendDrop":0,'
            '"bytesReceivedDrop":0,"bytesReceivedUndecrypt":0,"usPacketsSendPeriod":10.967254638671875,'
            '"packetsFlowWindow":25600,"packetsFlightSize":0,"msRTT":%(rtt).16f,"mbpsSendRate":0,'
            '"mbpsReceiveRate":%(rate).16f,"mbpsLinkCapacity":245.64495810997428,"bytesAvailSendBuf":0,'
            '"bytesAvailReceiveBuf":0,"mbpsMaxBW":-1,"byteMSS":1500,"packetsSendBuf":0,"bytesSendBuf":0,"msSendBuf":0,'
            '"msSendTsbPdDelay":1000,"packetsReceiveBuf":28,"bytesReceiveBuf":27636,"msReceiveBuf":939,'
            '"msReceiveTsbPdDelay":1000,"packetsReorderTolerance":0,"packetsReceivedAvgBelatedTime":0,'
            '"packetsSendLossRate":0,"packetsReceivedLossRate":%(share).16f,"outboundFramesDiscarded":0}'
        )

    def _received(self, at_s: float) -> int:
        """Always growing, at a rate that swings by 4 % and more slowly by 10 %."""
        swing = 0.3 * math.sin(at_s / 7.5 + self._number) + 6 * math.sin(at_s / 60 + self._number)
        return int(self._rate_bytes * (_AGE_S + at_s + swing))

    def path(self, at_s: float) -> str:
        received = self._received(at_s)
        # Of some paths the audience comes and goes.
        readers = (self._number + (int(at_s / 20) if self._number % 10 == 0 else 0)) % 3
        return self._path % (",".join([_READER] * readers), received, received * readers, received, received * readers)

    def srt(self, at_s: float) -> str:
        received = self._received(at_s)
        packets = received // 1316
        share = 0.0005 * (self._number % 7) if self._number % 10 == 0 else 0.0
        wave = math.sin(at_s * 1.3 + self._number)
        return self._srt % {
            "packets": packets,
            "bytes": received,
            "lost": int(packets * share),
            "share": share,
            "rtt": (20 + self._number % 60) * (1 + 0.1 * wave),
            "rate": self._rate_bytes * 8 / (1 << 20) * (1 + 0.04 * wave),
        }


def _application(sources: list[_Source]) -> web.Application:
    began = time.monotonic()

    def answer(items: list[str]) -> web.Response:
        body = f'{{"itemCount":{len(items)},"pageCount":1,"items":[{",".join(items)}]}}'
        return web.Response(body=body.encode(), content_type="application/json", charset="utf-8")

    async def info(_: web.Request) -> web.Response:
        return web.json_response({"version": "v1.20.1", "started": "2026-11-21T07:23:10.323404226Z"})

    async def paths(_: web.Request) -> web.Response:
        at_s = time.monotonic() - began
        return answer([source.path(at_s) for source in sources])

    async def srt(_: web.Request) -> web.Response:
        at_s = time.monotonic() - began
        return answer([source.srt(at_s) for source in sources])

    application = web.Application()
    application.add_routes(
        [web.get("/v3/info", info), web.get("/v3/paths/list", paths), web.get("/v3/srtconns/list", srt)]
    )
    return application


@contextlib.asynccontextmanager
async def scripted_api(paths: int) -> AsyncIterator[str]:
    """Run the API; yields its URL."""
    arguments = ("-m", "bench.scripted_api", str(paths))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


async def _serve(paths: int) -> None:
    sources = [_Source(number) for number in range(1, paths + 1)]
    port = free_port()
    runner = web.AppRunner(_application(sources), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    sys.stdout.write(json.dumps(f"http://127.0.0.1:{port}") + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", type=int)
    asyncio.run(_serve(parser.parse_args().paths))
