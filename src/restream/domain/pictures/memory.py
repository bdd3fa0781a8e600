"""What is remembered of one camera's pictures, what they are suspected of, and what was found.

It learns from every picture that nothing is found in. A flaw is found when it has shown in some pictures in a row, and
ends when some in a row are without it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import sub

from restream.domain.pictures.blurs import Blurs, as_sharp
from restream.domain.pictures.evidence import PictureEvidence, PlaceHabits
from restream.domain.pictures.finding import PictureFinding, PictureFlaw
from restream.domain.pictures.mask import mask_name
from restream.domain.pictures.measure import CELLS, POINTS, PictureMeasure, number, small_map
from restream.domain.pictures.rules import HIDES, LEAST_COLOUR, RULES, is_black, is_white
from restream.domain.pictures.suspicion import (
    PictureSuspicion,
    confirmations,
    continued,
    lapses_after,
    read_shares,
    read_suspicions,
)
from restream.domain.pictures.thresholds import USUAL_THRESHOLDS, PictureThresholds
from restream.domain.pictures.usual import HOURS, Traits, UsualHour, day_of, hour_of, known_low, usual_at
from restream.domain.pictures.views import ColouredPicture, PictureView, learn_view, likeness, plain, texture_of

_FORMAT = 1
# Overlays (a clock, a moving logo) take less than this share of a picture.
_OVERLAID = 0.15
_COMPARED = POINTS - int(POINTS * _OVERLAID)
_STILL = 0.1
STEADY_S = 900.0
"""For how long the light of a picture is that of the next ones."""
_LEAST_BRIGHTNESS = 0.01
_MOST_VIEWS_READ = 32
_OTHER_VIEW = frozenset({PictureFlaw.TURNED_AWAY, PictureFlaw.COVERED, PictureFlaw.NO_SIGNAL})


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
    greyed: bytes | None = None
    """Grey map of the last one that had none."""
    steady: Traits | None = None
    """Of the last one that was learnt from."""
    steady_at: float = 0.0
    """When that was taken, seconds since the epoch."""
    lapses: Mapping[PictureFlaw, float] = field(default_factory=dict)
    """How often a flaw has come and gone without being found, of all pictures, where it has at all."""
    blurs: Blurs = field(default_factory=Blurs)
    """Of those lapses, the blurred ones."""
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
        seen = likeness(measure, self.views)
        traits = _traits(measure, last, seen.share)
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
            greyed=self.greyed,
            steady=self._steady(measure.taken_at),
            place=self._place(thresholds),
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
                lapses, repeats = self.lapses.get(flaw, 0.0), self._repeats(flaw, measure) if shown is not None else 0
                alike = self.blurs.chance(lapses) ** repeats if repeats else 1.0
                times = confirmations(lapses, thresholds.confirm_samples, alike)
                after = continued(flaw, before, shown, evidence, last, times, repeats)
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
            lapses=lapses_after(self.lapses, self.suspicions, suspicions),
            blurs=self._blurs_after(suspicions),
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
        row = self.recent[-1:] or (_traits(measure, None, 1.0),)
        hours = tuple(each.learn(each.last_day, row) if each.days else each for each in self.hours)
        greyed = measure.grid if measure.colourfulness < LEAST_COLOUR else self.greyed
        return replace(
            accepted,
            hours=hours,
            views=self.views or (fresh,),
            coloured=self.coloured,
            greyed=greyed,
            lapses=self.lapses,
            blurs=self.blurs,
        )

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
        """Fit for JSON, about 15 kB when all is learnt, 4 kB more where a lens hunts."""
        return {
            "format": _FORMAT,
            "last": self.last.to_mapping() if self.last is not None else None,
            "hours": [each.to_mapping() if each.days else None for each in self.hours],
            "views": [each.to_mapping() for each in self.views],
            "coloured": self.coloured.to_mapping() if self.coloured is not None else None,
            "greyed": base64.b64encode(self.greyed).decode("ascii") if self.greyed is not None else None,
            "lapses": {flaw.value: round(each, 6) for flaw, each in self.lapses.items()},
            "blurs": self.blurs.to_mapping(),
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
            greyed=small_map(document.get("greyed"), CELLS),
            lapses=read_shares(document.get("lapses")),
            blurs=Blurs.from_mapping(document.get("blurs")),
            size=(size[0], size[1]) if sized and isinstance(size, list | tuple) else None,
            suspicions=read_suspicions(document.get("suspicions")),
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
            first = ColouredPicture(seen.measure.grid, moment, seen.measure.colourfulness)
            coloured = coloured.after(seen.measure) if coloured is not None else first
        greyed = self.greyed if seen.traits.colourfulness >= LEAST_COLOUR else seen.measure.grid
        return replace(
            self,
            hours=hours,
            views=views,
            coloured=coloured,
            greyed=greyed,
            steady=seen.traits,
            steady_at=moment,
        )

    def _repeats(self, flaw: PictureFlaw, measure: PictureMeasure) -> int:
        """Of the pictures in a row that show a flaw, with this one, those that were just as the one before."""
        before = self.suspicions.get(flaw)
        if flaw is not PictureFlaw.BLURRED or before is None or self.last is None:
            return 0
        return before.repeats + (not before.found and as_sharp(measure, self.last))

    def _blurs_after(self, suspicions: Mapping[PictureFlaw, PictureSuspicion]) -> Blurs:
        before, blurs = self.suspicions.get(PictureFlaw.BLURRED), self.blurs.fade()
        if before is None or before.found or PictureFlaw.BLURRED in suspicions or self.last is None:
            return blurs
        return blurs.lapsed(self.last, before.repeats)

    def _steady(self, moment: float) -> Traits | None:
        """What was right just now; while something is suspected, before that."""
        return self.steady if self.suspicions or moment - self.steady_at <= STEADY_S else None

    def _place(self, limits: PictureThresholds) -> PlaceHabits:
        dark = known_low(self.hours, "brightness", limits.learn_days)
        colours = known_low(self.hours, "colourfulness", limits.learn_days)
        return PlaceHabits(
            goes_dark=min(dark, default=1.0) <= limits.black_brightness,
            always_coloured=len(colours) == HOURS and min(colours) >= LEAST_COLOUR,
        )


def _traits(measure: PictureMeasure, last: PictureMeasure | None, alike: float) -> Traits:
    texture = texture_of(measure)
    stir = _stir(measure.points, last.points) if last is not None else 255.0
    return Traits(
        measure.brightness,
        measure.contrast,
        measure.sharpness,
        measure.colourfulness,
        measure.flat,
        texture,
        stir,
        measure.contrast / max(measure.brightness, _LEAST_BRIGHTNESS),
        measure.brightness if plain(texture) else 0.0,
        alike,
    )


def _stir(points: bytes, before: bytes) -> float:
    """Mean change of the points that changed least: a clock that runs changes a few of them."""
    changes: list[int] = sorted(map(abs, map(sub, points, before)))
    return sum(changes[:_COMPARED]) / _COMPARED
