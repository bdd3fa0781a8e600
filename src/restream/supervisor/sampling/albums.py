"""The pictures that are kept of each camera, within bounds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from restream.domain.pictures.album import AlbumLimits, PictureStamp, kept, with_proofs, with_reference
from restream.ports.pictures import PictureStore, PictureStoreError

logger = logging.getLogger(__name__)

_LEAST_SHARE_BYTES = 16 << 10


@dataclass(frozen=True, slots=True)
class AlbumsLimits:
    """Of all cameras together; `count` and `days` are each camera's."""

    count: int
    days: float
    size_bytes: int


class Albums:
    """Stamps are here, pictures in `store`. One that cannot be kept costs nothing else; it is said once."""

    def __init__(self, store: PictureStore, limits: AlbumsLimits) -> None:
        self._store = store
        self.limits = limits
        self._stamps: dict[str, list[PictureStamp]] = {}
        self._trouble = ""

    async def of(self, camera_id: str, mask: str = "") -> Sequence[PictureStamp]:
        """What is kept of a camera and was taken with this mask (`mask_name`), oldest first; also from before the
        service was started."""
        try:
            return tuple(each for each in await self._known(camera_id) if each.mask == mask)
        except PictureStoreError as error:
            self._tell(error)
            return ()

    @property
    def size_bytes(self) -> int:
        """All pictures that are kept."""
        return sum(stamp.size_bytes for stamps in self._stamps.values() for stamp in stamps)

    async def picture(self, camera_id: str, milliseconds: int, mask: str = "") -> bytes | None:
        """The one that was taken then (Unix time); None: it is not kept, or not any more."""
        stamp = next((each for each in await self.of(camera_id, mask) if each.milliseconds == milliseconds), None)
        if stamp is None:
            return None
        try:
            return await self._store.get(camera_id, stamp)
        except PictureStoreError as error:
            self._tell(error)
            return None

    async def add(self, camera_id: str, stamp: PictureStamp, jpeg: bytes, *, since: float | None = None) -> None:
        """One more; those with another mask go. `since`: it is the first in which something was found, that has shown
        since then.
        """
        try:
            before = [each for each in await self._known(camera_id) if each.mask == stamp.mask]
            await self._store.put(camera_id, stamp, jpeg)
            stamps = [*before, stamp]
            if since is not None:
                stamps = with_proofs(stamps, since)
            await self._keep(camera_id, stamps)
            self._trouble = ""
        except PictureStoreError as error:
            self._tell(error)

    async def refer(self, camera_id: str, taken_at: float) -> None:
        """The picture that was taken then is the new reference."""
        try:
            await self._keep(camera_id, with_reference(await self._known(camera_id), taken_at))
        except PictureStoreError as error:
            self._tell(error)

    async def forget(self, camera_id: str) -> None:
        """There is no such camera any more, or it is another node's. What is on a disk stays there."""
        self._stamps.pop(camera_id, None)
        await self._store.forget(camera_id)

    async def _known(self, camera_id: str) -> Sequence[PictureStamp]:
        if camera_id not in self._stamps:
            found = list(await self._store.stamps(camera_id))
            # Somebody else may have asked meanwhile, and added one.
            return self._stamps.setdefault(camera_id, found)
        return self._stamps[camera_id]

    async def _keep(self, camera_id: str, stamps: Sequence[PictureStamp]) -> None:
        share = max(_LEAST_SHARE_BYTES, self.limits.size_bytes // max(1, len(self._stamps)))
        staying = kept(stamps, AlbumLimits(self.limits.count, self.limits.days, share))
        known = {each.taken_at: each for each in self._stamps.get(camera_id, ())}
        self._stamps[camera_id] = staying
        gone = {*known, *(each.taken_at for each in stamps)} - {each.taken_at for each in staying}
        marked = [each for each in staying if each.taken_at in known and known[each.taken_at] != each]
        await self._store.settle(camera_id, gone, marked)

    def _tell(self, error: PictureStoreError) -> None:
        if str(error) != self._trouble:
            self._trouble = str(error)
            logger.warning("pictures are not kept: %s", error)
