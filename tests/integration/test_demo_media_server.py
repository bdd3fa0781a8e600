"""The stand-in media server against real ffmpeg, and the same relay against a real mediamtx when there is one."""

import asyncio
import re
import shutil
import signal
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
from tests.support.eventually import eventually
from tests.support.servers import TestServer

from .test_demo_cameras import CODECS, codecs, ffprobe, relay, together

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
        first: list[int] = []

        async def risen() -> dict[str, Any] | None:
            item = await self.path(name)
            if not item.get("available"):
                return None
            first.append(item["inboundBytes"])
            return item if item["inboundBytes"] >= first[0] + by_bytes else None

        found = await eventually(risen, 20, f"bytes of {name} rise")
        assert found
        return found

    async def still(self, name: str = "cam1", for_s: float = 0.5) -> None:
        """Returns once the path's inbound bytes have stood still for that long."""
        loop = asyncio.get_running_loop()
        seen_at_s: dict[int, float] = {}

        async def stands() -> bool:
            inbound_bytes = (await self.path(name))["inboundBytes"]
            return loop.time() - seen_at_s.setdefault(inbound_bytes, loop.time()) >= for_s

        await eventually(stands, 10, f"bytes of {name} stand still")

    async def gone(self, name: str = "cam1") -> None:
        async def unavailable() -> bool:
            return not (await self.path(name)).get("available")

        await eventually(unavailable, 10, f"{name} is gone")


@asynccontextmanager
async def api_of(url: str) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http:
        yield Api(http, url)


