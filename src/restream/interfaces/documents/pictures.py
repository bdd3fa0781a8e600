"""What is known of a camera's pictures, as a document: what was found in them, and which are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from restream.domain.judgement.picture_flaws import CODES
from restream.domain.pictures.album import PictureKind, PictureStamp
from restream.domain.pictures.finding import PictureFlaw
from restream.domain.pictures.seen import Seen
from restream.interfaces.documents.values import Document, Moment, Whole, about, timestamp


class FindingDocument(Document):
    """A flaw that has held over several pictures."""

    flaw: Annotated[PictureFlaw, about("", "frozen")]
    code: Annotated[str, about("Of the verdict's reason.", "picture_frozen")]
    since: Annotated[Moment, about("When the first picture that shows it was taken.")]
    measured: Annotated[dict[str, float], about("What was measured last, and what is usual.", {"stir": 0.0})]


class KeptPictureDocument(Document):
    """A picture that is kept: `GET /api/cameras/{id}/pictures/{picture}.jpg`."""

    picture: Annotated[Whole, about("Its name: when it was taken, Unix time in milliseconds.", 1767607240000)]
    at: Moment
    kind: Annotated[PictureKind, about("Why it is kept.", "before")]
    flaws: Annotated[tuple[PictureFlaw, ...], about("What was found when it was taken.", ["frozen"])]
    size_bytes: Annotated[Whole, about("", 21_000)]


class PicturesDocument(Document):
    """What the pictures of a camera have shown, and which of them are kept, oldest first."""

    camera: Annotated[str, about("", "7")]
    enabled: Annotated[bool, about("Whether pictures are taken at all (`pictures.enabled`).", True)]
    taken_at: Annotated[Moment | None, about("When the last one was taken; null: none could be looked at yet.")]
    width: Annotated[Whole | None, about("Of the camera's picture, pixels.", 1920)]
    height: Annotated[Whole | None, about("", 1080)]
    brightness: Annotated[float | None, about("Of the last one, 0 to 1.", 0.41)]
    contrast: Annotated[float | None, about("Likewise.", 0.63)]
    sharpness: Annotated[float | None, about("Likewise.", 0.12)]
    accepted_at: Annotated[Moment | None, about("When somebody last said that a picture is right as it is.")]
    trouble: Annotated[str, about("Why the last try brought no picture; empty: it did.", "")]
    findings: tuple[FindingDocument, ...]
    pictures: tuple[KeptPictureDocument, ...]


def pictures_document(
    camera_id: str, seen: Seen | None, stamps: Sequence[PictureStamp] = (), *, enabled: bool = True
) -> PicturesDocument:
    """Of one camera; `seen` None: nothing is known of its pictures."""
    seen = seen or Seen()
    known = seen.taken_at is not None
    return PicturesDocument(
        camera=camera_id,
        enabled=enabled,
        taken_at=None if seen.taken_at is None else timestamp(seen.taken_at),
        width=seen.width if known else None,
        height=seen.height if known else None,
        brightness=round(seen.brightness, 4) if known else None,
        contrast=round(seen.contrast, 4) if known else None,
        sharpness=round(seen.sharpness, 4) if known else None,
        accepted_at=None if seen.accepted_at is None else timestamp(seen.accepted_at),
        trouble=seen.trouble,
        findings=tuple(
            FindingDocument(each.flaw, CODES[each.flaw], timestamp(each.since), dict(each.numbers))
            for each in seen.findings
        ),
        pictures=tuple(map(_kept, stamps)),
    )


def _kept(stamp: PictureStamp) -> KeptPictureDocument:
    flaws = tuple(PictureFlaw(each) for each in stamp.flaws if each in _FLAWS)
    return KeptPictureDocument(stamp.milliseconds, timestamp(stamp.taken_at), stamp.kind, flaws, stamp.size_bytes)


_FLAWS = frozenset(PictureFlaw)
