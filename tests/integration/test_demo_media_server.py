"""The stand-in media server against real ffmpeg, and the same relay against a real mediamtx when there is one."""

import asyncio
import os
import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from restream.demo.cameras import SimulatedCamera
from restream.demo.clips import CLIPS, Clip
from restream.demo.media_server import SinkFault, StandInServer

from .test_demo_cameras import CODECS, codecs, eventually, ffprobe, relay

pytestmark = pytest.mark.skipif(not shutil.which("ffmpeg") or not shutil.which("ffprobe"), reason="ffmpeg not on PATH")


REFUSED = (1, 8)  # ffmpeg 5.1, and from 7 on: -AVERROR & 0xff


def publish(rtsp_url: str, path: str = "cam1") -> list[str]:
    return ["-f", "rtsp", "-rtsp_transport", "tcp", "-pkt_size", "1316", f"{rtsp_url}/{path}"]


class Api:
    """The control API as a client sees it."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    async def get(self, route: str) -> Any:
        async with self._http.get(self._url + route) as answer:
            return await answer.json()

    async def status(self, route: str, method: str = "GET") -> tuple[int, str, str]:
        async with self._http.request(method, self._url + route) as answer:
            return answer.status, answer.content_type, await answer.text()

    async def path(self, name: str = "cam1") -> dict[str, Any]:
        items = (await self.get("/v3/paths/list"))["items"]
        return next((item for item in items if item["name"] == name), {})

    async def rising(self, name: str = "cam1", by_bytes: int = 5000) -> dict[str, Any]:
        """The path's item once its inbound bytes have risen."""
        first: int | None = None
        async with asyncio.timeout(20):
            while True:
                item = await self.path(name)
                if item.get("available"):
                    first = item["inboundBytes"] if first is None else first
                    if item["inboundBytes"] >= first + by_bytes:
                        return item
                await asyncio.sleep(0.1)

    async def gone(self, name: str = "cam1") -> None:
        async with asyncio.timeout(10):
            while (await self.path(name)).get("available"):
                await asyncio.sleep(0.05)


@asynccontextmanager
async def api_of(url: str) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http:
        yield Api(http, url)


