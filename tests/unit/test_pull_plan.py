"""What the engine pull asks of a media server's configuration, and of cameras."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.urls import CameraTypes
from restream.domain.engine import AudioStream, Ending, Media, VideoStream
from restream.domain.life.cause import Cause
from restream.domain.pull.entry import PathEntry, trouble_of
from restream.domain.pull.plan import build_plan, why_not
from restream.domain.server.identity import DEFAULT_SERVER, ServerId
from restream.domain.server.target import Target

MEDIA = Media(VideoStream("h264", 640, 360), AudioStream("aac", 16000, 1))
DIRECTORY = "rtsp://127.0.0.1:9554"
ENTRY = PathEntry.of("cam{id}", DIRECTORY, DEFAULT_SERVER)


def camera(url: str = "rtsp://admin:sEcret-w0rd@10.0.0.1/s", **options: object) -> Camera:
    reader = RowReader(CameraTypes.parse({"default": "{link}"}))
    found = reader.read({"id": 1, "rtsp_url": url, "options": options})
    assert isinstance(found, Camera)
    return found


def listed(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(entries)}


def entry(name: str = "~^(cam.+)$", source: str = f"{DIRECTORY}/default/$G1", **changes: object) -> dict[str, Any]:
    return {"name": name, "source": source, "sourceOnDemand": True, **changes}


OTHERS = {"name": "all_others", "source": "publisher", "sourceOnDemand": False}


@pytest.mark.parametrize(
    ("template", "path", "line"),
    [
        ("cam{id}", "cam7", '"~^(cam.+)$": {source: rtsp://127.0.0.1:9554/default/$G1, '),
        ("site.a/{id}/main", "site.a/7/main", '"~^(site\\.a/.+/main)$": {source: rtsp://127.0.0.1:9554/default/$G1, '),
        ("cam{id}", "door", "door: {source: rtsp://127.0.0.1:9554/default/door, "),
    ],
)
def test_the_line_to_write_serves_the_path(template: str, path: str, line: str) -> None:
    written = PathEntry.of(template, DIRECTORY, DEFAULT_SERVER)
    assert written.to_write(path).startswith(line)
    name, _, rest = written.to_write(path).partition(": {source: ")
    source = rest.partition(",")[0]
    found = entry(name.strip('"'), source)
    assert trouble_of(listed(OTHERS, found), path, f"{DIRECTORY}/default/{path}") == ""


def test_a_token_is_part_of_it_and_not_shown() -> None:
    written = PathEntry.of("cam{id}", DIRECTORY, ServerId("west"), has_token=True)
    assert "rtsp://127.0.0.1:9554/TOKEN/west/$G1" in written.advice("cam1")
    assert "pull.token" in written.advice("cam1")


@pytest.mark.parametrize(
    ("entries", "trouble"),
    [
        ((), "no path entry leads to the directory"),
        ((OTHERS,), "no path entry leads to the directory"),
        ((entry("~^(door.+)$"),), "no path entry leads to the directory"),
        ((entry("~^(cam.+"),), "no path entry leads to the directory"),
        ((entry(source=f"{DIRECTORY}/west/$G1"),), "no path entry leads to the directory"),
        ((entry("~^cam(.+)$"),), "no path entry leads to the directory"),
        ((entry("~^cam(.+)$", f"{DIRECTORY}/default/cam$G1"),), ""),
        ((entry("~^(c)(am.+)$", f"{DIRECTORY}/default/$G1$G2"),), ""),
        ((entry("cam1", f"{DIRECTORY}/default/cam1"),), ""),
        ((entry("cam1", "publisher"), entry()), "the path entry 'cam1' has another source"),
        (
            (entry(sourceOnDemand=False),),
            "the path entry '~^(cam.+)$' lacks `sourceOnDemand: yes`: it never waits its turn",
        ),
    ],
)
def test_what_is_wrong_with_path_entries(entries: tuple[dict[str, Any], ...], trouble: str) -> None:
    assert trouble_of(listed(*entries), "cam1", f"{DIRECTORY}/default/cam1") == trouble


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from([f"{DIRECTORY}/default/$G1"]),
    lambda each: (
        st.lists(each, max_size=4)
        | st.dictionaries(st.sampled_from(["items", "name", "source", "sourceOnDemand"]), each, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_the_server_says_is_an_answer(document: object) -> None:
    assert isinstance(trouble_of(document, "cam1", f"{DIRECTORY}/default/cam1"), str)


def test_what_a_plan_shows() -> None:
    found = build_plan(camera(), MEDIA, Target(), ENTRY)
    assert found.shown.command == ("DESCRIBE", "rtsp://127.0.0.1:9554/default/cam1")
    assert found.shown.stdin == "302 Found\nLocation: rtsp://admin:***@10.0.0.1/s"
    assert (found.place, found.fetched, found.has_lesser) == ("default/cam1", True, False)
    assert build_plan(camera(priority=5, site="x"), MEDIA, Target(), ENTRY) == found
    assert build_plan(camera("rtsp://admin:other@10.0.0.1/s"), MEDIA, Target(), ENTRY) != found


@pytest.mark.parametrize(
    ("asked", "media", "cause"),
    [
        (camera("http://10.0.0.1/s.mjpg"), MEDIA, Cause.ENGINE_UNABLE),
        (camera(audio="none"), MEDIA, Cause.ENGINE_UNABLE),
        (camera(audio="aac"), MEDIA, Cause.ENGINE_UNABLE),
        (camera(output={"ar": 8000}), MEDIA, Cause.ENGINE_UNABLE),
        (camera(), Media(MEDIA.video, login=("SHA-512-256",)), Cause.AUTH_UNSUPPORTED),
        (camera(), Media(MEDIA.video, login=("SHA-256", "SHA-512-256")), None),
        (camera("rtsps://10.0.0.1/s", audio="copy", rtsp_transport="udp", publish="srt"), MEDIA, None),
    ],
)
def test_what_it_cannot_do(asked: Camera, media: Media, cause: Cause | None) -> None:
    found = why_not(asked, media)
    assert (found.cause if isinstance(found, Ending) else None) is cause


def test_what_is_not_as_the_row_asks_is_said() -> None:
    reasons = build_plan(camera("rtsps://10.0.0.1/s", rtsp_transport="udp"), MEDIA, Target(), ENTRY).reasons
    assert any("rtspTransport" in reason for reason in reasons)
    assert any("sourceFingerprint" in reason for reason in reasons)
