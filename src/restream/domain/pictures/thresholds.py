"""Beyond what a picture is accused, per camera or site."""

from __future__ import annotations

from dataclasses import dataclass

from restream.domain.pictures.finding import PictureFlaw
from restream.domain.pictures.mask import Mask


@dataclass(frozen=True, slots=True)
class PictureThresholds:
    """Most rules compare a picture with this camera's own past; these are the distances. Shares are shares of one."""

    ignored: frozenset[PictureFlaw] = frozenset()
    """Never told: `turned_away` where somebody steers the camera."""
    mask: Mask = ()
    """Parts of the picture that are neither judged nor shown."""
    confirm_samples: int = 3
    """Pictures in a row that must show a flaw before it is found; more for one that often comes and goes by itself."""
    clear_samples: int = 2
    """Pictures in a row without it that end it."""
    apart_s: float = 15.0
    """A picture taken sooner after the last one says nothing new and is not counted, seconds."""
    learn_days: int = 2
    """Days on which an hour of the day must have been seen before it is compared with."""
    black_brightness: float = 0.04
    """Mean of a black picture, at most."""
    white_brightness: float = 0.94
    """Mean of a white picture, at least."""
    bare_contrast: float = 0.12
    """Between the darkest and the brightest parts of a black or a white picture, at most."""
    blind_s: float = 64_800.0
    """Black or white for so long is told even where it is usual at some hours, seconds (18 h: longer than a night).
    Black four times as long where it is dark at times: over a weekend."""
    frozen_share: float = 0.45
    """Change from picture to picture, of the least that this camera shows at this hour."""
    flat_share: float = 0.6
    """Parts of a picture without any texture, of all: at least so many are drawn, not seen."""
    kept_share: float = 0.15
    """Known structure that is still there in a covered picture, at most."""
    same_view: float = 0.5
    """Correlation with the most similar known view; less is another view."""
    same_light: float = 0.87
    """Correlation of the grey picture with the last one in colours; less is another light, as that of infrared."""
    sharp_share: float = 0.45
    """Sharpness of edges, of the least at this hour, in a blurred picture, at most."""
    texture_share: float = 0.25
    """Structure, of the least at this hour, in a blurred picture whose contrast is still there, at most."""
    contrast_share: float = 0.5
    """Contrast, of the least at this hour, in a picture of low contrast, at most."""
    colour_share: float = 0.3
    """Colour, of the least at this hour, in a picture that has lost it, at most."""


USUAL_THRESHOLDS = PictureThresholds()
"""The defaults."""
