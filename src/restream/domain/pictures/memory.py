"""What is remembered of one camera's pictures, what they are suspected of, and what was found.

It learns from every picture that nothing is found in. A flaw is found when it has shown in some pictures in a row, and
ends when some in a row are without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import sub
from typing import NamedTuple

from restream.domain.pictures.finding import PictureFinding, PictureFlaw
from restream.domain.pictures.mask import mask_name
from restream.domain.pictures.measure import POINTS, PictureMeasure, number
from restream.domain.pictures.rules import HIDES, LEAST_COLOUR, RULES, PictureEvidence, is_black, is_white
from restream.domain.pictures.thresholds import USUAL_THRESHOLDS, PictureThresholds
from restream.domain.pictures.usual import HOURS, Traits, UsualHour, day_of, hour_of, usual_at
from restream.domain.pictures.views import ColouredPicture, PictureView, learn_view, likeness, texture_of

_FORMAT = 1
# Overlays (a clock, a moving logo) take less than this share of a picture.
_OVERLAID = 0.15
_COMPARED = POINTS - int(POINTS * _OVERLAID)
_STILL = 0.1
_MOST_VIEWS_READ = 32
_MOST_NUMBERS = 32
_OTHER_VIEW = frozenset({PictureFlaw.TURNED_AWAY, PictureFlaw.COVERED, PictureFlaw.NO_SIGNAL})


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


@dataclass(frozen=True, slots=True)
class PictureMemory:
    """Of one camera. It is a value: `observe` and `accept` make another one."""

    last: PictureMeasure | None = None
    """The picture before."""
    recent: tuple[Traits, ...] = ()
    """Of the last pictures."""
    hours: tuple[UsualHour, ...] = (UsualHour(),) * HOURS
    views: tuple[PictureView, ...] = ()
    """The last seen first."""
    coloured: ColouredPicture | None = None
    """The last picture that had its colours."""
    size: tuple[int, int] | None = None
    """Usual width and height, pixels."""
    suspicions: Mapping[PictureFlaw, PictureSuspicion] = field(default_factory=dict)
    still_since: float | None = None
    """From when on nothing has stirred."""
    blind_since: float | None = None
    """From when on it has been black, or white."""
    mask: str = ""
    """Name of the mask with which all of this was seen."""
    accepted_at: float | None = None
    """When somebody last said that it is right as it is, seconds since the epoch."""

    def observe(
        self, measure: PictureMeasure, thresholds: PictureThresholds = USUAL_THRESHOLDS, *, moving_bytes: bool
    ) -> PictureMemory:
        """With one more picture. `moving_bytes`: packets have come since the one before.

        Behind another mask everything is learnt anew. One that is older than the last, or hardly younger (`apart_s`),
        changes nothing.
        """
        if (mask := mask_name(thresholds.mask)) != self.mask:
            return PictureMemory(mask=mask).observe(measure, thresholds, moving_bytes=moving_bytes)
        last = self.last
        if last is not None and measure.taken_at - last.taken_at < thresholds.apart_s:
            return self
        traits = _traits(measure, last)
        seen = likeness(measure, self.views)
        still = last is not None and traits.stir <= _STILL
        still_since = (self.still_since or measure.taken_at) if still else None
        blind = is_black(traits, thresholds) or is_white(traits, thresholds)
        blind_since = (self.blind_since or measure.taken_at) if blind else None
        evidence = PictureEvidence(
            measure=measure,
            traits=traits,
            usual=usual_at(self.hours, measure.taken_at, thresholds.learn_days),
            likeness=seen,
            coloured=self.coloured,
            size=self.size or (measure.width, measure.height),
            moving_bytes=moving_bytes,
            comparable=last is not None,
            still_s=measure.taken_at - still_since if still_since is not None else 0.0,
            blind_s=measure.taken_at - blind_since if blind_since is not None else 0.0,
            limits=thresholds,
        )
        suspicions = {}
        for flaw, rule in RULES.items():
            if flaw not in thresholds.ignored:
                before = self.suspicions.get(flaw)
                shown = rule(evidence._replace(found=before is not None and before.found, suspected=before is not None))
                after = _after(flaw, before, shown, evidence, last)
                if after is not None:
                    suspicions[flaw] = after
        memory = replace(
            self,
            last=measure,
            recent=(*self.recent, traits)[-thresholds.confirm_samples :],
            size=evidence.size,
            suspicions=suspicions,
            still_since=still_since,
            blind_since=blind_since,
        )
        return memory if suspicions else memory._learn(evidence)

    def accept(self, measure: PictureMeasure) -> PictureMemory:
        """This picture is right: what it shows, and its size, are the new reference. Another view begins to be learnt
        anew; in a known one this light, or want of it, is usual from now on at every hour that is known.
        """
        fresh = PictureView(measure.layout, texture_of(measure), measure.colourfulness, measure.taken_at)
        accepted = PictureMemory(
            last=measure, size=(measure.width, measure.height), mask=self.mask, accepted_at=measure.taken_at
        )
        if any(each.flaw in _OTHER_VIEW for each in self.findings):
            return replace(accepted, views=(fresh,))
        row = self.recent[-1:] or (_traits(measure, None),)
        hours = tuple(each.learn(each.last_day, row) if each.days else each for each in self.hours)
        return replace(accepted, hours=hours, views=self.views or (fresh,), coloured=self.coloured)

    @property
    def findings(self) -> tuple[PictureFinding, ...]:
        """What has held over several pictures, the most important first; nothing that only follows from another."""
        found = {flaw: each for flaw, each in self.suspicions.items() if each.found}
        hidden = frozenset().union(*(HIDES.get(flaw, frozenset()) for flaw in found))
        return tuple(
            PictureFinding(flaw, each.since, each.numbers) for flaw, each in found.items() if flaw not in hidden
        )

    @property
    def suspect(self) -> bool:
        """The last picture showed a flaw that is not found yet, or none that was found before: look again soon."""
        return any(each.without > 0 or not each.found for each in self.suspicions.values())

    def to_mapping(self) -> Mapping[str, object]:
        """Fit for JSON, about 15 kB when all is learnt."""
        return {
            "format": _FORMAT,
            "last": self.last.to_mapping() if self.last is not None else None,
            "hours": [each.to_mapping() if each.days else None for each in self.hours],
            "views": [each.to_mapping() for each in self.views],
            "coloured": self.coloured.to_mapping() if self.coloured is not None else None,
            "size": self.size,
            "suspicions": {flaw.value: each._asdict() for flaw, each in self.suspicions.items()},
            "still_since": self.still_since,
            "blind_since": self.blind_since,
            "mask": self.mask,
            "accepted_at": self.accepted_at,
        }

    @classmethod
    def from_mapping(cls, document: object) -> PictureMemory:
        """What `to_mapping` made; what of it cannot be read is not known. Never raises."""
        if not isinstance(document, Mapping) or document.get("format") != _FORMAT:
            return cls()
        hours, views, size = document.get("hours"), document.get("views"), document.get("size")
        known = isinstance(hours, list) and len(hours) == HOURS
        read = [PictureView.from_mapping(each) for each in views[:_MOST_VIEWS_READ]] if isinstance(views, list) else []
        sized = isinstance(size, list | tuple) and len(size) == 2 and all(type(each) is int for each in size)
        return cls(
            last=PictureMeasure.from_mapping(document.get("last")),
            hours=tuple(map(UsualHour.from_mapping, hours)) if known and isinstance(hours, list) else cls().hours,
            views=tuple(each for each in read if each is not None),
            coloured=ColouredPicture.from_mapping(document.get("coloured")),
            size=(size[0], size[1]) if sized and isinstance(size, list | tuple) else None,
            suspicions=_suspicions(document.get("suspicions")),
            still_since=number(document.get("still_since")),
            blind_since=number(document.get("blind_since")),
            mask=mask if isinstance(mask := document.get("mask"), str) else "",
            accepted_at=number(document.get("accepted_at")),
        )

    def _learn(self, seen: PictureEvidence) -> PictureMemory:
        moment = seen.measure.taken_at
        hours, hour = self.hours, hour_of(moment)
        if len(self.recent) >= seen.limits.confirm_samples:
            fresh = hours[hour].learn(day_of(moment), self.recent)
            hours = (*hours[:hour], fresh, *hours[hour + 1 :])
        views = learn_view(self.views, seen.measure, seen.traits.texture, seen.likeness)
        coloured = self.coloured
        if seen.traits.colourfulness >= LEAST_COLOUR:
            first = ColouredPicture(seen.measure.grid, moment)
            coloured = coloured.after(seen.measure) if coloured is not None else first
        return replace(self, hours=hours, views=views, coloured=coloured)


def _traits(measure: PictureMeasure, last: PictureMeasure | None) -> Traits:
    stir = _stir(measure.points, last.points) if last is not None else 255.0
    return Traits(
        measure.brightness,
        measure.contrast,
        measure.sharpness,
        measure.colourfulness,
        measure.flat,
        texture_of(measure),
        stir,
    )


def _stir(points: bytes, before: bytes) -> float:
    """Mean change of the points that changed least: a clock that runs changes a few of them."""
    changes: list[int] = sorted(map(abs, map(sub, points, before)))
    return sum(changes[:_COMPARED]) / _COMPARED


def _after(
    flaw: PictureFlaw,
    before: PictureSuspicion | None,
    shown: Mapping[str, float] | None,
    seen: PictureEvidence,
    last: PictureMeasure | None,
) -> PictureSuspicion | None:
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
    return PictureSuspicion(times, before.since, 0, before.found or times >= limits.confirm_samples, shown)


def _suspicions(document: object) -> Mapping[PictureFlaw, PictureSuspicion]:
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
    return PictureSuspicion(shown, since, without, document.get("found") is True, kept)
