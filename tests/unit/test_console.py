"""What the terminal shows, at fixed sizes: nothing raw reaches it, and everything fits."""

from __future__ import annotations

import io
import itertools
import os
import termios
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console

from restream.domain.judgement.snapshot import Snapshot
from restream.domain.life.cause import Cause
from restream.interfaces.console.camera_table import cameras_lines, print_cameras
from restream.interfaces.console.explanation import packet_facts
from restream.interfaces.console.findings import CheckState, Finding, print_findings
from restream.interfaces.console.frame import Facts, frame
from restream.interfaces.console.screen import Screen, can_be_painted
from restream.interfaces.console.text import Line, fitted, folded, printable
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.packets import SentDocument, SentTrackDocument
from restream.interfaces.documents.ranking import worst_first
from restream.interfaces.documents.rendering import Rendering
from restream.interfaces.documents.status import StatusDocument
from tests.browser import fleet as simulated
from tests.browser.fleet import failed
from tests.support.terminal import Picture

FACTS = Facts("http://127.0.0.1:8000/")
LOG = [f"2026-01-02 03:04:{n:02} INFO    restream.camera: camera {n} (Gate): running" for n in range(60)]
HOSTILE = "\x1b[2J\x1b]0;title\x07[red]Gate[/]\r\n\x9b31m\u202e\ud800\t摄像头"
UP = {"state": "up", "since": "2026-01-02T03:04:05.000Z", "detail": ""}


def camera(number: int, **changes: Any) -> CameraDocument:
    return msgspec.convert(simulated.camera(number, **changes), CameraDocument)


def down(number: int, cause: Cause, **changes: Any) -> CameraDocument:
    return msgspec.convert(simulated.down(number, cause, **changes), CameraDocument)


def fleet(size: int) -> dict[str, CameraDocument]:
    return msgspec.convert(simulated.fleet(size), dict[str, CameraDocument])


def rendering(cameras: Mapping[str, CameraDocument], **status: Any) -> Rendering:
    document = {
        "node": "node",
        "version": "0.1.0",
        "instance": "i",
        "generation": 1,
        "time": "2026-01-02T03:04:05.000Z",
        "uptime_s": 1.0,
        "interval_s": 2.0,
        "fault": {},
        "observed": None,
        "cameras": len(cameras),
        "stopping": False,
        "health": Counter(each.verdict.health for each in cameras.values()),
        "phase": Counter(each.phase for each in cameras.values()),
        "start_queue": 0,
        "start_window": {"window": 8, "starting": 0, "slowed_hosts": 0},
        "components": {"database": UP},
        "servers": {},
    }
    return Rendering(Snapshot(1, 0.0, 0.0), msgspec.convert(document | status, StatusDocument), cameras)


def texts(found: Rendering, width: int, height: int, log: list[str] = LOG, facts: Facts = FACTS) -> list[str]:
    return [line.text for line in frame(found, log, facts, width, height).lines]


def six() -> dict[str, CameraDocument]:
    cameras = [camera(n) for n in range(1, 6)] + [down(6, Cause.AUTH_FAILED, name="Yard, wrong password")]
    return {each.id: each for each in cameras}


def test_six_cameras_and_the_log_share_the_screen() -> None:
    lines = texts(rendering(six()), 100, 30)
    assert len(lines) == 30
    assert lines[0].startswith("restream 0.1.0 on node ")
    assert lines[0].endswith("http://127.0.0.1:8000/")
    assert lines[1] == "6 cameras: 1 down, 5 healthy"
    titles = next(n for n, line in enumerate(lines) if line.startswith("ID"))
    assert lines[titles].split()[:5] == ["ID", "NAME", "HEALTH", "PHASE", "CAUSE"]
    assert [line.split()[0] for line in lines[titles + 1 : titles + 7]] == ["6", "1", "2", "3", "4", "5"]
    assert "auth_failed: the camera refuses" in lines[titles + 1]
    assert lines[titles + 7].startswith("─── log ─")
    assert lines[-1] == LOG[-1]
    assert lines[titles + 8 :] == LOG[titles + 8 - 30 :]


def test_narrow_terminals_have_the_log_without_day_and_logger() -> None:
    log = ["2026-01-02 03:04:05 WARNING restream.camera: camera 7 (Gate): timeout", "Traceback: 2026-01-02 is no day"]
    assert texts(rendering(six()), 80, 30, log)[-2:] == ["03:04:05 WARNING camera 7 (Gate): timeout", log[1]]
    assert texts(rendering(six()), 100, 30, log)[-2:] == log


def test_where_it_broke_is_empty_where_it_did_not() -> None:
    titles, healthy, broken = (line.text for line in cameras_lines([camera(1), down(2, Cause.TIMEOUT)], 200))
    place = titles.index("WHERE")
    assert healthy[place:].startswith("       ")
    assert broken[place:].startswith("camera ")
    assert "none" not in healthy


