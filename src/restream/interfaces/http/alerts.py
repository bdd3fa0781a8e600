"""`/api/alerts`: who is told of outages, what became of the last messages, and a message on trial."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from restream.interfaces.documents.alerts import AlertsDocument, ReceiverTestDocument
from restream.interfaces.http.answer import json_answer
from restream.interfaces.http.query import Query

MOST_DELIVERIES = 500

Look = Callable[[int], Awaitable[AlertsDocument]]
"""Receivers, and at most so many messages."""
Test = Callable[[str | None], Awaitable[Mapping[str, str]]]
"""A test message to one receiver or to all: what went wrong, empty where it was taken, by name."""


def routes(look: Look, test: Test) -> list[web.RouteDef]:
    """Both."""
    testing = asyncio.Lock()

    async def alerts(request: web.Request) -> web.Response:
        query = Query(request.query).only("limit")
        return json_answer(await look(query.number("limit", 50, MOST_DELIVERIES)))

    async def try_out(request: web.Request) -> web.Response:
        receiver = Query(request.query).only("receiver").text("receiver")
        # Whoever presses a button ten times gets one message.
        if testing.locked():
            raise web.HTTPConflict(reason="a test is under way")
        async with testing:
            outcomes = await test(receiver)
        if not outcomes:
            raise web.HTTPNotFound(reason="there is no such receiver" if receiver else "there are no receivers")
        return json_answer([ReceiverTestDocument(name, not error, error) for name, error in outcomes.items()])

    return [web.get("/api/alerts", alerts), web.post("/api/alerts/test", try_out)]
