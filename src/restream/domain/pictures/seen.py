"""What the samples of one camera's pictures have shown, as its verdict, documents and metrics know it."""

from __future__ import annotations

from typing import NamedTuple

from restream.domain.pictures.finding import PictureFinding
from restream.domain.pictures.measure import PictureMeasure


class Seen(NamedTuple):
    """Of one camera. Unix times in seconds."""

    taken_at: float | None = None
    """When the last picture was taken; None: none could be looked at yet."""
    brightness: float = 0.0
    contrast: float = 0.0
    sharpness: float = 0.0
    width: int = 0
    height: int = 0
    findings: tuple[PictureFinding, ...] = ()
    trouble: str = ""
    """Why the last try brought no picture; one line, empty: it did."""
    samples: int = 0
    """Pictures that were looked at, since the start of the service."""
    failures: int = 0
    """Tries that brought none, likewise."""
    accepted_at: float | None = None
    """When somebody said that a picture is right."""

    def looked_at(
        self, measure: PictureMeasure, findings: tuple[PictureFinding, ...], accepted_at: float | None
    ) -> Seen:
        """One more picture."""
        return Seen(
            taken_at=measure.taken_at,
            brightness=measure.brightness,
            contrast=measure.contrast,
            sharpness=measure.sharpness,
            width=measure.width,
            height=measure.height,
            findings=findings,
            samples=self.samples + 1,
            failures=self.failures,
            accepted_at=accepted_at,
        )

    def failed(self, trouble: str) -> Seen:
        """One more try without a picture."""
        return self._replace(trouble=trouble, failures=self.failures + 1)
