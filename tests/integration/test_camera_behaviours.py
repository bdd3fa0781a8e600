"""What real ffprobe and ffmpeg make of cameras as they are in the field."""

import asyncio
import base64
import re
import time

import aiohttp
import pytest

from restream.demo.behaviours.answers import Redirects
from restream.demo.behaviours.login import ChecksLogin
from restream.demo.behaviours.media import DelaysKeyFrames, SendsFrameEvery, SendsNo
from restream.demo.behaviours.sessions import ExpiresSessions, LimitsSessions
from restream.demo.behaviours.table import BEHAVIOURS
from restream.demo.cameras import SimulatedCamera
from restream.demo.certificates import self_signed
from restream.demo.clips import Clip
from restream.demo.mjpeg_camera import MjpegCamera, make_jpegs
from restream.demo.mpegts import make_mpegts
from tests.support.eventually import eventually

from .test_demo_cameras import codecs, ffprobe, relay, together

pytestmark = [pytest.mark.program("ffmpeg", "ffprobe")]

LOGIN, PASSWORD = "ad min", "p:w/ß"
VIDEO, BOTH = {"video": "h264"}, {"video": "h264", "audio": "aac"}
needs_openssl = pytest.mark.program("openssl")


def camera(*names: str) -> SimulatedCamera:
    behaviours = [each for name in names for each in BEHAVIOURS[name]]
    return SimulatedCamera(Clip.load("h264_aac"), login=LOGIN, password=PASSWORD, behaviours=behaviours)


async def understood(name: str, found: dict[str, str] = BOTH) -> None:
    """ffprobe sees the picture."""
    async with camera(name) as it:
        ending = await ffprobe(it.url(), analyze_s=1.5)
        assert ending.exit_code == 0 and codecs(ending) == found, (name, ending)
        assert next(each for each in ending.output["streams"] if each["codec_type"] == "video")["width"] == 320, name
        assert it.auth_failures_total == 0, name


async def refused(name: str, last_line: str) -> None:
    """ffprobe gives up at once, in these words."""
    async with camera(name) as it:
        ending = await ffprobe(it.url(), timeout_s=5)
        assert ending.exit_code == 1 and re.search(last_line, ending.last_line), (name, ending)
        assert it.auth_failures_total == 0 and it.connections_total == 1, name


async def test_logins_that_ffmpeg_can_do() -> None:
    names = ("basic_only", "sha256_then_md5", "digest_then_basic", "qop_auth", "login_for_options", "stale_nonces")
    await together(*map(understood, names))


async def test_logins_that_ffmpeg_cannot_do() -> None:
    unauthorized = r"Server returned 401 Unauthorized"
    await together(
        refused("sha256_only", unauthorized),
        refused("no_challenge", unauthorized),
        refused("new_nonce_at_setup", unauthorized),
        refused("closes_after_401", r"Invalid data found"),
        refused("forbidden", r"403 Forbidden"),
    )


async def test_an_account_is_locked() -> None:
    async with camera("locks_account") as it:
        for wrong in (1, 2, 3):
            assert "401" in (await ffprobe(it.url().replace("@", "x@"))).last_line
            assert it.auth_failures_total == wrong
        assert "401" in (await ffprobe(it.url())).last_line
        it.auth_failures_total = 0  # somebody unlocks it
        assert (await ffprobe(it.url())).exit_code == 0


async def test_statuses_that_end_the_probe() -> None:
    server, client = r"Server returned 5XX", r"Server returned 4XX Client Error, but not one of"
    await together(
        *(refused(name, server) for name in ("describe_503", "describe_500", "describe_551", "options_501")),
        *(refused(name, client) for name in ("setup_453", "play_454")),
        *(refused(name, r"400 Bad Request") for name in ("describe_400", "describe_400_closes", "audio_setup_400")),
        refused("audio_setup_500", server),
        refused("udp_only", r"Protocol not supported"),
        *(refused(name, r"Invalid data found") for name in ("tcp_answered_as_udp", "empty_sdp", "no_sdp")),
    )


