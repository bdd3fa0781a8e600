"""Why ffmpeg ended, from recorded output of both supported generations."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.ffmpeg.exit_cause import ProcessEnding, classify
from restream.domain.life.cause import FACTS, Cause, Policy, Side
from tests.unit.recordings import recordings


def why(ending: ProcessEnding, *, media_seen: bool) -> tuple[Cause, str]:
    found = classify(ending, media_seen=media_seen)
    return found.cause, found.detail


@pytest.mark.parametrize("case", recordings("relay"))
def test_recorded(case: dict[str, Any]) -> None:
    ending = ProcessEnding(case["exit_code"], case["signal"], tuple(case["stderr"]))
    cause, detail = why(ending, media_seen=case["media_seen"])
    assert detail
    # Of those that we ended ourselves, the reason of the stop is the cause, and not what ffmpeg says meanwhile.
    assert case["asked"] or cause == case["expected"]
    assert classify(ending, media_seen=case["media_seen"]).log == tuple(case["stderr"])


@pytest.mark.parametrize(
    ("number", "cause", "detail"),
    [(9, Cause.KILLED, "SIGKILL"), (15, Cause.KILLED, "SIGTERM"), (11, Cause.INTERNAL, "SIGSEGV")],
)
def test_signals(number: int, cause: Cause, detail: str) -> None:
    assert why(ProcessEnding(None, number), media_seen=True) == (cause, detail)


def test_a_signal_without_a_name() -> None:
    assert ProcessEnding(None, 250).outcome == "signal 250"
    assert ProcessEnding(3, None).outcome == "exit 3"


@pytest.mark.parametrize("exit_code", [0, 1, 255])
def test_no_exit_code_means_success(exit_code: int) -> None:
    cause, _ = why(ProcessEnding(exit_code, None), media_seen=True)
    assert cause is Cause.SOURCE_ENDED


def test_an_unknown_line_is_kept_verbatim() -> None:
    lines = ("[warning] something", "[error] the moon is in the wrong phase", "Conversion failed!")
    found = why(ProcessEnding(1, None, lines), media_seen=False)
    assert found == (Cause.INTERNAL, "[error] the moon is in the wrong phase")


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
        ("[rtsp @ 0x0] [error] method SETUP failed: 454 Session Not Found", Cause.NOT_FOUND),
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
    ],
)
def test_lines_about_the_media_server_never_blame_the_camera(line: str, cause: Cause) -> None:
    assert why(ProcessEnding(1, None, (line,)), media_seen=False) == (cause, line)


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


def test_every_cause_has_a_side_a_policy_and_a_hint() -> None:
    assert set(FACTS) == set(Cause)
    for cause, facts in FACTS.items():
        assert facts.text
        assert facts.hint or cause is Cause.STOPPED
    assert {cause for cause, facts in FACTS.items() if facts.policy is Policy.HOLD} == {Cause.AUTH_FAILED}
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
    assert (found.cause, found.unsendable) == (Cause.SERVER_GONE, refused)
    assert classify(ProcessEnding(0, None, ending.stderr_tail[2:]), media_seen=True).unsendable == ""
