"""The port `StreamSink`: every sink keeps what it is given, and says in one line when it cannot."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Connection, Redis

from restream.adapters.stores.json_file import JsonFileSink
from restream.adapters.stores.redis_sink import RedisSink
from restream.demo.embedded import free_port
from restream.domain.camera.secret import Secret
from restream.ports.outlets import Documents, SinkError

FIRST = Documents(b'[{"name":"cam1"}]', b'{"cameras":[]}', {"1": b'{"id":"1"}', "2": b'{"id":"2"}'})
SECOND = Documents(b"[]", b'{"cameras":[1]}', {"1": b'{"id":"1","phase":"running"}'})


async def test_the_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "streams.json"
    sink = JsonFileSink(path)
    await sink.write(FIRST)
    inode = path.stat().st_ino
    assert json.loads(path.read_bytes()) == [{"name": "cam1"}]
    await sink.write(SECOND)
    assert json.loads(path.read_bytes()) == []
    assert path.stat().st_ino != inode
    assert [each.name for each in tmp_path.iterdir()] == ["streams.json"], "no temporary file is left"


async def test_a_link_in_a_shared_directory_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious", encoding="utf-8")
    path = tmp_path / "streams.json"
    path.symlink_to(victim)
    await JsonFileSink(path).write(FIRST)
    assert victim.read_text(encoding="utf-8") == "precious"
    assert not path.is_symlink()


async def test_a_file_that_cannot_be_written_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="No such file or directory"):
        await JsonFileSink(tmp_path / "missing" / "streams.json").write(FIRST)


async def test_redis_holds_the_latest_cycle_and_forgets_it_by_itself(redis_url: str) -> None:
    client = Redis.from_url(redis_url)
    await client.hset("site:restream:cameras", "99", "left by an earlier run")
    sink = RedisSink(Secret(redis_url), "site:", "a", expire_s=10)
    listener = client.pubsub(ignore_subscribe_messages=True)
    await listener.subscribe("site:restream:changes")
    await sink.write(FIRST)
    assert await client.get("site:mediamtx:streams:latest") == FIRST.streams
    assert await client.get("site:restream:snapshot") == FIRST.snapshot
    assert await client.hgetall("site:restream:cameras") == {b"1": b'{"id":"1"}', b"2": b'{"id":"2"}'}
    await sink.write(SECOND)
    assert await client.hgetall("site:restream:cameras") == {b"1": b'{"id":"1","phase":"running"}'}
    for key in ("mediamtx:streams:latest", "restream:snapshot", "restream:cameras"):
        assert 0 < await client.pttl(f"site:{key}") <= 10_000, key
    await sink.write(SECOND)
    await client.publish("site:restream:changes", "[]")
    said = []
    while not said or said[-1]:
        message = await listener.get_message(timeout=5)
        said += [json.loads(message["data"])] if message else []
    assert said[:-1] == [["1", "2"], ["1", "2"]], "an unchanged cycle is not announced"
    await listener.aclose()
    await sink.close()
    await client.aclose()


async def test_a_hash_that_was_lost_is_made_whole_by_the_next_cycle(redis_url: str) -> None:
    """It expires while the service is stopped for longer than five cycles; Redis may restart between two of them."""
    sink = RedisSink(Secret(redis_url), "", "a", expire_s=10)
    await sink.write(FIRST)
    async with Redis.from_url(redis_url) as client:
        await client.flushdb()
        cameras = {**FIRST.cameras, "2": b'{"id":"2","phase":"running"}'}
        await sink.write(replace(FIRST, cameras=cameras))
        assert await client.hgetall("restream:cameras") == {key.encode(): body for key, body in cameras.items()}
    await sink.close()


async def test_redis_that_is_away_is_our_error_without_the_password() -> None:
    sink = RedisSink(Secret(f"redis://:hunter22@127.0.0.1:{free_port()}/0"), "", "a", expire_s=10)
    with pytest.raises(SinkError) as caught:
        await sink.write(FIRST)
    assert "hunter22" not in str(caught.value)
    await sink.close()


async def test_a_writer_that_is_cancelled_while_it_sends_ends(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled in the very moment in which the library has sent: until Python 3.12 asyncio.wait_for loses that."""
    sending, permitted = asyncio.Event(), asyncio.Event()
    really_send = Connection._send_packed_command

    async def send(connection: Connection, command: object) -> None:
        sending.set()
        await permitted.wait()
        await really_send(connection, command)  # type: ignore[arg-type]

    sink = RedisSink(Secret(redis_url), "", "a", expire_s=10)
    await sink.write(FIRST)
    monkeypatch.setattr(Connection, "_send_packed_command", send)
    writing = asyncio.create_task(sink.write(FIRST))
    await sending.wait()
    permitted.set()
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await sink.close()
