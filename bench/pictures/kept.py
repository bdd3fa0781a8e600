"""What was measured of a simulated camera, kept in a file: other rules are tried on it in a tenth of the time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np

from restream.adapters.pictures import measures
from restream.domain.pictures.measure import CELLS, POINTS, PictureMeasure

_SIZES = {"grid": CELLS, "edges": CELLS, "layout": CELLS, "points": POINTS}
_TYPE = np.dtype(
    [
        (each.name, np.uint8, (_SIZES[each.name],)) if each.name in _SIZES else (each.name, np.float64)
        for each in fields(PictureMeasure)
    ]
)
_WHOLE = ("width", "height")


class KeptMeasures:
    """Of one camera, picture by picture; of use as long as neither the drawing nor the measuring changes."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{name}-{_drawn_by()}.npy"

    @property
    def known(self) -> bool:
        """Whether there is something to read."""
        return self._path.exists()

    def read(self) -> Iterator[PictureMeasure]:
        """All of them, in order."""
        for row in np.load(self._path, mmap_mode="r"):
            values = {name: row[name].tobytes() if name in _SIZES else row[name].item() for name in _TYPE.names or ()}
            yield PictureMeasure(**{name: int(value) if name in _WHOLE else value for name, value in values.items()})

    def write(self, found: list[PictureMeasure]) -> None:
        """Whole, or not at all."""
        rows = np.empty(len(found), _TYPE)
        for at, each in enumerate(found):
            for name in _TYPE.names or ():
                value = getattr(each, name)
                rows[name][at] = np.frombuffer(value, np.uint8) if name in _SIZES else value
        part = self._path.with_suffix(".part.npy")
        np.save(part, rows)
        part.rename(self._path)


def _drawn_by() -> str:
    """The state of the code that draws and measures."""
    drawing = (Path(__file__).with_name(f"{name}.py") for name in ("drawing", "faults", "kinds", "scene", "weather"))
    text = b"".join(each.read_bytes() for each in (*drawing, Path(measures.__file__)))
    return hashlib.sha256(text).hexdigest()[:12]
