"""Pictures that are kept as long as the service runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from restream.domain.pictures.album import PictureStamp


class PicturesInMemory:
    """By camera, and by when they were taken."""

    def __init__(self) -> None:
        self._pictures: defaultdict[str, dict[float, bytes]] = defaultdict(dict)

    async def stamps(self, camera_id: str) -> Sequence[PictureStamp]:
        """None: nothing was kept. Whoever asks begins with a camera, or begins anew."""
        self._pictures.pop(camera_id, None)
        return ()

    async def put(self, camera_id: str, stamp: PictureStamp, jpeg: bytes) -> None:
        """Keep one."""
        self._pictures[camera_id][stamp.taken_at] = jpeg

    async def get(self, camera_id: str, stamp: PictureStamp) -> bytes | None:
        """One that is kept."""
        return self._pictures.get(camera_id, {}).get(stamp.taken_at)

    async def settle(self, camera_id: str, gone: Collection[float], marked: Sequence[PictureStamp]) -> None:
        """Forget some; marks are not kept here."""
        for taken_at in gone:
            self._pictures[camera_id].pop(taken_at, None)

    async def forget(self, camera_id: str) -> None:
        """All of it."""
        self._pictures.pop(camera_id, None)
