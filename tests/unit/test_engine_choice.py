"""What each engine would make of a camera, and what it costs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from restream.adapters.ffmpeg.engine import FfmpegEngine
from restream.adapters.relay.auto import AutoEngine
from restream.adapters.relay.engine import RelayEngine
from restream.adapters.relay.workers import RelayWorkers
from restream.config.places import ROOT
from restream.config.settings import Settings
from restream.domain.camera.options import Transport
from restream.domain.engine import AudioStream, Media, VideoStream
from restream.domain.engine_choice import ENGINE_FACTS, EngineChoice, EngineFacts
from restream.domain.ffmpeg.plan import FfmpegSettings
from restream.domain.relay.plan import RelaySettings
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.target import Target
from restream.interfaces.console.explanation import ShownEngines
from restream.interfaces.documents.engines import engine_document
from restream.service.engine_resources import EngineResources
from restream.service.from_settings import prober, stream_settings
from restream.supervisor.cameras.settings import StreamSettings
from tests.unit.fakes import camera

H264 = VideoStream("h264", 640, 360)
AAC, G711 = AudioStream("aac", 16000, 1), AudioStream("pcm_alaw", 8000, 1)


def chosen(media: Media, engine: str = "ffmpeg", publish: Transport = Transport.RTSP, **options: Any) -> Any:
    """By name."""
    relay, ffmpeg = RelayEngine(RelaySettings(), RelayWorkers(1)), FfmpegEngine(FfmpegSettings())
    engines = {each.name: each for each in (ffmpeg, relay, AutoEngine(relay, ffmpeg))}
    targets = {DEFAULT_SERVER: Target(publish=publish)}
    settings = StreamSettings(engines=engines, prober=prober(Settings()), engine=engine, targets=targets)
    return {each.engine: each for each in settings.choices(camera(1, options=options), media)}


def test_every_engine_that_plans_by_itself_has_a_cost_and_is_told_of() -> None:
    settings = stream_settings(Settings(), EngineResources(Settings()))
    found = settings.choices(camera(1), Media(H264, AAC))
    assert {each.engine for each in found} == ENGINE_FACTS.keys() == settings.engines.keys() - {"auto"}
    assert [each.engine for each in found if each.chosen] == ["ffmpeg"]


def test_what_differs_is_told() -> None:
    assert chosen(Media(H264, AAC))["relay"] == EngineChoice("relay", chosen=False)
    by_srt = chosen(Media(H264, G711), publish=Transport.SRT)
    assert by_srt["relay"].changes == ("published by RTSP", "sound goes on as it comes")
    assert by_srt["ffmpeg"] == EngineChoice("ffmpeg", chosen=True)


def test_what_an_engine_cannot_is_told() -> None:
    found = chosen(Media(H264, G711), audio="aac")
    assert "converts nothing" in found["relay"].obstacle and not found["relay"].changes
    login = chosen(Media(H264, AAC, login=("SHA-256",)))
    assert "SHA-256" in login["ffmpeg"].obstacle and login["ffmpeg"].chosen
    assert not login["relay"].obstacle


def test_the_engine_that_speaks_like_a_probe_is_no_remedy_for_itself() -> None:
    settings = stream_settings(Settings(), EngineResources(Settings()))
    media, target = Media(H264, AAC), Target()
    could = {
        name: settings.could_converse(settings.engines[name].plan(camera(1), media, target), camera(1), media)
        for name in ENGINE_FACTS
    }
    assert could == {"ffmpeg": True, "relay": False, "pull": True}
    assert not replace(settings, conversing="").could_converse(
        settings.engines["ffmpeg"].plan(camera(1), media, target), camera(1), media
    )


@pytest.mark.parametrize(("audio", "engine"), [(AAC, "relay"), (G711, "ffmpeg")])
def test_auto_is_no_engine_of_its_own(audio: AudioStream, engine: str) -> None:
    found = chosen(Media(H264, audio), "auto", audio="aac")
    assert [each.engine for each in found.values() if each.chosen] == [engine]
    line = ShownEngines("auto", "cameras.engine", tuple(map(engine_document, found.values()))).line
    assert line.startswith(f"{engine}, chosen by auto (cameras.engine)")
    assert ShownEngines("relay", "options.engine of this row").line == "relay (options.engine of this row)"


def test_costs_are_those_of_the_benchmark() -> None:
    text = (ROOT / "docs" / "benchmarks.md").read_text("utf-8").partition("## What an engine costs")[2]
    heads, *rows = (re.findall(r"[^|]+", line) for line in text.splitlines() if line.startswith("|"))
    names = [head.strip(" `") for head in heads]
    (memory, cpu), server = (
        (next(row for row in rows if row[0].strip() == name) for name in ("memory", "CPU")),
        names.index("MediaMTX alone"),
    )

    def number(cell: str) -> int:
        return int(re.sub(r"[^0-9]", "", cell))

    for engine, facts in ENGINE_FACTS.items():
        at = names.index(engine)
        per_camera = [(number(row[at]) - number(row[server])) / 100 for row in (memory, cpu)]
        assert isinstance(facts, EngineFacts) and list(facts.cost) == per_camera, engine