@pytest.fixture(autouse=True)
def _scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A media server writes into its working directory."""
    monkeypatch.chdir(tmp_path)


async def test_relay_and_read_back(media_server: TestServer) -> None:
    async def case(name: str, api: Api) -> None:
        async with (
            SimulatedCamera(Clip.load(name)) as camera,
            relay(camera.url(), publish(media_server.rtsp_url, name)) as running,
        ):
            item = await api.rising(name)
            assert item["ready"] and item["online"] and item["source"]["type"] == "rtspSession"
            expected = {"h264": "H264", "hevc": "H265", "aac": "MPEG-4 Audio", "pcm_alaw": "G711"}
            assert item["tracks"] == [expected[codec] for codec in CODECS[name].values()]
            assert [track["codec"] for track in item["tracks2"]] == item["tracks"]
            assert item["bytesReceived"] == item["inboundBytes"]
            read_back = await ffprobe(f"{media_server.rtsp_url}/{name}")
            assert read_back.exit_code == 0 and codecs(read_back) == CODECS[name], read_back
            sessions = (await api.get("/v3/rtspsessions/list"))["items"]
            (session,) = (each for each in sessions if each["id"] == item["source"]["id"])
            assert (session["state"], session["path"], session["transport"]) == ("publish", name, "TCP")
            assert (await api.path(name))["outboundBytes"] > 0
            await running.advances()
            running.process.terminate()
            await running.ended()
            await api.gone(name)
            assert await api.path(name) == {}

    async with api_of(media_server.api_url) as api:
        await together(*(case(name, api) for name in CLIPS))


async def test_both_servers_describe_a_publisher_alike(media_server: TestServer) -> None:
    keys = {"id", "created", "remoteAddr", "state", "path", "query", "user", "userAgent", "transport", "profile"}
    async with (
        SimulatedCamera(Clip.load("h264_pcma")) as camera,
        api_of(media_server.api_url) as api,
        relay(camera.url(), publish(media_server.rtsp_url, "cam1?sup=7")),
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
        assert await api.status("/v3/rtmpconns/list") == (404, "text/plain", "404 page not found")
        assert (await api.status("/v3/paths/list?itemsPerPage=0"))[0] == 400
        page = await api.get("/v3/paths/list?page=5&itemsPerPage=1")
        assert page == {"itemCount": 1, "pageCount": 1, "items": []}


async def test_many_readers_then_a_kick() -> None:
    async def case(transport: str) -> None:
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
                assert await publisher.ended() in (1, 224)
                assert "Broken pipe" in publisher.stderr
                await one.ended()
                await other.ended()
            assert (await api.status(kick, "POST"))[0] == 404
            assert (await api.status("/v3/rtspsessions/kick/x", "POST"))[0] == 400
            assert (await api.get("/v3/rtspsessions/list"))["itemCount"] == 0

    await together(case("tcp"), case("udp"))


async def test_a_refused_publisher() -> None:
    async def case(fault: SinkFault, stderr: str) -> None:
        async with StandInServer() as server, SimulatedCamera(Clip.load("h264")) as camera:
            server.fault = fault
            async with relay(camera.url(), publish(server.rtsp_url)) as running:
                assert await running.ended() in REFUSED
                assert re.search(stderr, running.stderr), running.stderr

    await together(
        case(SinkFault.REFUSE_401, r"method ANNOUNCE failed: 401 ?Unauthorized"),
        case(SinkFault.REFUSE_400, r"Server returned 400 Bad Request"),
        case(SinkFault.REFUSE_503, r"method ANNOUNCE failed: 503 ?Service Unavailable"),
    )


async def test_credentials_of_publishers() -> None:
    async with (
        StandInServer(publish_user="bob", publish_password="s3cret") as server,
        SimulatedCamera(Clip.load("h264")) as camera,
        api_of(server.api_url) as api,
    ):

        async def refused(login: str) -> None:
            async with relay(camera.url(), publish(server.rtsp_url.replace("//", f"//{login}"))) as running:
                assert await running.ended() in REFUSED
                assert re.search(r"method ANNOUNCE failed: 401 ?Unauthorized", running.stderr), running.stderr

        await together(refused(""), refused("bob:wrong@"))
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


async def test_a_second_publisher() -> None:
    async def case(override: bool) -> None:
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

    await together(case(True), case(False))


async def test_a_hanging_announce() -> None:
    async with StandInServer() as server:
        server.fault = SinkFault.HANG_ANNOUNCE
        reader, writer = await asyncio.open_connection("127.0.0.1", server.rtsp_port)
        for number, method in enumerate(("ANNOUNCE", "OPTIONS")):
            writer.write(f"{method} {server.rtsp_url}/cam1 RTSP/1.0\r\nCSeq: {number}\r\n\r\n".encode())
        async with asyncio.timeout(5):
            assert b"CSeq: 1\r\n" in await reader.readuntil(b"\r\n\r\n"), "only what follows is answered"
        assert not server.paths
        writer.close()


async def test_hanging_while_live() -> None:
    async with (
        StandInServer() as server,
        SimulatedCamera(Clip.load("h264")) as camera,
        api_of(server.api_url) as api,
        relay(camera.url(), publish(server.rtsp_url)),
    ):
        await api.rising()
        server.fault = SinkFault.STOP_READING
        await api.still()
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
        running.process.send_signal(signal.SIGSTOP)  # the connection stays open
        try:
            await api.gone()
        finally:
            running.process.send_signal(signal.SIGCONT)


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
        await eventually(lambda: len(server.connections) == 1, 10)
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
        await eventually(lambda: not server.connections, 10)


async def test_restart_on_the_same_ports() -> None:
    server = StandInServer()
    await server.start()
    urls, started = (server.rtsp_url, server.api_url), server.started_at
    async with SimulatedCamera(Clip.load("h264")) as camera, relay(camera.url(), publish(server.rtsp_url)) as running:
        await eventually(lambda: "cam1" in server.paths, 10)
        await server.stop()
        assert await running.ended() in (1, 224)
        assert "Broken pipe" in running.stderr
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await server.start()
    assert (server.rtsp_url, server.api_url) == urls and server.started_at > started
    await server.stop()


async def test_a_slow_reader_is_dropped_from_not_waited_for() -> None:
    async with (
        StandInServer(max_backlog_bytes=2_000) as server,
        SimulatedCamera(Clip.load("h264_pcma")) as camera,
        api_of(server.api_url) as api,
        relay(camera.url(), publish(server.rtsp_url)),
    ):
        await api.rising()
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # before connecting, to keep the window small
            slow.connect(("127.0.0.1", server.rtsp_port))
            for number, line in enumerate(("SETUP {}/streamid=0", "SETUP {}/streamid=1", "PLAY {}")):
                request = line.format(f"{server.rtsp_url}/cam1") + f" RTSP/1.0\r\nCSeq: {number}\r\n"
                transport = f"Transport: RTP/AVP/TCP;unicast;interleaved={2 * number}-{2 * number + 1}\r\n"
                slow.sendall((request + (transport if number < 2 else "") + "\r\n").encode())
            await eventually(lambda: any(each.state == "read" for each in server.connections), 10)
            (reader,) = (each for each in server.connections if each.state == "read")
            reader.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            await eventually(lambda: reader.delivery.dropped_total > 0, 30, "packets are dropped")
            await api.rising()
