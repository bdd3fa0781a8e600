"""Pictures of cameras in this service: made from the configuration, and what the API answers of them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from importlib.util import find_spec

from restream.adapters.pictures.decoder import PictureDecoder
from restream.adapters.relay.key_frames import RelayKeyFrames
from restream.adapters.rtsp.server_key_frames import LIMIT_S, ReadingPlace, ServerKeyFrames
from restream.config.settings import Settings
from restream.domain.camera.camera import Camera
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.status import row_of
from restream.domain.news.component import ComponentState
from restream.domain.pictures.mask import mask_name
from restream.domain.pictures.seen import Seen
from restream.domain.server.identity import ServerId
from restream.interfaces.documents.pictures import PicturesDocument, pictures_document
from restream.interfaces.http.pictures import PicturesContext
from restream.service.engine_resources import EngineResources
from restream.service.pulling import reader_of
from restream.service.secrets_in_use import SecretsInUse
from restream.service.stores import picture_memories, picture_store
from restream.supervisor.components import Components
from restream.supervisor.sampling.albums import Albums, AlbumsLimits
from restream.supervisor.sampling.recollections import Recollections
from restream.supervisor.sampling.sampler import COMPONENT, Sampler, SamplingSettings

logger = logging.getLogger(__name__)

_MODULES = ("av", "numpy", "PIL")


def missing_extra() -> str:
    """What must be installed before pictures can be looked at; empty: it is."""
    missing = [name for name in _MODULES if find_spec(name) is None]
    if not missing:
        return ""
    return f"pictures need {', '.join(missing)}: the extra restream[pictures]"


class Sampling:
    """The sampler with its stores, where `pictures.enabled` is set. `snapshot` is the latest one."""

    def __init__(
        self,
        settings: Settings,
        secrets: SecretsInUse,
        components: Components,
        resources: EngineResources,
        snapshot: Callable[[], Snapshot],
    ) -> None:
        section = settings.pictures
        self._snapshot, self._section = snapshot, section
        self._sampler: Sampler | None = None
        if not section.enabled:
            return
        if trouble := missing_extra():
            components.report(COMPONENT, ComponentState.DOWN, trouble)
            return
        keep = section.keep
        megabytes = keep.memory_mb if keep.folder is None else keep.disk_mb
        self._albums = Albums(picture_store(settings), AlbumsLimits(keep.count, keep.days, megabytes << 20))
        self._recollections = Recollections(picture_memories(settings, secrets))
        self._frames = ServerKeyFrames(reading_places(settings), resources.readings)
        self._sampler = Sampler(
            sampling_settings(settings),
            RelayKeyFrames(resources.relay_workers, self._frames, LIMIT_S),
            PictureDecoder(section.jpeg_width),
            snapshot,
            self._albums,
            self._recollections,
            components,
        )

    @property
    def seen(self) -> Mapping[str, Seen]:
        """What the pictures have shown, by camera id."""
        return {} if self._sampler is None else self._sampler.seen

    @property
    def counts(self) -> Mapping[str, Mapping[str, float]]:
        """What it has cost since the start of the service."""
        return {} if self._sampler is None else self._sampler.counts

    def loops(self) -> Mapping[str, Callable[[], Awaitable[object]]]:
        """What runs, by name."""
        if self._sampler is None:
            return {}
        return {"pictures": self._sampler.run, "picture memories": self._recollections.run}

    def adopt(self, settings: Settings) -> None:
        """What can change while the service runs: how often, by which thresholds, where it is read."""
        self._section = settings.pictures
        if self._sampler is not None:
            self._sampler.adopt(sampling_settings(settings))
            self._frames.adopt(reading_places(settings))

    @property
    def answers(self) -> PicturesContext:
        """What the API asks."""
        return PicturesContext(self._document, self._picture, self._accept)

    async def _document(self, camera_id: str) -> PicturesDocument | None:
        if camera_id not in self._snapshot().reports:
            return None
        if self._sampler is None:
            return pictures_document(camera_id, None, enabled=False)
        kept = await self._albums.of(camera_id, self._mask(camera_id))
        return pictures_document(camera_id, self._sampler.seen.get(camera_id), kept)

    async def _picture(self, camera_id: str, milliseconds: int) -> bytes | None:
        if self._sampler is None:
            return None
        return await self._albums.picture(camera_id, milliseconds, self._mask(camera_id))

    def _mask(self, camera_id: str) -> str:
        """Of the camera as its row is now: what was taken with another one is not shown."""
        report = self._snapshot().reports.get(camera_id)
        camera = row_of(report.subject) if report is not None else None
        return mask_name(self._section.thresholds_of(camera).mask) if isinstance(camera, Camera) else ""

    async def newest(self, camera_id: str) -> tuple[float, bytes] | None:
        """The last picture that is kept of a camera: when it was taken (Unix time), JPEG; None: there is none."""
        stamps = () if self._sampler is None else await self._albums.of(camera_id, self._mask(camera_id))
        if not stamps:
            return None
        jpeg = await self._picture(camera_id, stamps[-1].milliseconds)
        return None if jpeg is None else (stamps[-1].taken_at, jpeg)

    async def _accept(self, camera_id: str, who: str) -> str | None:
        if camera_id not in self._snapshot().reports:
            return None
        if self._sampler is None:
            return "no pictures are taken: pictures.enabled is not set"
        return await self._sampler.accept(camera_id, who)


def sampling_settings(settings: Settings) -> SamplingSettings:
    """How pictures are taken."""
    section = settings.pictures
    return SamplingSettings(section.pace(), section.thresholds_of, section.interval_of)


def reading_places(settings: Settings) -> Mapping[ServerId, ReadingPlace]:
    """The media servers as who reads there needs to know them."""
    return {
        server: ReadingPlace(section.rtsp_url, reader_of(section), section.publish_trust)
        for server, section in settings.servers.items()
    }
