"""Golden commands: what ffmpeg and ffprobe are told, and what of it may be seen."""

import dataclasses

import pytest

from restream.domain.camera.camera import Camera, RowReader
from restream.domain.camera.options import CameraOptions, RtspTransport, Transport
from restream.domain.camera.secret import Secret, spellings
from restream.domain.camera.urls import CameraTypes, parse_source
from restream.domain.engine import AudioStream, Media, VideoStream
from restream.domain.ffmpeg.plan import FfmpegPlan, FfmpegSettings, build_plan, build_probe
from restream.domain.server.target import Target

READER = RowReader(CameraTypes.parse({"default": "{login}:{password}@{link}:554/stream={channel}"}))
H264 = VideoStream("h264", 640, 360, 15.0)
AAC = AudioStream("aac", 16000, 1)
ADTS = AudioStream("aac", 16000, 1, adts=True)
G711 = AudioStream("pcm_alaw", 8000, 1)
SRT = Target(publish=Transport.SRT)
HEAD = (
    *("ffmpeg", "-hide_banner", "-loglevel", "level+warning", "-nostats", "-progress", "pipe:1", "-stats_period", "1"),
    *("-f", "concat", "-safe", "0", "-protocol_whitelist", "pipe,rtsp,rtsps,rtp,udp,tcp,tls"),
    *("-analyzeduration", "3000000", "-probesize", "5000000", "-fpsprobesize", "0", "-i", "pipe:0"),
)
WITH_AUDIO = ("-map", "0:v:0", "-map", "0:a:0?", "-dn", "-sn", "-c:v", "copy")
WITHOUT_AUDIO = ("-map", "0:v:0", "-dn", "-sn", "-c:v", "copy", "-an")
COPY = ("-c:a", "copy")
CONVERT = ("-c:a", "aac", "-ar", "16000", "-ac", "1", "-b:a", "32k")
DELTA = ("-max_interleave_delta", "500000")
TO_RTSP = ("-f", "rtsp", "-rtsp_transport", "tcp", "-pkt_size", "1316", "rtsp://127.0.0.1:8554/cam1")
TO_SRT = ("-f", "mpegts", "srt://127.0.0.1:8890?streamid=publish:cam1&pkt_size=1316")
SCRIPT = """ffconcat version 1.0
file 'rtsp://admin:sEcret@10.0.0.1:554/stream=0'
option timeout '10000000'
option rtsp_transport 'tcp'
option analyzeduration '1000000'
option probesize '5000000'
option fpsprobesize '0'
"""


def camera(options: object = None, **columns: object) -> Camera:
    row = {"id": 1, "link": "10.0.0.1", "login": "admin", "password": "sEcret", "options": options, **columns}
    found = READER.read(row)
    assert isinstance(found, Camera), found
    return found


def plan(
    options: object = None,
    *,
    video: VideoStream = H264,
    audio: AudioStream | None = AAC,
    target: Target | None = None,
    settings: FfmpegSettings | None = None,
    lesser: bool = False,
    **columns: object,
) -> FfmpegPlan:
    return build_plan(
        camera(options, **columns),
        Media(video, audio),
        target or Target(),
        settings or FfmpegSettings(),
        lesser=lesser,
    )


def script(stream_plan: FfmpegPlan) -> str:
    assert stream_plan.invocation.stdin is not None
    return stream_plan.invocation.stdin.reveal()