def test_of_thousands_the_worst_are_shown_and_the_others_counted() -> None:
    cameras = fleet(5000)
    lines = texts(rendering(cameras), 120, 40)
    assert len(lines) == 40
    (more,) = (n for n, line in enumerate(lines) if line.startswith("… and "))
    titles = next(n for n, line in enumerate(lines) if line.startswith("ID"))
    shown = [line.split()[0] for line in lines[titles + 1 : more]]
    assert shown == [each.id for each in sorted(cameras.values(), key=worst_first)[: len(shown)]]
    assert len(shown) >= 15
    assert lines[more] == f"… and {5000 - len(shown):,} more"
    assert lines[1].startswith("5,000 cameras: ")
    assert lines[-1] == LOG[-1]


@pytest.mark.parametrize("width", [1, 5, 20, 40, 80, 132, 300])
def test_it_fits_every_terminal(width: int) -> None:
    components = {name: {**UP, "state": "down", "detail": "x" * 99} for name in "abcdef"}
    found = {size: rendering(fleet(size), components=components) for size in (0, 1, 6, 300)}
    for size, height in itertools.product(found, (1, 2, 5, 8, 24, 60)):
        lines = texts(found[size], width, height)
        assert 0 < len(lines) <= height, (size, height)
        assert max(map(cell_len, lines)) <= width, (size, height)


def test_eighty_columns_have_state_cause_bitrate_and_restarts() -> None:
    cameras = [down(4711, Cause.UNREACHABLE), camera(4712, bitrate_bps=12_340_000), camera(4713, bitrate_bps=81_234)]
    titles, *rows = (line.text for line in cameras_lines(cameras, 80))
    assert titles.split() == ["ID", "NAME", "HEALTH", "CAUSE", "BITRATE", "RESTARTS"]
    assert "unreachable: " in rows[0]
    assert "12.3 Mbit/s" in rows[1]
    assert "81 kbit/s" in rows[2]


def test_wide_terminals_have_everything() -> None:
    titles, row = (line.text for line in cameras_lines([down(1, Cause.TIMEOUT, engine="relay")], 200))
    assert " relay " in row
    assert titles.split() == [
        "ID",
        "NAME",
        "HEALTH",
        "PHASE",
        "ENGINE",
        "WHERE",
        "CAUSE",
        "BITRATE",
        "RESTARTS",
        "MEDIA",
        "NEXT",
        "TRY",
    ]
    assert Cause.TIMEOUT.facts.text in row


def test_nothing_hostile_reaches_the_terminal() -> None:
    verdict = simulated.verdict("down", "camera", "internal", text=HOSTILE)
    bad = camera(1, name=HOSTILE, id=HOSTILE, verdict=verdict)
    found = rendering(
        {"1": bad, "2": camera(2)}, node=HOSTILE, components={"x": {**UP, "state": "down", "detail": HOSTILE}}
    )
    lines = texts(found, 200, 30, [HOSTILE], Facts("http://x/", (HOSTILE,)))
    assert all(line.isprintable() for line in lines)
    assert sum("[red]Gate[/]" in line for line in lines) >= 4, "markup is text"


def test_wide_characters_keep_the_columns() -> None:
    cameras = [
        camera(1, name="摄像头一号大门口很长的名字摄像头一号大门口"),
        camera(2, name="e\u0301" * 40),
        camera(3, name="Gate"),
    ]
    lines = [line.text for line in cameras_lines(cameras, 100)]
    places = {
        cell_len(line[: line.index(word)]) for line, word in zip(lines, ["HEALTH"] + ["healthy"] * 3, strict=True)
    }
    assert len(places) == 1


@given(text=st.text(st.characters(), max_size=60), width=st.integers(1, 40))
def test_any_text_fits_and_is_harmless(text: str, width: int) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) == len(text)
    assert cell_len(fitted(shown, width)) == width
    if width > 1:  # one cell has no room for a wide character
        assert all(cell_len(line) <= width for line in folded(shown, width))


@pytest.mark.parametrize(
    ("phases", "status", "line"),
    [
        (
            {"running": 312, "waiting": 140, "probing": 20, "starting": 28},
            {"start_queue": 40},
            "starting: 312 of 500 running, 40 in queue  █████",
        ),
        ({"running": 495, "starting": 5}, {}, "495 of 500 running, 0 in queue"),
        ({"running": 400, "backoff": 80, "disabled": 20}, {}, "400 of 480 running, 0 in queue"),
        ({"running": 3, "stopping": 497}, {"stopping": True}, "stopping: 3 still running"),
    ],
)
def test_progress_is_shown_while_a_fleet_starts(phases: dict[str, int], status: Any, line: str) -> None:
    found = rendering(fleet(500), phase=phases, **status)
    (shown,) = (text for text in texts(found, 100, 40) if text.startswith(line))
    if "█" in shown:
        assert shown.endswith("62%")
        assert "░" in shown


