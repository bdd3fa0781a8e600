"""A row's author who means harm: every column, every kind of value; one clear line, and the other rows go on."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from decimal import Decimal
from typing import Any

import orjson
import pytest

from restream.config.settings import Settings, load_camera_types
from restream.domain.camera.camera import COLUMNS, Camera, RejectedRow, RowReader
from restream.domain.camera.options import OUTPUT_OPTIONS, check_path
from restream.domain.camera.urls import SCHEMES, UrlError, parse_source
from restream.domain.engine import AudioStream, Media, VideoStream
from restream.domain.ffmpeg.plan import FfmpegSettings, build_plan, build_probe
from restream.domain.ffmpeg.source_input import _PROTOCOLS
from restream.domain.server.target import Target
from restream.supervisor.cameras.registry import Registry
from restream.supervisor.components import Components
from restream.supervisor.loops import Loops
from tests.unit.fakes import FakeTable, Listener, settle, virtual

READER = RowReader(load_camera_types(Settings()))
MEDIA = Media(VideoStream("h264", 640, 360), AudioStream("aac", 16000, 1))
GOOD = {"id": 1, "link": "10.0.0.1", "login": "admin", "password": "sEcret", "channel": 1, "camera_type": "DAHUA"}

TEXTS = (
    *("-i", "-f lavfi -i /etc/passwd", "--", "-", "|tee /tmp/x", "$(reboot)", "`reboot`", ";reboot", "%n%s", "{link}"),
    *("a'b", "'", "\\'", "a' option safe '0", "\"", "x\nfile '/etc/passwd'", "\r\noption safe 0", "\t"),
    *("../../etc/passwd", "/etc/passwd", "..", "a/../b", "//host/x", "~root", "con|aux"),
    *("\0", "a\0b", "\x1b[31m", "\x9b31m", "\x7f", "\u2028", "\u202egpj", "\u2066", "\ud800", "\udcff", "\ufffe"),
    *("x" * 1_000_000, "é" * 3000, "[" * 100_000, "{" * 100_000),
)  # fmt: skip
URLS = (
    *("file:/etc/passwd", "file:///etc/passwd", "FILE:///etc/passwd", "concat:/etc/passwd|/etc/group", "data:,x"),
    *("data://text/plain,x", "pipe:0", "pipe://0", "fd://0", "ftp://h/x", "gopher://h/x", "subfile,,start,0,:/x"),
    *("crypto:/etc/passwd", "crypto+file:///etc/passwd", "async:rtsp://h/x", "cache:rtsp://h/x", "tee:rtsp://h/x"),
    *("unix:///run/x", "sftp://h/x", "smb://h/x", "rtp://h:1/x", "tcp://h:1", "tls://h:1", "mmsh://h/x", "ipfs://h/x"),
    *("hls+http://h/x", "applehttp://h/x", "rtmpe://h/x", "rtmpt://h/x", "icecast://h/x", "concatf://h/x", "lavfi://x"),
    *("-i rtsp://h/x", "rtsp://h/x\n-i /etc/passwd", "rtsp:///x", "rtsp://", "rtsp://h:99999/", "rtsp://h\\x", "://h"),
)  # fmt: skip
VALUES: tuple[object, ...] = (
    *(b"bytes", bytearray(b"x"), memoryview(b"x"), [1, 2], ["10.0.0.1"], ("a",), {"a": 1}, {1, 2}, frozenset({"x"})),
    *(10**5000, -(10**5000), float("nan"), float("inf"), float("-inf"), Decimal("NaN"), Decimal("sNaN")),
    Decimal("-Infinity"),
)  # fmt: skip
# What a number or truth value may stand for is the column's business; it must not do harm.
ODD: tuple[object, ...] = (*TEXTS, *URLS, *VALUES, True, False, 0, -1, 1.5, 1e300, Decimal("1E+300"), object())


def _check(row: dict[str, Any]) -> Camera | RejectedRow:
    """Whatever comes of a row can be shown, stored and started."""
    found = READER.read(row)
    for shown in (found.id, found.name, *([found.problem] if isinstance(found, RejectedRow) else [])):
        assert shown.isprintable() and len(shown) < 3000, shown
        orjson.dumps(shown)
    if isinstance(found, RejectedRow):
        assert re.match(r"[a-z_]+: ", found.problem), found.problem
        assert len(found.problem) < 500
        return found
    assert check_path(found.path) == found.path
    assert found.source.scheme in SCHEMES
    orjson.dumps([found.site, found.camera_type, str(found.source), found.source.host, repr(found.options)])
    for hidden in (True, False):
        settings = FfmpegSettings(hide_source=hidden)
        plan = build_plan(found, MEDIA, Target(), settings)
        probe = build_probe(found.source, found.options, settings)
        for command in (plan.invocation, probe.invocation):
            script = command.stdin.reveal().splitlines() if command.stdin else []
            assert len([line for line in script if line.startswith("file ")]) == len(script[:1])
            assert all(re.fullmatch(r"ffconcat version 1.0|(file|option [a-z_]+) '.*'", line) for line in script)
            assert command.argv.count("-i") == 1
            assert command.argv[command.argv.index("-protocol_whitelist") + 1].isascii()
            for word in command.argv:
                word.encode()
                assert word.isprintable()
    return found


@pytest.mark.parametrize("column", COLUMNS)
def test_every_kind_of_value_in_every_column(column: str) -> None:
    for value in ODD:
        _check({**GOOD, column: value})


@pytest.mark.parametrize("column", [column for column in COLUMNS if column not in ("options", "enabled")])
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_what_is_no_text_and_no_number_is_refused_by_its_column(column: str, value: object) -> None:
    found = _check({**GOOD, column: value})
    assert isinstance(found, RejectedRow)
    assert found.problem == f"{column}: expected a text or a number"


@pytest.mark.parametrize("url", URLS)
def test_other_protocols_are_refused(url: str) -> None:
    for column in ("rtsp_url", "link"):
        found = _check({**GOOD, column: url})
        assert isinstance(found, RejectedRow), found.source.reveal()
        assert found.problem.startswith(f"{column}: ")


def test_these_protocols_and_no_others() -> None:
    assert SCHEMES == {"rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "srt", "udp"} == set(_PROTOCOLS)
    for scheme in SCHEMES:
        assert parse_source(f"{scheme}://10.0.0.1:1000/x").scheme == scheme
    # None of these reads a file or another program's output.
    reached = {protocol for listed in _PROTOCOLS.values() for protocol in listed.split(",")}
    assert reached == SCHEMES | {"rtp", "tcp", "tls", "crypto", "data"}


@pytest.mark.parametrize(
    "option", ["site", "path", "publish", "rtsp_transport", "audio", "priority", "stall_timeout_s"]
)
def test_every_kind_of_value_in_every_option(option: str) -> None:
    for value in ODD:
        found = _check({**GOOD, "options": {option: value}})
        if any(value is each for each in VALUES):
            assert isinstance(found, RejectedRow) and found.problem.startswith(f"options: {option}: ")


@pytest.mark.parametrize("direction", ["input", "output"])
def test_every_kind_of_value_and_name_for_ffmpeg(direction: str) -> None:
    for value in ODD:
        _check({**GOOD, "options": {direction: value}})
        _check({**GOOD, "options": {direction: {"timeout": value, "user_agent": value, "ac": value}}})
    for key in (*TEXTS, *URLS, b"x", 5, 10**5000, 1.5, None, ("a",)):
        for options in ({direction: {key: "1"}}, {key: "1"}):
            found = _check({**GOOD, "options": options})
            assert isinstance(found, RejectedRow) and len(found.problem) < 500


@pytest.mark.parametrize(
    "text",
    [
        '{"site": "\\ud800"}',
        '{"path": "\\u0000"}',
        '{"site": NaN}',
        '{"stall_timeout_s": 1e999}',
        '{"priority": ' + "1" * 5000 + "}",
        '{"input": ' * 2000,
        '{"site": "' + "x" * 1_000_000 + '"}',
        "[" * 1_000_000,
        "[" + "1," * 500_000 + "1]",
        '{"input": {"timeout": "\\u0661\\u0662"}}',
        '{"input": {"rtsp_flags": "listen"}}',
        '{"input": {"rtsp_flags": "prefer_tcp+listen"}}',
    ],
    ids=range(12),
)
def test_options_as_text(text: str) -> None:
    found = _check({**GOOD, "options": text})
    assert isinstance(found, RejectedRow) and found.problem.startswith("options: ")


def test_ffmpeg_is_never_told_to_listen_or_to_overwrite() -> None:
    assert not {"listen", "y", "f", "i", "map", "filter_complex", "c:v"} & set(OUTPUT_OPTIONS)
    accepted = READER.read({**GOOD, "options": {"input": {"rtsp_flags": "prefer_tcp+filter_src"}}})
    assert isinstance(accepted, Camera)


@pytest.mark.parametrize("form", ["rtsp://{}@h/x", "rtsp://u:{}@h/x", "rtsp://h/{}", "rtsp://h/x?{}", "rtsp://{}/x"])
def test_text_inside_a_url(form: str) -> None:
    for value in TEXTS:
        _check({**GOOD, "rtsp_url": form.format(value)})


def test_a_long_url_is_refused_quickly() -> None:
    for text in ("rtsp://" + "@" * 2_000_000, "rtsp://h/" + "password=" * 200_000, "a" * 2_000_000, ":" * 2_000_000):
        with pytest.raises(UrlError):
            parse_source(text)


@virtual
async def test_the_other_rows_go_on(caplog: pytest.LogCaptureFixture) -> None:
    names = ("id", "link", "password", "options", "enabled", "name")
    bad = [{**GOOD, "id": f"bad-{name}-{number}", name: value} for name in names for number, value in enumerate(ODD)]
    table = FakeTable({**GOOD, "id": "first"}, *bad, {**GOOD, "id": "last", "options": {"path": "last"}})
    listener = Listener()
    registry = Registry(table, READER, Components(), listener, poll_s=10)
    with caplog.at_level(logging.WARNING):
        async with Loops() as services:
            services.start("registry", registry.run)
            await settle()
            assert {"first", "last"} <= {camera.id for camera in listener.readings[-1]}
            said = len(caplog.records)
            # The same rows again say nothing new.
            await asyncio.sleep(30)
            assert len(caplog.records) == said
    assert all(record.getMessage().isprintable() for record in caplog.records)
    assert "sEcret" not in caplog.text
    json.dumps([[camera.id, camera.name, str(camera.source)] for camera in listener.readings[-1]])
