"""Why ffmpeg ended, from recorded output of both supported generations."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.ffmpeg.exit_cause import ProcessEnding, classify, was_silent
from restream.domain.life.cause import FACTS, Cause, Policy, Side
from restream.domain.life.remedy import Remedy
from tests.unit.recordings import recordings

# What must never decide: it looks like what does.
MISLEADING = st.sampled_from(
    ["461", "404", "453", "refused", "Connection refused", "Could not write header", "pipe:0", "Broken pipe", "401"]
)
TEXTS = st.lists(MISLEADING | st.text("abz019._-/~", max_size=8), max_size=4)
PATHS = TEXTS.map(lambda parts: "/" + "/".join(parts).replace(" ", "%20"))
HOSTS = TEXTS.map(lambda parts: re.sub("[^a-z0-9.]", "-", ".".join(parts).lower()) + ".example")
POINTERS = st.sampled_from(["0x461", "0x55c404461453"]) | st.integers(0x1000, 1 << 47).map(hex)


def why(ending: ProcessEnding, *, media_seen: bool, silent: bool = False) -> tuple[Cause, str]:
    found = classify(ending, media_seen=media_seen, silent=silent)
    return found.cause, found.detail


@pytest.mark.parametrize("case", recordings("relay"))
def test_recorded(case: dict[str, Any]) -> None:
    ending = ProcessEnding(case["exit_code"], case["signal"], tuple(case["stderr"]))
    silent = was_silent(case["elapsed_s"], case["timeout_s"])
    cause, detail = why(ending, media_seen=case["media_seen"], silent=silent)
    assert detail
    # Of those that we ended ourselves, the reason of the stop is the cause, and not what ffmpeg says meanwhile.
    assert case["asked"] or cause == case["expected"]
    found = classify(ending, media_seen=case["media_seen"])
    assert found.log == tuple(case["stderr"])
    assert found.remedy is (Remedy.OPTIONS if case["case"] == "relay-camera_refuses_options" else None)


def test_options_that_the_media_server_refuses_prove_nothing_of_the_camera() -> None:
    refused = "[rtsp @ 0x55] [error] method OPTIONS failed: 501 Not Implemented"
    for line, remedy in (
        ("[concat @ 0x55] [error] Impossible to open 'rtsp://10.0.0.1/s'", Remedy.OPTIONS),
        ("[error] Could not write header for output file #0: Server returned 5XX Server Error reply", None),
        ("[error] something else", None),
    ):
        assert classify(ProcessEnding(1, None, (refused, line)), media_seen=False).remedy is remedy
    login = (refused.replace("501", "401"), "[error] pipe:0: Server returned 401 Unauthorized (authorization failed)")
    assert classify(ProcessEnding(1, None, login), media_seen=False).remedy is None


@pytest.mark.parametrize(
    ("number", "cause", "detail"),
    [(9, Cause.KILLED, "SIGKILL"), (15, Cause.KILLED, "SIGTERM"), (11, Cause.INTERNAL, "SIGSEGV")],
)
def test_signals(number: int, cause: Cause, detail: str) -> None:
    assert why(ProcessEnding(None, number), media_seen=True) == (cause, detail)


def test_a_signal_without_a_name() -> None:
    assert ProcessEnding(None, 250).outcome == "signal 250"
    assert ProcessEnding(3, None).outcome == "exit 3"


@pytest.mark.parametrize(
    ("exit_code", "cause"),
    # It ends with 255 when it is told to, by SIGTERM or SIGINT.
    [(0, Cause.SOURCE_ENDED), (1, Cause.UNCLEAR), (255, Cause.KILLED)],
)
def test_no_exit_code_means_success(exit_code: int, cause: Cause) -> None:
    assert why(ProcessEnding(exit_code, None), media_seen=True) == (cause, f"exit {exit_code}")


def test_an_unknown_line_is_kept_verbatim() -> None:
    lines = ("[warning] something", "[error] the moon is in the wrong phase", "Conversion failed!")
    found = why(ProcessEnding(1, None, lines), media_seen=False)
    assert found == (Cause.UNCLEAR, "[error] the moon is in the wrong phase")


@pytest.mark.parametrize(
    "warning",
    [
        "Timestamps are unset in a packet for stream 0. This is deprecated and will stop",
        "Non-monotonous DTS in output stream 0:0; previous: 0, current: 0; changing to 1.",
    ],
)
def test_a_warning_about_timestamps_is_not_why_it_ended(warning: str) -> None:
    """ffmpeg 5.1 prints them at the start of copied streams."""
    ending = ProcessEnding(0, None, (f"[rtsp @ 0x0] [warning] {warning}",))
    assert why(ending, media_seen=True) == (Cause.SOURCE_ENDED, "exit 0")


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("[rtsp @ 0x0] [error] method DESCRIBE failed: 401 Unauthorized", Cause.AUTH_FAILED),
        ("[rtsp @ 0x0] [error] method DESCRIBE failed: 401Unauthorized", Cause.AUTH_FAILED),
        ("[rtsp @ 0x0] [error] method DESCRIBE failed: 401 (Unauthorized)", Cause.AUTH_FAILED),
        ("[rtsp @ 0x0] [error] method DESCRIBE failed: 403 Forbidden", Cause.AUTH_FAILED),
        ("[rtsp @ 0x0] [error] method DESCRIBE failed: 404 Not Found", Cause.NOT_FOUND),
        ("[rtsp @ 0x0] [error] method DESCRIBE failed: 404Not Found", Cause.NOT_FOUND),
        ("[rtsp @ 0x0] [error] method SETUP failed: 461 Unsupported Transport", Cause.TRANSPORT_REFUSED),
        ("[rtsp @ 0x0] [error] method DESCRIBE failed: 404 (Not Found)", Cause.NOT_FOUND),
        ("[rtsp @ 0x0] [error] method SETUP failed: 454 Session Not Found", Cause.REQUEST_REFUSED),
        ("[rtsp @ 0x0] [error] method DESCRIBE failed: 410 Gone", Cause.NOT_FOUND),
        ("[rtsp @ 0x0] [error] method SETUP failed: 453 Not Enough Bandwidth", Cause.BUSY),
        ("[rtsp @ 0x0] [error] method SETUP failed: 453Not Enough Bandwidth", Cause.BUSY),
        ("[http @ 0x0] [warning] HTTP error 503 Service Unavailable", Cause.BUSY),
        ("[http @ 0x0] [warning] HTTP error 429 Too Many Requests", Cause.BUSY),
        ("[rtsp @ 0x0] [error] method PLAY failed: 551 Option not supported", Cause.CAMERA_ERROR),
        ("[rtsp @ 0x0] [error] method SETUP failed: 451 Parameter Not Understood", Cause.REQUEST_REFUSED),
        ("[rtsp @ 0x0] [error] Nonmatching transport in server reply", Cause.TRANSPORT_REFUSED),
        ("[tls @ 0x0] [error] Protocol 'tls' not on whitelist 'pipe,udp'!", Cause.UNCLEAR),
        ("[tcp @ 0x0] [error] Connection to tcp://h:554 failed: Operation timed out", Cause.UNREACHABLE),
        ("[tcp @ 0x0] [error] Connection to tcp://h:554 failed: Host is unreachable", Cause.UNREACHABLE),
        ("[rtsp @ 0x0] [warning] Failed reading RTSP data: Operation timed out", Cause.TIMEOUT),
        ("[rtsp @ 0x0] [warning] Failed reading RTSP data: End of file", Cause.SOURCE_ENDED),
        ("[tcp @ 0x0] [error] Connection to tcp://h:554 failed: No route to host", Cause.UNREACHABLE),
        ("[tcp @ 0x0] [error] Connection to tcp://h:554 failed: Network is unreachable", Cause.UNREACHABLE),
    ],
)
def test_lines_about_the_camera(line: str, cause: Cause) -> None:
    lines = (line, "[concat @ 0x0] [error] Impossible to open 'rtsp://h/x'")
    assert why(ProcessEnding(1, None, lines), media_seen=False) == (cause, line)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("[rtsp @ 0x0] [error] method ANNOUNCE failed: 401 (Unauthorized)", Cause.SERVER_REFUSED),
        ("[rtsp @ 0x0] [error] method ANNOUNCE failed: 404 Not Found", Cause.SERVER_REFUSED),
        ("[out#0/rtsp @ 0x0] [error] Could not write header: Server returned 404 Not Found", Cause.SERVER_REFUSED),
        (
            "[error] Could not write header for output file #0: Unsupported codec mjpeg not supported in container",
            Cause.CODEC_UNSUPPORTED,
        ),
        ("[error] Could not write header for output file #0 (x): Invalid argument", Cause.CODEC_UNSUPPORTED),
        ("[error] av_interleaved_write_frame(): Connection reset by peer", Cause.SERVER_GONE),
        ("[rtsp @ 0x0] [error] AAC with no global headers is currently not supported.", Cause.CODEC_UNSUPPORTED),
        ("[rtp @ 0x0] [error] RFC 2435 requires standard Huffman tables for jpeg", Cause.CODEC_UNSUPPORTED),
        ("[rtp @ 0x0] [error] Only 1x1 chroma blocks are supported. Aborted!", Cause.CODEC_UNSUPPORTED),
    ],
)
def test_lines_about_the_media_server_never_blame_the_camera(line: str, cause: Cause) -> None:
    ending = ProcessEnding(1, None, (line, "[error] Error initializing output stream 0:1 --"))
    assert why(ending, media_seen=False) == (cause, line)


def test_a_stream_of_which_ffmpeg_drops_everything() -> None:
    refused = "[rtp @ 0x55bef40c3340] [error] RFC 2435 requires standard Huffman tables for jpeg"
    said = ("[rtsp @ 0x0] [warning] something", refused)
    assert (
        classify(ProcessEnding(0, None, said), media_seen=True).unsendable
        == "RFC 2435 requires standard Huffman tables for jpeg"
    )
    theirs = ("[rtsp @ 0x0] [error] method SETUP failed: 500 RFC 2435 requires standard Huffman tables",)
    assert classify(ProcessEnding(0, None, theirs), media_seen=True).unsendable == ""
    # The server closes a session that is silent.
    lines = (refused,) * 18 + ("[error] av_interleaved_write_frame(): Broken pipe",)
    assert why(ProcessEnding(1, None, lines), media_seen=True) == (Cause.CODEC_UNSUPPORTED, refused)


@given(
    st.none() | st.integers(-300, 300),
    st.none() | st.integers(0, 300),
    st.lists(st.text(), max_size=20),
    st.booleans(),
)
def test_every_ending_has_a_cause(
    exit_code: int | None, number: int | None, lines: list[str], media_seen: bool
) -> None:
    cause, detail = why(ProcessEnding(exit_code, number, tuple(lines)), media_seen=media_seen)
    assert isinstance(cause, Cause)
    assert isinstance(detail, str)


@given(st.sampled_from([param.values[0] for param in recordings("relay")]), POINTERS, HOSTS, PATHS, TEXTS)
def test_names_and_numbers_of_others_never_decide(
    case: dict[str, Any], pointer: str, host: str, path: str, words: list[str]
) -> None:
    """Pointers, hosts, paths, passwords, and the words that a peer puts behind its status."""

    def told(line: str) -> str:
        line = re.sub("0x[0-9a-f]+", pointer, line)
        line = re.sub(r"(method [A-Z]+ failed: [0-9]{3} ?).*", lambda found: found[1] + " ".join(words), line)
        line = re.sub(r"(127\.0\.0\.1|(camera|server)\.invalid)(:PORT)?", lambda found: host + (found[3] or ""), line)
        return line.replace("/stream'", path + "'").replace("/cam1:", path + ":").replace("***", "".join(words))

    lines = tuple(case["stderr"])
    seen, silent = case["media_seen"], was_silent(case["elapsed_s"], case["timeout_s"])
    usual = why(ProcessEnding(case["exit_code"], case["signal"], lines), media_seen=seen, silent=silent)
    other = why(
        ProcessEnding(case["exit_code"], case["signal"], tuple(map(told, lines))), media_seen=seen, silent=silent
    )
    assert other == (usual[0], told(usual[1]))


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        # A server that went away, of a camera whose path, and an ffmpeg whose memory, look like a refusal.
        (
            (
                "[rtsp @ 0x55461b461c40] [warning] Failed reading RTSP data: End of file",
                "[error] av_interleaved_write_frame(): Broken pipe",
                "[error] Error writing trailer of rtsp://127.0.0.1:8554/cam461: Broken pipe",
            ),
            Cause.SERVER_GONE,
        ),
        # Which side a SETUP was for, the next line tells.
        (
            (
                "[rtsp @ 0x55461b461c40] [error] method SETUP failed: 461 Unsupported Transport",
                "[error] Could not write header for output file #0 : Protocol not supported",
            ),
            Cause.SERVER_REFUSED,
        ),
        (
            (
                "[rtsp @ 0x55461b461c40] [error] method SETUP failed: 461 Unsupported Transport",
                "[concat @ 0x55461b461c41] [error] Impossible to open 'rtsp://h/Could not write header: Broken pipe'",
            ),
            Cause.TRANSPORT_REFUSED,
        ),
        # With two transports to choose from, a refusal of the first ends nothing.
        (
            (
                "[rtsp @ 0x0] [error] method SETUP failed: 461 Unsupported Transport",
                "[error] Could not write header for output file #0 : Connection refused",
            ),
            Cause.SERVER_GONE,
        ),
        (
            (
                "[rtsp @ 0x0] [error] method SETUP failed: 461 Unsupported Transport",
                "[rtsp @ 0x0] [error] method SETUP failed: 453 Not Enough Bandwidth",
                "[concat @ 0x0] [error] Impossible to open 'rtsp://h/x'",
            ),
            Cause.BUSY,
        ),
        (
            (
                "[rtsp @ 0x0] [error] method SETUP failed: 461 Unsupported Transport",
                "[rtsp @ 0x0] [error] method SETUP failed: 461 Unsupported Transport",
                "[error] rtsp://h/x: Protocol not supported",
            ),
            Cause.TRANSPORT_REFUSED,
        ),
        # The words behind a status are the camera's.
        (
            (
                "[rtsp @ 0x0] [error] method DESCRIBE failed: 500 Could not write header: Connection refused",
                "[concat @ 0x0] [error] Impossible to open 'rtsp://h/x'",
            ),
            Cause.CAMERA_ERROR,
        ),
        (
            (
                "[rtsp @ 0x0] [error] method DESCRIBE failed: 500 x: Immediate exit requested",
                "[concat @ 0x0] [error] Impossible to open 'rtsp://h/x'",
            ),
            Cause.CAMERA_ERROR,
        ),
        # What decided is shown, not what was said last.
        (
            (
                "[rtsp @ 0x0] [error] method SETUP failed: 453 Not Enough Bandwidth",
                "[concat @ 0x0] [error] Impossible to open 'rtsp://h/x'",
                "[error] pipe:0: Invalid data found when processing input",
            ),
            Cause.BUSY,
        ),
    ],
)
def test_the_first_line_that_tells_is_shown(lines: tuple[str, ...], cause: Cause) -> None:
    found, shown = why(ProcessEnding(1, None, lines), media_seen=False)
    assert found is cause
    assert shown in lines[:2]


@pytest.mark.parametrize(("silent", "cause"), [(True, Cause.TIMEOUT), (False, Cause.UNCLEAR)])
def test_a_camera_that_gave_no_reason(silent: bool, cause: Cause) -> None:
    line = "[error] pipe:0: Invalid data found when processing input"
    assert why(ProcessEnding(1, None, (line,)), media_seen=False, silent=silent) == (cause, line)
    # After a day of pictures the time since the start proves nothing.
    assert why(ProcessEnding(1, None, (line,)), media_seen=True, silent=silent) == (Cause.UNCLEAR, line)


def test_every_cause_has_a_side_a_policy_and_a_hint() -> None:
    assert set(FACTS) == set(Cause)
    for cause, facts in FACTS.items():
        assert facts.text
        assert facts.hint or cause is Cause.STOPPED
    assert {cause for cause, facts in FACTS.items() if facts.policy is Policy.HOLD} == {Cause.AUTH_FAILED}
    assert {cause for cause, facts in FACTS.items() if facts.side is Side.NONE} == {Cause.STOPPED, Cause.UNCLEAR}
    assert {cause for cause, facts in FACTS.items() if facts.side is Side.MEDIA_SERVER} == {
        Cause.SERVER_REFUSED,
        Cause.SERVER_CONFLICT,
        Cause.SERVER_GONE,
    }


def test_what_the_packetizer_refuses_is_kept() -> None:
    """As ffmpeg 5.1 says of a JPEG that RTP cannot carry, until MediaMTX cuts it off."""
    refused = "[rtp @ 0x5628863932c0] [error] Unsupported pixel format"
    ending = ProcessEnding(0, None, (refused, refused, "[error] av_interleaved_write_frame(): Broken pipe"))
    found = classify(ending, media_seen=True)
    assert (found.cause, found.unsendable) == (Cause.CODEC_UNSUPPORTED, "Unsupported pixel format")
    assert classify(ProcessEnding(0, None, ending.stderr_tail[2:]), media_seen=True).unsendable == ""
