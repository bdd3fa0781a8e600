"""What is fuzzed: each target takes any bytes, and fails when a parser raises or breaks a promise."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from ipaddress import ip_network
from types import SimpleNamespace
from typing import cast

import orjson
from aiohttp import web
from multidict import CIMultiDict

from restream.adapters.processes.stderr_tail import StderrTail
from restream.adapters.server.docker_engine import parse_container
from restream.adapters.server.mediamtx_lists import PATHS, SRT
from restream.adapters.stores.stored_records import decode_event, decode_moment, decode_timeline
from restream.domain.camera.camera import COLUMNS, Camera, RowReader
from restream.domain.camera.options import (
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    CameraOptions,
    OptionError,
    parse_options,
)
from restream.domain.camera.row_changes import Effect, RowTable
from restream.domain.camera.secret import Secret, mask_exact, mask_patterns, spellings
from restream.domain.camera.urls import CameraTypes, UrlError, parse_source
from restream.domain.ffmpeg.exit_cause import ProcessEnding, classify
from restream.domain.ffmpeg.plan import FfmpegSettings, build_probe
from restream.domain.ffmpeg.probe import parse_probe
from restream.domain.ffmpeg.progress import ProgressParser
from restream.domain.server.mediamtx import parse_info, parse_paths, parse_sessions, parse_srt
from restream.domain.visionaire import parse_details, parse_streams
from restream.interfaces.documents.events import EventDocument
from restream.interfaces.documents.values import encode
from restream.interfaces.http.attempts import client_of
from restream.interfaces.http.auth import COOKIE, Access
from restream.interfaces.http.host_names import _is_known
from restream.interfaces.rows.csv_file import RowsFileError, read_rows
from restream.interfaces.rows.statements import change_statements
from tests.fuzz.picture_targets import PICTURE_TARGETS
from tests.fuzz.rtp_targets import RTP_TARGETS
from tests.fuzz.rtsp_targets import RTSP_TARGETS

_READER = RowReader(CameraTypes.parse({"default": "{login}:{password}@{link}:554/stream={channel}"}))
_NOW = 1_800_000_000.0


def source_url(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    try:
        source = parse_source(text)
    except UrlError as error:
        assert str(error).isprintable()
        return
    assert parse_source(source.reveal()).reveal() == source.reveal()
    for hidden in (True, False):
        command = build_probe(source, CameraOptions(), FfmpegSettings(hide_source=hidden)).invocation
        # `str(source)` hides the password by its place: a login that is the same stays to be seen.
        shown = " ".join((*command.masked_argv, command.masked_stdin))
        assert not [secret for secret in source.secrets if len(secret) > 8 and "*" not in secret and secret in shown]
        script = command.stdin.reveal().split("\n") if command.stdin else []
        assert all(re.fullmatch(r"ffconcat version 1\.0|(file|option [a-z_]+) '.*'|", line) for line in script)
        assert len([line for line in script if line.startswith("file ")]) == len(script[:1])


def options(data: bytes) -> None:
    document = _json(data)
    try:
        found = parse_options(document)
    except OptionError as error:
        assert str(error).isprintable() and len(str(error)) < 500
        return
    for pairs, table in ((found.input, INPUT_OPTIONS), (found.output, OUTPUT_OPTIONS)):
        for name, value in pairs:
            assert table[name].fullmatch(value) and not re.search(r"[\s'\"\\]", value.replace(" ", ""))


def row(data: bytes) -> None:
    document = _json(data)
    if not isinstance(document, dict):
        document = {"id": 1, "link": document, "options": document, "password": document}
    found = _READER.read(document)
    assert _READER.id_of(document) == found.id
    orjson.dumps([found.id, found.name])
    if isinstance(found, Camera):
        orjson.dumps([found.site, found.path, str(found.source), found.camera_type])
        found.source.reveal().encode()
    else:
        assert re.match(r"[a-z_]+: ", found.problem) and found.problem.isprintable()


def rows_file(data: bytes) -> None:
    """Lines of a file rise; each row is told of once; what is refused has a reason, and what is written was given."""
    try:
        given = read_rows(data, {})
    except RowsFileError as error:
        assert str(error).isprintable() and len(str(error)) < 400
        return
    lines = [row.line for row in given]
    assert lines == sorted(set(lines))
    present: dict[str, object] = {
        "id": 1,
        "link": "192.0.2.1",
        "password": "sEcret-w0rd",
        "channel": 1,
        "enabled": True,
    }
    changes = RowTable(_READER, [present | dict.fromkeys(COLUMNS[6:], None)]).compare(given)
    assert len(changes) - sum(each.effect is Effect.MISSING for each in changes) == len(given)
    for change in changes:
        assert bool(change.problem) == (change.effect is Effect.REFUSED) and "sEcret-w0rd" not in repr(change)
        assert change.problem.isprintable()
    for statement in change_statements(changes, "cameras", {}):
        assert statement.count("'") % 2 == 0 and statement.endswith(";")


def media_server(data: bytes) -> None:
    document = _strict_json(data)
    for parse in (parse_paths, parse_srt, parse_sessions):
        for key, found in parse(document).items():
            assert key.isprintable()
            orjson.dumps(found._asdict())
    if isinstance(document, dict) and "items" in document:
        # By their types, lists are read as by the parser that takes everything.
        assert (PATHS.read(data), SRT.read(data)) == (parse_paths(document), parse_srt(document))
    orjson.dumps(parse_info(document))


def long_list(data: bytes) -> None:
    """A list that is cut into parts says the same as the whole."""
    document = _strict_json(data)
    if not isinstance(document, dict) or "items" not in document:
        return
    whole = parse_paths(orjson.loads(data))
    padding = b'{"name":"' + b"x" * 300 + b'"},'
    assert PATHS.read_long(data) == whole
    large = data.replace(b'"items":[{"name":"', b'"items":[' + padding * 1000 + b'{"name":"', 1)
    if isinstance(_strict_json(large), dict):
        assert PATHS.read_long(large) == parse_paths(orjson.loads(large))


def progress(data: bytes) -> None:
    at_once = ProgressParser().feed(data)
    parser = ProgressParser()
    step = max(1, len(data) // 7)
    parts = [block for at in range(0, len(data), step) for block in parser.feed(data[at : at + step])]
    if not re.search(rb"[^\n]{3000}", data):
        assert parts == at_once
    for block in at_once:
        assert all(value is None or value >= 0 for value in (block.frame, block.out_time_us, block.total_size_bytes))


def probe(data: bytes) -> None:
    stdout, _, stderr = data.partition(b"\xff")
    for exit_code in (0, 1, None):
        result = parse_probe(stdout, stderr.decode("utf-8", "replace").split("\n"), exit_code, 1.0, 5.0)
        repr(result)


def stderr(data: bytes) -> None:
    tail = StderrTail()
    for at in range(0, len(data), 97):
        tail.feed(data[at : at + 97])
    lines = tail.masked(("sEcret-w0rd",))
    assert len(lines) <= 21
    assert all(line.isprintable() and len(line) <= 1300 and "sEcret-w0rd" not in line for line in lines)
    for media_seen in (True, False):
        ending = classify(ProcessEnding(1, None, lines), media_seen=media_seen)
        assert ending.cause.facts and ending.detail.isprintable()


def masking(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    once = mask_patterns(text)
    assert mask_patterns(once) == once
    secret = text[: len(text) // 3].strip("*")
    assert all(form not in mask_exact(text, spellings(secret)) for form in spellings(secret) if "*" not in form)


def visionaire(data: bytes) -> None:
    document = _strict_json(data)
    for stream in parse_streams(document) or ():
        orjson.dumps(asdict(stream))
        assert stream.stream_id not in ("", ".", "..")
    details = parse_details(document)
    if details is not None:
        orjson.dumps(asdict(details))
        assert details.state.isprintable()


def kept(data: bytes) -> None:
    event = decode_event(data, _NOW, EventDocument)
    if event is not None:
        assert 0 < event.id <= _NOW * 1000
        encode(event)
    timeline = decode_timeline(data, _NOW)
    if timeline is not None:
        moments = [span.since for span in timeline.spans]
        assert moments == sorted(moments) and all(0 <= moment <= _NOW for moment in moments)
    assert 0 <= decode_moment(data, _NOW) <= _NOW


def http_headers(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    values = (text.replace("\r", "").replace("\n", "") + "\t\t\t").split("\t")
    host, origin, given, forwarded = values[:4]
    access = Access(Secret("0123456789"), cors_origins=("https://wall.example",))
    headers = CIMultiDict(
        {"Host": host, "Origin": origin, "Authorization": given, "X-Forwarded-For": forwarded},
    )
    facts = SimpleNamespace(headers=headers, cookies={COOKIE: given}, remote="127.0.0.1")
    request = cast(web.Request, facts)
    assert access.from_elsewhere(request) or origin == "https://wall.example" or host in origin
    assert not access.authenticate(request) or "0123456789" in given
    client_of(request, (ip_network("127.0.0.0/8"),))
    known = _is_known(host, frozenset({"wall.example"}))
    assert not known or re.search(r"(?i)wall\.example|localhost|127\.|::|0:", host)


def docker(data: bytes) -> None:
    assert parse_container(_strict_json(data)).text is not None


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode("utf-8", "replace")


def _strict_json(data: bytes) -> object:
    """As it comes over the network."""
    try:
        return orjson.loads(data)
    except ValueError:
        return None


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        *(source_url, options, row, rows_file, media_server, long_list, progress, probe),
        *(stderr, masking, visionaire, kept, http_headers, docker),
        *RTSP_TARGETS,
        *RTP_TARGETS,
        *PICTURE_TARGETS,
    )
}