async def test_odd_but_understood_dialogues_and_descriptions() -> None:
    names = (
        *("tcp_only", "renumbers_channels", "stray_line_ends", "frames_before_answers", "frames_in_answers"),
        *("no_get_parameter", "line_feeds_only", "no_parameter_sets", "absolute_controls", "private_controls"),
        *("aggregate_control", "no_content_base", "private_content_base", "relative_content_base"),
    )
    for start in range(0, len(names), 5):
        await together(*map(understood, names[start : start + 5]))


async def test_odd_media_is_still_media() -> None:
    names = ("repeats_packets", "loses_packets", "reorders_packets", "clock_of_1970", "no_sender_reports")
    await together(*map(understood, names), understood("no_controls", VIDEO))


async def test_what_the_description_says_of_tracks_that_never_send() -> None:
    async with camera("metadata_and_back_channel") as it:
        streams = (await ffprobe(it.url(), analyze_s=1.5)).output["streams"]
        assert [each.get("codec_name") for each in streams] == [None, "h264", "pcm_mulaw", "aac"]
    async with camera("second_rtpmap_first") as it:
        ending = await ffprobe(it.url(), analyze_s=1.5)
        assert codecs(ending)["video"] == "hevc" and not ending.output["streams"][0]["width"], "it reads the first"


async def test_one_session_at_a_time() -> None:
    limit = LimitsSessions(1, freed_after_s=3)
    async with SimulatedCamera(Clip.load("h264"), behaviours=(limit,)) as it:
        assert (await ffprobe(it.url())).exit_code == 0
        ended = time.monotonic()
        assert "4XX" in (await ffprobe(it.url())).last_line

        async def free_again() -> bool:
            return (await ffprobe(it.url())).exit_code == 0

        await eventually(free_again, 20)
        assert time.monotonic() - ended > 2.5
        assert it.most_connections == 1, "the probes came one after the other"
        for earlier, later in zip(it.connections, list(it.connections)[1:], strict=False):
            assert earlier.closed_at_s is not None and earlier.closed_at_s <= later.connected_at_s


async def test_a_session_without_a_sign_of_life_is_ended() -> None:
    async with SimulatedCamera(Clip.load("h264"), behaviours=(ExpiresSessions(2),)) as it:
        reader, writer = await asyncio.open_connection(it.host, it.port)
        for line in ("SETUP {}/streamid=0", "PLAY {}"):
            text = line.format(it.url()) + " RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n"
            writer.write(text.encode())
        began = time.monotonic()
        async with asyncio.timeout(10):
            while await reader.read(65536):
                pass
        assert 1.9 < time.monotonic() - began < 5
        writer.close()
    async with SimulatedCamera(Clip.load("h264"), behaviours=(ExpiresSessions(4),)) as it, relay(it.url()) as running:
        await running.advances(8_000_000, 20)
        assert "GET_PARAMETER" in it.connections[0].methods, "ffmpeg sends signs of life in time"


@needs_openssl
async def test_redirects_to_another_port_and_to_tls() -> None:
    async with (
        SimulatedCamera(Clip.load("h264_aac"), login=LOGIN, password=PASSWORD, tls=self_signed()) as secure,
        SimulatedCamera(Clip.load("h264")) as plain,
        SimulatedCamera(Clip.load("h264_aac")) as it,
    ):
        assert secure.url().startswith("rtsps://")
        ending = await ffprobe(secure.url())
        assert ending.exit_code == 0 and codecs(ending) == BOTH
        for status in (301, 302):
            it.behaviours = (Redirects(plain.url(), status),)
            assert codecs(await ffprobe(it.url())) == VIDEO
        it.behaviours = (Redirects(secure.url(), 301),)
        assert codecs(await ffprobe(it.url())) == BOTH
        assert secure.connections_total == 2 and it.describes_total == 0


