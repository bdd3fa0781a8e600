"""The allow-list between a database column and ffmpeg's command line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.camera.options import (
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    AudioChoice,
    CameraOptions,
    OptionError,
    RtspTransport,
    Transport,
    check_path,
    parse_options,
)


def test_every_option() -> None:
    document = {
        "publish": "SRT",
        "rtsp_transport": "udp",
        "audio": "aac",
        "path": "site/gate-1",
        "site": " North ",
        "priority": -5,
        "connect_timeout_s": 30,
        "stall_timeout_s": 12.5,
        "input": {"-timeout": 7000000, "fflags": "+genpts+nobuffer", "use_wallclock_as_timestamps": True},
        "output": {"b:a": "64k", "bsf:v": "dump_extra=freq=keyframe", "muxdelay": 0.1},
    }
    assert parse_options(document) == CameraOptions(
        publish=Transport.SRT,
        rtsp_transport=RtspTransport.UDP,
        audio=AudioChoice.AAC,
        path="site/gate-1",
        site="North",
        priority=-5,
        connect_timeout_s=30.0,
        stall_timeout_s=12.5,
        input=(("timeout", "7000000"), ("fflags", "+genpts+nobuffer"), ("use_wallclock_as_timestamps", "1")),
        output=(("b:a", "64k"), ("bsf:v", "dump_extra=freq=keyframe"), ("muxdelay", "0.1")),
    )


def test_null_means_as_configured_for_the_service() -> None:
    assert parse_options(dict.fromkeys(["publish", "audio", "path", "priority", "input"])) == CameraOptions()


@pytest.mark.parametrize(
    ("direction", "name", "value"),
    [
        # Each of these would read or write files, reach other hosts, start filters or replace the plan's own choices.
        ("input", "i", "/etc/passwd"),
        ("input", "f", "lavfi"),
        ("input", "protocol_whitelist", "file,http,tcp"),
        ("input", "safe", "0"),
        ("input", "re", "1"),
        ("input", "listen_timeout", "5"),
        ("input", "rtsp_transport", "http"),
        ("input", "headers", "X: y"),
        ("input", "timeout", "5 -i /etc/passwd"),
        ("input", "timeout", "5\n-i"),
        ("input", "timeout", "-5"),
        ("input", "timeout", ""),
        ("input", "timeout", "5'\nfile '/etc/passwd"),
        ("input", "timeout", [5]),
        ("input", "timeout", {"a": 1}),
        ("input", "timeout", "5" * 13),
        ("input", "fflags", "+genpts;x"),
        ("input", "user_agent", "a'b"),
        ("input", "user_agent", "a\nb"),
        ("input", "user_agent", 'a"b'),
        ("input", "user_agent", "a" * 121),
        ("input", "timeout -i x", "5"),
        ("input", "timeout\n", "5"),
        ("output", "f", "tee"),
        ("output", "filter_complex", "x"),
        ("output", "vf", "movie=/etc/passwd"),
        ("output", "c:v", "libx264"),
        ("output", "y", "1"),
        ("output", "progress", "/tmp/x"),
        ("output", "report", "1"),
        ("output", "bsf:v", "noise"),
        ("output", "bsf:v", "dump_extra,trace_headers"),
        ("output", "bsf:v", "dump_extra|/tmp/x"),
        ("output", "b:a", "64k /tmp/x"),
        ("output", "/tmp/x.mp4", "1"),
        ("output", "muxdelay", "1e9"),
    ],
)
def test_injections_are_refused(direction: str, name: str, value: object) -> None:
    with pytest.raises(OptionError) as caught:
        parse_options({direction: {name: value}})
    assert str(caught.value).startswith(f"{direction}: ") or str(caught.value).startswith(f"{direction}.{name}: ")


def test_a_refused_value_is_not_repeated() -> None:
    with pytest.raises(OptionError) as caught:
        parse_options({"input": {"user_agent": "sEcret'"}})
    assert "sEcret" not in str(caught.value)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"pubish": "srt"}, "'pubish' is unknown (known: audio, "),
        ({5: "srt"}, "'int' is unknown"),
        ({"publish": "hls"}, "publish: expected rtsp or srt"),
        ({"publish": True}, "publish: expected rtsp or srt"),
        ({"audio": "opus"}, "audio: expected auto or copy or aac or none"),
        ({"rtsp_transport": "http"}, "rtsp_transport: expected tcp or udp"),
        ({"priority": "high"}, "priority: expected a whole number"),
        ({"priority": 1.5}, "priority: expected a whole number"),
        ({"priority": True}, "priority: expected a whole number"),
        ({"priority": 1001}, "priority: expected a whole number"),
        ({"stall_timeout_s": "10"}, "stall_timeout_s: expected seconds"),
        ({"stall_timeout_s": 0}, "stall_timeout_s: expected seconds"),
        ({"stall_timeout_s": True}, "stall_timeout_s: expected seconds"),
        ({"stall_timeout_s": float("nan")}, "stall_timeout_s: expected seconds"),
        ({"stall_timeout_s": float("inf")}, "stall_timeout_s: expected seconds"),
        ({"connect_timeout_s": 601}, "connect_timeout_s: expected seconds"),
        ({"site": "a\nb"}, "site: expected a short text"),
        ({"site": 5}, "site: expected a short text"),
        ({"site": "x" * 201}, "site: expected a short text"),
        ({"path": "a b"}, "path: expected letters"),
        ({"input": []}, "input: expected an object"),
        ({"input": "timeout=5"}, "input: expected an object"),
    ],
)
def test_mistakes(document: object, problem: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_options(document)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize("path", ["cam1", "a/b/c", "A-b_c.d", "1", "a..b", "..."])
def test_paths_that_mediamtx_accepts(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a b", "a?b", "a#b", "ä", "a\n", "a:b", "~a", "x" * 121],
)
def test_paths_that_mediamtx_refuses(path: str) -> None:
    with pytest.raises(ValueError, match="expected letters"):
        check_path(path)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@given(
    st.sampled_from(["input", "output"]),
    st.dictionaries(st.sampled_from(sorted({*INPUT_OPTIONS, *OUTPUT_OPTIONS})) | st.text(), VALUES),
)
def test_whatever_is_accepted_is_on_the_list_and_harmless(direction: str, pairs: dict[str, object]) -> None:
    table = INPUT_OPTIONS if direction == "input" else OUTPUT_OPTIONS
    try:
        options = parse_options({direction: pairs})
    except OptionError:
        return
    for name, value in options.input + options.output:
        assert name in table
        assert value.isprintable()
        assert "'" not in value
        assert "\\" not in value


@given(st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10))
def test_any_document_is_understood_or_refused(document: object) -> None:
    try:
        assert isinstance(parse_options(document), CameraOptions)
    except OptionError as error:
        assert "\n" not in str(error)
