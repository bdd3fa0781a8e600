"""The client of third-party stream servers against a server that misbehaves on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import web

from restream.adapters.visionaire_http import MAX_CALLS, MAX_CALLS_PER_HOST, VisionaireDirectory, stream_directories
from restream.demo.embedded import free_port
from restream.domain.news.component import ComponentState
from restream.domain.visionaire import API_ERROR, Collection, parse_servers
from restream.supervisor.components import Components
from restream.supervisor.picture.visionaire_poller import NAME, VisionairePoller
from tests.support.eventually import eventually
from tests.support.visionaire import Answer, ScriptedServer, details, fleet, hang, text


@asynccontextmanager
async def directory(
    url: str, *, interval_s: float = 10.0, timeout_s: float = 5.0
) -> AsyncIterator[VisionaireDirectory]:
    (found,) = stream_directories(parse_servers([url]), interval_s=interval_s, timeout_s=timeout_s)
    try:
        yield found
    finally:
        await found.close()


async def collect(server: ScriptedServer, *, interval_s: float = 10.0, timeout_s: float = 5.0) -> Collection:
    async with directory(server.url, interval_s=interval_s, timeout_s=timeout_s) as found:
        return await found.collect()


def states(collection: Collection) -> dict[str, str]:
    return {stream.listed.stream_id: stream.details.state for stream in collection.streams or ()}


async def test_list_and_details() -> None:
    streams = {
        ("1", "gate"): details(last_error_msg="none"),
        ("0", "yard"): details(active=False),
        ("2", "hall"): {"active": True, "status": {"pipelines": [{"state": "RUNNING"}]}},
        ("2", "roof"): {},
    }
    async with ScriptedServer(streams, delay_s=0.02) as server:
        collection = await collect(server)
    assert states(collection) == {"gate": "RUNNING", "yard": "RUNNING", "hall": "RUNNING", "roof": "UNKNOWN"}
    assert [stream.up for stream in collection.streams or ()] == [True, False, True, False]
    gate = (collection.streams or ())[0]
    assert (gate.listed.name, gate.listed.node_num) == ("Name of gate", "1")
    assert (gate.details.fps, gate.details.width, gate.details.height, gate.details.error) == (25.0, 1920, 1080, "none")
    assert collection.errors == 0 and collection.error == "" and 0.02 <= collection.response_time_s < 1
    assert sorted(server.asked) == [
        "/streams",
        "/streams/0/yard",
        "/streams/1/gate",
        "/streams/2/hall",
        "/streams/2/roof",
    ]


async def test_ids_are_quoted_and_stay_inside_the_api() -> None:
    names = ["a/b", "../../admin", "50%", "a b", "ü?x=1#y", "%2e%2e"]
    async with ScriptedServer({("1", name): details() for name in names}) as server:
        collection = await collect(server)
    assert states(collection) == dict.fromkeys(names, "RUNNING")
    assert all(path == "/streams" or path.startswith("/streams/1/") for path in server.asked)
    assert "/streams/1/..%2F..%2Fadmin" in server.asked


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (text("oops", 500), "HTTP 500"),
        (text("", 401), "HTTP 401"),
        (text("<html>"), "its answer is no JSON"),
        (text(""), "its answer is no JSON"),
        (text(b"\xff\xfe"), "its answer is no JSON"),
        (text("[" * 100_000), "its answer is no JSON"),
        (text("[]"), "its answer is not what the API promises"),
        (text('{"streams": {}}'), "its answer is not what the API promises"),
        (text(b'{"streams": [' + b" " * (8 << 20) + b"]}"), "its answer is too large"),
        (text("", 302, {"Location": "http://127.0.0.1:1/streams"}), "HTTP 302"),
        (hang, "no answer within 0.3 s"),
    ],
)
async def test_a_list_that_cannot_be_had(answer: Answer, error: str) -> None:
    async with ScriptedServer(fleet(3)) as server:
        server.answers["/streams"] = answer
        collection = await collect(server, timeout_s=0.3 if answer is hang else 5.0)
    assert collection == Collection(None, errors=1, response_time_s=0.0, error=error)
    assert server.asked == ["/streams"]


async def test_a_server_that_is_away() -> None:
    async with directory(f"http://127.0.0.1:{free_port()}") as absent:
        collection = await absent.collect()
    assert (collection.streams, collection.errors, collection.error) == (None, 1, "Connection refused")


@pytest.mark.parametrize(
    "answer",
    [
        text("", 500),
        text("", 404),
        text("{"),
        text("[]"),
        text("null"),
        hang,
        text("{" + " " * (256 << 10) + "}"),
        text("", 301, {"Location": "/streams/0/stream-4"}),
    ],
)
async def test_details_that_cannot_be_had_cost_only_their_stream(answer: Answer) -> None:
    async with ScriptedServer(fleet(5)) as server:
        server.answers["/streams/2/stream-2"] = answer
        collection = await collect(server, timeout_s=0.5 if answer is hang else 5.0)
    assert states(collection) == {f"stream-{n}": API_ERROR if n == 2 else "RUNNING" for n in range(5)}
    failed = (collection.streams or ())[2]
    assert not failed.up and failed.listed.name == "Name of stream-2"
    assert collection.errors == 1 and collection.error.startswith("no details of 1 of 5 streams: ")
    assert len(server.asked) == 6 and collection.response_time_s > 0


async def test_a_redirect_to_another_host_is_not_followed() -> None:
    async with ScriptedServer(fleet(1)) as other, ScriptedServer(fleet(1)) as server:
        server.answers["*"] = text("", 307, {"Location": other.url + "/streams/0/stream-0"})
        assert (await collect(server)).streams is None
        server.answers = {"/streams/0/stream-0": server.answers["*"]}
        assert states(await collect(server)) == {"stream-0": API_ERROR}
        assert other.asked == []


async def test_compressed_answers_are_neither_asked_for_nor_unpacked() -> None:
    async def bomb(_: web.Request) -> web.StreamResponse:
        response = web.Response(body=b'{"streams": [' + b" " * (32 << 20) + b"]}")
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async with ScriptedServer() as server:
        server.answers["/streams"] = bomb
        assert (await collect(server)).error == "its answer is no JSON"
    assert {headers["Accept-Encoding"] for headers in server.headers} == {"identity"}


async def test_credentials_of_the_url_are_sent_and_not_shown() -> None:
    async with ScriptedServer(fleet(1)) as server, directory(server.url.replace("//", "//bob:hunter22@")) as found:
        await found.collect()
        assert "hunter22" not in f"{found.server}"
    assert {headers["Authorization"] for headers in server.headers} == {"Basic Ym9iOmh1bnRlcjIy"}


async def test_calls_to_one_server_are_limited_and_reuse_connections() -> None:
    async with ScriptedServer(fleet(100), delay_s=0.02) as server:
        async with directory(server.url, interval_s=0.4) as found:
            collection = await found.collect()
        # The bound may have cut it short; what counts is how it was asked.
        assert collection.streams is not None
        assert 1 < server.most_active <= MAX_CALLS_PER_HOST
        assert len(server.connections) <= MAX_CALLS_PER_HOST


async def test_calls_are_spread_over_time() -> None:
    loop = asyncio.get_running_loop()
    async with ScriptedServer(fleet(40)) as server, directory(server.url, interval_s=8) as found:
        began = loop.time()
        assert (await found.collect()).errors == 0
        assert loop.time() - began >= 39 * 0.02
    async with ScriptedServer(fleet(400)) as server, directory(server.url, interval_s=4) as found:
        assert (await found.collect()).errors == 0, "many streams are spread less, so that the cycle still ends"


@pytest.mark.parametrize("number", [1, 9, 64, 1000])
def test_all_servers_together_are_limited(number: int) -> None:
    servers = parse_servers(f"http://h{n}:4004" for n in range(number))
    shares = {found._calls for found in stream_directories(servers, interval_s=60, timeout_s=10)}
    (share,) = shares
    assert 1 <= share <= MAX_CALLS_PER_HOST and (share == 1 or share * number <= MAX_CALLS)


async def test_a_cycle_ends_in_time_whatever_hangs() -> None:
    loop = asyncio.get_running_loop()
    async with ScriptedServer(fleet(60)) as server:
        server.answers["*"] = hang
        for n in range(10):
            server.answers[f"/streams/{n % 4}/stream-{n}"] = None  # type: ignore[assignment]
        server.answers["/streams"] = None  # type: ignore[assignment]
        began = loop.time()
        collection = await collect(server, interval_s=2.0, timeout_s=10)
        assert loop.time() - began < 2.0
    assert collection.streams is not None and len(collection.streams) == 60
    assert sum(stream.up for stream in collection.streams) == 10
    assert collection.errors == 50 and "not asked within 1.5 s (50)" in collection.error
    assert collection.answers


async def test_a_server_that_hangs_delays_no_other_and_comes_back() -> None:
    components = Components()
    async with ScriptedServer(fleet(3)) as good, ScriptedServer(fleet(2)) as bad:
        bad.answers["*"] = hang
        servers = parse_servers([good.url, bad.url])
        directories = stream_directories(servers, interval_s=0.5, timeout_s=10)
        poller = VisionairePoller(directories, components, interval_s=0.5)
        (good_name, bad_name) = (server.host for server in servers)
        task = asyncio.create_task(poller.run())
        try:
            await eventually(lambda: components.state(NAME) is ComponentState.DOWN, 10)
            assert bad_name in components.all[NAME].detail
            asked = len(good.asked)
            await eventually(lambda: len(good.asked) >= asked + 12, 10, "the good server is asked again and again")
            assert poller.pictures[good_name].fresh and not poller.pictures[bad_name].fresh
            # On a busy machine the good one may be late too, now and then.
            assert poller.pictures[good_name].errors_total < poller.pictures[bad_name].errors_total
            bad.answers.clear()
            await eventually(lambda: components.state(NAME) is ComponentState.UP, 10)
            assert len(poller.pictures[bad_name].streams) == 2
            bad.answers["*"] = text("", 503)
            await eventually(lambda: not poller.pictures[bad_name].fresh, 10)
            assert len(poller.pictures[bad_name].streams) == 2, "the last good data stay"
            assert poller.pictures[bad_name].response_time_s == 0
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    assert not [each for each in asyncio.all_tasks() if each.get_name().startswith(NAME)]


async def test_five_thousand_streams_on_nine_servers() -> None:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(ScriptedServer(fleet(556, n * 556))) for n in range(9)]
        directories = stream_directories(parse_servers(each.url for each in servers), interval_s=60, timeout_s=10)
        try:
            collections = await asyncio.gather(*(each.collect() for each in directories))
        finally:
            await asyncio.gather(*(each.close() for each in directories))
    found = {stream.listed.stream_id for each in collections for stream in each.streams or () if stream.up}
    assert found == {f"stream-{n}" for n in range(9 * 556)}
    assert all(each.errors == 0 for each in collections)
