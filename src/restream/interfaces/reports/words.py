"""What reports say, in the languages of the page: the same texts."""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any

LANGUAGES = ("en", "de", "ru")


class ReportWords:
    """The texts of one language."""

    def __init__(self, language: str = "en") -> None:
        self.language = language if language in LANGUAGES else "en"

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key, with its values."""
        text = str(_texts()[key][self.language])
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text

    def of_code(self, room: str, code: str) -> str:
        """What a cause or side is called; the code itself where it has no name."""
        found = _texts().get(f"{room}.{code}", {}).get(self.language)
        return found if isinstance(found, str) else code


@functools.cache
def _texts() -> dict[str, dict[str, Any]]:
    file = resources.files("restream.interfaces") / "static" / "texts.json"
    found: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return found
