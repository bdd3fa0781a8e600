"""A third-party stream server that does what a test tells it to; as a program, several of them for measurements."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Self

import orjson
from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def details(state: object = "RUNNING", *, active: object = True, **stats: object) -> dict[str, Any]:
    return {
        "active": active,
        "stream_stats": {"state": state, "fps": 25.0, "frame_width": 1920, "frame_height": 1080, **stats},
        "status": {"pipelines": [{"state": "PIPELINE"}]},
    }


def fleet(number: int, first: int = 0) -> dict[tuple[str, str], dict[str, Any]]:
    """Details by node and id of so many streams that all run."""
    return {(str(n % 4), f"stream-{n}"): details() for n in range(first, first + number)}


class ScriptedServer:
    """Answers with what `streams` and `listing` say, or with what `answers` returns for a path."""

    def __init__(
        self, streams: Mapping[tuple[str, str], object] | None = None, *, delay_s: float = 0.0, port: int = 0
    ) -> None:
        self.streams = dict(streams or {})
        self.listing: object = None
        """The whole answer to /streams; None: made from `streams`."""
        self.answers: dict[str, Answer] = {}
        """By path as it was sent; "*" for any other."""
        self.asked: list[str] = []
        """Paths as they were sent, quoting included."""
        self.headers: list[Mapping[str, str]] = []
        self.active = self.most_active = 0
        self.connections: set[object] = set()
        self.url = ""
        self._delay_s, self._port = delay_s, port
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._serve, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, web.BaseRequest)
        path = request.rel_url.raw_path
        self.asked.append(path)
        self.headers.append(request.headers)
        self.connections.add(request.transport)
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        try:
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            answer: Any = self.answers.get(path, self.answers.get("*"))
            return await answer(request) if answer else self._answer(request, path)
        finally:
            self.active -= 1

    def _answer(self, request: web.BaseRequest, path: str) -> web.Response:
        if path == "/streams":
            listing = self.listing
            if listing is None:
                keys = self.streams
                listing = {
                    "streams": [
                        {"stream_id": stream_id, "stream_node_num": int(node), "stream_name": f"Name of {stream_id}"}
                        for node, stream_id in keys
                    ]
                }
            return web.Response(body=orjson.dumps(listing), content_type="application/json")
        node, _, stream_id = request.rel_url.path.removeprefix("/streams/").partition("/")
        found = self.streams.get((node, stream_id))
        if found is None:
            return web.Response(status=404, text="no such stream")
        return web.Response(body=orjson.dumps(found), content_type="application/json")


async def hang(_: web.Request) -> web.StreamResponse:
    """Never answers."""
    await asyncio.Event().wait()
    raise AssertionError


def text(body: str | bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body.encode() if isinstance(body, str) else body, status=status, headers=headers)

    return answer


async def _run(ports: Sequence[int], streams: int, delay_s: float) -> None:
    share = -(-streams // len(ports))
    for number, port in enumerate(ports):
        await ScriptedServer(fleet(share, number * share), delay_s=delay_s, port=port).__aenter__()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ports", type=int, nargs="+", required=True)
    parser.add_argument("--streams", type=int, default=5000)
    parser.add_argument("--delay_s", type=float, default=0.0)
    options = parser.parse_args()
    asyncio.run(_run(options.ports, options.streams, options.delay_s))
