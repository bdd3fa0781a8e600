"""What the rooms of the house may never do, beside the layers of test_layers.py."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from tests.unit.test_layers import identify, imports_of, modules

ENGINES = (
    "restream.domain.ffmpeg",
    "restream.domain.pull",
    "restream.adapters.ffmpeg.engine",
    "restream.adapters.processes.child_process",
    "restream.adapters.pull",
)
NEVERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("a camera's life knows no engine", "domain/life", ENGINES),
    ("a verdict knows no engine", "domain/judgement", ENGINES),
    ("what is told knows no engine", "domain/news", ENGINES),
    ("a rendering knows no engine", "interfaces", ENGINES),
    ("the table knows no engine", "domain/camera", ENGINES),
    ("the table knows no engine", "adapters/postgres.py", ENGINES),
    ("the fleet knows no engine", "supervisor", ENGINES),
    ("a media server knows no camera's life", "domain/server", ("restream.domain.life", "restream.domain.judgement")),
    ("a media server knows no camera's life", "adapters/server", ("restream.domain.life", "restream.domain.judgement")),
    ("a store knows no supervision", "adapters/stores", ("restream.domain.life", "restream.domain.engine")),
)
# The still picture of the page is taken by ffmpeg from the media server: its invocation is passed on unread.
PASSED_ON = {
    ("supervisor/picture/still_queue.py", "restream.domain.ffmpeg.invocation"),
}
# Rooms that stand alone: what of the product they may import beside themselves.
ALONE = {
    "domain/rtsp": ("restream.domain.camera", "restream.domain.engine", "restream.domain.life.cause"),
    "domain/rtp": (),
    "domain/pictures": (),
}
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 300, 60


def inside(path: Path, room: str) -> bool:
    name = identify(path)
    return name == room or name.startswith(f"{room}/")


@pytest.mark.parametrize(("why", "room", "foreign"), NEVERS, ids=[f"{room}: {why}" for why, room, _ in NEVERS])
def test_never(why: str, room: str, foreign: tuple[str, ...]) -> None:
    looked_at = [path for path in modules() if inside(path, room)]
    assert looked_at, f"there is no {room}"
    found = {
        (identify(path), name)
        for path in looked_at
        for name in imports_of(path)
        if any(name == each or name.startswith(f"{each}.") for each in foreign)
    }
    assert not found - PASSED_ON, why


@pytest.mark.parametrize("room", ALONE)
def test_a_room_that_stands_alone(room: str) -> None:
    known = (*ALONE[room], f"restream.{room.replace('/', '.')}")
    imported = {name for path in modules() if inside(path, room) for name in imports_of(path)}
    ours = {name for name in imported if name.startswith("restream.")}
    assert ours, f"there is no {room}"
    assert {name for name in ours if not any(name == each or name.startswith(f"{each}.") for each in known)} == set()


def test_no_file_and_no_function_is_too_long_to_be_read() -> None:
    long_files = {identify(path): len(path.read_text("utf-8").splitlines()) for path in modules()}
    assert {name: lines for name, lines in long_files.items() if lines > MOST_LINES} == {}
    long_functions = {
        f"{identify(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in long_functions.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}


def test_two_types_never_share_a_name() -> None:
    places = defaultdict(list)
    for path in modules():
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(identify(path))
    # What a module keeps to itself is nobody else's concern.
    shared = {name: where for name, where in places.items() if len(where) > 1 and not name.startswith("_")}
    assert shared == {}
