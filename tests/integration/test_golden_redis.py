"""What every key of Redis holds after two cycles; see tests/unit/test_golden.py for how golden files are used."""

from __future__ import annotations

from typing import Any

import orjson
from redis.asyncio import Redis

from restream.adapters.stores.redis_archive import RedisArchive
from restream.adapters.stores.redis_sink import RedisSink
from restream.domain.camera.secret import Secret
from restream.interfaces.documents.events import EventDocument
from tests.support.golden import hold
from tests.unit.golden_story import NODE, story


async def test_redis_holds_what_it_held(redis_url: str) -> None:
    told = await story()
    url = Secret(redis_url)
    sink, archive = RedisSink(url, "site:", NODE, expire_s=3600), RedisArchive(url, "site:", NODE, EventDocument)
    client: Any
    async with Redis.from_url(redis_url) as client, client.pubsub(ignore_subscribe_messages=True) as listener:
        await listener.psubscribe("*")
        for documents, records, removed in zip(told.documents, told.records, ((), told.removed), strict=True):
            await sink.write(documents)
            await archive.save(records, removed)
        said: list[Any] = []
        while len(said) < 2:
            message = await listener.get_message(timeout=5)
            if message is not None:
                said.append([message["channel"].decode(), orjson.loads(message["data"])])
        # What a node keeps for its peers is nobody else's.
        names = [
            key
            for key in sorted(await client.keys("*"))
            if not key.startswith((b"site:restream:node:", b"site:restream:nodes"))
        ]
        held = {key.decode(): await _content(client, key) for key in names}
    await sink.close()
    await archive.close()
    hold("redis.json", {"keys": held, "published": said})


async def _content(client: Any, key: bytes) -> dict[str, Any]:
    kind = (await client.type(key)).decode()
    content: Any
    match kind:
        case "string":
            content = orjson.loads(await client.get(key))
        case "hash":
            found = await client.hgetall(key)
            content = {name.decode(): orjson.loads(found[name]) for name in sorted(found)}
        case "stream":
            # Their ids are times of the server's clock.
            entries = [fields for _, fields in await client.xrange(key)]
            content = [{name.decode(): orjson.loads(body) for name, body in each.items()} for each in entries]
        case _:
            raise AssertionError(f"{key!r} is of an unknown type: {kind}")
    return {"type": kind, "expires": await client.pttl(key) > 0, "content": content}