@pytest.mark.parametrize(
    ("target", "audio", "options", "chosen", "selection"),
    [
        (Target(), AAC, None, "copy", (*WITH_AUDIO, *COPY)),
        (Target(), G711, None, "copy", (*WITH_AUDIO, *COPY)),
        (Target(), AudioStream("opus", 48000, 2), None, "copy", (*WITH_AUDIO, *COPY)),
        (Target(), AudioStream("vorbis", 48000, 2), None, "aac", (*WITH_AUDIO, *CONVERT)),
        (Target(), None, None, "none", WITHOUT_AUDIO),
        (Target(), AudioStream("unknown", 8000, 1), None, "none", WITHOUT_AUDIO),
        (Target(), AudioStream("aac", 0, 0), None, "none", WITHOUT_AUDIO),
        (Target(), AAC, {"audio": "none"}, "none", WITHOUT_AUDIO),
        (Target(), AAC, {"audio": "aac"}, "aac", (*WITH_AUDIO, *CONVERT)),
        (Target(), G711, {"audio": "aac"}, "aac", (*WITH_AUDIO, *CONVERT)),
        (Target(), None, {"audio": "aac"}, "none", WITHOUT_AUDIO),
        (Target(), ADTS, None, "aac", (*WITH_AUDIO, *CONVERT)),
        (Target(), ADTS, {"audio": "copy"}, "copy", (*WITH_AUDIO, *COPY)),
        (SRT, ADTS, None, "copy", (*WITH_AUDIO, *COPY)),
        (SRT, AAC, None, "copy", (*WITH_AUDIO, *COPY)),
        (SRT, G711, None, "aac", (*WITH_AUDIO, *CONVERT)),
        (SRT, AudioStream("pcm_mulaw", 8000, 1), None, "aac", (*WITH_AUDIO, *CONVERT)),
        (SRT, AudioStream("opus", 48000, 2), None, "copy", (*WITH_AUDIO, *COPY)),
        (SRT, None, None, "none", WITHOUT_AUDIO),
        (SRT, AudioStream("unknown", 0, 0), None, "none", WITHOUT_AUDIO),
        (SRT, G711, {"audio": "none"}, "none", WITHOUT_AUDIO),
        (SRT, G711, {"audio": "copy"}, "copy", (*WITH_AUDIO, *COPY)),
        (SRT, AAC, {"audio": "aac"}, "aac", (*WITH_AUDIO, *CONVERT)),
    ],
)
def test_golden_commands(
    target: Target, audio: AudioStream | None, options: object, chosen: str, selection: tuple[str, ...]
) -> None:
    found = plan(options, audio=audio, target=target)
    output = TO_SRT if target is SRT else TO_RTSP
    assert found.invocation.argv == (*HEAD, *selection, *DELTA, *output)
    unwanted = "option allowed_media_types 'video'\n" if chosen == "none" else ""
    assert script(found) == SCRIPT + unwanted
    assert (found.camera_id, found.path, found.video, found.audio) == ("1", "cam1", "h264", chosen)
    assert found.transport is target.publish


def test_every_choice_has_a_reason() -> None:
    assert plan().reasons == (
        "published by RTSP: mediamtx.publish",
        "video h264 640x360 is copied, never re-encoded",
        "audio aac is copied: RTSP carries it",
    )
    assert plan({"publish": "srt"}, audio=G711).reasons[0] == "published by SRT: options.publish of this row"
    assert plan({"publish": "srt"}, audio=G711).reasons[-1] == (
        "audio pcm_alaw is converted to AAC: SRT does not carry it"
    )
    assert plan(audio=None).reasons[-1] == "no audio: the camera sends none"
    assert plan({"audio": "none"}).reasons[-1] == "audio aac: options.audio of this row says none"


@pytest.mark.parametrize("codec", ["mjpeg", "vp8", "av1"])
def test_video_that_srt_cannot_carry_goes_by_rtsp_and_says_why(codec: str) -> None:
    found = plan(video=VideoStream(codec, 640, 360), target=SRT)
    assert found.transport is Transport.RTSP
    assert found.invocation.argv[-7:] == TO_RTSP
    assert found.reasons[0] == (f"published by RTSP although mediamtx.publish says srt: MPEG-TS cannot carry {codec}")
    # What decides about the sound is where it goes in the end.
    assert plan(video=VideoStream(codec, 640, 360), audio=G711, target=SRT).audio == "copy"


def test_h265_goes_by_srt() -> None:
    assert plan(video=VideoStream("hevc", 640, 360), target=SRT).transport is Transport.SRT


def test_audio_that_brought_no_media_is_left_out() -> None:
    found = plan(lesser=True)
    assert found.audio == "none"
    assert "-an" in found.invocation.argv
    assert found.reasons[-1] == "audio aac is dropped: the last start with it failed"


