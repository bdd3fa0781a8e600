"""The section of the configuration for pictures of the cameras: whether anything can be seen in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from restream.config.stream_sections import Section
from restream.domain.camera.camera import Camera
from restream.domain.pictures.adjustments import adjusted, check_adjustments
from restream.domain.pictures.schedule import SamplePace
from restream.domain.pictures.thresholds import USUAL_THRESHOLDS, PictureThresholds


class KeepSection(Section):
    """Which pictures are kept; more are thrown away, the oldest samples first."""

    count: int = Field(default=24, ge=1, le=1000)
    """Of each camera, evenly over `days`; beside these the last five, the reference, and what was found last with the
    one before."""
    days: float = Field(default=1, gt=0, le=366)
    """Older ones go."""
    memory_mb: int = Field(default=64, ge=1, le=1 << 16)
    """Megabytes of all cameras together, where there is no `folder`. They are gone with the service."""
    folder: Path | None = None
    """Where pictures are written to, readable for the service's user alone; null: none is ever written. See
    [security.md](security.md)."""
    disk_mb: int = Field(default=1024, ge=1, le=1 << 24)
    """Megabytes of all cameras together in `folder`."""


class PicturesSection(Section):
    """Key frames that are looked at now and then: a camera whose stream is fine may show nothing. See
    [pictures.md](pictures.md); it needs the extra `restream[pictures]`."""

    enabled: bool = False
    """Whether pictures are taken. A row's `options.pictures: false` leaves its camera out."""
    interval_s: float = Field(default=60, ge=1, le=86_400)
    """How often of each camera; a row's `options.pictures.interval_s` wins."""
    suspect_interval_s: float = Field(default=20, ge=1, le=86_400)
    """How often of one in whose last picture something may be wrong, until that is sure."""
    per_second: float = Field(default=20, gt=0, le=1000)
    """Pictures of the whole fleet at most, in a second: beyond that each camera has its turn more rarely. Half of it
    where the host is busy (80 %), a quarter from 95 % on."""
    jpeg_width: int = Field(default=640, ge=160, le=1920)
    """Pixels of what is kept and shown, at most."""
    thresholds: dict[str, Any] = Field(default_factory=dict)
    """Beyond what a picture is accused, e.g. `{frozen_share: 0.1, ignored: [turned_away]}`; the names are in
    [pictures.md](pictures.md). A row's `options.pictures` wins."""
    sites: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """The same for the cameras of a site, by its name: `{North: {ignored: [colour_lost]}}`."""
    keep: KeepSection = KeepSection()

    @field_validator("thresholds")
    @classmethod
    def _thresholds(cls, value: dict[str, Any]) -> dict[str, Any]:
        check_adjustments(value)
        return value

    @field_validator("sites")
    @classmethod
    def _sites(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for site, adjustments in value.items():
            try:
                check_adjustments(adjustments)
            except ValueError as error:
                raise ValueError(f"{site[:40]!r}: {error}") from None
        return value

    def pace(self) -> SamplePace:
        """How often, and how many."""
        return SamplePace(self.interval_s, self.suspect_interval_s, self.per_second)

    def thresholds_of(self, camera: Camera) -> PictureThresholds:
        """The camera's own, over its site's, over these."""
        found = adjusted(USUAL_THRESHOLDS, check_adjustments(self.thresholds))
        found = adjusted(found, check_adjustments(self.sites.get(camera.site, {})))
        options = camera.options.pictures
        return found if options is None else adjusted(found, options.adjustments)

    @staticmethod
    def interval_of(camera: Camera) -> float | None:
        """What the camera has of its own; 0: no picture of it is taken."""
        options = camera.options.pictures
        if options is None:
            return None
        return options.interval_s if options.enabled else 0.0
