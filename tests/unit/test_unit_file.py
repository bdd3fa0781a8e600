"""The unit for systemd, written for where the program is."""

from __future__ import annotations

from pathlib import Path

import pytest

from restream.cli import main
from restream.config.places import INSTALLED, ROOT, Installation
from restream.reference.unit import STANDS_FOR, unit_for

TEXT = (ROOT / "restream.service").read_text(encoding="utf-8")
WHEEL = Installation(None, Path("/v/lib/restream/etc"))


def commands(text: str) -> list[str]:
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith("ExecStart")]


def test_the_unit_of_a_wheel_starts_its_program() -> None:
    written = unit_for(TEXT, WHEEL, Path("/v/bin/python"), Path("/v/bin"))
    assert commands(written) == ["-/v/bin/restream check --plain", "/v/bin/restream run --plain"]
    assert WHEEL.unit == Path("/v/lib/restream/restream.service")
    # Nothing else is said otherwise, and no other line knows where a checkout is.
    assert [line for line in TEXT.splitlines() if STANDS_FOR not in line] == [
        line for line in written.splitlines() if "/v/bin/restream" not in line
    ]
    assert not [line for line in written.splitlines() if "/opt/" in line and not line.startswith("#")]


def test_the_unit_of_a_checkout_starts_that_one(capsys: pytest.CaptureFixture[str]) -> None:
    there = Installation(Path("/opt/restream"), Path("/opt/restream/etc"))
    assert unit_for(TEXT, there, Path("/opt/restream/.venv/bin/python"), Path("/")) == TEXT
    assert main(["config", "--unit"]) == 0
    written = capsys.readouterr().out
    assert all(f" {ROOT}/srvc_restream.py " in command for command in commands(written))
    assert INSTALLED.unit == ROOT / "restream.service"


@pytest.mark.parametrize(
    ("scripts", "word"),
    [
        ("/my own/bin", '"/my own/bin/restream"'),
        ("/100%/bin", "/100%%/bin/restream"),
        ('/a"b/bin', '"/a\\"b/bin/restream"'),
        ("/a\\b/bin", "/a\\\\b/bin/restream"),
    ],
)
def test_systemd_reads_any_path(scripts: str, word: str) -> None:
    assert commands(unit_for(TEXT, WHEEL, Path(), Path(scripts)))[1] == f"{word} run --plain"


def test_a_unit_replaces_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = tmp_path / "restream.service"
    there.write_text("mine", encoding="utf-8")
    assert main(["config", "--unit", "--output", str(there)]) == 2
    assert "--force" in capsys.readouterr().err
    assert there.read_text(encoding="utf-8") == "mine"
