"""Flaws that pictures have shown, found or not yet, and how often they come and go by themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from restream.domain.pictures.evidence import PictureEvidence
from restream.domain.pictures.finding import PictureFlaw
from restream.domain.pictures.measure import PictureMeasure, number

_MOST_NUMBERS = 32
# Three in a row of what one picture in eighty shows anyway: once in a year of a picture a minute.
_BY_CHANCE = 2e-6
_MOST_LAPSES = 0.3
# About the last four days of a picture a minute; what was so a month ago counts no more.
_LAPSE_WEIGHT = 1 / 6000
_FORGOTTEN = 1e-6


class PictureSuspicion(NamedTuple):
    """A flaw that some pictures have shown, found or not."""

    shown: int
    """Pictures in a row that showed it."""
    since: float
    """The first of them, seconds since the epoch."""
    without: int
    """Pictures in a row that did not show it any more."""
    found: bool
    numbers: Mapping[str, float]
    repeats: int = 0
    """So many of them were just as the one before."""


def continued(
    flaw: PictureFlaw,
    before: PictureSuspicion | None,
    shown: Mapping[str, float] | None,
    seen: PictureEvidence,
    last: PictureMeasure | None,
    confirm_samples: int,
    repeats: int = 0,
) -> PictureSuspicion | None:
    """What is suspected after a picture, with its numbers if it shows the flaw. None: nothing."""
    limits = seen.limits
    if shown is None:
        if before is None or not before.found or before.without + 1 >= limits.clear_samples:
            return None
        return before._replace(without=before.without + 1)
    if before is None:
        # Where two pictures are the same, both show it.
        both = flaw is PictureFlaw.FROZEN and last is not None
        since = last.taken_at if both and last is not None else seen.measure.taken_at
        return PictureSuspicion(2 if both else 1, since, 0, False, shown)
    times = before.shown + 1
    return PictureSuspicion(times, before.since, 0, before.found or times >= confirm_samples, shown, repeats)


def confirmations(lapses: float, least: int, alike: float = 1.0) -> int:
    """Pictures in a row that find a flaw which comes and goes that often by itself, so that chance hardly ever does;
    `alike`: the chance that they are as like each other as they are.
    """
    if lapses <= 0 or alike <= _BY_CHANCE:
        return least
    wanted = math.ceil(math.log(_BY_CHANCE / alike) / math.log(min(lapses, _MOST_LAPSES)))
    return max(least, wanted)


def lapses_after(
    known: Mapping[PictureFlaw, float],
    before: Mapping[PictureFlaw, PictureSuspicion],
    after: Mapping[PictureFlaw, PictureSuspicion],
) -> Mapping[PictureFlaw, float]:
    """Of each picture that is looked at, the last ones weighing most."""
    gone = [flaw for flaw, each in before.items() if not each.found and flaw not in after]
    if not gone and not known:
        return known
    counts = {flaw: share * (1 - _LAPSE_WEIGHT) for flaw, share in known.items() if share > _FORGOTTEN}
    for flaw in gone:
        counts[flaw] = counts.get(flaw, 0.0) + _LAPSE_WEIGHT * before[flaw].shown
    return counts


def read_shares(document: object) -> Mapping[PictureFlaw, float]:
    """What was kept of `lapses_after`; nothing of anything else."""
    if not isinstance(document, Mapping):
        return {}
    read = {flaw: number(document.get(flaw.value)) for flaw in PictureFlaw}
    return {flaw: min(1.0, max(0.0, each)) for flaw, each in read.items() if each is not None}


def read_suspicions(document: object) -> Mapping[PictureFlaw, PictureSuspicion]:
    """What was kept, as far as it can be read."""
    if not isinstance(document, Mapping):
        return {}
    read = {flaw: _suspicion(document.get(flaw.value)) for flaw in PictureFlaw}
    return {flaw: each for flaw, each in read.items() if each is not None}


def _suspicion(document: object) -> PictureSuspicion | None:
    if not isinstance(document, Mapping):
        return None
    shown, without, since = document.get("shown"), document.get("without"), number(document.get("since"))
    numbers = document.get("numbers")
    if type(shown) is not int or type(without) is not int or since is None or not isinstance(numbers, Mapping):
        return None
    known = {str(name): number(value) for name, value in list(numbers.items())[:_MOST_NUMBERS]}
    kept = {name: value for name, value in known.items() if value is not None}
    repeats = document.get("repeats")
    alike = max(0, min(repeats, shown - 1)) if type(repeats) is int else 0
    return PictureSuspicion(shown, since, without, document.get("found") is True, kept, alike)
