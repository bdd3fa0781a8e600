"""Recorded output of real ffprobe and ffmpeg (see tests/record_ffmpeg.py)."""

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "data" / "ffmpeg"


def recordings(kind: str) -> list[Any]:
    """One parameter per recorded case, named `5.1-refused`, with the `version` it was recorded with."""
    return [
        pytest.param(
            {"version": path.parent.name, **json.loads(path.read_text(encoding="utf-8"))},
            id=f"{path.parent.name}-{path.stem.removeprefix(kind + '-')}",
        )
        for path in sorted(FOLDER.glob(f"*/{kind}-*.json"))
    ]
