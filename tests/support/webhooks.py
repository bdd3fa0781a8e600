"""A receiver of webhooks that answers as told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from restream.demo.embedded import free_port

HANG = 0


@dataclass
class Receiver:
    """`statuses` are used up one a request, then 204; HANG never answers."""

    port: int
    statuses: list[int] = field(default_factory=list)
    received: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/hunter22"

    async def answer(self, request: web.Request) -> web.Response:
        self.received.append((dict(request.headers), await request.read()))
        status = self.statuses.pop(0) if self.statuses else 204
        if status == HANG:
            await asyncio.Event().wait()
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})


@asynccontextmanager
async def receiver(*statuses: int) -> AsyncIterator[Receiver]:
    it = Receiver(free_port(), list(statuses))
    app = web.Application()
    app.router.add_post("/{path:.*}", it.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", it.port).start()
    try:
        yield it
    finally:
        await runner.cleanup()
