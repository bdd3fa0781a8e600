"""What cameras send, as Redis keeps it: typed, by node, and read back with suspicion."""

from __future__ import annotations

import orjson
import pytest
from redis.asyncio import Redis

from restream.adapters.stores.redis_media import RedisMedia
from restream.domain.camera.secret import Secret
from restream.domain.engine import AudioStream, Media, VideoStream
from restream.domain.known_media import KnownMedia
from restream.ports.outlets import SinkError

KNOWN = KnownMedia(
    Media(
        VideoStream("h264", 1920, 1080, 25.0, "High", 1), AudioStream("aac", 16000, 1, adts=True), ("MD5", "SHA-256")
    ),
    "abc",
)
KEY = "p:restream:node:site:media"
VIDEO = {"codec": "h264", "width": 640, "height": 360}


async def test_what_is_saved_is_loaded_by_its_own_node(redis_url: str) -> None:
    memory, other = (RedisMedia(Secret(redis_url), "p:", node) for node in ("site", "another"))
    silent = KnownMedia(Media(VideoStream("hevc", 0, 0)), "def")
    await memory.save({"1": KNOWN, "2": silent}, ())
    assert await memory.load() == {"1": KNOWN, "2": silent}
    assert await other.load() == {}
    await memory.save({}, ["1", "9"])
    assert await memory.load() == {"2": silent}
    async with Redis.from_url(redis_url) as client:
        assert 6 * 24 * 3600 < await client.ttl(KEY) <= 7 * 24 * 3600
    for each in (memory, other):
        await each.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'[{},"x"]',
        b"{" * 2000,
        b" " * 5000,
        orjson.dumps([{"video": {**VIDEO, "width": -1}}, "x"]),
        orjson.dumps([{"video": {**VIDEO, "codec": "h\n264"}}, "x"]),
        orjson.dumps([{"video": VIDEO, "login": ["\x1b[2J"]}, "x"]),
        orjson.dumps([{"video": {**VIDEO, "place": 10**9}}, "x"]),
    ],
)
async def test_what_somebody_else_wrote_there_is_left_out(redis_url: str, body: bytes) -> None:
    memory = RedisMedia(Secret(redis_url), "p:", "site")
    await memory.save({"1": KNOWN}, ())
    async with Redis.from_url(redis_url) as client:
        await client.hset(KEY, "2", body)
    assert await memory.load() == {"1": KNOWN}
    await memory.close()


async def test_a_key_of_another_type_makes_room(redis_url: str, caplog: pytest.LogCaptureFixture) -> None:
    memory = RedisMedia(Secret(redis_url), "p:", "site")
    async with Redis.from_url(redis_url) as client:
        await client.set(KEY, "x")
        assert await memory.load() == {}
        await client.set(KEY, "x")
        await memory.save({"1": KNOWN}, ())
    assert await memory.load() == {"1": KNOWN}
    assert [KEY in text and "was a string, not a hash" in text for text in caplog.messages] == [True, True]
    await memory.close()


async def test_trouble_is_told_without_a_password() -> None:
    memory = RedisMedia(Secret("redis://:s3cret@127.0.0.1:1/0"), "", "site")
    with pytest.raises(SinkError) as told:
        await memory.load()
    assert "s3cret" not in str(told.value)
    await memory.close()
