"""One rendering per cycle for everybody: documents and their JSON, renewed only for cameras that changed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import orjson

from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.news.component import Component
from restream.domain.news.mishaps import Mishaps
from restream.interfaces.documents.cameras import differ_as_measured_only, measured, not_shown, summary
from restream.interfaces.documents.host_document import host_document
from restream.interfaces.documents.streams import by_run_of, joined, observed_at
from restream.interfaces.documents.values import Document, timestamp
from restream.ports import Documents

logger = logging.getLogger(__name__)

_BATCH = 100
# Measured quantities tremble all the time: a list shows a new value once it differs by this share.
_DEADBAND = {"bitrate_bps": 0.1, "rtt_ms": 0.2, "loss_ratio": 0.2}
_KEPT_REMOVALS = 1000
# Moments are shown in milliseconds; sums of times are exact to less than this.
_CLOCK_NOISE_S = 0.0001


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What does not change while the service runs."""

    node: str
    version: str
    instance: str
    """Of this start of the service: generations of another one do not compare."""
    started: float
    """When the service started (monotonic, s)."""
    interval_s: float


@dataclass(frozen=True, slots=True)
class Rendering:
    """One cycle, rendered. Nothing in it changes afterwards."""

    snapshot: Snapshot
    status: Document
    cameras: Mapping[str, Document] = field(default_factory=dict)
    encoded: Mapping[str, bytes] = field(default_factory=dict)
    changed_in: Mapping[str, int] = field(default_factory=dict)
    """In which generation each camera last changed."""
    removed: tuple[tuple[int, str], ...] = ()
    """Cameras that went lately, with the generation in which they did, oldest first."""
    version: int = 0
    """The generation in which any camera last changed or went."""
    complete_since: int = 0
    """`removed` knows every removal after this generation."""
    host: Document | None = None
    """The same object as long as the sample is."""

    @property
    def generation(self) -> int:
        """That of the snapshot."""
        return self.snapshot.generation

    def changed_since(self, generation: int) -> list[str]:
        """Cameras that changed after a generation."""
        return [camera_id for camera_id, changed in self.changed_in.items() if changed > generation]

    def removed_since(self, generation: int) -> list[str]:
        """Cameras that went after a generation, and did not come back."""
        return [each for went, each in self.removed if went > generation and each not in self.cameras]

    def documents(self) -> Documents:
        """What is stored of this cycle."""
        whole = b'{"time":%s,"generation":%d,"components":%s,"cameras":[%s]}' % (
            orjson.dumps(self.status["time"]),
            self.generation,
            orjson.dumps(self.status["components"]),
            b",".join(self.encoded.values()),
        )
        host = orjson.dumps(self.host) if self.host is not None else None
        by_run = {
            run: orjson.dumps(each) for run, each in by_run_of(self.snapshot.servers, self.status["node"]).items()
        }
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
        self.latest = Rendering(Snapshot(0, time.time(), time.monotonic()), {})
        self.latest = Rendering(self.latest.snapshot, self._status(self.latest.snapshot, {}))

    async def render(self, snapshot: Snapshot) -> Rendering:
        """The rendering of a snapshot, which is the latest from now on."""
        before, generation = self.latest, snapshot.generation
        cameras: dict[str, Document] = {}
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
            self._status(snapshot, cameras),
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
        self, snapshot: Snapshot, camera_id: str, report: Report, known: Document | None, earlier: Report | None
    ) -> tuple[Document, bytes]:
        """The short object of a camera, and its JSON; `known` itself, without JSON, where nothing has changed."""
        try:
            # What is known was not made of the report before where that could not be shown.
            document = _document(snapshot, report, known, None if camera_id in self._mishaps else earlier)
            same = known is not None and (document is known or document == known)
            text = b"" if same else orjson.dumps(document)
        except Exception as error:
            if told := self._mishaps.news(camera_id, error):
                logger.error("camera %s cannot be shown: %s", camera_id, told)
            document = not_shown(snapshot, camera_id, known)
            return document, b"" if document is known else orjson.dumps(document)
        self._mishaps.over(camera_id)
        return (known, text) if same and known is not None else (document, text)

    def _host(self, snapshot: Snapshot) -> Document | None:
        if snapshot.host is self.latest.snapshot.host:
            return self.latest.host
        return host_document(snapshot.host) if snapshot.host is not None else None

    def _status(self, snapshot: Snapshot, cameras: Mapping[str, Document]) -> Document:
        """`GET /api/status`."""
        facts, observed = self._facts, observed_at(snapshot.servers)
        verdicts = [camera["verdict"] for camera in cameras.values()]
        return {
            "node": facts.node,
            "version": facts.version,
            "instance": facts.instance,
            "generation": snapshot.generation,
            "time": timestamp(snapshot.taken_at),
            "uptime_s": round(snapshot.now - facts.started, 1),
            "interval_s": facts.interval_s,
            "stopping": snapshot.draining,
            "cameras": len(cameras),
            "health": _counts(verdict["health"] for verdict in verdicts),
            "phase": _counts(camera["phase"] for camera in cameras.values()),
            "fault": _counts(verdict["fault"] for verdict in verdicts),
            "start_queue": snapshot.start_queue_length,
            "observed": timestamp(snapshot.wall(observed)) if observed is not None else None,
            "components": components_document(snapshot, snapshot.components),
        }


def _counts(values: Iterable[str]) -> dict[str, int]:
    return {str(value): count for value, count in Counter(values).items()}


def components_document(snapshot: Snapshot, components: Mapping[str, Component]) -> Document:
    """States of components, by the clocks of a snapshot."""
    return {
        name: {"state": part.state, "since": timestamp(snapshot.wall(part.since)), "detail": part.detail}
        for name, part in components.items()
    }


def _document(snapshot: Snapshot, report: Report, known: Document | None, earlier: Report | None) -> Document:
    """The short object of a camera: `known`, which was rendered of `earlier`, as long as nothing in it has moved."""
    if known is None:
        return summary(snapshot, report)
    news = {key: value for key, value in measured(report).items() if not _steady(key, value, known[key])}
    if earlier is not None and differ_as_measured_only(report, earlier):
        return known | news if news else known
    return summary(snapshot, report) | {key: known[key] for key in measured(report) if key not in news}


def _steady(key: str, value: float | None, shown: float | None) -> bool:
    """Whether a quantity has hardly moved from what is shown."""
    if value is None or shown is None:
        return value is shown
    return value == shown or abs(value - shown) <= _DEADBAND.get(key, 0.0) * shown
