"""Pictures as files, that only the service's own user reads: a folder a camera, a file a picture."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar
from urllib.parse import quote

from restream.domain.pictures.album import PictureKind, PictureStamp
from restream.ports.pictures import PictureStoreError

P = ParamSpec("P")
T = TypeVar("T")
_NAME = re.compile(r"(\d{10,16})-([a-z]+)(?:-([a-z_+]+))?(?:\.([0-9a-f]{8}))?\.jpg")
_MOST_FILES = 10_000
_MOST_BYTES = 4 << 20


class PictureFiles:
    """Under `folder`, which is made when it is not there. All that is known of a picture stands in its name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def stamps(self, camera_id: str) -> Sequence[PictureStamp]:
        """What lies there; files of other names are left alone. Raises PictureStoreError."""
        return await _told(self._stamps, camera_id)

    async def put(self, camera_id: str, stamp: PictureStamp, jpeg: bytes) -> None:
        """Write one, whole or not at all. Raises PictureStoreError."""
        await _told(self._put, camera_id, stamp, jpeg)

    async def get(self, camera_id: str, stamp: PictureStamp) -> bytes | None:
        """Read one. Raises PictureStoreError."""
        return await _told(self._get, camera_id, stamp)

    async def settle(self, camera_id: str, gone: Collection[float], marked: Sequence[PictureStamp]) -> None:
        """Delete some, rename others. Raises PictureStoreError."""
        if gone or marked:
            await _told(self._settle, camera_id, gone, marked)

    async def forget(self, camera_id: str) -> None:
        """Another service may have the camera now, and these files."""

    def _of(self, camera_id: str) -> Path:
        # Ids are text of any kind: no slash, and no name that means another place.
        return self._folder / f"camera-{quote(camera_id, safe='')[:200]}"

    def _found(self, camera_id: str) -> dict[int, Path]:
        try:
            with os.scandir(self._of(camera_id)) as entries:
                names = [each.name for each, _ in zip(entries, range(_MOST_FILES), strict=False)]
        except FileNotFoundError:
            return {}
        return {int(match[1]): self._of(camera_id) / name for name in names if (match := _NAME.fullmatch(name))}

    def _stamps(self, camera_id: str) -> list[PictureStamp]:
        found = (_stamp(path) for path in self._found(camera_id).values())
        return sorted(each for each in found if each is not None)

    def _put(self, camera_id: str, stamp: PictureStamp, jpeg: bytes) -> None:
        folder = self._of(camera_id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=folder, suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(jpeg)
            Path(temporary).rename(folder / _name(stamp))
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _get(self, camera_id: str, stamp: PictureStamp) -> bytes | None:
        path = self._found(camera_id).get(stamp.milliseconds)
        if path is None:
            return None
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)

    def _settle(self, camera_id: str, gone: Collection[float], marked: Sequence[PictureStamp]) -> None:
        found = self._found(camera_id)
        for taken_at in gone:
            if (path := found.get(round(taken_at * 1000))) is not None:
                path.unlink(missing_ok=True)
        for stamp in marked:
            if (path := found.get(stamp.milliseconds)) is not None:
                path.rename(path.with_name(_name(stamp)))


async def _told(work: Callable[P, T], *of: P.args, **by_name: P.kwargs) -> T:
    try:
        return await asyncio.to_thread(work, *of, **by_name)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise PictureStoreError(f"{where}{error.strerror or error}") from None


def _name(stamp: PictureStamp) -> str:
    flaws = "".join(("-", "+".join(stamp.flaws))) if stamp.flaws else ""
    mask = f".{stamp.mask}" if stamp.mask else ""
    return f"{stamp.milliseconds}-{stamp.kind}{flaws}{mask}.jpg"


def _stamp(path: Path) -> PictureStamp | None:
    match = _NAME.fullmatch(path.name)
    if match is None or match[2] not in list(PictureKind):
        return None
    flaws = tuple(match[3].split("+")) if match[3] else ()
    try:
        return PictureStamp(int(match[1]) / 1000, path.stat().st_size, PictureKind(match[2]), flaws, match[4] or "")
    except OSError:
        return None
