"""docs/security.md names tests: they exist."""

import re

from restream.config.places import ROOT


def test_every_test_that_the_document_names_exists() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    known: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        known.add(path.stem)
        known |= set(re.findall(r"^ *(?:async )?def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) > 20
    assert named <= known, named - known
