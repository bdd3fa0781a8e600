"""Thresholds of pictures as people write them, for the fleet, a site or a camera: names and values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from restream.domain.pictures.finding import PictureFlaw
from restream.domain.pictures.mask import MaskError, parse_mask
from restream.domain.pictures.measure import number
from restream.domain.pictures.thresholds import USUAL_THRESHOLDS, PictureThresholds

IGNORED, MASK = "ignored", "mask"
_COUNTS = {each.name for each in fields(PictureThresholds) if type(getattr(USUAL_THRESHOLDS, each.name)) is int}
_SECONDS = {each.name for each in fields(PictureThresholds) if each.name.endswith("_s")}
NAMES = frozenset(each.name for each in fields(PictureThresholds))
"""What can be adjusted."""
_MOST_COUNT, _MOST_SECONDS = 100, 30 * 86_400.0
_LEAST_S, _MOST_S = 1.0, 86_400.0


class AdjustmentError(ValueError):
    """A threshold cannot be that; the message begins with its name."""


def check_adjustments(document: object) -> tuple[tuple[str, object], ...]:
    """What is to be different, by name, checked. Raises AdjustmentError."""
    if not isinstance(document, Mapping):
        raise AdjustmentError("expected names of thresholds and values")
    return tuple((str(name), _value(name, value)) for name, value in document.items())


def adjusted(thresholds: PictureThresholds, adjustments: tuple[tuple[str, object], ...]) -> PictureThresholds:
    """The thresholds with what `check_adjustments` gave."""
    return replace(thresholds, **dict(adjustments)) if adjustments else thresholds  # type: ignore[arg-type]


def _value(name: object, value: object) -> object:
    if name == IGNORED:
        return _flaws(value)
    if name == MASK:
        try:
            return parse_mask(value)
        except MaskError as error:
            raise AdjustmentError(f"{MASK}: {error}") from None
    if name not in NAMES or not isinstance(name, str):
        shown = ascii(name[:40]) if isinstance(name, str) else type(name).__name__
        raise AdjustmentError(f"{shown} is unknown (known: {', '.join(sorted(NAMES))})")
    found = number(value)
    if name in _COUNTS:
        if found is None or found != int(found) or not 1 <= found <= _MOST_COUNT:
            raise AdjustmentError(f"{name}: expected a whole number from 1 to {_MOST_COUNT}")
        return int(found)
    most = _MOST_SECONDS if name in _SECONDS else 1.0
    if found is None or not 0 <= found <= most:
        raise AdjustmentError(f"{name}: expected a number from 0 to {most:g}")
    return found


def _flaws(value: object) -> frozenset[PictureFlaw]:
    known = {flaw.value: flaw for flaw in PictureFlaw}
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) and each in known for each in value):
        raise AdjustmentError(f"{IGNORED}: expected a list of {', '.join(known)}")
    return frozenset(known[each] for each in value)


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """What a row says of its camera's pictures."""

    enabled: bool = True
    """Whether pictures are taken of it."""
    interval_s: float | None = None
    """None: as all others."""
    adjustments: tuple[tuple[str, object], ...] = ()

    @property
    def document(self) -> Mapping[str, object]:
        """As it was written, the flaws in order."""
        found: dict[str, object] = {"enabled": self.enabled}
        if self.interval_s is not None:
            found["interval_s"] = self.interval_s
        for name, value in self.adjustments:
            found[name] = tuple(sorted(value)) if isinstance(value, frozenset) else value
        return found


def parse_picture_options(document: object) -> PictureOptions:
    """`options.pictures`: true, false, or an object. Raises AdjustmentError."""
    if isinstance(document, bool):
        return PictureOptions(document)
    if not isinstance(document, Mapping):
        raise AdjustmentError("expected true, false or an object")
    rest = {name: value for name, value in document.items() if name not in ("enabled", "interval_s")}
    enabled, interval_s = document.get("enabled", True), document.get("interval_s")
    if not isinstance(enabled, bool):
        raise AdjustmentError("enabled: expected true or false")
    found = number(interval_s)
    if interval_s is not None and (found is None or not _LEAST_S <= found <= _MOST_S):
        raise AdjustmentError(f"interval_s: expected seconds from {_LEAST_S:g} to {_MOST_S:g}")
    return PictureOptions(enabled, found, check_adjustments(rest))
