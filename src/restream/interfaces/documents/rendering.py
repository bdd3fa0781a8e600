"""One rendering per cycle for everybody: documents and their JSON, renewed only for cameras that changed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.news.mishaps import Mishaps
from restream.interfaces.documents.cameras import CameraDocument, not_shown, renewed
from restream.interfaces.documents.host_document import HostDocument, host_document
from restream.interfaces.documents.status import ServiceFacts, StatusDocument, status
from restream.interfaces.documents.streams import by_run_of, joined
from restream.interfaces.documents.values import encode
from restream.ports.outlets import Documents

logger = logging.getLogger(__name__)

_BATCH = 100
_KEPT_REMOVALS = 1000
# Moments are shown in milliseconds; sums of times are exact to less than this.
_CLOCK_NOISE_S = 0.0001


@dataclass(frozen=True, slots=True)
class Rendering:
    """One cycle, rendered. Nothing in it changes afterwards."""

    snapshot: Snapshot
    status: StatusDocument
    cameras: Mapping[str, CameraDocument] = field(default_factory=dict)
    encoded: Mapping[str, bytes] = field(default_factory=dict)
    changed_in: Mapping[str, int] = field(default_factory=dict)
    """In which generation each camera last changed."""
    removed: tuple[tuple[int, str], ...] = ()
    """Cameras that went lately, with the generation in which they did, oldest first."""
    version: int = 0
    """The generation in which any camera last changed or went."""
    complete_since: int = 0
    """`removed` knows every removal after this generation."""
    host: HostDocument | None = None
    """The same object as long as the sample is."""

    @property
    def generation(self) -> int:
        """Of its snapshot."""
        return self.snapshot.generation

    def changed_since(self, generation: int) -> list[str]:
        """Cameras that changed after a generation."""
        return [camera_id for camera_id, changed in self.changed_in.items() if changed > generation]

    def removed_since(self, generation: int) -> list[str]:
        """Cameras that went after a generation, and have not come back."""
        return [each for went, each in self.removed if went > generation and each not in self.cameras]

    def documents(self) -> Documents:
        """What is stored of this cycle."""
        whole = b'{"time":%s,"generation":%d,"components":%s,"cameras":[%s]}' % (
            encode(self.status.time),
            self.generation,
            encode(self.status.components),
            b",".join(self.encoded.values()),
        )
        host = encode(self.host) if self.host is not None else None
        by_run = by_run_of(self.snapshot.servers, self.status.node)
        return Documents(joined(by_run.values()), whole, self.encoded, host, by_run)


class Renderer:
    """Turns each snapshot into a `Rendering`, from the one before.

    A camera whose document cannot be made is shown with its last one, judged as unknown.
    """

    def __init__(self, facts: ServiceFacts) -> None:
        self._facts = facts
        self._removed: deque[tuple[int, str]] = deque()
        self._complete_since = 0
        self._mishaps = Mishaps()
        nothing = Snapshot(0, time.time(), time.monotonic())
        self.latest = Rendering(nothing, status(facts, nothing, ()))

    async def render(self, snapshot: Snapshot) -> Rendering:
        """The rendering of a snapshot, which is the latest from now on."""
        before, generation = self.latest, snapshot.generation
        cameras: dict[str, CameraDocument] = {}
        encoded: dict[str, bytes] = {}
        changed_in: dict[str, int] = {}
        version = before.version
        same_clock = abs(snapshot.wall(0.0) - before.snapshot.wall(0.0)) < _CLOCK_NOISE_S
        for camera_id, report in snapshot.reports.items():
            known = before.cameras.get(camera_id)
            earlier = before.snapshot.reports.get(camera_id) if same_clock else None
            document, text = self._camera(snapshot, camera_id, report, known, earlier)
            if document is known:
                text, changed_in[camera_id] = before.encoded[camera_id], before.changed_in[camera_id]
            else:
                changed_in[camera_id] = version = generation
            cameras[camera_id], encoded[camera_id] = document, text
            if len(cameras) % _BATCH == 0:
                await asyncio.sleep(0)
        self._mishaps.keep(cameras)
        for camera_id in before.cameras.keys() - cameras.keys():
            self._removed.append((generation, camera_id))
            version = generation
        while len(self._removed) > _KEPT_REMOVALS:
            self._complete_since = self._removed.popleft()[0]
        self.latest = Rendering(
            snapshot,
            status(self._facts, snapshot, cameras.values()),
            cameras,
            encoded,
            changed_in,
            tuple(self._removed),
            version,
            self._complete_since,
            self._host(snapshot),
        )
        return self.latest

    def _camera(
        self,
        snapshot: Snapshot,
        camera_id: str,
        report: Report,
        known: CameraDocument | None,
        earlier: Report | None,
    ) -> tuple[CameraDocument, bytes]:
        """The short object of a camera, and its JSON; `known` itself, without JSON, where nothing has changed."""
        try:
            # What is known was not made of the report before where that could not be shown.
            document = renewed(snapshot, report, known, None if camera_id in self._mishaps else earlier)
            same = known is not None and (document is known or document == known)
            text = b"" if same else encode(document)
        except Exception as error:
            if told := self._mishaps.news(camera_id, error):
                logger.error("camera %s cannot be shown: %s", camera_id, told)
            document = not_shown(snapshot, camera_id, known)
            return document, b"" if document is known else encode(document)
        self._mishaps.over(camera_id)
        return (known, text) if same and known is not None else (document, text)

    def _host(self, snapshot: Snapshot) -> HostDocument | None:
        if snapshot.host is self.latest.snapshot.host:
            return self.latest.host
        return host_document(snapshot.host) if snapshot.host is not None else None
