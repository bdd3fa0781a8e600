"""Large answers are made and compressed once for everybody."""

from __future__ import annotations

import asyncio
import gzip
import json

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from restream.interfaces.http.answer_cache import AnswerCache

_BODY = json.dumps([{"id": str(number)} for number in range(500)]).encode()


class _Source:
    """Counts how often an answer is made."""

    def __init__(self) -> None:
        self.cache, self.made = AnswerCache(), 0

    def _make(self) -> tuple[bytes, dict[str, str]]:
        self.made += 1
        return _BODY, {"X-Total-Count": "500"}

    async def ask(self, version: str = "a-1", path: str = "/api/cameras", **headers: str) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.cache.answer(make_mocked_request("GET", path, headers=named), version, self._make)


async def test_the_same_question_is_answered_once_until_something_changes() -> None:
    source = _Source()
    answers = [await source.ask() for _ in range(3)]
    assert source.made == 1
    assert {bytes(answer.body) for answer in answers if isinstance(answer.body, bytes)} == {_BODY}
    assert answers[0].headers["X-Total-Count"] == "500"
    await source.ask("a-2")
    await source.ask("a-2", "/api/cameras?site=North")
    assert source.made == 3


async def test_it_is_compressed_once_for_all_who_take_it() -> None:
    source = _Source()
    asked = [source.ask(Accept_Encoding="gzip, br") for _ in range(5)]
    answers = await asyncio.gather(*asked)
    bodies = {id(answer.body) for answer in answers}
    assert len(bodies) == 1
    body = answers[0].body
    assert isinstance(body, bytes)
    assert gzip.decompress(body) == _BODY
    assert answers[0].headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in (await source.ask()).headers


async def test_who_leaves_takes_the_compressed_answer_from_nobody() -> None:
    source = _Source()
    leaves, stays = (asyncio.ensure_future(source.ask(Accept_Encoding="gzip")) for _ in range(2))
    await asyncio.sleep(0)
    leaves.cancel()
    body = (await stays).body
    assert isinstance(body, bytes)
    assert gzip.decompress(body) == _BODY


async def test_who_has_the_newest_version_gets_none() -> None:
    source = _Source()
    etag = (await source.ask()).headers["ETag"]
    assert (await source.ask(If_None_Match=etag)).status == 304
    assert (await source.ask("a-2", If_None_Match=etag)).status == 200


async def test_few_questions_are_kept() -> None:
    source = _Source()
    for number in range(100):
        await source.ask(path=f"/api/cameras?offset={number}")
    await source.ask(path="/api/cameras?offset=99")
    assert source.made == 100
    await source.ask(path="/api/cameras?offset=0")
    assert source.made == 101
