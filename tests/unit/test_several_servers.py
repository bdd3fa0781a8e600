"""The example of docs/operations.md with several media servers does what the text beside it says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from restream.config.settings import ConfigError, Settings, load_settings
from restream.domain.camera.camera import Camera, RejectedRow
from restream.domain.fleet.fencing import Fence
from restream.domain.server.identity import ServerId
from restream.service.from_settings import failover_policy, public_bases, row_reader
from tests.support.examples import examples


def configured(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "restream.yml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (text,) = (each for each in examples("operations.md", "yaml") if "servers:" in each)
    return configured(tmp_path, text)


@pytest.mark.parametrize(
    ("site", "options", "server"),
    [
        ("West", {}, "west"),
        ("Harbour", {}, "west"),
        ("East", {}, "default"),
        ("", {}, "default"),
        ("West", {"server": "lab"}, "lab"),
        ("West", {"server": "default"}, "default"),
        ("", {"site": "West"}, "west"),
    ],
)
def test_where_a_camera_is_published(settings: Settings, site: str, options: dict[str, str], server: str) -> None:
    row = {"id": 1, "rtsp_url": "rtsp://192.0.2.1/", "site": site, "options": options}
    camera = row_reader(settings).read(row)
    assert isinstance(camera, Camera), camera
    assert camera.server == server


def test_a_name_that_is_no_server_rejects_the_row(settings: Settings) -> None:
    row = {"id": 1, "rtsp_url": "rtsp://192.0.2.1/", "options": {"server": "nowhere"}}
    rejected = row_reader(settings).read(row)
    assert isinstance(rejected, RejectedRow)
    assert rejected.problem.startswith("options: server: 'nowhere' is none of mediamtx.servers")


def test_a_camera_that_moves_to_another_server_is_another_publication(settings: Settings) -> None:
    rows = [{"id": 1, "rtsp_url": "rtsp://192.0.2.1/", "site": site} for site in ("East", "North", "West")]
    east, north, west = (row_reader(settings).read(row) for row in rows)
    assert isinstance(east, Camera) and isinstance(north, Camera) and isinstance(west, Camera)
    assert east.stream == north.stream != west.stream


@pytest.mark.parametrize(
    ("server", "rtsp", "hls"),
    [
        ("default", "rtsp://10.0.0.2:8554/cam1", "http://10.0.0.2:8888/cam1/index.m3u8"),
        ("west", "rtsp://10.1.0.2:8554/cam1", "http://10.1.0.2:8888/cam1/index.m3u8"),
        ("lab", "rtsp://lab.example:8554/cam1", "https://lab.example/hls/cam1/index.m3u8"),
    ],
)
def test_players_follow(settings: Settings, server: str, rtsp: str, hls: str) -> None:
    players = public_bases(settings.servers[ServerId(server)]).players("cam1")
    assert (players.rtsp, players.hls) == (rtsp, hls)


SERVER = 'api_url: "http://10.1.0.2:9997", rtsp_url: "rtsp://10.1.0.2:8554"'


@pytest.mark.parametrize(
    "servers",
    ["{west: {sites: [West]}}", f"{{west: {{{SERVER}, sites: [A]}}, lab: {{{SERVER}, sites: [A]}}}}"],
    ids=["without addresses", "a site of two"],
)
def test_what_is_refused(tmp_path: Path, servers: str) -> None:
    with pytest.raises(ConfigError):
        configured(tmp_path, f"mediamtx: {{servers: {servers}}}")


def test_a_server_has_the_defaults_and_not_what_the_default_one_has(tmp_path: Path) -> None:
    given = "api_user: u, publish_user: p, publish: srt"
    settings = configured(tmp_path, f"mediamtx: {{{given}, servers: {{west: {{{SERVER}}}}}}}")
    west = settings.servers[ServerId("west")]
    assert (west.api_user, west.publish_user, west.publish) == (None, None, "rtsp")


def test_two_hosts_are_configured_as_the_text_beside_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = (each for each in examples("installation.md", "ini") if "RESTREAM_NODE__NAME" in each)
    shown = subprocess.run(
        ["env", "-i", "sh", "-c", f"set -a\n{text}\nenv"], capture_output=True, text=True, check=True
    )
    for line in shown.stdout.splitlines():
        name, _, value = line.partition("=")
        if name.startswith(("RESTREAM_", "PG_")):
            monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.node_name == "one" and settings.nodes.dsn is not None
    assert failover_policy(settings).pool == {"default", "second"} == settings.servers.keys()
    # Until all publishers have ended there must be room for a heartbeat that is lost, and one that is late.
    nodes, stopping_s = settings.nodes, settings.ffmpeg.stop_grace_s + 1
    assert nodes.fence is Fence.TIME
    assert nodes.ttl_s >= 2 * nodes.heartbeat_s + stopping_s + 1
    assert row_reader(settings).servers[ServerId("second")] == ("West",)