@asynccontextmanager
async def real_server(folder: Path) -> AsyncIterator[tuple[str, str]]:
    """A mediamtx process on free ports: its RTSP and API URLs."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        rtsp_port, api_port = one.getsockname()[1], other.getsockname()[1]
    off = "".join(f"{name}: no\n" for name in ("rtmp", "hls", "webrtc", "srt"))
    config = folder / "mediamtx.yml"
    config.write_text(
        f"api: yes\napiAddress: 127.0.0.1:{api_port}\nrtspAddress: 127.0.0.1:{rtsp_port}\nrtspTransports: [tcp]\n{off}"
        "paths:\n  all_others:\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MTX_")}
    environment["MTX_MOQ"] = "no"  # by environment: releases that lack it would refuse the key in the file
    process = await asyncio.create_subprocess_exec(
        *("mediamtx", str(config)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
        cwd=folder,
    )
    try:
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", rtsp_port)
                    writer.close()
                    break
                except OSError:
                    assert process.returncode is None, "mediamtx ended"
                    await asyncio.sleep(0.05)
        yield f"rtsp://127.0.0.1:{rtsp_port}", f"http://127.0.0.1:{api_port}"
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture(params=["stand-in", "mediamtx"])
async def sink(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    if request.param == "mediamtx":
        if not shutil.which("mediamtx"):
            pytest.skip("no mediamtx on PATH")
        async with real_server(tmp_path) as urls:
            yield urls
    else:
        async with StandInServer() as server:
            yield server.rtsp_url, server.api_url


@pytest.mark.parametrize("name", CLIPS)
async def test_relay_and_read_back(name: str, sink: tuple[str, str]) -> None:
    rtsp_url, api_url = sink
    async with (
        SimulatedCamera(Clip.load(name)) as camera,
        api_of(api_url) as api,
        relay(camera.url(), publish(rtsp_url)) as running,
    ):
        item = await api.rising()
        assert item["ready"] and item["online"] and item["source"]["type"] == "rtspSession"
        expected = {"h264": "H264", "hevc": "H265", "aac": "MPEG-4 Audio", "pcm_alaw": "G711"}
        assert item["tracks"] == [expected[codec] for codec in CODECS[name].values()]
        assert [track["codec"] for track in item["tracks2"]] == item["tracks"]
        assert item["bytesReceived"] == item["inboundBytes"]
        read_back = await ffprobe(f"{rtsp_url}/cam1")
        assert read_back.exit_code == 0 and codecs(read_back) == CODECS[name], read_back
        sessions = (await api.get("/v3/rtspsessions/list"))["items"]
        (session,) = (each for each in sessions if each["state"] == "publish")
        assert session["id"] == item["source"]["id"]
        assert (session["path"], session["transport"]) == ("cam1", "TCP")
        assert (await api.path())["outboundBytes"] > 0
        await running.advances()
        running.process.terminate()
        await running.ended()
        await api.gone()
        assert await api.path() == {}


async def test_both_servers_describe_a_publisher_alike(sink: tuple[str, str]) -> None:
    rtsp_url, api_url = sink
    keys = {"id", "created", "remoteAddr", "state", "path", "query", "user", "userAgent", "transport", "profile"}
    async with (
        SimulatedCamera(Clip.load("h264_pcma")) as camera,
        api_of(api_url) as api,
        relay(camera.url(), publish(rtsp_url, "cam1?sup=7")),
    ):
        item = await api.rising()
        assert {*item} >= {"name", "confName", "readyTime", "availableTime", "onlineTime", "readers", "outboundBytes"}
        assert item["tracks2"][1]["codecProps"] == {"sampleRate": 8000, "channelCount": 1, "muLaw": False}
        (session,) = (await api.get("/v3/rtspsessions/list"))["items"]
        assert session.keys() >= keys and session["query"] == "sup=7"
        assert {*await api.get("/v3/info")} == {"version", "started"}
        assert (await api.get("/v3/paths/get/cam1"))["name"] == "cam1"
        absent = await api.status("/v3/paths/get/nope")
        assert absent == (404, "application/json", absent[2]) and '"status"' in absent[2]
        assert await api.status("/v3/srtconns/list") == (404, "text/plain", "404 page not found")
        assert (await api.status("/v3/paths/list?itemsPerPage=0"))[0] == 400
        page = await api.get("/v3/paths/list?page=5&itemsPerPage=1")
        assert page == {"itemCount": 1, "pageCount": 1, "items": []}


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_many_readers_then_a_kick(transport: str) -> None:
    async with (
        StandInServer() as server,
        SimulatedCamera(Clip.load("h264_aac")) as camera,
        api_of(server.api_url) as api,
        relay(camera.url(), publish(server.rtsp_url)) as publisher,
    ):
        item = await api.rising()
        async with (
            relay(f"{server.rtsp_url}/cam1", transport=transport) as one,
            relay(f"{server.rtsp_url}/cam1", transport=transport) as other,
        ):
            await one.advances()
            await other.advances()
            assert len((await api.path())["readers"]) == 2
            kick = f"/v3/rtspsessions/kick/{item['source']['id']}"
            assert (await api.status(kick, "POST"))[0] == 200
            assert await publisher.ended() in (1, 224) and "Broken pipe" in publisher.stderr
            await one.ended()
            await other.ended()
        assert (await api.status(kick, "POST"))[0] == 404
        assert (await api.status("/v3/rtspsessions/kick/x", "POST"))[0] == 400
        assert (await api.get("/v3/rtspsessions/list"))["itemCount"] == 0


@pytest.mark.parametrize(
    ("fault", "stderr"),
    [
        (SinkFault.REFUSE_401, r"method ANNOUNCE failed: 401 ?Unauthorized"),
        (SinkFault.REFUSE_400, "Server returned 400 Bad Request"),
        (SinkFault.REFUSE_503, r"method ANNOUNCE failed: 503 ?Service Unavailable"),
    ],
)
async def test_a_refused_publisher(fault: SinkFault, stderr: str) -> None:
    async with StandInServer() as server, SimulatedCamera(Clip.load("h264")) as camera:
        server.fault = fault
        async with relay(camera.url(), publish(server.rtsp_url)) as running:
            assert await running.ended() in REFUSED
            assert re.search(stderr, running.stderr)


async def test_credentials_of_publishers() -> None:
    async with (
        StandInServer(publish_user="bob", publish_password="s3cret") as server,
        SimulatedCamera(Clip.load("h264")) as camera,
        api_of(server.api_url) as api,
    ):
        for login in ("", "bob:wrong@"):
            url = server.rtsp_url.replace("//", f"//{login}")
            async with relay(camera.url(), publish(url)) as running:
                assert await running.ended() in REFUSED
                assert re.search(r"method ANNOUNCE failed: 401 ?Unauthorized", running.stderr)
        async with relay(camera.url(), publish(server.rtsp_url.replace("//", "//bob:s3cret@"))):
            await api.rising()
            (session,) = (await api.get("/v3/rtspsessions/list"))["items"]
            assert session["user"] == "bob"


async def test_known_paths_are_listed_and_others_refused() -> None:
    async with (
        StandInServer(known_paths=["cam1"]) as server,
        SimulatedCamera(Clip.load("h264")) as camera,
        api_of(server.api_url) as api,
    ):
        item = await api.path()
        assert (item["available"], item["source"], item["tracks"], item["confName"]) == (False, None, [], "cam1")
        async with relay(camera.url(), publish(server.rtsp_url, "cam2")) as running:
            assert await running.ended() in REFUSED
            assert "Server returned 400 Bad Request" in running.stderr
        assert "404" in (await ffprobe(f"{server.rtsp_url}/cam1")).last_line
        assert "400" in (await ffprobe(f"{server.rtsp_url}/cam2")).last_line


@pytest.mark.parametrize("override", [True, False])
async def test_a_second_publisher(override: bool) -> None:
    async with (
        StandInServer(override_publisher=override) as server,
        SimulatedCamera(Clip.load("h264")) as camera,
        api_of(server.api_url) as api,
        relay(camera.url(), publish(server.rtsp_url)) as first,
    ):
        source = (await api.rising())["source"]
        async with relay(camera.url(), publish(server.rtsp_url)) as second:
            loser = first if override else second
            assert await loser.ended() in (1, 183, 224)
            assert ("Broken pipe" if override else "Could not write header") in loser.stderr
            assert ((await api.rising())["source"] != source) == override


async def test_hanging_faults() -> None:
    async with (
        StandInServer() as server,
        SimulatedCamera(Clip.load("h264")) as camera,
        api_of(server.api_url) as api,
    ):
        server.fault = SinkFault.HANG_ANNOUNCE
        async with relay(camera.url(), publish(server.rtsp_url)) as running:
            await eventually(lambda: len(server.connections) == 1)
            await asyncio.sleep(1)
            assert running.exit_code is None and server.paths == {}
        server.fault = SinkFault.NONE
        async with relay(camera.url(), publish(server.rtsp_url)):
            await api.rising()
            server.fault = SinkFault.STOP_READING
            before = (await api.path())["inboundBytes"]
            await asyncio.sleep(1)
            assert (await api.path())["inboundBytes"] == before
            server.fault = SinkFault.NONE
            await api.rising()
            server.fault = SinkFault.API_HANG
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await api.get("/v3/info")
            server.fault = SinkFault.NONE
            assert (await api.get("/v3/info"))["version"] == "stand-in"


async def test_a_silent_publisher_is_closed() -> None:
    async with (
        StandInServer(read_timeout_s=1) as server,
        SimulatedCamera(Clip.load("h264")) as camera,
        api_of(server.api_url) as api,
        relay(camera.url(), publish(server.rtsp_url), timeout_s=20) as running,
    ):
        await api.rising()
        running.process.send_signal(19)  # SIGSTOP: the connection stays open
        try:
            await api.gone()
        finally:
            running.process.send_signal(18)


async def test_paging_loses_nothing() -> None:
    names = [f"cam{number:03}" for number in range(150)]
    async with StandInServer(known_paths=names) as server, api_of(server.api_url) as api:
        pages = [await api.get(f"/v3/paths/list?page={number}") for number in range(3)]
        assert [(page["itemCount"], page["pageCount"], len(page["items"])) for page in pages] == [
            (150, 2, 100),
            (150, 2, 50),
            (150, 2, 0),
        ]
        assert [item["name"] for page in pages for item in page["items"]] == names
        assert len((await api.get("/v3/paths/list?itemsPerPage=100000"))["items"]) == 150


async def test_stopping_does_not_wait_for_hanging_clients() -> None:
    async with StandInServer() as server, api_of(server.api_url) as api:
        server.fault = SinkFault.API_HANG
        hanging = asyncio.create_task(api.get("/v3/info"))
        _, writer = await asyncio.open_connection("127.0.0.1", server.rtsp_port)
        await eventually(lambda: len(server.connections) == 1)
        async with asyncio.timeout(3):
            await server.stop()
        with pytest.raises(aiohttp.ClientError):
            await hanging
        writer.close()


async def test_hostile_input_closes_the_connection() -> None:
    async with StandInServer() as server:
        for data in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"A" * 20_000,
            b"ANNOUNCE rtsp://h/c RTSP/1.0\r\nContent-Length: 99999\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.rtsp_port)
            writer.write(data)
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await reader.readexactly(1)
            writer.close()
        await eventually(lambda: not server.connections)


async def test_restart_on_the_same_ports() -> None:
    server = StandInServer()
    await server.start()
    urls, started = (server.rtsp_url, server.api_url), server.started
    async with SimulatedCamera(Clip.load("h264")) as camera, relay(camera.url(), publish(server.rtsp_url)) as running:
        await eventually(lambda: "cam1" in server.paths)
        await server.stop()
        assert await running.ended() in (1, 224) and "Broken pipe" in running.stderr
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await server.start()
    assert (server.rtsp_url, server.api_url) == urls and server.started > started
    await server.stop()


async def test_a_slow_reader_is_dropped_from_not_waited_for() -> None:
    async with (
        StandInServer(max_backlog_bytes=20_000) as server,
        SimulatedCamera(Clip.load("h264_pcma")) as camera,
        api_of(server.api_url) as api,
        relay(camera.url(), publish(server.rtsp_url)),
    ):
        await api.rising()
        with socket.create_connection(("127.0.0.1", server.rtsp_port)) as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for number, line in enumerate(("SETUP {}/streamid=0", "SETUP {}/streamid=1", "PLAY {}")):
                request = line.format(f"{server.rtsp_url}/cam1") + f" RTSP/1.0\r\nCSeq: {number}\r\n"
                transport = f"Transport: RTP/AVP/TCP;unicast;interleaved={2 * number}-{2 * number + 1}\r\n"
                slow.sendall((request + (transport if number < 2 else "") + "\r\n").encode())
            await eventually(lambda: any(each.state == "read" for each in server.connections))
            (reader,) = (each for each in server.connections if each.state == "read")
            reader.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            await eventually(lambda: reader.delivery.dropped_total > 0, 30, "packets are dropped")
            await api.rising()