def test_components_that_are_away_are_named_with_what_is_known() -> None:
    components = {
        "database": {"state": "down", "since": "2026-01-02T03:04:05.000Z", "detail": "Connection refused"},
        "redis": UP,
    }
    lines = texts(rendering(six(), components=components), 100, 30)
    assert "database is down since 03:04:05Z: Connection refused" in lines
    assert "up: redis" in lines
    lines = texts(rendering({}, components=components), 100, 30)
    assert "The cameras table has not been read yet." in lines
    lines = texts(rendering({}), 100, 30)
    assert any("INSERT a row" in line for line in lines)


def test_notes_come_first() -> None:
    assert texts(rendering(six()), 100, 30, facts=Facts("http://x/", ("This is the demo.",)))[1] == "This is the demo."


def test_health_is_a_word_and_a_colour() -> None:
    cameras = list(fleet(60).values())
    styles: dict[str, set[str]] = {}
    for each, line in zip(cameras, cameras_lines(cameras, 120)[1:], strict=True):
        assert f" {each.verdict.health} " in line.text
        styles.setdefault(each.verdict.health, set()).add(line.style)
    assert len(styles) >= 3
    assert all(len(found) == 1 for found in styles.values())


def printed(cameras: list[Any], width: int, **options: Any) -> str:
    shown = io.StringIO()
    print_cameras(Console(file=shown, width=width, **options), cameras)
    return shown.getvalue()


def test_the_command_prints_all_with_whole_causes() -> None:
    cameras = [camera(1), camera(2, verdict=failed(Cause.SERVER_CONFLICT), name=HOSTILE)]
    lines = printed(cameras, 80).splitlines()
    assert lines[1].startswith("2 ")
    whole = " ".join(line[lines[0].index("CAUSE") :].split("  ")[0].strip() for line in lines[1:-3])
    assert whole == f"server_conflict: {Cause.SERVER_CONFLICT.facts.text}"
    assert lines[-1] == "2 cameras: 1 down, 1 healthy"
    assert "\x1b" not in "".join(lines)
    assert "\x1b[31m" in printed(cameras, 80, force_terminal=True, color_system="standard")
    assert "\x1b[31m" not in printed(cameras, 80, force_terminal=True, color_system="standard", no_color=True)
    assert "INSERT a row" in printed([], 80)


def test_of_packets_what_is_not_known_is_left_out() -> None:
    nothing = dict.fromkeys(SentTrackDocument.__struct_fields__, 0) | dict.fromkeys(
        ("fps", "bitrate_bps", "jitter_s", "key_frame_interval_s")
    )
    unknown = SentTrackDocument(**nothing)  # type: ignore[arg-type]
    assert packet_facts(SentDocument(None, None, unknown, None)) == [("lost", "0 packets")]
    known = replace(unknown, lost=3, fps=24.96, jitter_s=0.00044, key_frame_interval_s=2.0, bitrate_bps=2_100_000)
    assert dict(packet_facts(SentDocument(0.0123, 0.0, known, replace(unknown, lost=1, bitrate_bps=32_000)))) == {
        "loss": "1.23% over 10 s",
        "lost": "4 packets",
        "jitter": "0.4 ms",
        "frames": "25.0 per second",
        "key frames": "every 2.0 s",
        "video": "2,100 kbit/s",
        "audio": "32 kbit/s",
    }


def test_the_check_shows_nothing_raw() -> None:
    shown = io.StringIO()
    print_findings(Console(file=shown, width=300), [Finding("redis", CheckState.FAIL, HOSTILE, HOSTILE)])
    assert "\x1b" not in shown.getvalue()
    assert shown.getvalue().count("[red]Gate[/]") == 2


class _Stream(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("environment", [{}, {"TERM": "dumb"}, {"TERM": "xterm", "NOTIFY_SOCKET": "@x"}])
def test_no_table_where_the_terminal_cannot_or_a_manager_listens(environment: dict[str, str]) -> None:
    assert not can_be_painted(environment, _Stream(), _Stream())


def test_no_table_into_a_file() -> None:
    assert not can_be_painted({"TERM": "xterm"}, io.StringIO(), _Stream())
    assert not can_be_painted({"TERM": "xterm"}, _Stream(), io.StringIO())


@pytest.mark.parametrize("height", [2, 5])
def test_the_last_cell_of_a_full_line_stays(height: int) -> None:
    master, slave = os.openpty()
    with os.fdopen(master, "rb", buffering=0) as terminal, os.fdopen(slave, "w") as stream:
        termios.tcsetwinsize(slave, (height, 10))
        screen = Screen(stream)
        picture = Picture(10, height)
        screen.enter()
        screen.paint([Line("old")] * height)
        screen.paint([Line("0123456789"), Line("9876543210")])
        raw = b""
        while raw.count(b"\x1b[?2026l") < 2:
            raw += os.read(terminal.fileno(), 65536)
        picture.feed(raw.decode())
    shown = [line.rstrip() for line in picture.lines]
    assert shown[:2] == ["0123456789", "9876543210"]
    assert not any(shown[2:])
