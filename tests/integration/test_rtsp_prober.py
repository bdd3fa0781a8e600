"""Our own probe over real sockets: every behaviour of the simulated cameras that a DESCRIBE meets, and every way to
miss a camera."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest

from restream.adapters.rtsp import prober as prober_module
from restream.adapters.rtsp.prober import RtspProber
from restream.demo.behaviours.answers import Redirects
from restream.demo.behaviours.table import BEHAVIOURS
from restream.demo.cameras import Fault, SimulatedCamera
from restream.demo.certificates import self_signed
from restream.demo.clips import Clip
from restream.domain.camera.options import parse_options
from restream.domain.camera.urls import parse_source
from restream.domain.engine import AudioStream, Media, ProbeFailure, VideoStream
from restream.domain.life.cause import Cause
from tests.support.eventually import eventually
from tests.support.looks import USUAL, Nobody, failure, full_port, look
from tests.support.raw_camera import RawCamera, answer, silence

LOGIN, PASSWORD = "ad min", "p:w/ß@%?#[]&"
AAC = AudioStream("aac", 16000, 1)
H264 = VideoStream("h264", 320, 180, 15.0, "Main")
# What is told of those behaviours that a DESCRIBE meets; of all others: what the clip has.
REFUSED = {
    "no_challenge": (Cause.AUTH_FAILED, "401 Unauthorized (it does not say how to log in)"),
    "forbidden": (Cause.REQUEST_REFUSED, "403 Forbidden"),
    "describe_503": (Cause.BUSY, "503 Service Unavailable"),
    "describe_500": (Cause.CAMERA_ERROR, "500 Internal Server Error"),
    "describe_400": (Cause.REQUEST_REFUSED, "400 Bad Request"),
    "describe_400_closes": (Cause.REQUEST_REFUSED, "400 Bad Request"),
    "describe_551": (Cause.CAMERA_ERROR, "551 Option Not Supported"),
    "redirect_loop": (Cause.CAMERA_ERROR, "redirected 4 times: RTSP/1.0 302"),
    "empty_sdp": (Cause.CAMERA_ERROR, "200 OK, without a session description"),
    "no_sdp": (Cause.CAMERA_ERROR, "200 OK, without a session description"),
}
FOUND = {
    "metadata_and_back_channel": Media(H264, replace(AAC, place=1)),
    "no_parameter_sets": Media(VideoStream("h264", 0, 0, profile="Main"), AAC),
    "no_controls": Media(H264),
    "second_rtpmap_first": Media(replace(H264, offered=("hevc", "h264")), AAC),
    "frame_every_5_s": Media(H264),
    "other_codec": Media(VideoStream("hevc", 320, 180, 15.0, "Main"), AAC),
}
LOGINS = {
    "basic_only": ("Basic",),
    "sha256_only": ("SHA-256",),
    "sha256_then_md5": ("SHA-256", "MD5"),
    "md5_then_sha256": ("MD5", "SHA-256"),
    "digest_then_basic": ("MD5", "Basic"),
}


def camera(*names: str, **others: Any) -> SimulatedCamera:
    behaviours = list(chain.from_iterable(BEHAVIOURS[name] for name in names))
    return SimulatedCamera(Clip.load("h264_aac"), login=LOGIN, password=PASSWORD, behaviours=behaviours, **others)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are waited for as long as it takes on loopback."""
    monkeypatch.setattr(prober_module, "_CONNECT_TIMEOUT_S", 0.5)


