"""The last look at a camera, as its details show it."""

from __future__ import annotations

from typing import Annotated

from restream.domain.engine import Media, ProbeFailure
from restream.domain.look import Look
from restream.interfaces.documents.values import Document, Moment, about, timestamp


class LookStepDocument(Document):
    """One request to the camera, and what it said."""

    stage: Annotated[str, about("", "describe")]
    request: Annotated[str, about("", "DESCRIBE")]
    answer: Annotated[str, about("Its status line; empty: there was no answer.", "RTSP/1.0 200 OK")]
    took_s: Annotated[float, about("", 0.012)]


class LookDocument(Document):
    """What a probe found, and how the conversation went."""

    by: Annotated[str, about("Who looked: `rtsp`, the service itself, or `ffprobe`.", "rtsp")]
    at: Annotated[Moment, about("When it began.")]
    took_s: Annotated[float, about("", 0.031)]
    cause: Annotated[str | None, about("Code of the failure; null: the camera answered.", "busy")]
    detail: Annotated[str, about("What decided, in the camera's words.", "RTSP/1.0 453 Not Enough Bandwidth")]
    steps: Annotated[tuple[LookStepDocument, ...], about("Requests in order; ffprobe tells none.")]
    choice: Annotated[
        tuple[Annotated[str, about("", "track 0 (video H264) is taken")], ...],
        about("What is taken of the camera's description and what is not."),
    ]
    login: Annotated[
        tuple[Annotated[str, about("", "MD5")], ...],
        about("Ways to log in that the camera offers, in its order; none: it asks for no login, or that is not known."),
    ]
    software: Annotated[str, about("What the camera calls itself.", "Dahua Rtsp Server")]
    clock_offset_s: Annotated[float | None, about("The camera's clock less ours; null: it does not tell.", -2.0)]


def look_document(look: Look) -> LookDocument:
    """A look."""
    failure = look.outcome if isinstance(look.outcome, ProbeFailure) else None
    return LookDocument(
        by=look.by,
        at=timestamp(look.at),
        took_s=round(look.took_s, 3),
        cause=failure.cause if failure else None,
        detail=failure.detail if failure else "",
        steps=tuple(
            LookStepDocument(each.stage, each.request, each.answer, round(each.took_s, 3)) for each in look.steps
        ),
        choice=look.choice,
        login=look.outcome.login if isinstance(look.outcome, Media) else (),
        software=look.software,
        clock_offset_s=look.clock_offset_s,
    )
