"""One rendering per cycle for everybody: documents and their JSON, renewed only for cameras that changed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.news.mishaps import Mishaps
from restream.interfaces.documents.cameras import CameraDocument, not_shown, renewed
from restream.interfaces.documents.elsewhere import Elsewhere
from restream.interfaces.documents.host_document import HostDocument, host_document
from restream.interfaces.documents.nodes import about_node, of_all
from restream.interfaces.documents.status import ServiceFacts, StatusDocument, status
from restream.interfaces.documents.streams import by_run_of, joined
from restream.interfaces.documents.values import encode
from restream.ports.nodes import Peers
from restream.ports.outlets import Documents

logger = logging.getLogger(__name__)

_BATCH = 100
_KEPT_REMOVALS = 1000
# Moments are shown in milliseconds; sums of times are exact to less than this.
_CLOCK_NOISE_S = 0.0001


class OwnCameras(NamedTuple):
    """The cameras that this node itself supervises or tells of."""

    status: StatusDocument
    cameras: Mapping[str, CameraDocument]
    encoded: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Rendering:
    """One cycle, rendered. Nothing in it changes afterwards. Where several nodes share the cameras it shows all of
    them; what is stored is `own`, which each node stores of its own."""

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
    own: OwnCameras | None = None
    """None where these are all."""
    about: bytes | None = None
    """JSON of what this node tells the others; None where it shares the cameras with nobody."""

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

    @property
    def stored(self) -> OwnCameras:
        """What this node stores, counts and draws: cameras that it knows at first hand."""
        return self.own or OwnCameras(self.status, self.cameras, self.encoded)

    @property
    def elsewhere(self) -> Iterator[CameraDocument]:
        """The cameras of other nodes."""
        own = self.stored.cameras
        return (camera for key, camera in self.cameras.items() if own.get(key) is not camera)

    def documents(self) -> Documents:
        """What is stored of this cycle."""
        own = self.stored
        whole = b'{"time":%s,"generation":%d,"components":%s,"cameras":[%s]}' % (
            encode(self.status.time),
            self.generation,
            encode(self.status.components),
            b",".join(own.encoded.values()),
        )
        host = encode(self.host) if self.host is not None else None
        by_run = by_run_of(self.snapshot.servers, self.status.node)
        return Documents(
            joined(by_run.values()), whole, own.encoded, host, by_run, generation=self.generation, about=self.about
        )


class Renderer:
    """Turns each snapshot into a `Rendering`, from the one before.

    A camera whose document cannot be made is shown with its last one, judged as unknown.
    """

    def __init__(self, facts: ServiceFacts, peers: Callable[[], Peers | None] = lambda: None) -> None:
        self._facts = facts
        self._peers = peers
        self._elsewhere = Elsewhere()
        self._removed: deque[tuple[int, str]] = deque()
        self._complete_since = 0
        self._mishaps = Mishaps()
        nothing = Snapshot(0, time.time(), time.monotonic())
        self.latest = Rendering(nothing, status(facts, nothing, ()))

    async def render(self, snapshot: Snapshot) -> Rendering:
        """The rendering of a snapshot, which is the latest from now on."""
        before, generation = self.latest, snapshot.generation
        cameras, encoded = await self._own(snapshot)
        told, own = status(self._facts, snapshot, cameras.values()), None
        about = about_node(told) if self._facts.shares else None
        if (peers := self._peers()) is not None:
            own = OwnCameras(told, cameras, encoded)
            shown = await self._elsewhere.joined(cameras, encoded, peers, snapshot.now, snapshot.taken_at)
            cameras = {key: document for key, (document, _) in shown.items()}
            encoded = {key: text for key, (_, text) in shown.items()}
            told = of_all(told, cameras.values(), peers)
        changed_in = {
            key: before.changed_in[key] if before.encoded.get(key) is text else generation
            for key, text in encoded.items()
        }
        gone = before.cameras.keys() - cameras.keys()
        self._removed.extend((generation, camera_id) for camera_id in gone)
        while len(self._removed) > _KEPT_REMOVALS:
            self._complete_since = self._removed.popleft()[0]
        self.latest = Rendering(
            snapshot,
            told,
            cameras,
            encoded,
            changed_in,
            tuple(self._removed),
            generation if gone or generation in changed_in.values() else before.version,
            self._complete_since,
            self._host(snapshot),
            own,
            about,
        )
        return self.latest

    async def _own(self, snapshot: Snapshot) -> tuple[dict[str, CameraDocument], dict[str, bytes]]:
        """What we know at first hand; the JSON of what has not changed is the same object as before."""
        before = self.latest.stored
        cameras: dict[str, CameraDocument] = {}
        encoded: dict[str, bytes] = {}
        earlier = self.latest.snapshot
        same_clock = abs(snapshot.wall(0.0) - earlier.wall(0.0)) < _CLOCK_NOISE_S
        for camera_id, report in snapshot.reports.items():
            known = before.cameras.get(camera_id)
            seen = earlier.reports.get(camera_id) if same_clock else None
            document, text = self._camera(snapshot, camera_id, report, known, seen)
            cameras[camera_id] = document
            encoded[camera_id] = before.encoded[camera_id] if document is known else text
            if len(cameras) % _BATCH == 0:
                await asyncio.sleep(0)
        self._mishaps.keep(cameras)
        return cameras, encoded

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
