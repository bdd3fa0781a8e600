"""Why ffmpeg ended, from recorded output of both supported generations."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.ffmpeg.exit_cause import ProcessEnding, classify
from restream.domain.life.cause import FACTS, Cause, Policy, Side
from tests.unit.recordings import recordings


@pytest.mark.parametrize("case", recordings("relay"))
def test_recorded(case: dict[str, Any]) -> None:
    ending = ProcessEnding(case["exit_code"], case["signal"], tuple(case["stderr"]))
    asked = Cause(case["asked"]) if case["asked"] else None
    cause, detail = classify(ending, asked=asked, media_seen=case["media_seen"])
    assert cause == case["expected"]
    # Why we stopped it is known; what ffmpeg says while it is being ended tells nothing about it.
    assert bool(detail) is (asked is None)


def test_what_we_asked_for_counts_whatever_ffmpeg_says() -> None:
    ending = ProcessEnding(1, None, ("[error] av_interleaved_write_frame(): Broken pipe",))
    assert classify(ending, asked=Cause.STALLED, media_seen=True)[0] is Cause.STALLED
    assert classify(ProcessEnding(None, 9), asked=Cause.STOPPED, media_seen=True) == (Cause.STOPPED, "")


@pytest.mark.parametrize(
    ("number", "cause", "detail"),
    [(9, Cause.KILLED, "SIGKILL"), (15, Cause.KILLED, "SIGTERM"), (11, Cause.INTERNAL, "SIGSEGV")],
)
def test_signals(number: int, cause: Cause, detail: str) -> None:
    assert classify(ProcessEnding(None, number), asked=None, media_seen=True) == (cause, detail)


def test_a_signal_without_a_name() -> None:
    assert ProcessEnding(None, 250).outcome == "signal 250"
    assert ProcessEnding(3, None).outcome == "exit 3"


@pytest.mark.parametrize("exit_code", [0, 1, 255])
def test_no_exit_code_means_success(exit_code: int) -> None:
    cause, _ = classify(ProcessEnding(exit_code, None), asked=None, media_seen=True)
    assert cause is Cause.SOURCE_ENDED


def test_an_unknown_line_is_kept_verbatim() -> None:
    lines = ("[warning] something", "[error] the moon is in the wrong phase", "Conversion failed!")
    found = classify(ProcessEnding(1, None, lines), asked=None, media_seen=False)
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
    assert classify(ending, asked=None, media_seen=True) == (Cause.SOURCE_ENDED, "exit 0")


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
    assert classify(ProcessEnding(1, None, lines), asked=None, media_seen=False) == (cause, line)


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
    assert classify(ProcessEnding(1, None, (line,)), asked=None, media_seen=False) == (cause, line)


@given(
    st.none() | st.integers(-300, 300),
    st.none() | st.integers(0, 300),
    st.lists(st.text(), max_size=20),
    st.none() | st.sampled_from(Cause),
    st.booleans(),
)
def test_every_ending_has_a_cause(
    exit_code: int | None, number: int | None, lines: list[str], asked: Cause | None, media_seen: bool
) -> None:
    cause, detail = classify(ProcessEnding(exit_code, number, tuple(lines)), asked=asked, media_seen=media_seen)
    assert isinstance(cause, Cause)
    assert isinstance(detail, str)
    assert asked is None or cause is asked


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
