"""Where pictures are kept, in memory and as files; and what is known of them, in Redis."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from restream.adapters.stores.picture_files import PictureFiles
from restream.adapters.stores.pictures_in_memory import PicturesInMemory
from restream.adapters.stores.redis_pictures import RedisPictures
from restream.domain.camera.secret import Secret
from restream.domain.pictures.album import PictureKind, PictureStamp
from restream.ports.pictures import PictureStore, PictureStoreError
from restream.supervisor.sampling.albums import Albums, AlbumsLimits

_JPEG = b"\xff\xd8 one"
FIRST = PictureStamp(1_767_000_000.123, 6, mask="0a1b2c3d")
SECOND = PictureStamp(1_767_000_060.5, 6, flaws=("black", "frozen"))
ODD = "../a/b:%2f\n"


@pytest.fixture(params=["memory", "files"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> PictureStore:
    made: dict[str, Callable[[], PictureStore]] = {
        "memory": PicturesInMemory,
        "files": lambda: PictureFiles(tmp_path / "new" / "pictures"),
    }
    return made[request.param]()


@pytest.mark.parametrize("camera_id", ["7", ODD, "ö" * 300, ".."])
async def test_what_is_put_can_be_had_until_it_goes(store: PictureStore, camera_id: str) -> None:
    assert not await store.stamps(camera_id)
    await store.put(camera_id, FIRST, _JPEG)
    await store.put(camera_id, SECOND, b"\xff\xd8 two")
    assert await store.get(camera_id, FIRST) == _JPEG
    marked = SECOND._replace(kind=PictureKind.REFERENCE)
    await store.settle(camera_id, {FIRST.taken_at}, [marked])
    assert await store.get(camera_id, FIRST) is None
    assert await store.get(camera_id, marked) == b"\xff\xd8 two"
    assert await store.get("8", marked) is None
    await store.settle(camera_id, {1.0, SECOND.taken_at}, [])
    assert await store.get(camera_id, marked) is None
    await store.forget(camera_id)


async def test_files_are_the_services_own_and_tell_what_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    files = PictureFiles(folder)
    await files.put("7", FIRST, _JPEG)
    await files.put("7", SECOND, _JPEG)
    await files.put(ODD, FIRST, _JPEG)
    await files.settle("7", (), [SECOND._replace(kind=PictureKind.AFTER)])
    (folder / "camera-7" / "notes.jpg").write_bytes(b"of somebody else")
    (folder / "camera-7" / "1767000000000-worst.jpg").write_bytes(b"likewise")
    assert await PictureFiles(folder).stamps("7") == [FIRST, SECOND._replace(kind=PictureKind.AFTER)]
    written = [Path(root, name) for root, _, names in os.walk(folder) for name in names if "-after" in name]
    assert [path.name for path in written] == ["1767000060500-after-black+frozen.jpg"]
    assert stat.S_IMODE(written[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(written[0].parent.stat().st_mode) == 0o700
    assert {each.name for each in folder.iterdir()} == {"camera-7", "camera-..%2Fa%2Fb%3A%252f%0A"}
    assert not [name for _, _, names in os.walk(folder) for name in names if name.endswith(".part")]


async def test_pictures_in_a_folder_are_there_after_a_restart_also_of_a_camera_that_sends_nothing(
    tmp_path: Path,
) -> None:
    limits = AlbumsLimits(24, 1.0, 1 << 20)
    await Albums(PictureFiles(tmp_path), limits).add("7", FIRST, _JPEG)
    await Albums(PictureFiles(tmp_path), limits).add("7", FIRST._replace(taken_at=FIRST.taken_at + 60), _JPEG)
    again = Albums(PictureFiles(tmp_path), limits)
    assert [each.taken_at for each in await again.of("7", FIRST.mask)] == [FIRST.taken_at, FIRST.taken_at + 60]
    assert await again.picture("7", FIRST.milliseconds, FIRST.mask) == _JPEG
    assert await again.of("7") == ()
    (tmp_path / "camera-8").write_bytes(b"")
    assert await again.of("8") == ()


async def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    files = PictureFiles(tmp_path / "file")
    with pytest.raises(PictureStoreError, match="Not a directory"):
        await files.put("7", FIRST, _JPEG)


async def test_what_is_known_of_pictures_is_for_whichever_node_has_the_camera(redis_url: str) -> None:
    north, south = (RedisPictures(Secret(redis_url), "p:") for _ in range(2))
    assert await north.load("7") is None
    await north.save({"7": {"format": 1, "views": []}, ODD: {"format": 2}})
    assert await south.load("7") == {"format": 1, "views": []}
    assert await south.load(ODD) == {"format": 2}
    async with Redis.from_url(redis_url) as client:
        assert 29 * 86_400 < await client.ttl("p:restream:picture:7") <= 30 * 86_400
        await client.set("p:restream:picture:8", b"{" * 3000)
        await client.set("p:restream:picture:9", b" " * 300_000)
    assert (await north.load("8"), await north.load("9")) == (None, None)
    for each in (north, south):
        await each.close()
