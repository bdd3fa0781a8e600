"""The verdict as a truth table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from restream.domain.camera.camera import RejectedRow
from restream.domain.engine import Plan
from restream.domain.ffmpeg.plan import FfmpegSettings, build_plan
from restream.domain.judgement.flaws import Thresholds
from restream.domain.judgement.quality import Quality
from restream.domain.judgement.sight import ServiceStanding, Sight
from restream.domain.judgement.status import CameraStatus
from restream.domain.judgement.stream_flaws import StreamThresholds
from restream.domain.judgement.stream_quality import StreamQuality
from restream.domain.judgement.verdict import RULES, Health, Verdict, judge, judge_row
from restream.domain.life.cause import FACTS, Cause, Side
from restream.domain.life.lifecycle import Phase, State
from restream.domain.life.remedy import Remedy
from restream.domain.server.api_trouble import ApiTrouble
from restream.domain.server.flow import ServerPicture
from restream.domain.server.mediamtx import PathObservation, ServerView, SessionObservation, SrtObservation
from restream.domain.server.target import Target
from tests.unit.fakes import WITH_AUDIO, camera

NEVER = ServerPicture()


def seen(path: PathObservation | None, at: float = 100.0, **lists: Any) -> ServerPicture:
    return NEVER.swept(ServerView(paths={"cam1": path} if path else {}, **lists), at)


OURS = PathObservation("cam1", True, "rtspSession", "ours", inbound_bytes=1000)
EMPTY = seen(OURS._replace(inbound_bytes=0))
SEES = seen(OURS)
MISSES = seen(None)
NOT_READY = seen(PathObservation("cam1", False))
ALWAYS = seen(PathObservation("cam1", True, online=False))
PULLED = seen(PathObservation("cam1", True, "rtspSource", online=True))
SILENT = seen(PathObservation("cam1", True, "rtspSession", "ours", online=True))
STALE = SEES.missed()
THEIRS = seen(
    PathObservation("cam1", True, "rtspSession", "theirs"),
    sessions={"theirs": SessionObservation("theirs", "cam1", "10.9.9.9:4711")},
)
RUNNING = State(Phase.RUNNING, 0.0)
UNSENDABLE = RUNNING._replace(failures=1, last_cause=Cause.CODEC_UNSUPPORTED)
BETWEEN = State(Phase.BACKOFF, 0.0, cause=Cause.SERVER_GONE, unpublished_since=90.0)


STOPPING = State(Phase.STOPPING, 0.0, stop_cause=Cause.STOPPED)


def sight(state: State, server: ServerPicture, **fields: Any) -> Sight:
    plan: Plan | None = fields.pop("plan", None)
    return Sight(CameraStatus(camera(1), state, plan, None), server, own_source_id="ours", **fields)


@pytest.mark.parametrize(
    ("state", "server", "health", "fault", "code"),
    [
        (State(Phase.HELD, 0.0, on_hold=True), SEES, Health.DISABLED, Side.NONE, "held_by_operator"),
        (State(Phase.STOPPING, 0.0, on_hold=True), SEES, Health.DISABLED, Side.NONE, "held_by_operator"),
        (STOPPING, SEES, Health.UNKNOWN, Side.NONE, "restarting"),
        (STOPPING._replace(cause=Cause.REFUSED), SEES, Health.UNKNOWN, Side.NONE, "restarting"),
        (STOPPING._replace(wanted=False), SEES, Health.UNKNOWN, Side.NONE, "stopping"),
        (State(Phase.FINISHED, 0.0, wanted=False), SEES, Health.UNKNOWN, Side.NONE, "stopping"),
        (STOPPING._replace(stop_cause=Cause.STALLED), SEES, Health.DOWN, Side.CAMERA, "stalled"),
        (STOPPING._replace(stop_cause=Cause.NO_MEDIA), MISSES, Health.DOWN, Side.CAMERA, "no_media"),
        (STOPPING._replace(stop_cause=Cause.SUSPENDED), SEES, Health.DOWN, Side.PUBLISHER, "suspended"),
        (STOPPING._replace(stop_cause=Cause.SERVER_GONE), MISSES, Health.DOWN, Side.MEDIA_SERVER, "server_gone"),
        (STOPPING._replace(stop_cause=Cause.INTERNAL), SEES, Health.DOWN, Side.PUBLISHER, "internal"),
        (STOPPING._replace(stop_cause=Cause.STALLED, cause=Cause.REFUSED), SEES, Health.DOWN, Side.CAMERA, "stalled"),
        (BETWEEN, THEIRS, Health.DOWN, Side.MEDIA_SERVER, "server_conflict"),
        (BETWEEN._replace(unpublished_since=99.5), THEIRS, Health.DOWN, Side.MEDIA_SERVER, "server_gone"),
        (BETWEEN._replace(unpublished_since=None), THEIRS, Health.DOWN, Side.MEDIA_SERVER, "server_gone"),
        (BETWEEN, THEIRS.missed(), Health.DOWN, Side.MEDIA_SERVER, "server_gone"),
        (BETWEEN, SEES, Health.DOWN, Side.MEDIA_SERVER, "server_gone"),
        (BETWEEN._replace(cause=Cause.REFUSED), ALWAYS, Health.DOWN, Side.CAMERA, "refused"),
        (BETWEEN._replace(unpublished_since=80.0), SEES, Health.DOWN, Side.MEDIA_SERVER, "server_conflict"),
        (State(Phase.WAITING, 0.0, unpublished_since=0.0), THEIRS, Health.DOWN, Side.MEDIA_SERVER, "server_conflict"),
        (State(Phase.WAITING, 0.0, server_up=False), STALE, Health.DOWN, Side.MEDIA_SERVER, "server_down"),
        (RUNNING._replace(server_up=False), STALE, Health.UNKNOWN, Side.MEDIA_SERVER, "server_silent"),
        (RUNNING, NEVER, Health.HEALTHY, Side.NONE, "unobserved"),
        (RUNNING, STALE, Health.UNKNOWN, Side.MEDIA_SERVER, "stale"),
        (RUNNING, MISSES, Health.UNKNOWN, Side.NONE, "not_arrived"),
        (RUNNING, NOT_READY, Health.UNKNOWN, Side.NONE, "not_arrived"),
        (RUNNING, EMPTY, Health.UNKNOWN, Side.NONE, "not_arrived"),
        (UNSENDABLE, EMPTY, Health.DOWN, Side.CONFIG, "codec_unsupported"),
        (UNSENDABLE, MISSES, Health.UNKNOWN, Side.NONE, "not_arrived"),
        (UNSENDABLE._replace(last_cause=Cause.STOPPED), EMPTY, Health.UNKNOWN, Side.NONE, "not_arrived"),
        (UNSENDABLE._replace(failures=0), EMPTY, Health.UNKNOWN, Side.NONE, "not_arrived"),
        (UNSENDABLE, SEES, Health.HEALTHY, Side.NONE, None),
        (RUNNING, ALWAYS, Health.UNKNOWN, Side.NONE, "not_arrived"),
        (RUNNING, SILENT, Health.UNKNOWN, Side.NONE, "not_arrived"),
        (BETWEEN._replace(cause=Cause.SERVER_REFUSED), PULLED, Health.DOWN, Side.MEDIA_SERVER, "server_refused"),
        (BETWEEN._replace(cause=Cause.REFUSED), PULLED, Health.DOWN, Side.CAMERA, "refused"),
        (BETWEEN._replace(cause=Cause.CODEC_UNSUPPORTED), ALWAYS, Health.DOWN, Side.CONFIG, "codec_unsupported"),
        (RUNNING, SEES, Health.HEALTHY, Side.NONE, None),
        (State(Phase.WAITING, 0.0), SEES, Health.UNKNOWN, Side.NONE, "starting"),
        (State(Phase.PROBING, 0.0), SEES, Health.UNKNOWN, Side.NONE, "starting"),
        (State(Phase.PROBING, 0.0, cause=Cause.REFUSED), SEES, Health.DOWN, Side.CAMERA, "refused"),
        (State(Phase.BACKOFF, 0.0, cause=Cause.UNREACHABLE), SEES, Health.DOWN, Side.NETWORK, "unreachable"),
        (State(Phase.HELD, 0.0, cause=Cause.AUTH_FAILED), SEES, Health.DOWN, Side.CONFIG, "auth_failed"),
        (State(Phase.BACKOFF, 0.0, cause=Cause.KILLED), SEES, Health.DOWN, Side.PUBLISHER, "killed"),
    ],
)
def test_supervised_cameras(state: State, server: ServerPicture, health: Health, fault: Side, code: str | None) -> None:
    verdict = judge(sight(state, server))
    assert (verdict.health, verdict.fault) == (health, fault)
    assert [reason.code for reason in verdict.reasons] == ([code] if code else [])


@pytest.mark.parametrize("trouble", ApiTrouble)
@pytest.mark.parametrize("before", [NEVER, SEES])
def test_why_the_api_tells_nothing_is_told(before: ServerPicture, trouble: ApiTrouble) -> None:
    verdict = judge(sight(RUNNING, before.missed(trouble)))
    (reason,) = verdict.reasons
    assert dict(reason.numbers) == {"why": trouble}
    assert trouble.words.text in reason.text
    assert verdict.hint == trouble.words.hint
    assert verdict.health is (Health.HEALTHY if before is NEVER else Health.UNKNOWN)


def test_a_user_that_is_refused_is_not_told_to_switch_the_api_on() -> None:
    hints = {trouble: trouble.words.hint for trouble in ApiTrouble}
    assert [trouble for trouble, hint in hints.items() if "api: yes" in hint] == [ApiTrouble.OFF]
    assert "api_user" in hints[ApiTrouble.USER] and "api_password" in hints[ApiTrouble.USER]
    assert len(set(hints.values())) == len(ApiTrouble)


@pytest.mark.parametrize(
    ("cause", "server", "why", "hint"),
    [
        (Cause.SERVER_REFUSED, PULLED, "path_pulled", "options.path"),
        (Cause.SERVER_REFUSED, PULLED.missed(), "path_pulled", "options.path"),
        (Cause.SERVER_REFUSED, ALWAYS, None, "publish_user"),
        (Cause.SERVER_REFUSED, MISSES, None, "publish_user"),
        (Cause.CODEC_UNSUPPORTED, ALWAYS, "path_always_available", "alwaysAvailableTracks"),
        (Cause.CODEC_UNSUPPORTED, MISSES, None, "H.264"),
    ],
)
def test_what_the_path_is_configured_for_is_named(
    cause: Cause, server: ServerPicture, why: str | None, hint: str
) -> None:
    verdict = judge(sight(BETWEEN._replace(cause=cause), server))
    (reason,) = verdict.reasons
    assert reason.code == cause
    assert dict(reason.numbers).get("why") == why
    assert hint in verdict.hint


@pytest.mark.parametrize("remedy", Remedy)
def test_an_engine_that_would_have_gone_on_is_named(remedy: Remedy) -> None:
    failed = State(Phase.BACKOFF, 0.0, cause=Cause.CAMERA_ERROR, remedy=remedy)
    verdict = judge(sight(failed, MISSES))
    (reason,) = verdict.reasons
    assert (verdict.health, verdict.fault, reason.code) == (Health.DOWN, Side.CAMERA, Cause.CAMERA_ERROR)
    assert dict(reason.numbers) == {"why": remedy}
    assert "relay" in verdict.hint
    assert "relay" not in judge(sight(failed._replace(remedy=None), MISSES)).hint
    stopping = failed._replace(phase=Phase.STOPPING, stop_cause=Cause.STALLED)
    assert "relay" not in judge(sight(stopping, MISSES)).hint


def test_no_cause_by_itself_names_another_engine() -> None:
    assert [cause for cause in Cause if "relay" in cause.facts.hint] == []


def test_a_path_that_is_fetched_for_us_is_ours() -> None:
    def judged(state: State, server: ServerPicture) -> Verdict:
        return judge(sight(state, server, plan=Plan(engine="pull", camera_id="1", path="cam1", fetched=True)))

    assert judged(RUNNING, SEES).health is Health.HEALTHY
    refused = judged(BETWEEN._replace(cause=Cause.SERVER_REFUSED), PULLED)
    assert dict(refused.reasons[0].numbers) == {"why": "path_not_fetched"} and "mediamtx.yml" in refused.hint
    gone = judged(BETWEEN._replace(cause=Cause.REFUSED), PULLED)
    assert [reason.code for reason in gone.reasons] == ["refused"] and not gone.reasons[0].numbers


@pytest.mark.parametrize(
    "state",
    [
        RUNNING,
        State(Phase.PROBING, 0.0),
        State(Phase.BACKOFF, 0.0, cause=Cause.REFUSED),
        State(Phase.WAITING, 0.0, server_up=False),
        State(Phase.FINISHED, 0.0, wanted=False),
        STOPPING._replace(wanted=False),
        STOPPING._replace(stop_cause=Cause.STALLED),
    ],
)
def test_while_the_service_is_stopped_nothing_is_known_and_nobody_is_to_blame(state: State) -> None:
    verdict = judge(sight(state, SEES, standing=ServiceStanding(draining=True)))
    assert (verdict.health, verdict.fault, verdict.hint) == (Health.UNKNOWN, Side.NONE, "")
    assert [reason.code for reason in verdict.reasons] == ["draining"]


def test_a_conflict_names_the_address_of_the_other_publisher() -> None:
    (reason,) = judge(sight(BETWEEN, THEIRS)).reasons
    assert dict(reason.numbers) == {"address": "10.9.9.9:4711"}
    assert "10.9.9.9:4711" in reason.text


def test_without_a_lease_another_publisher_may_be_the_node_that_took_the_camera_over() -> None:
    verdict = judge(sight(BETWEEN, THEIRS, standing=ServiceStanding(leased=False)))
    assert (verdict.health, verdict.fault) == (Health.UNKNOWN, Side.PUBLISHER)
    assert [reason.code for reason in verdict.reasons] == ["taken_over"]
    # Of what it publishes itself it knows.
    assert judge(sight(RUNNING, SEES, standing=ServiceStanding(leased=False))).health is Health.HEALTHY


def _srt(**fields: float) -> ServerPicture:
    path = PathObservation("cam1", True, "srtConn", "ours", inbound_bytes=1000)
    return seen(path, srt={"ours": SrtObservation("ours", "cam1", "10.0.0.1:5", **fields)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("quality", "server", "fault", "code"),
    [
        (Quality(loss_ratio=0.011), SEES, Side.NETWORK, "srt_loss"),
        (Quality(dropped=1), SEES, Side.NETWORK, "srt_drops"),
        (Quality(frames_in_error=1), SEES, Side.NETWORK, "frames_in_error"),
        (Quality(long_bitrate_bps=24.0, usual_bitrate_bps=100.0), SEES, Side.CAMERA, "bitrate_low"),
        (Quality(restarts=3), SEES, Side.CAMERA, "restarts"),
        (Quality(), _srt(rtt_ms=31.0, latency_ms=120.0), Side.NETWORK, "srt_rtt"),
    ],
)
def test_every_threshold_degrades(quality: Quality, server: ServerPicture, fault: Side, code: str) -> None:
    verdict = judge(sight(RUNNING._replace(last_cause=Cause.STALLED), server, quality=quality))
    assert (verdict.health, verdict.fault) == (Health.DEGRADED, fault)
    assert [reason.code for reason in verdict.reasons] == [code]
    assert verdict.hint
    assert verdict.reasons[0].numbers


@pytest.mark.parametrize(
    ("quality", "server"),
    [
        (Quality(loss_ratio=0.01), SEES),
        (Quality(long_bitrate_bps=25.0, usual_bitrate_bps=100.0), SEES),
        (Quality(long_bitrate_bps=None, usual_bitrate_bps=100.0), SEES),
        (Quality(long_bitrate_bps=0.0, usual_bitrate_bps=None), SEES),
        (Quality(restarts=2), SEES),
        (Quality(), _srt(rtt_ms=30.0, latency_ms=120.0)),
    ],
)
def test_up_to_the_threshold_a_camera_is_healthy(quality: Quality, server: ServerPicture) -> None:
    assert judge(sight(RUNNING, server, quality=quality)) == Verdict(Health.HEALTHY, Side.NONE)


@pytest.mark.parametrize(("rtt_ms", "level"), [(31.0, "warn"), (41.0, "bad")])
def test_the_round_trip_has_two_levels(rtt_ms: float, level: str) -> None:
    (reason,) = judge(sight(RUNNING, _srt(rtt_ms=rtt_ms, latency_ms=120.0))).reasons
    assert dict(reason.numbers)["level"] == level


def test_thresholds_are_settings() -> None:
    quality = Quality(loss_ratio=0.05, restarts=9)
    lenient = Thresholds(srt_loss_ratio=0.1, restarts_per_hour=10)
    assert judge(sight(RUNNING, SEES, quality=quality)).health is Health.DEGRADED
    assert judge(sight(RUNNING, SEES, quality=quality, thresholds=lenient)).health is Health.HEALTHY


def test_audio_is_missing_only_where_it_was_and_is_wanted() -> None:
    muted = build_plan(camera(1), WITH_AUDIO, Target(), FfmpegSettings(), lesser=True)
    state = RUNNING._replace(lesser=True)
    assert judge(sight(state, SEES, plan=muted, had_audio=True)).reasons[0].code == "audio_missing"
    assert judge(sight(state, SEES, plan=muted)).health is Health.HEALTHY
    assert judge(sight(RUNNING, SEES, plan=muted, had_audio=True)).health is Health.HEALTHY


LOSSY = StreamQuality(loss_ratio=0.006, clock_offset_s=-90_000.0)


def test_what_the_packets_of_a_camera_tell_degrades_it() -> None:
    lossy = LOSSY._replace(loss_ratio=0.05)
    verdict = judge(sight(RUNNING, SEES, packets=lossy, quality=Quality(restarts=7)))
    assert (verdict.health, verdict.fault) == (Health.DEGRADED, Side.NETWORK)
    assert [reason.code for reason in verdict.reasons] == ["camera_loss", "restarts", "clock_wrong"]
    lenient = Thresholds(stream=StreamThresholds(camera_loss_ratio=0.1))
    assert judge(sight(RUNNING, SEES, packets=lossy, thresholds=lenient)).health is Health.HEALTHY


def test_a_flaw_that_held_ends_well_behind_its_threshold() -> None:
    assert judge(sight(RUNNING, SEES, packets=LOSSY, held=["camera_loss"])).health is Health.DEGRADED
    assert judge(sight(RUNNING, SEES, packets=LOSSY)).health is Health.HEALTHY


def test_the_frame_rate_is_compared_with_what_the_probe_was_told() -> None:
    few = StreamQuality(fps=0.3 * (WITH_AUDIO.video.fps or 0))
    assert judge(sight(RUNNING._replace(media=WITH_AUDIO), SEES, packets=few)).reasons[0].code == "fps_low"
    assert judge(sight(RUNNING, SEES, packets=few)).health is Health.HEALTHY


def test_a_wrong_clock_is_remarked_of_a_camera_that_stays_healthy() -> None:
    verdict = judge(sight(RUNNING, SEES, packets=LOSSY))
    assert (verdict.health, verdict.fault, verdict.reasons[0].code) == (Health.HEALTHY, Side.NONE, "clock_wrong")
    assert verdict.hint


def test_several_flaws_are_all_told_and_the_first_names_the_side() -> None:
    verdict = judge(sight(RUNNING, SEES, quality=Quality(loss_ratio=0.5, restarts=7)))
    assert [reason.code for reason in verdict.reasons] == ["srt_loss", "restarts"]
    assert "last_cause" not in dict(verdict.reasons[1].numbers)
    assert verdict.fault is Side.NETWORK


def test_rows_without_a_publisher() -> None:
    assert judge_row(camera(1, enabled=False)).health is Health.DISABLED
    rejected = judge_row(RejectedRow("7", "", "link: is empty"))
    assert (rejected.health, rejected.fault) == (Health.DOWN, Side.CONFIG)
    assert rejected.reasons[0].text == "link: is empty"


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.STOPPED])
def test_every_failure_has_a_side_and_a_hint(cause: Cause) -> None:
    assert set(FACTS) == set(Cause)
    verdict = judge(sight(State(Phase.BACKOFF, 0.0, cause=cause), MISSES))
    # Without evidence nobody is blamed.
    assert (verdict.fault is Side.NONE) is (cause is Cause.UNCLEAR)
    assert (verdict.health, bool(verdict.hint)) == (Health.DOWN, True)


def test_the_documented_table_is_the_one_in_force() -> None:
    document = (Path(__file__).parents[2] / "docs" / "verdict.md").read_text(encoding="utf-8")
    rows = [line.split("|")[2].strip() for line in document.splitlines() if line.startswith("| ") and "|" in line[2:]]
    documented = [row for row in rows if row in {rule.name for rule in RULES}]
    assert documented == [rule.name for rule in RULES]