@pytest.fixture
def full() -> Iterator[int]:
    with full_port() as port:
        yield port


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], list[str]]]:
    """What a name server says of these names."""
    table: dict[str, Callable[[], list[str]]] = {}
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *rest: Any, **others: Any) -> Any:
        if host not in table:
            return real(host, port, *rest, **others)
        return [entry for address in table[host]() for entry in real(address, port, *rest, **others)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return table


@pytest.mark.parametrize("name", BEHAVIOURS)
async def test_what_a_behaviour_is_told_as(name: str) -> None:
    async with camera(name) as it:
        found = await look(it.url())
        assert it.auth_failures_total == 0
        assert found.by == "rtsp" and len(found.steps) >= 1 and "SETUP" not in str(found.steps)
        await eventually(lambda: it.open_connections == 0, 2)
        assert all(not set(one.methods) - {"DESCRIBE"} for one in it.connections), "no session is opened"
    if name in REFUSED:
        cause, words = REFUSED[name]
        assert isinstance(found.outcome, ProbeFailure)
        assert found.outcome.cause is cause and words in found.outcome.detail
        return
    media = FOUND.get(name, Media(H264, AAC))
    assert isinstance(found.outcome, Media)
    assert (found.outcome.video, found.outcome.audio) == (media.video, media.audio)
    assert found.outcome.login == LOGINS.get(name, ("MD5",))
    assert found.outcome.reconnects == (name == "closes_after_401")
    assert any("is taken" in each for each in found.choice)


def test_the_tables_name_behaviours() -> None:
    assert (REFUSED.keys() | FOUND.keys() | LOGINS.keys()) <= BEHAVIOURS.keys()


@pytest.mark.program("openssl")
async def test_tls_and_redirects_to_it() -> None:
    async with camera(tls=self_signed()) as secure, camera() as it:
        it.behaviours = (Redirects(secure.url(), 301),)
        for url in (secure.url(), it.url()):
            found = await look(url)
            assert isinstance(found.outcome, Media) and found.outcome.video == H264
        assert [step.answer.split()[1] for step in found.steps] == ["401", "301", "401", "200"]
        for one in (secure, it):
            await eventually(lambda one=one: one.open_connections == 0, 2)


@pytest.mark.program("openssl")
async def test_tls_where_there_is_none_and_the_other_way_round() -> None:
    async def alert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(bytes.fromhex("15030100020246"))

    async def says_no(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer("400 Bad Request"))
        await silence(reader, writer)

    async with RawCamera(alert) as tls, RawCamera(says_no) as plain, RawCamera(silence) as mute:
        found = await failure(tls.url())
        assert found == ProbeFailure(Cause.NOT_RTSP, "the port speaks TLS: the URL should begin with rtsps://")
        found = await failure(plain.url().replace("rtsp:", "rtsps:"))
        assert found.cause is Cause.NOT_RTSP and "the port does not speak TLS" in found.detail
        await eventually(lambda: plain.open_connections + tls.open_connections == 0, 2)
        prober = asyncio.create_task(failure(mute.url().replace("rtsp:", "rtsps:")))
        await eventually(lambda: mute.open_connections, 2)
        prober.cancel()
        await asyncio.gather(prober, return_exceptions=True)
        await eventually(lambda: mute.open_connections == 0, 2)
    async with camera() as it:
        found = await failure(it.url().replace("rtsp:", "rtsps:"))
        assert found == ProbeFailure(Cause.SOURCE_ENDED, "no connection (tls): the camera closed it")
    async with camera(tls=self_signed()) as it:
        found = await failure(it.url().replace("rtsps:", "rtsp:"))
        assert found.cause is Cause.SOURCE_ENDED and "the camera closed it" in found.detail


async def test_tls_that_never_begins(impatient: None) -> None:
    async with RawCamera(silence) as mute:
        found = await failure(mute.url().replace("rtsp:", "rtsps:"))
        assert found.cause is Cause.TIMEOUT and found.detail.startswith("no connection (tls) within ")
        await eventually(lambda: mute.open_connections == 0, 2)


async def test_nobody_listens() -> None:
    async with camera() as it:
        it.fault = Fault.REFUSE
        await eventually(lambda: it.fault is Fault.REFUSE, 1)
        found = await failure(it.url())
        assert found == ProbeFailure(Cause.REFUSED, "no connection (connect): Connection refused")


async def test_what_is_sent_is_lost(full: int, impatient: None) -> None:
    found = await failure(f"rtsp://127.0.0.1:{full}/x")
    assert found.cause is Cause.UNREACHABLE and found.detail.startswith("no connection (connect) within ")


async def test_names_that_nobody_knows(names: dict[str, Callable[[], list[str]]]) -> None:
    def unknown() -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    names["camera.test"] = unknown
    found = await failure("rtsp://camera.test/x")
    assert found == ProbeFailure(Cause.DNS, "no connection (connect): Name or service not known")
    assert (await failure("rtsp://.test/x")).cause is Cause.DNS


async def test_a_name_server_that_does_not_answer(names: dict[str, Callable[[], list[str]]], impatient: None) -> None:
    answers = threading.Event()

    def hangs() -> list[str]:
        answers.wait(20)
        return []

    names["camera.test"] = hangs
    prober = RtspProber(Nobody(), 0.4)
    try:
        source = parse_source("rtsp://camera.test/x")
        found = await asyncio.gather(*(prober.probe(source, USUAL) for _ in range(80)))
        words = {each.outcome.detail for each in found if isinstance(each.outcome, ProbeFailure)}
        assert {each.outcome.cause for each in found if isinstance(each.outcome, ProbeFailure)} == {Cause.DNS}
        assert any("the name server does not answer" in each for each in words)
        assert any("64 names are being looked up" in each for each in words)
        assert len([each for each in threading.enumerate() if each.name == "camera name"]) == 64
        assert await asyncio.to_thread(lambda: True), "others look up as ever"
    finally:
        answers.set()
    names["camera.test"] = lambda: ["127.0.0.1"]
    async with RawCamera(silence) as mute:
        url = parse_source(mute.url().replace("127.0.0.1", "camera.test"))

        async def told() -> bool:
            found = (await prober.probe(url, USUAL)).outcome
            return isinstance(found, ProbeFailure) and found.cause is Cause.TIMEOUT

        await eventually(told, 5, "names are looked up again")


async def test_addresses_of_both_families(
    names: dict[str, Callable[[], list[str]]], full: int, impatient: None
) -> None:
    names["camera.test"] = lambda: ["::1", "127.0.0.1"]
    async with RawCamera(silence) as mute:
        found = await failure(f"rtsp://camera.test:{mute.port}/x")
        assert found.cause is Cause.TIMEOUT, "the second one takes it"
    found = await failure(f"rtsp://camera.test:{mute.port}/x")
    assert found == ProbeFailure(Cause.REFUSED, "no connection (connect): Connection refused")
    names["camera.test"] = lambda: ["127.0.0.1", "::1"]
    found = await failure(f"rtsp://camera.test:{full}/x")
    assert found.cause is Cause.UNREACHABLE, "one refuses, the other one may still answer"


async def test_an_address_that_loses_everything_is_passed_by(
    names: dict[str, Callable[[], list[str]]], full: int
) -> None:
    names["camera.test"] = lambda: ["127.0.0.1", "::1"]
    with socket.socket(socket.AF_INET6) as taken:
        taken.bind(("::1", full))
        taken.listen(4)
        asking = asyncio.create_task(look(f"rtsp://camera.test:{full}/x", answer_timeout_s=5))
        taken.setblocking(False)
        peer, _ = await asyncio.get_running_loop().sock_accept(taken)
        with peer:
            peer.setblocking(False)
            assert b"DESCRIBE rtsp://camera.test" in await asyncio.get_running_loop().sock_recv(peer, 4096)
            await asyncio.get_running_loop().sock_sendall(peer, answer())
            assert isinstance((await asking).outcome, Media)


async def test_an_address_of_ipv6() -> None:
    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert b"DESCRIBE rtsp://[::1]:" in await reader.readuntil(b"\r\n\r\n")
        writer.write(answer())

    async with RawCamera(talks, host="::1") as it:
        assert isinstance((await look(it.url())).outcome, Media)


async def test_what_the_row_says_of_its_input() -> None:
    heard = []

    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
        await silence(reader, writer)

    options = parse_options({"input": {"user_agent": "LibVLC/3.0", "timeout": 1_200_000}})
    async with RawCamera(talks) as it:
        found = await failure(it.url(), options)
        assert found.cause is Cause.TIMEOUT and found.detail.startswith("no answer to DESCRIBE within ")
        assert float(found.detail.split()[-2]) >= 1.2, "the row's limit, not the usual one"
    assert "User-Agent: LibVLC/3.0\r\n" in heard[0]


async def test_passwords_appear_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def repeats(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await reader.readuntil(b"\r\n\r\n")
        line = said.split(b"\r\n")[0]
        secret = PASSWORD.encode()
        writer.write(b"RTSP/1.0 500 " + secret + b" " + line + b"\r\nServer: " + secret + b"\r\n\r\n")

    async with camera() as right, camera() as wrong, RawCamera(repeats) as it:
        login = right.url().partition("://")[2].rpartition("@")[0]
        urls = (right.url(), wrong.url(), it.url(login))
        wrong.password = "another one"
        found = [await look(url) for url in urls]
    assert [type(each.outcome) for each in found] == [Media, ProbeFailure, ProbeFailure]
    told = repr(found) + caplog.text
    spellings = (PASSWORD, login.partition(":")[2], "p:w/")
    assert not [each for each in spellings if each in told]
