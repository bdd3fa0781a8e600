"""Reference pages are current, and the commented configuration says nothing else than the model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from restream.config.places import ROOT
from restream.config.settings import FIXED, Settings
from restream.reference.configuration import fixed, shown
from restream.reference.pages import PAGES

FILE = ROOT / "etc" / "restream.yml"


def keys(model: type[BaseModel] = Settings, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every key that holds a value, with its field."""
    for name, field in model.model_fields.items():
        inner = type(field.default)
        if issubclass(inner, BaseModel):
            yield from keys(inner, *path, name)
        else:
            yield (*path, name), field


KEYS = dict(keys())


def of_file(document: dict[str, Any], *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in document.items():
        if isinstance(value, dict) and (*path, name) not in KEYS:
            yield from of_file(value, *path, name)
        else:
            yield (*path, name), value


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_current(name: str) -> None:
    written = (ROOT / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "run: python -m restream.reference"


def test_the_commented_file_has_every_key_with_its_default() -> None:
    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    assert dict(of_file(document)) == {path: shown(field) for path, field in KEYS.items()}


def test_every_key_is_on_the_page_with_its_default_and_variable() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    lines = [re.findall(r"`([^`]*)`", line) for line in page.splitlines() if "`RESTREAM_" in line]
    variables = {variable for found in lines for variable in found if variable.startswith("RESTREAM_")}
    assert variables == {"RESTREAM_" + "__".join(path).upper() for path in KEYS}


def test_every_key_says_what_it_means() -> None:
    assert [path for path, field in KEYS.items() if not field.description] == []


def test_the_commented_file_marks_the_keys_that_need_a_restart() -> None:
    """`(restart)` behind a key is of that key, behind a section of all its keys."""
    marked: dict[tuple[str, str], bool] = {}
    section, whole, above = "", False, ""
    for line in FILE.read_text(encoding="utf-8").splitlines():
        above = "" if not line.strip() else f"{above} {line}" if line.lstrip().startswith("#") else above
        if found := re.match(r"(\w+):", line):
            section, whole, above = found[1], "(restart)" in above, ""
        elif found := re.match(r"  (\w+):", line):
            marked[section, found[1]] = whole or "(restart)" in above + line
            above = ""
    assert marked == {path[:2]: fixed(*path[:2]) for path in KEYS}


def test_the_table_of_fixed_keys_names_keys() -> None:
    for section, names in FIXED.items():
        for name in names or ():
            assert any(path[:2] == (section, name) for path in KEYS), f"{section}.{name}"


def test_every_variable_reaches_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that reaches none is refused as an unknown key; here each carries its key's default."""
    defaults = Settings()
    for path, field in KEYS.items():
        value = shown(field)
        text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
        monkeypatch.setenv("RESTREAM_" + "__".join(path).upper(), text)
    assert Settings() == defaults
    monkeypatch.setenv("RESTREAM_HTTP__PORT", "8001")
    assert Settings() != defaults
