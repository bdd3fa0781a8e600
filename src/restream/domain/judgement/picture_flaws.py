"""What is wrong with what a camera shows, as a reason: text, numbers and hint of each flaw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from restream.domain.judgement.reason import Flaw, Reason
from restream.domain.life.cause import Side
from restream.domain.pictures.finding import PictureFinding, PictureFlaw

_WORDS: Mapping[PictureFlaw, tuple[str, str]] = {
    PictureFlaw.NO_SIGNAL: (
        "the picture says that there is no signal: the recorder or encoder has lost its camera",
        "Look at the camera behind this recorder or encoder: its power, its cable, its channel.",
    ),
    PictureFlaw.BLACK: (
        "the picture is black",
        "Is it covered, is there light, does its infrared work, is its iris closed? A restart helps some cameras.",
    ),
    PictureFlaw.WHITE: (
        "the picture is white",
        "Too much light, or an exposure that hangs: look at the lens, at reflections of its infrared, restart it.",
    ),
    PictureFlaw.FROZEN: (
        "the picture does not change, although the camera sends",
        "Restart the camera. A clock in the picture that goes on proves nothing: it is drawn over it.",
    ),
    PictureFlaw.COVERED: (
        "something covers what this camera is known to show",
        "Look what is before the camera: paint, a bag, a web, a plant. If it is right so, accept the picture.",
    ),
    PictureFlaw.TURNED_AWAY: (
        "the camera shows another view than it is known to",
        "Has somebody turned it? Turn it back; if it is right so, accept the picture.",
    ),
    PictureFlaw.BLURRED: (
        "the picture is less sharp than it is known to be",
        "Clean the lens, look for water behind the glass, set the focus anew.",
    ),
    PictureFlaw.LOW_CONTRAST: (
        "the picture has hardly any contrast",
        "Fog, dirt or water on the lens, or a worn-out infrared light: look at the camera.",
    ),
    PictureFlaw.COLOUR_LOST: (
        "the picture has lost its colours, at an hour at which it has some",
        "The infrared filter may hang, or the camera is set to black and white: look at its day and night settings.",
    ),
    PictureFlaw.SIZE_CHANGED: (
        "the picture has another size than it is known to have",
        "The camera was set up anew, or replaced: look at its stream settings. If it is right so, accept the picture.",
    ),
}
CODES = {flaw: f"picture_{flaw}" for flaw in PictureFlaw}
"""Of the reasons."""


BLIND = frozenset(
    CODES[flaw]
    for flaw in (
        *(PictureFlaw.NO_SIGNAL, PictureFlaw.BLACK, PictureFlaw.WHITE, PictureFlaw.FROZEN),
        *(PictureFlaw.COVERED, PictureFlaw.TURNED_AWAY),
    )
)
"""Of those with which nobody sees what he should: whoever is told of outages is told of them."""


def picture_flaws(findings: Sequence[PictureFinding]) -> Iterator[Flaw]:
    """Each finding, in their order."""
    for finding in findings:
        text, hint = _WORDS[finding.flaw]
        measured = tuple(finding.numbers.items())
        yield Side.CAMERA, Reason(CODES[finding.flaw], text, since=finding.since, measured=measured), hint
