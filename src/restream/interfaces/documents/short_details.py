"""What is shown of another node's camera without asking it."""

from __future__ import annotations

from msgspec.structs import asdict

from restream.interfaces.documents.camera_details import (
    AvailabilitiesDocument,
    AvailabilityDocument,
    CameraDetailsDocument,
)
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.players import PublicBases


def short_details(camera: CameraDocument, why: str) -> CameraDetailsDocument:
    """Its short object in place of its details, and `why` there is no more."""
    nothing = AvailabilityDocument(None, 0, 0, 0.0, 0.0)
    known = asdict(camera) | dict.fromkeys(("row", "server", "media", "probe", "command", "command_stdin", "pid"))
    return CameraDetailsDocument(
        **known,
        availability=AvailabilitiesDocument(nothing, nothing),
        timeline=(),
        probing=False,
        engines=(),
        command_reasons=(),
        process=None,
        progress=None,
        stream=None,
        players=PublicBases().players(""),
        history=None,
        stderr_tail=(),
        elsewhere=why,
    )
