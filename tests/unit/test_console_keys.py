"""What is typed at the live table: scrolling and filtering, by any terminal's keys, whatever else comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from restream.domain.life.cause import Cause
from restream.interfaces.console.frame import frame
from restream.interfaces.console.keys import Key, Sought
from tests.unit.test_console import FACTS, LOG, camera, down, fleet, rendering


def pressed(*keys: str, page: int = 10) -> Sought:
    return Sought().pressed("".join(keys), page)


def test_keys_scroll_by_lines_and_pages() -> None:
    assert pressed(Key.DOWN, Key.DOWN, Key.UP) == Sought(1)
    assert pressed(Key.UP) == Sought(0)
    assert pressed(Key.PAGE_DOWN, Key.PAGE_DOWN, Key.PAGE_UP) == pressed("jjjjjjjjjj") == Sought(10)
    assert pressed(Key.PAGE_DOWN, Key.HOME) == Sought(0)
    assert pressed("\x1bOB", "\x1b[1;5B", "x") == Sought(1)


def test_words_filter_until_they_are_left() -> None:
    assert pressed(Key.DOWN, "/gaj", Key.ERASE, "te") == Sought(0, "gate", typing=True)
    assert pressed("/gate", Key.ENTER, "j") == Sought(1, "gate")
    assert pressed("/gate", Key.ENTER, Key.ESCAPE) == pressed("/gate", Key.ESCAPE) == Sought()
    assert pressed("/a", Key.DOWN, "b") == Sought(0, "ab", typing=True)
    assert len(pressed("/" + "a" * 999).words) == 80


@given(typed=st.text(max_size=80), page=st.integers(-3, 50))
def test_whatever_is_typed_something_is_shown(typed: str, page: int) -> None:
    sought = Sought().pressed(typed, page)
    assert sought.first >= 0
    assert sought.words.isprintable()
    found = frame(rendering(fleet(60)), LOG, FACTS, 100, 30, sought)
    assert len(found.lines) <= 30
    assert all(line.text.isprintable() for line in found.lines)


def test_the_table_begins_where_it_was_scrolled_to() -> None:
    cameras = {str(number): camera(number) for number in range(1, 101)}
    top = frame(rendering(cameras), [], FACTS, 100, 30)
    assert top.lines[-1].text == f"… and {100 - top.page} more"
    middle = frame(rendering(cameras), [], FACTS, 100, 30, Sought(10))
    titles = next(number for number, line in enumerate(middle.lines) if line.text.startswith("ID"))
    assert middle.lines[titles + 1].text.split()[0] == "11"
    assert middle.lines[-1].text == f"… and 10 above, {90 - middle.page} more"
    last = frame(rendering(cameras), [], FACTS, 100, 30, pressed(Key.END))
    assert last.sought.first == 100 - last.page
    assert last.lines[-2].text.split()[0] == "100"


def test_the_filter_is_shown_and_finds_what_is_told_of_a_camera() -> None:
    cameras = {"1": camera(1, name="Gate"), "2": down(2, Cause.TIMEOUT, name="Yard"), "3": camera(3, name="Yard")}
    found = frame(rendering(cameras), [], FACTS, 100, 30, Sought(0, "YARD timeout", typing=True))
    lines = [line.text for line in found.lines]
    assert "/YARD timeout█" in lines
    assert [line.split()[0] for line in lines[lines.index("/YARD timeout█") + 2 :]] == ["2"]
    assert frame(rendering(cameras), [], FACTS, 100, 30, Sought(0, "nowhere")).page > 0