def test_the_plain_form() -> None:
    argv = plan(settings=FfmpegSettings(hide_source=False)).invocation.argv
    assert argv == (
        *("ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "level+warning", "-nostats"),
        *("-progress", "pipe:1", "-stats_period", "1"),
        *("-protocol_whitelist", "rtsp,rtsps,rtp,udp,tcp,tls", "-timeout", "10000000", "-rtsp_transport", "tcp"),
        *("-analyzeduration", "3000000", "-probesize", "5000000", "-fpsprobesize", "0"),
        *("-i", "rtsp://admin:sEcret@10.0.0.1:554/stream=0", *WITH_AUDIO, *COPY, *DELTA, *TO_RTSP),
    )


@pytest.mark.parametrize(
    ("url", "protocols", "timeout"),
    [
        ("rtsp://h/x", "pipe,rtsp,rtsps,rtp,udp,tcp,tls", "timeout"),
        ("rtsps://h/x", "pipe,rtsp,rtsps,rtp,udp,tcp,tls", "timeout"),
        ("rtmp://h/x", "pipe,rtmp,rtmps,tcp,tls", "rw_timeout"),
        ("rtmps://h/x", "pipe,rtmp,rtmps,tcp,tls", "rw_timeout"),
        ("http://h/x", "pipe,http,https,tcp,tls,crypto,data", "rw_timeout"),
        ("https://h/x", "pipe,http,https,tcp,tls,crypto,data", "rw_timeout"),
        ("srt://h:9000", "pipe,srt", "timeout"),
        ("udp://239.0.0.1:1234", "pipe,udp", "timeout"),
    ],
)
def test_each_scheme_reaches_its_encrypted_form_and_has_a_timeout(url: str, protocols: str, timeout: str) -> None:
    found = plan(rtsp_url=url)
    argv = found.invocation.argv
    assert argv[argv.index("-protocol_whitelist") + 1] == protocols
    assert "file" not in protocols.split(",")
    options = [line.split()[1] for line in script(found).splitlines() if line.startswith("option ")]
    assert [name for name in options if "timeout" in name] == [timeout]
    assert ("rtsp_transport" in options) is url.startswith("rtsp")
    assert f"option {timeout} '10000000'\n" in script(found)


def test_timeouts_are_microseconds_and_a_row_may_have_its_own() -> None:
    assert "option timeout '25500000'\n" in script(plan({"stall_timeout_s": 25.5}))
    assert "option timeout '7000000'\n" in script(plan(settings=FfmpegSettings(stall_timeout_s=7)))


def test_the_transport_from_the_camera() -> None:
    assert "option rtsp_transport 'udp'\n" in script(plan(settings=FfmpegSettings(rtsp_transport=RtspTransport.UDP)))
    assert "option rtsp_transport 'udp'\n" in script(plan({"rtsp_transport": "udp"}))
    either = script(plan({"rtsp_transport": "auto"}))
    assert "option rtsp_transport 'udp+tcp'\n" in either and "option rtsp_flags 'prefer_tcp'\n" in either
    flagged = script(plan({"rtsp_transport": "auto", "input": {"rtsp_flags": "-filter_src"}}))
    assert "option rtsp_flags '-filter_src+prefer_tcp'\n" in flagged


def test_input_options_of_a_row_win() -> None:
    found = plan({"input": {"timeout": 42, "probesize": 1000, "user_agent": "CCTV 1"}})
    assert "option timeout '42'\n" in script(found)
    assert "option user_agent 'CCTV 1'\n" in script(found)
    argv = found.invocation.argv
    assert argv[argv.index("-probesize") + 1] == "1000"
    # What only the camera's own demuxer understands must not reach the outer one.
    assert "-timeout" not in argv
    assert "-user_agent" not in argv


def test_output_options_of_a_row_win() -> None:
    argv = plan({"output": {"max_interleave_delta": 0, "muxdelay": "0.1"}}).invocation.argv
    assert argv.count("-max_interleave_delta") == 1
    assert argv[argv.index("-max_interleave_delta") + 1] == "0"
    assert argv.index("-muxdelay") < len(argv) - 1
    argv = plan({"audio": "aac", "output": {"b:a": "64k"}}).invocation.argv
    # ffmpeg takes the last of a repeated option.
    assert [argv[index + 1] for index, word in enumerate(argv) if word == "-b:a"][-1] == "64k"


def test_a_packet_size_of_a_row_wins() -> None:
    argv = plan({"output": {"pkt_size": 1200}}).invocation.argv
    assert [argv[index + 1] for index, word in enumerate(argv) if word == "-pkt_size"][-1] == "1200"


@pytest.mark.parametrize(
    ("rtsp_url", "line"),
    [
        ("rtsp://h/it's", r"file 'rtsp://h/it'\''s'"),
        ("rtsp://h/''", r"file 'rtsp://h/'\'''\'''"),
        ("rtsp://h/back\\slash", r"file 'rtsp://h/back\slash'"),
        ("rtsp://h/a b#c", "file 'rtsp://h/a b#c'"),
    ],
)
def test_quoting_in_the_script(rtsp_url: str, line: str) -> None:
    assert script(plan(rtsp_url=rtsp_url)).splitlines()[1] == line


def test_a_control_character_never_reaches_the_script() -> None:
    source = dataclasses.replace(parse_source("rtsp://h/x"), url=Secret("rtsp://h/x'\nfile '/etc/passwd"))
    with pytest.raises(ValueError, match="control character"):
        build_probe(source, CameraOptions(), FfmpegSettings())


PUBLISH_PASSWORD = "p@ss/w:rd?&ü"


@pytest.mark.parametrize("publish", [Transport.RTSP, Transport.SRT])
def test_publish_credentials_are_encoded_and_masked(publish: Transport) -> None:
    target = Target(publish=publish, user="us er", password=Secret(PUBLISH_PASSWORD))
    command = plan(target=target).invocation
    encoded = "p%40ss%2Fw%3Ard%3F%26%C3%BC"
    if publish is Transport.RTSP:
        assert command.argv[-1] == f"rtsp://us%20er:{encoded}@127.0.0.1:8554/cam1"
        assert command.masked_argv[-1] == "rtsp://us%20er:***@127.0.0.1:8554/cam1"
    else:
        assert command.argv[-1] == (f"srt://127.0.0.1:8890?streamid=publish:cam1:us%20er:{encoded}&pkt_size=1316")
        assert command.masked_argv[-1] == ("srt://127.0.0.1:8890?streamid=publish:cam1:us%20er:***&pkt_size=1316")


@pytest.mark.parametrize("hide_source", [True, False])
@pytest.mark.parametrize("publish", [Transport.RTSP, Transport.SRT])
@pytest.mark.parametrize("password", ["sEcret", "@:/?#%&'ü", "xy"])
def test_what_is_shown_contains_no_credential(hide_source: bool, publish: Transport, password: str) -> None:
    target = Target(publish=publish, user="publisher", password=Secret(PUBLISH_PASSWORD))
    found = plan(target=target, settings=FfmpegSettings(hide_source=hide_source), password=password)
    shown = " ".join((*found.invocation.masked_argv, found.invocation.masked_stdin, repr(found.reasons)))
    for form in (password, *spellings(password), *spellings(PUBLISH_PASSWORD)):
        assert form not in shown
    assert "***" in shown


def test_the_hidden_form_shows_nothing_of_the_camera_in_the_process_list() -> None:
    argv = " ".join(plan().invocation.argv)
    assert "sEcret" not in argv
    assert "10.0.0.1" not in argv


def test_printing_a_plan_with_a_hidden_source_shows_no_camera_password() -> None:
    assert "sEcret" not in repr(plan())


def test_equal_inputs_make_equal_plans() -> None:
    assert plan() == plan()
    assert plan() != plan(password="other")
    assert plan() != plan(target=Target(rtsp_url="rtsp://10.9.9.9:8554"))
    assert plan() != plan(audio=None)
    assert plan() == plan({"priority": 3}, name="New name")


def test_a_target_with_a_path_and_a_slash() -> None:
    target = Target(rtsp_url="rtsp://media:8554/", srt_url="srt://media:8890/")
    assert plan(target=target).invocation.argv[-1] == "rtsp://media:8554/cam1"
    target = dataclasses.replace(target, publish=Transport.SRT)
    assert plan(target=target).invocation.argv[-1] == "srt://media:8890?streamid=publish:cam1&pkt_size=1316"


# -- probes ------------------------------------------------------------------------------------------------------------


def test_golden_probe() -> None:
    command = build_probe(camera().source, CameraOptions(), FfmpegSettings()).invocation
    assert command.argv == (
        *("ffprobe", "-v", "level+warning", "-f", "concat", "-safe", "0"),
        *("-protocol_whitelist", "pipe,rtsp,rtsps,rtp,udp,tcp,tls", "-analyzeduration", "3000000", "-probesize", "32"),
        *("-fpsprobesize", "0", "-max_ts_probe", "0", "-i", "pipe:0", "-show_error", "-show_streams", "-of", "json"),
    )
    script = SCRIPT.replace("10000000", "5000000").replace("analyzeduration '1000000'", "analyzeduration '3000000'")
    assert command.stdin == Secret(f"{script}option max_ts_probe '0'\n")
    assert "sEcret" not in command.masked_stdin


def test_golden_probe_in_the_plain_form() -> None:
    command = build_probe(
        camera().source, CameraOptions(rtsp_transport=RtspTransport.UDP), FfmpegSettings(hide_source=False)
    ).invocation
    assert command.stdin is None
    assert command.argv[:5] == ("ffprobe", "-v", "level+warning", "-protocol_whitelist", "rtsp,rtsps,rtp,udp,tcp,tls")
    assert command.argv[5:9] == ("-timeout", "5000000", "-rtsp_transport", "udp")
    assert "sEcret" not in " ".join(command.masked_argv)


def test_the_limit_of_a_probe_leaves_room_for_a_camera_that_freezes() -> None:
    settings = FfmpegSettings(probe_timeout_s=10)
    assert settings.network_timeout_s(CameraOptions()) == 5
    assert settings.probe_limit_s(CameraOptions()) == 2 * 5 + 3 + 2


@pytest.mark.parametrize(
    ("options", "line", "network_timeout_s", "limit_s"),
    [
        ({"rtsp_transport": "udp"}, "option rtsp_transport 'udp'", 5, 15),
        ({"audio": "none"}, "option allowed_media_types 'video'", 5, 15),
        ({"input": {"allowed_media_types": "video"}}, "option allowed_media_types 'video'", 5, 15),
        ({"audio": "none", "input": {"allowed_media_types": "video+data"}}, "types 'video+data'", 5, 15),
        ({"connect_timeout_s": 40}, "option timeout '20000000'", 20, 45),
        ({"connect_timeout_s": 2}, "option timeout '5000000'", 5, 15),
        ({"input": {"timeout": 8_000_000}}, "option timeout '8000000'", 8, 21),
        ({"input": {"timeout": 0}}, "option timeout '0'", 1, 7),
        ({"input": {"timeout": 10**12 - 1}}, "option timeout '999999999999'", 60, 125),
        ({"input": {"analyzeduration": 20_000_000}}, "option fpsprobesize '0'", 5, 32),
        ({"input": {"analyzeduration": 10**12 - 1}}, "option fpsprobesize '0'", 5, 72),
        ({"input": {"user_agent": "CCTV 1"}}, "option user_agent 'CCTV 1'", 5, 15),
    ],
)
def test_what_a_row_says_of_its_input_reaches_the_probe(
    options: object, line: str, network_timeout_s: float, limit_s: float
) -> None:
    row = camera(options)
    found = build_probe(row.source, row.options, FfmpegSettings())
    assert found.invocation.stdin is not None
    assert f"{line}\n" in found.invocation.stdin.reveal()
    assert (found.network_timeout_s, found.limit_s) == (network_timeout_s, limit_s)


def test_sound_that_is_not_wanted_is_not_asked_for() -> None:
    for found in (plan({"audio": "none"}), plan(lesser=True), plan({"audio": "none"}, audio=None)):
        assert "option allowed_media_types 'video'\n" in script(found)
    assert "allowed_media_types" not in script(plan())
    # Only RTSP sets up each medium by itself.
    assert "allowed_media_types" not in script(plan({"audio": "none"}, rtsp_url="srt://h:9000"))
    assert plan({"audio": "none"}, audio=None).reasons[-1] == "no audio: options.audio of this row says none"


def test_a_start_without_media_is_repeated_without_waiting_for_the_order_of_pictures() -> None:
    """At one picture in five seconds, ffmpeg waits 40 s for it (H.264 alone)."""
    for codec, has_lesser in (("h264", True), ("hevc", False)):
        media = Media(VideoStream(codec, 640, 360))
        first = build_plan(camera(), media, Target(), FfmpegSettings())
        again = build_plan(camera(), media, Target(), FfmpegSettings(), lesser=True)
        assert (first.has_lesser, again.has_lesser) == (has_lesser, False)
        assert first.invocation.stdin is not None and again.invocation.stdin is not None
        assert "max_ts_probe" not in first.invocation.stdin.reveal()
        assert "option max_ts_probe '0'" in again.invocation.stdin.reveal()
        assert again.invocation.argv[again.invocation.argv.index("-max_ts_probe") + 1] == "0"
