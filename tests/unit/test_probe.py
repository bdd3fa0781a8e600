"""ffprobe's verdict on a camera, from recorded output of both supported generations."""

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from restream.domain.engine import AudioStream, Media, ProbeFailure, VideoStream
from restream.domain.ffmpeg.probe import parse_probe
from restream.domain.life.cause import Cause
from tests.unit.recordings import FOLDER, recordings

VIDEO = {"codec_type": "video", "codec_name": "h264", "width": 640, "height": 360, "avg_frame_rate": "15/1"}
AUDIO = {"codec_type": "audio", "codec_name": "aac", "sample_rate": "16000", "channels": 1, "extradata_size": 2}


def streams(*entries: object) -> bytes:
    return json.dumps({"streams": entries}).encode()


def error(code: object) -> bytes:
    return json.dumps({"error": {"code": code, "string": "text"}}).encode()


def probe(
    stdout: bytes = b"{}", stderr: str = "", exit_code: int | None = 1, elapsed_s: float = 0.1
) -> Media | ProbeFailure:
    return parse_probe(stdout, stderr.split("\n"), exit_code, elapsed_s, timeout_s=5.0)


@pytest.mark.parametrize("case", recordings("probe"))
def test_recorded(case: dict[str, Any]) -> None:
    stdout = b"" if case["stdout"] is None else json.dumps(case["stdout"]).encode()
    found = parse_probe(stdout, case["stderr"], case["exit_code"], case["elapsed_s"], case["timeout_s"])
    if "+" not in case["expected"]:
        assert isinstance(found, ProbeFailure)
        told, _, otherwise = case["expected"].partition("/")
        assert found.cause == (otherwise or told if case["version"] == "5.1" else told)
        assert found.detail
        return
    assert isinstance(found, Media)
    audio = found.audio.codec if found.audio else "none"
    assert f"{found.video.codec}+{audio}" == case["expected"]
    assert found.video.width > 0
    assert found.audio is None or found.audio.sample_rate_hz > 0


@given(st.sampled_from([param.values[0] for param in recordings("probe")]), st.sampled_from(["0x461", "0x404453401"]))
def test_pointers_and_paths_never_decide(case: dict[str, Any], pointer: str) -> None:
    lines = [re.sub("0x[0-9a-f]+", pointer, line) for line in case["stderr"]]
    lines = [line.replace("/stream'", "/404/461/Connection refused'") for line in lines]
    stdout = b"" if case["stdout"] is None else json.dumps(case["stdout"]).encode()
    rest = (case["exit_code"], case["elapsed_s"], case["timeout_s"])
    found, usual = parse_probe(stdout, lines, *rest), parse_probe(stdout, case["stderr"], *rest)
    assert getattr(found, "cause", found) == getattr(usual, "cause", usual)


def test_both_generations_are_recorded() -> None:
    # Of other versions only what is theirs is recorded.
    older, newer = ({path.name for path in (FOLDER / version).glob("*.json")} for version in ("5.1", "8.0"))
    assert older == newer
    assert len(older) > 50


def test_recordings_contain_neither_credentials_nor_paths_of_a_machine() -> None:
    for path in FOLDER.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        for word in ("sEcret", "%40", "/tmp/", "/usr/", "/home/", "/root/"):
            assert word not in text, (path.name, word)


def test_a_camera_with_picture_and_sound() -> None:
    found = probe(streams(AUDIO, {**VIDEO, "profile": "Main"}), exit_code=0)
    assert found == Media(VideoStream("h264", 640, 360, 15.0, "Main"), AudioStream("aac", 16000, 1))


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ({"width": 0, "height": 0}, Cause.NO_MEDIA),
        ({"width": "many"}, Cause.NO_MEDIA),
        ({"width": None}, Cause.NO_MEDIA),
        ({"height": -1}, Cause.NO_MEDIA),
        ({"codec_name": "unknown"}, Cause.CODEC_UNSUPPORTED),
        ({"codec_name": None}, Cause.CODEC_UNSUPPORTED),
    ],
)
def test_exit_0_proves_nothing(entry: dict[str, object], cause: Cause) -> None:
    found = probe(streams({**VIDEO, **entry}), exit_code=0)
    assert isinstance(found, ProbeFailure)
    assert found.cause is cause


@pytest.mark.parametrize("stdout", [b"", b"{}", b"[]", b"null", b"{", b'{"streams": {}}', b'{"streams": [1, null]}'])
def test_exit_0_without_streams(stdout: bytes) -> None:
    found = probe(stdout, exit_code=0)
    assert isinstance(found, ProbeFailure)
    assert found.cause is Cause.NO_MEDIA


def test_sound_alone_is_no_video() -> None:
    assert probe(streams(AUDIO), exit_code=0) == ProbeFailure(Cause.NO_MEDIA, "the camera offers no video stream")


@pytest.mark.parametrize(
    ("entry", "adts"),
    [({}, False), ({"extradata_size": 0}, True), ({"extradata_size": None}, True), ({"codec_name": "mp3"}, False)],
)
def test_aac_of_mpegts_is_told_by_its_missing_configuration(entry: dict[str, object], adts: bool) -> None:
    found = probe(streams(VIDEO, {**AUDIO, **entry}), exit_code=0)
    assert isinstance(found, Media) and found.audio is not None
    assert found.audio.adts is adts


