"""How alike the blurred pictures of a camera are: a lens that hunts is blurred otherwise each time, a fault stays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from restream.domain.pictures.measure import CELLS, COLUMNS, EDGE_OCTAVE, PictureMeasure, number

_AS_SHARP = 0.6 / EDGE_OCTAVE
"""Octaves that edges differ by at most, in pictures that are as sharp: 1.3 %."""
_INNER = slice(2 * COLUMNS, CELLS - 2 * COLUMNS)
_ODD = 6
"""One cell of so many, at either end, is left out: something has passed there."""
_OCTAVES = tuple(math.log2(level + 1) for level in range(256))
# As of `lapses`: about the last four days. Before some have been seen, likeness tells little.
_WEIGHT = 1 / 6000
_AT_FIRST = 5 * _WEIGHT


def as_sharp(picture: PictureMeasure, other: PictureMeasure) -> bool:
    """Whether two pictures of one scene have the same edges, each against the light of its place."""
    cells = sorted(
        (
            (one + two, (one - two) / EDGE_OCTAVE - _OCTAVES[light] + _OCTAVES[lit])
            for one, two, light, lit in zip(
                picture.edges[_INNER], other.edges[_INNER], picture.grid[_INNER], other.grid[_INNER], strict=True
            )
        ),
        reverse=True,
    )
    # Noise has edges too: the half with the stronger ones is compared.
    apart = sorted(each for _, each in cells[: len(cells) // 2])
    odd = len(apart) // _ODD
    return abs(sum(apart[odd:-odd])) <= _AS_SHARP * (len(apart) - 2 * odd)


class Blurs(NamedTuple):
    """Those that came and went by themselves."""

    repeated: float = 0.0
    """Share of all pictures that were blurred, and just as sharp as the blurred one before."""
    last: PictureMeasure | None = None

    def chance(self, lapses: float) -> float:
        """That a blurred picture is as sharp as the one before by itself, where so many of all pictures are blurred."""
        return min(1.0, (self.repeated + _AT_FIRST) / (lapses + _AT_FIRST))

    def fade(self) -> Blurs:
        """With one more picture."""
        return self._replace(repeated=self.repeated * (1 - _WEIGHT)) if self.repeated else self

    def lapsed(self, last: PictureMeasure, repeats: int) -> Blurs:
        """With some in a row that ended with this one; of them so many were as sharp as the one before."""
        again = repeats + (self.last is not None and as_sharp(last, self.last))
        return Blurs(self.repeated + again * _WEIGHT, last)

    def to_mapping(self) -> Mapping[str, object]:
        """Fit for JSON."""
        return {"repeated": round(self.repeated, 6), "last": self.last.to_mapping() if self.last is not None else None}

    @classmethod
    def from_mapping(cls, document: object) -> Blurs:
        """What `to_mapping` made; of anything else nothing is known."""
        if not isinstance(document, Mapping):
            return cls()
        repeated = number(document.get("repeated")) or 0.0
        return cls(min(1.0, max(0.0, repeated)), PictureMeasure.from_mapping(document.get("last")))
