"""Which of a camera's pictures are kept: the newest, those that prove something, and some of each day between."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

_DAY_S = 86_400.0
# A flaw is found when some pictures in a row have shown it: the one before those is not thrown away yet.
_RECENT = 5


class PictureKind(StrEnum):
    """Why a picture is kept."""

    SAMPLE = "sample"
    """One of many."""
    BEFORE = "before"
    """The last one without what was found then."""
    AFTER = "after"
    """The first one in which it was found."""
    REFERENCE = "reference"
    """Somebody has said that it is right."""


_PROOFS = frozenset({PictureKind.BEFORE, PictureKind.AFTER})


class PictureStamp(NamedTuple):
    """One picture that is kept."""

    taken_at: float
    """Unix time, s."""
    size_bytes: int
    kind: PictureKind = PictureKind.SAMPLE
    flaws: tuple[str, ...] = ()
    """What was found in it."""
    mask: str = ""
    """Name of the mask that it was taken with; empty: none."""

    @property
    def milliseconds(self) -> int:
        """When it was taken, as it is named by: Unix time."""
        return round(self.taken_at * 1000)


class AlbumLimits(NamedTuple):
    """How much is kept of one camera."""

    most: int = 24
    """Samples over the days."""
    days: float = 1.0
    size_bytes: int = 1 << 20


def with_proofs(stamps: Sequence[PictureStamp], since: float) -> list[PictureStamp]:
    """The stamps, the last of which shows something new since a moment: it is a proof, and so is the last one before.

    Proofs of what was found earlier are samples again.
    """
    ordered = sorted(_sample(each) if each.kind in _PROOFS else each for each in stamps)
    if not ordered:
        return []
    ordered[-1] = ordered[-1]._replace(kind=PictureKind.AFTER)
    before = [index for index, each in enumerate(ordered[:-1]) if each.taken_at < since]
    if before and ordered[before[-1]].kind is PictureKind.SAMPLE:
        ordered[before[-1]] = ordered[before[-1]]._replace(kind=PictureKind.BEFORE)
    return ordered


def with_reference(stamps: Sequence[PictureStamp], taken_at: float) -> list[PictureStamp]:
    """The stamps, of which the one that was taken then (else the last) is the reference, and no other is."""
    ordered = sorted(_sample(each) for each in stamps)
    if ordered:
        at = next((index for index, each in enumerate(ordered) if each.taken_at == taken_at), len(ordered) - 1)
        ordered[at] = ordered[at]._replace(kind=PictureKind.REFERENCE, flaws=())
    return ordered


def kept(stamps: Sequence[PictureStamp], limits: AlbumLimits) -> list[PictureStamp]:
    """Those of the stamps that stay, oldest first: the last few, the reference, proofs as long as the time allows, and
    of the others one for each part of it, all parts being as long. Too many or too large, and the oldest samples go
    first, then proofs; the newest stays.
    """
    ordered = sorted(stamps)
    if not ordered:
        return []
    span_s = limits.days * _DAY_S
    oldest_at, part_s = ordered[-1].taken_at - span_s, span_s / max(1, limits.most)
    chosen: list[PictureStamp] = []
    parts: set[int] = set()
    for number, stamp in enumerate(ordered, 1):
        part = int(stamp.taken_at // part_s)
        is_recent = number > len(ordered) - _RECENT
        is_marked = stamp.kind is PictureKind.REFERENCE or (stamp.kind in _PROOFS and stamp.taken_at >= oldest_at)
        if is_recent or is_marked or (stamp.taken_at >= oldest_at and part not in parts):
            chosen.append(stamp)
            parts.add(part)
    size = sum(each.size_bytes for each in chosen)
    spare = sorted(chosen[:-1], key=lambda each: (each.kind is not PictureKind.SAMPLE, each.taken_at))
    most = limits.most + _RECENT + len(PictureKind) - 1
    for stamp in spare:
        if len(chosen) <= most and size <= limits.size_bytes:
            break
        chosen.remove(stamp)
        size -= stamp.size_bytes
    return chosen


def _sample(stamp: PictureStamp) -> PictureStamp:
    return stamp._replace(kind=PictureKind.SAMPLE)