def test_sound_of_an_unknown_kind() -> None:
    found = probe(streams(VIDEO, {"codec_type": "audio"}), exit_code=0)
    assert isinstance(found, Media)
    assert found.audio == AudioStream("unknown", 0, 0)


@pytest.mark.parametrize(
    ("rate", "fps"),
    [("15/1", 15.0), ("30000/1001", 29.97), ("0/0", None), ("0/1", None), ("", None), (None, None), ("a/b", None)],
)
def test_frame_rates(rate: str | None, fps: float | None) -> None:
    found = probe(streams({**VIDEO, "avg_frame_rate": rate}), exit_code=0)
    assert isinstance(found, Media)
    assert found.video.fps == fps


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (-111, Cause.REFUSED),
        (-113, Cause.UNREACHABLE),
        (-101, Cause.UNREACHABLE),
        (-110, Cause.TIMEOUT),
        (-104, Cause.SOURCE_ENDED),
        (-12, Cause.OOM),
        (-808465656, Cause.REQUEST_REFUSED),
        (-825242872, Cause.AUTH_FAILED),
        (-858797304, Cause.AUTH_FAILED),
        (-875574520, Cause.NOT_FOUND),
        (-1482175736, Cause.REQUEST_REFUSED),
        (-1482175992, Cause.CAMERA_ERROR),
        (-1094995529, Cause.UNCLEAR),
    ],
)
def test_error_codes(code: int, cause: Cause) -> None:
    found = probe(error(code), "[error] text")
    assert found == ProbeFailure(cause, "[error] text")


@pytest.mark.parametrize(("elapsed_s", "cause"), [(0.1, Cause.UNCLEAR), (3.9, Cause.UNCLEAR), (4.1, Cause.TIMEOUT)])
def test_only_elapsed_time_proves_that_a_camera_was_silent(elapsed_s: float, cause: Cause) -> None:
    line = "[error] pipe:0: Invalid data found when processing input"
    assert probe(error(-1094995529), line, elapsed_s=elapsed_s) == ProbeFailure(cause, line)


def test_a_probe_that_had_to_be_killed() -> None:
    found = probe(b"", exit_code=None, elapsed_s=15)
    assert found == ProbeFailure(Cause.TIMEOUT, "ffprobe had to be ended, it did not answer")


def test_a_crash_in_the_resolver_is_still_dns() -> None:
    found = probe(
        b"", "[tcp @ 0x55d90acabd80] [error] Failed to resolve hostname cam: Name or service not known", exit_code=None
    )
    assert isinstance(found, ProbeFailure)
    assert found.cause is Cause.DNS


@pytest.mark.parametrize("exit_code", [126, 127])
def test_what_could_not_be_started_is_not_the_cameras_fault(exit_code: int) -> None:
    line = "setpriv: failed to execute ffprobe: No such file or directory"
    assert probe(b"", line, exit_code=exit_code) == ProbeFailure(Cause.INTERNAL, line)


def test_silence_says_the_exit_code() -> None:
    assert probe(b"", exit_code=3) == ProbeFailure(Cause.UNCLEAR, "ffprobe: exit 3")


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ENTRIES = st.dictionaries(
    st.sampled_from(["codec_type", "codec_name", "width", "height", "avg_frame_rate", "sample_rate", "profile"]),
    SCALARS | st.sampled_from(["video", "audio", "h264", "9/0", "1/3", "640"]),
)
DOCUMENTS = SCALARS | st.fixed_dictionaries(
    {},
    optional={
        "streams": st.lists(ENTRIES | SCALARS) | SCALARS,
        "error": st.dictionaries(st.just("code"), SCALARS) | SCALARS,
    },
)


@given(
    DOCUMENTS.map(lambda document: json.dumps(document).encode()) | st.binary(), st.text(), st.none() | st.integers()
)
@example(streams({**VIDEO, "avg_frame_rate": "²/1"}), "", 0)
@example(streams({**VIDEO, "avg_frame_rate": "9" * 5000 + "/1"}), "", 0)
@example(streams({**VIDEO, "width": "9" * 5000}), "", 0)
def test_it_never_raises(stdout: bytes, stderr: str, exit_code: int | None) -> None:
    assert isinstance(probe(stdout, stderr, exit_code), Media | ProbeFailure)


@pytest.mark.parametrize(
    ("measured", "described", "fps"),
    [
        ("25/1", "50/1", 25.0),
        ("0/0", "15/1", 15.0),
        ("0/0", "90000/1", None),
        ("0/0", "0/0", None),
        (None, None, None),
        (7, ["15/1"], None),
    ],
)
def test_pictures_per_second(measured: object, described: object, fps: float | None) -> None:
    stream = {"codec_type": "video", "codec_name": "h264", "width": 640, "height": 360}
    stream |= {"avg_frame_rate": measured, "r_frame_rate": described}
    found = parse_probe(json.dumps({"streams": [stream]}).encode(), "", 0, 0.3, 5.0)
    assert isinstance(found, Media) and found.video.fps == fps