async def test_a_redirect_to_itself_is_followed_again_and_again() -> None:
    async with camera("redirect_loop") as it:
        it.behaviours = (Redirects("{uri}"), ChecksLogin())
        asking = asyncio.create_task(ffprobe(it.url()))
        await eventually(lambda: it.connections_total > 20, 10)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await eventually(lambda: it.open_connections == 0, 5)


async def test_the_first_key_frame_comes_late() -> None:
    async with SimulatedCamera(Clip.load("h264"), behaviours=(DelaysKeyFrames(4),)) as it:
        ending = await ffprobe(it.url(), analyze_s=1)
        assert ending.exit_code == 0 and ending.output["streams"][0]["width"] == 320, "from the description"
        async with relay(it.url(), timeout_s=5) as running:
            await running.advances(4_000_000, 20)


async def test_rare_frames_flow() -> None:
    async with SimulatedCamera(Clip.load("h264"), behaviours=(SendsFrameEvery(1),)) as it, relay(it.url()) as running:
        await running.advances(4_000_000, 20)
        assert running.stderr == ""


async def test_video_stops_while_audio_flows() -> None:
    stops = SendsNo("video", after_s=2)
    async with SimulatedCamera(Clip.load("h264_aac"), behaviours=(stops,)) as it:
        process = await asyncio.create_subprocess_exec(
            *("ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-read_intervals", "%+6", "-count_packets"),
            *("-show_entries", "stream=codec_type,nb_read_packets", "-of", "csv=p=0", it.url()),
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            out, _ = await process.communicate()
        read = dict(line.split(",") for line in out.decode().split())
        assert int(read["video"]) < 40 and int(read["audio"]) > 70, read


@pytest.fixture(scope="module")
def mpegts() -> Clip:
    return asyncio.run(make_mpegts(15))


async def test_mpegts_has_both_tracks(mpegts: Clip) -> None:
    async def case(transport: str) -> None:
        async with SimulatedCamera(mpegts) as it:
            ending = await ffprobe(it.url(), transport=transport, analyze_s=5)
            assert ending.exit_code == 0 and codecs(ending) == BOTH, ending

    await together(case("tcp"), case("udp"))


async def test_mjpeg_over_http() -> None:
    usual, others = await make_jpegs(4), await make_jpegs(4, standard_tables=False)
    table = bytes.fromhex("ffc4")
    for frames, standard in ((usual, True), (others, False)):
        position = frames[0].index(table)
        # The first table of ITU T.81 K.3.1: how many codes there are of each length.
        lengths = frames[0][position + 5 : position + 21]
        assert (lengths == bytes((0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0))) == standard
    async with MjpegCamera(others) as it:
        process = await asyncio.create_subprocess_exec(
            *("ffmpeg", "-v", "error", "-nostdin", "-i", it.url(), "-frames:v", "6", "-f", "null", "-")
        )
        async with asyncio.timeout(20):
            assert await process.wait() == 0
        await eventually(lambda: it.open_connections == 0, 5)


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{LOGIN}:{password}".encode()).decode()}


async def test_statuses_redirects_and_logins_over_http() -> None:
    async with (
        MjpegCamera([b"\xff\xd8\xff\xd9"], login=LOGIN, password=PASSWORD) as it,
        aiohttp.ClientSession() as http,
    ):
        bare = f"http://{it.host}:{it.port}/x"
        async with http.get(bare) as answer:
            assert answer.status == 401 and it.auth_failures_total == 0
        async with http.get(bare, headers=basic("other")) as answer:
            assert answer.status == 401 and it.auth_failures_total == 1
        async with http.get(bare, headers=basic(PASSWORD)) as answer:
            assert answer.headers["Content-Type"].startswith("multipart/x-mixed-replace")
            assert (await answer.content.readuntil(b"\xff\xd9")).startswith(b"--camera\r\nContent-Type: image/jpeg")
        it.login, it.status, it.headers = None, 302, {"Location": "https://127.0.0.1:1/x"}
        async with http.get(bare, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "https://127.0.0.1:1/x")
        it.status, it.headers = 503, {}
        async with http.get(bare) as answer:
            assert answer.status == 503
        assert it.requests_total == 5
