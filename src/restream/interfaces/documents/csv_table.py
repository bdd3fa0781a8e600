"""Tables as CSV, for spreadsheets: what others have written never becomes a formula there."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter

from restream.interfaces.documents.cameras import CameraDocument

MEDIA_TYPE = "text/csv"

# What begins a formula in Excel, LibreOffice and Google Sheets; also as wide as a Chinese sign.
# Apostrophes before it are no part of it: with one more than there was, each text can be had back.
_FORMULA = re.compile("'*[=+\\-@\\t\\r\\n|＝＋－＠]")


def _reasons(camera: CameraDocument) -> str:
    return "; ".join(reason.text for reason in camera.verdict.reasons)


_CAMERA: Mapping[str, Callable[[CameraDocument], object]] = {
    **{name: attrgetter(name) for name in ("id", "name", "site", "host", "camera_type", "path")},
    "health": attrgetter("verdict.health"),
    "fault": attrgetter("verdict.fault"),
    "reasons": _reasons,
    "hint": attrgetter("verdict.hint"),
    "judged_since": attrgetter("verdict.since"),
    **{
        name: attrgetter(name)
        for name in (
            *("phase", "since", "detail", "restarts", "failures", "next_retry", "engine", "media_server", "node"),
            *("video", "audio", "bitrate_bps", "readers", "rtt_ms", "loss_ratio"),
        )
    },
}


def cameras_csv(cameras: Iterable[CameraDocument]) -> bytes:
    """A line of titles, then a line for each camera, in the order in which they come."""
    return csv_table(tuple(_CAMERA), ([pick(camera) for pick in _CAMERA.values()] for camera in cameras))


def csv_table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """RFC 4180 in UTF-8, with the mark by which Excel knows that. None is an empty cell, a number stays one; a text
    that would be a formula begins with an apostrophe."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(titles)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue().encode("utf-8-sig", "replace")


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.replace("\0", "")
    return f"'{text}" if _FORMULA.match(text) else str(text)


def unescaped(text: str) -> str:
    """What a text was before `csv_table` made it harmless."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
