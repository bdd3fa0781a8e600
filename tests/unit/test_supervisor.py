"""Supervisor and actors with fake surroundings, in virtual time."""

import asyncio
import gc
import logging
import weakref
from dataclasses import replace

import pytest

from restream.domain.admission.queue import StartLimits
from restream.domain.camera.options import CameraOptions
from restream.domain.camera.secret import Secret
from restream.domain.engine import AudioStream, Media, ProbeFailure, VideoStream
from restream.domain.life.backoff import RestartPolicy
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase, ProbeAsked
from restream.domain.news.event import Transition
from restream.domain.server.flow import ServerPicture, Stream
from restream.domain.server.identity import DEFAULT_SERVER
from restream.domain.server.mediamtx import PathObservation, ServerView
from restream.domain.server.target import Target
from restream.ports.cameras import PublisherError
from tests.unit.fakes import WITH_AUDIO, Stage, camera, now, settle, virtual

WRONG_PASSWORD = ProbeFailure(Cause.AUTH_FAILED, "Server returned 401 Unauthorized (authorization failed)")
BROKEN_PIPE = "[error] av_interleaved_write_frame(): Broken pipe"


async def running(*cameras: int, **stage_settings: int) -> Stage:
    stage = Stage(**stage_settings)
    stage.want(*(camera(number) for number in cameras))
    await asyncio.sleep(5)
    assert [stage.phase(number) for number in cameras] == [Phase.RUNNING] * len(cameras)
    stage.forget()
    return stage


# -- one camera --------------------------------------------------------------------------------------------------------


@virtual
async def test_a_camera_is_probed_started_and_running() -> None:
    stage = Stage()
    stage.want(camera(1))
    await asyncio.sleep(5)
    assert stage.phases_of(1) == [Phase.PROBING, Phase.STARTING, Phase.RUNNING]
    status = stage.supervisor.statuses["1"]
    assert status.plan is not None
    assert status.plan.path == "cam1"
    assert status.pid == 4242
    assert stage.admission.idle


@virtual
async def test_a_camera_that_went_keeps_nothing_of_the_fleet() -> None:
    """Actors lie in cycles of references; what they held would stay until the next full collection."""

    class Streams(dict[str, Stream]):
        pass

    stage = await running(1, 2)
    streams = Streams()
    kept = weakref.ref(streams)
    gc.disable()
    try:
        stage.supervisor.observed(DEFAULT_SERVER, ServerPicture(streams))
        stage.want(camera(1))
        await asyncio.sleep(5)
        stage.supervisor.observed(DEFAULT_SERVER, ServerPicture())
        del streams
        assert stage.phase(2) is None and kept() is None
    finally:
        gc.enable()


@virtual
async def test_a_stable_stream_restarts_at_once_and_without_a_probe() -> None:
    stage = await running(1)
    await asyncio.sleep(60)
    ended_at = now()
    stage.publisher.of("1").end()
    await asyncio.sleep(3)
    assert stage.phase(1) is Phase.RUNNING
    assert stage.publisher.started_at[0] - ended_at <= 0.5 * 1.2 + stage.publisher.takes_s
    assert not stage.prober.probes


@virtual
async def test_an_unreachable_camera_is_tried_ever_more_slowly_and_returns() -> None:
    stage = Stage()
    stage.prober.answers["10.0.0.1"] = ProbeFailure(Cause.REFUSED, "Connection refused")
    stage.want(camera(1))
    await asyncio.sleep(3600)
    delays = [each.retry_in_s for each in stage.transitions if each.after is Phase.BACKOFF]
    assert delays == pytest.approx([5, 10, 20, 40, 80, 160, *(300 for _ in delays[6:])])
    del stage.prober.answers["10.0.0.1"]
    await asyncio.sleep(310)
    assert stage.phase(1) is Phase.RUNNING


@virtual
async def test_a_wrong_password_is_held_and_not_tried_again_soon() -> None:
    stage = Stage()
    stage.prober.answers["10.0.0.1"] = WRONG_PASSWORD
    stage.want(camera(1))
    await asyncio.sleep(800)
    assert stage.phase(1) is Phase.HELD
    assert stage.prober.probes["10.0.0.1"] == 1
    stage.prober.answers.clear()
    stage.want(camera(1, password="right"))
    await asyncio.sleep(5)
    assert stage.phase(1) is Phase.RUNNING


@virtual
async def test_a_stall_is_noticed_within_a_second_of_its_limit() -> None:
    stage = await running(1)
    stage.publisher.of("1").frozen = True
    stalled_at = now()
    while stage.phase(1) is Phase.RUNNING:
        await asyncio.sleep(0.1)
    assert 9 <= now() - stalled_at <= 11.1
    await settle()
    stage.publisher.of("1").end(exit_code=255)
    await settle()
    assert (stage.phase(1), stage.cause(1)) == (Phase.BACKOFF, Cause.STALLED)


@virtual
async def test_a_start_without_media_drops_the_audio_next_time() -> None:
    stage = Stage()
    stage.publisher.frozen = True
    stage.want(camera(1))
    await asyncio.sleep(18)
    assert stage.cause(1) is Cause.NO_MEDIA
    stage.publisher.frozen = False
    await asyncio.sleep(15)
    assert stage.phase(1) is Phase.RUNNING
    assert [plan.audio for plan in stage.publisher.starts] == ["copy", "none"]


@virtual
async def test_a_changed_codec_is_found_by_a_new_probe_after_an_early_end() -> None:
    stage = await running(1)
    stage.prober.answers["10.0.0.1"] = Media(VideoStream("hevc", 1920, 1080), AudioStream("pcm_alaw", 8000, 1))
    stage.publisher.of("1").end()
    await asyncio.sleep(10)
    assert stage.phase(1) is Phase.RUNNING
    assert stage.publisher.starts[-1].video == "hevc"


@virtual
async def test_ffmpeg_that_cannot_be_started_is_an_internal_failure() -> None:
    stage = Stage()
    stage.publisher.error = PublisherError("ffmpeg cannot be started: Cannot allocate memory")
    stage.want(camera(1))
    await asyncio.sleep(2)
    assert (stage.phase(1), stage.cause(1)) == (Phase.BACKOFF, Cause.INTERNAL)
    assert stage.supervisor.statuses["1"].state.detail == "ffmpeg cannot be started: Cannot allocate memory"
    stage.publisher.error = None
    await asyncio.sleep(10)
    assert stage.phase(1) is Phase.RUNNING


@virtual
async def test_a_probe_that_never_answers_is_ended() -> None:
    stage = Stage()
    stage.prober.answers["10.0.0.1"] = None
    stage.want(camera(1))
    await asyncio.sleep(stage.settings.prober.limit_s(CameraOptions()) + 6)
    assert (stage.phase(1), stage.cause(1)) == (Phase.BACKOFF, Cause.TIMEOUT)
    assert stage.prober.active == 0


# -- the table changes -------------------------------------------------------------------------------------------------


@virtual
async def test_a_changed_row_restarts_only_that_camera() -> None:
    stage = await running(1, 2)
    untouched = stage.publisher.of("2")
    stage.want(camera(1, channel=7), camera(2))
    await asyncio.sleep(5)
    assert stage.publisher.of("2") is untouched
    assert untouched.stops_total == 0
    assert stage.publisher.starts_of("1") == 1
    assert "stream=7" in stage.supervisor.statuses["1"].camera.source.reveal()
    assert stage.phases_of(1) == [
        Phase.STOPPING,
        Phase.WAITING,
        Phase.PROBING,
        Phase.STARTING,
        Phase.RUNNING,
    ]


@virtual
async def test_a_new_name_restarts_nothing() -> None:
    stage = await running(1)
    stage.want(camera(1, name="Gate", site="North"))
    await asyncio.sleep(5)
    assert not stage.publisher.starts
    assert stage.supervisor.statuses["1"].camera.name == "Gate"


@virtual
@pytest.mark.parametrize("gone", [[], [camera(1, enabled=False)]], ids=["deleted", "disabled"])
async def test_a_row_that_is_gone_stops_its_camera(gone: list) -> None:
    stage = await running(1, 2)
    stage.want(camera(2), *gone)
    await asyncio.sleep(2)
    assert stage.phase(1) is None
    assert [each.plan.camera_id for each in stage.publisher.live] == ["2"]


@virtual
async def test_a_camera_that_is_wanted_again_while_it_ends_never_has_two_publishers() -> None:
    stage = await running(1)
    stage.publisher.stop_takes_s = 3
    stage.want()
    await asyncio.sleep(1)
    stage.want(camera(1, channel=2))
    await asyncio.sleep(0.5)
    stage.want(camera(1, channel=3))
    await asyncio.sleep(0.5)
    assert len(stage.publisher.live) == 1
    await asyncio.sleep(10)
    assert stage.publisher.most_per_path == 1
    assert stage.phase(1) is Phase.RUNNING
    assert stage.publisher.starts_of("1") == 1
    assert "stream=3" in stage.supervisor.statuses["1"].camera.source.reveal()


@virtual
async def test_a_camera_that_is_wanted_again_and_removed_again_while_it_ends_stays_away() -> None:
    stage = await running(1)
    stage.publisher.stop_takes_s = 3
    for cameras in ([], [camera(1)], []):
        stage.want(*cameras)
        await asyncio.sleep(0.5)
    await asyncio.sleep(10)
    assert stage.phase(1) is None
    assert not stage.publisher.starts


@virtual
async def test_a_path_that_moves_to_another_row_never_has_two_publishers() -> None:
    stage = Stage()
    stage.want(camera(1, options={"path": "gate"}))
    await asyncio.sleep(5)
    stage.publisher.stop_takes_s = 10
    stage.want(camera(2, options={"path": "gate"}))
    await asyncio.sleep(30)
    assert stage.publisher.most_per_path == 1
    assert stage.phase(2) is Phase.RUNNING


@virtual
async def test_paths_that_are_swapped_never_have_two_publishers() -> None:
    stage = Stage()
    stage.want(camera(1, options={"path": "gate"}), camera(2, options={"path": "yard"}))
    await asyncio.sleep(5)
    stage.publisher.stop_takes_s = 10
    stage.want(camera(1, options={"path": "yard"}), camera(2, options={"path": "gate"}))
    await asyncio.sleep(30)
    assert stage.publisher.most_per_path == 1
    assert (stage.phase(1), stage.phase(2)) == (Phase.RUNNING, Phase.RUNNING)
    assert {publication.plan.path: publication.plan.camera_id for publication in stage.publisher.live} == {
        "yard": "1",
        "gate": "2",
    }


@virtual
async def test_nothing_is_remembered_of_rows_and_paths_that_are_gone() -> None:
    stage = Stage()
    for number in range(20):
        stage.want(camera(number, options={"path": "gate"}), camera(100, options={"path": f"yard{number}"}))
        await asyncio.sleep(0.1 + number % 3)
    stage.want()
    await asyncio.sleep(10)
    fleet = stage.supervisor
    kept = (fleet._actors, fleet._leaving, fleet._leaving_places, fleet._successors, fleet._successor_of_place)
    assert not any(kept), kept
    assert stage.publisher.most_per_path == 1


@virtual
async def test_a_removal_during_the_start_leaves_no_publisher() -> None:
    stage = Stage()
    stage.publisher.takes_s = 2
    stage.want(camera(1))
    await asyncio.sleep(1.5)
    assert stage.phase(1) is Phase.STARTING
    stage.want()
    await asyncio.sleep(5)
    assert stage.phase(1) is None
    assert not stage.publisher.live


@virtual
async def test_a_removal_during_the_probe_ends_the_probe() -> None:
    stage = Stage()
    stage.prober.answers["10.0.0.1"] = None
    stage.want(camera(1))
    await asyncio.sleep(1)
    assert stage.prober.active == 1
    stage.want()
    await settle()
    assert stage.phase(1) is None
    assert stage.prober.active == 0


@virtual
async def test_a_revision_during_the_probe_probes_the_new_address_only() -> None:
    stage = Stage()
    stage.prober.answers["10.0.0.1"] = None
    stage.want(camera(1))
    await asyncio.sleep(1)
    stage.want(camera(1, link="10.0.9.9"))
    await asyncio.sleep(5)
    assert stage.phase(1) is Phase.RUNNING
    assert stage.prober.active == 0
    assert stage.prober.probes["10.0.9.9"] == 1


@virtual
async def test_a_probe_on_request_looks_beside_the_stream_and_is_not_waited_for() -> None:
    stage = Stage()
    stage.want(camera(1))
    await asyncio.sleep(5)
    assert stage.phase(1) is Phase.RUNNING
    stage.prober.answers["10.0.0.1"] = None
    assert not stage.supervisor.probing("1") and not stage.supervisor.probing("2")
    assert stage.supervisor.ask("1", ProbeAsked()) == ""
    await asyncio.sleep(1)
    assert (stage.phase(1), stage.prober.active, stage.publisher.starts_of("1")) == (Phase.RUNNING, 1, 1)
    assert stage.supervisor.look("1") is not None and stage.supervisor.probing("1")
    stage.want()
    await asyncio.sleep(5)
    assert (stage.phase(1), stage.prober.active) == (None, 0)


# -- crash boundaries --------------------------------------------------------------------------------------------------


@virtual
async def test_an_error_inside_one_actor_leaves_its_siblings_alone_and_is_recovered_from(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage()
    failures = 0

    def explode_once(transition: Transition) -> None:
        nonlocal failures
        stage.transitions.append(transition)
        if transition.camera_id == "1" and failures == 0:
            failures += 1
            raise RuntimeError("a bug")

    stage.on_transition = explode_once
    stage.want(camera(1), camera(2))
    await asyncio.sleep(3)
    assert stage.phase(2) is Phase.RUNNING
    assert (stage.phase(1), stage.cause(1)) == (Phase.BACKOFF, Cause.INTERNAL)
    assert "a bug" in caplog.text
    await asyncio.sleep(10)
    assert stage.phase(1) is Phase.RUNNING
    assert stage.phases_of(2).count(Phase.STARTING) == 1


@virtual
async def test_an_error_while_running_ends_the_publisher_before_the_next_one() -> None:
    stage = await running(1)

    def explode(transition: Transition) -> None:
        stage.on_transition = stage.transitions.append
        raise RuntimeError("a bug")

    stage.on_transition = explode
    stage.want(camera(1, channel=9))
    await asyncio.sleep(20)
    assert stage.phase(1) is Phase.RUNNING
    assert stage.publisher.most_per_path == 1
    assert stage.publisher.starts_of("1") == 1


@virtual
@pytest.mark.parametrize("while_running", [True, False])
async def test_an_error_while_a_camera_is_removed_does_not_bring_it_back(while_running: bool) -> None:
    stage = Stage()
    stage.prober.answers["10.0.0.1"] = WITH_AUDIO if while_running else WRONG_PASSWORD
    stage.want(camera(1))
    await asyncio.sleep(5)
    stage.prober.answers.clear()
    stage.forget()

    def explode(transition: Transition) -> None:
        stage.on_transition = stage.transitions.append
        raise RuntimeError("a bug")

    stage.on_transition = explode
    stage.want()
    await asyncio.sleep(60)
    assert not stage.publisher.starts
    assert not stage.publisher.live
    assert stage.phase(1) is None


@virtual
async def test_an_error_of_the_prober_backs_one_camera_off(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.prober.answers["10.0.0.1"] = RuntimeError("a bug")
    stage.want(camera(1), camera(2))
    await asyncio.sleep(3)
    assert (stage.phase(1), stage.cause(1)) == (Phase.BACKOFF, Cause.INTERNAL)
    assert stage.phase(2) is Phase.RUNNING
    assert any(record.exc_info for record in caplog.records if record.levelno == logging.ERROR)


@virtual
async def test_an_error_of_the_publisher_backs_one_camera_off() -> None:
    stage = Stage()
    stage.publisher.error = RuntimeError("a bug")
    stage.want(camera(1))
    await asyncio.sleep(2)
    assert (stage.phase(1), stage.cause(1)) == (Phase.BACKOFF, Cause.INTERNAL)
    stage.publisher.error = None
    await asyncio.sleep(10)
    assert stage.phase(1) is Phase.RUNNING


# -- the media server --------------------------------------------------------------------------------------------------


@virtual
async def test_an_outage_of_the_media_server_is_not_held_against_cameras() -> None:
    stage = await running(1, 2, 3)
    await asyncio.sleep(60)
    for publication in stage.publisher.live:
        publication.end(BROKEN_PIPE, exit_code=1)
    await settle()
    assert stage.server_checks == 3
    stage.supervisor.server_changed(DEFAULT_SERVER, False)
    await asyncio.sleep(600)
    for number in (1, 2, 3):
        state = stage.supervisor.statuses[str(number)].state
        assert (state.phase, state.cause, state.failures) == (Phase.WAITING, Cause.SERVER_GONE, 0)
    assert not stage.publisher.starts
    stage.supervisor.server_changed(DEFAULT_SERVER, True)
    await asyncio.sleep(3)
    assert [stage.phase(number) for number in (1, 2, 3)] == [Phase.RUNNING] * 3
    assert not stage.prober.probes


@virtual
async def test_cameras_added_during_an_outage_wait_for_the_media_server() -> None:
    stage = Stage()
    stage.supervisor.server_changed(DEFAULT_SERVER, False)
    stage.want(camera(1))
    await asyncio.sleep(60)
    assert stage.phase(1) is Phase.WAITING
    assert stage.supervisor.statuses["1"].state.waits_for_server
    assert not stage.prober.probes
    stage.supervisor.server_changed(DEFAULT_SERVER, True)
    await asyncio.sleep(5)
    assert stage.phase(1) is Phase.RUNNING


@virtual
async def test_cameras_return_from_an_outage_through_admission() -> None:
    stage = Stage(max_starting=2)
    stage.supervisor.server_changed(DEFAULT_SERVER, False)
    stage.want(*(camera(number) for number in range(1, 11)))
    await asyncio.sleep(10)
    stage.supervisor.server_changed(DEFAULT_SERVER, True)
    await asyncio.sleep(60)
    assert stage.prober.most_active <= 2
    assert all(stage.phase(number) is Phase.RUNNING for number in range(1, 11))


@virtual
async def test_live_streams_survive_a_media_server_whose_api_is_silent() -> None:
    stage = await running(1)
    stage.supervisor.server_changed(DEFAULT_SERVER, False)
    await asyncio.sleep(120)
    assert stage.phase(1) is Phase.RUNNING
    assert not stage.publisher.starts


@virtual
async def test_a_failing_camera_is_not_forgiven_by_an_outage_it_had_no_part_in() -> None:
    stage = Stage()
    stage.prober.answers["10.0.0.1"] = ProbeFailure(Cause.REFUSED, "Connection refused")
    stage.want(camera(1))
    await asyncio.sleep(40)
    failures = stage.supervisor.statuses["1"].state.failures
    assert failures >= 3
    stage.supervisor.server_changed(DEFAULT_SERVER, False)
    stage.supervisor.server_changed(DEFAULT_SERVER, True)
    await settle()
    assert stage.supervisor.statuses["1"].state.failures == failures


# -- admission ---------------------------------------------------------------------------------------------------------


@virtual
async def test_a_fleet_comes_up_within_the_budget() -> None:
    stage = Stage(max_starting=4)
    stage.want(*(camera(number) for number in range(1, 41)))
    busiest = 0
    for _ in range(400):
        phases = [status.state.phase for status in stage.supervisor.statuses.values()]
        busiest = max(busiest, sum(phase in (Phase.PROBING, Phase.STARTING) for phase in phases))
        await asyncio.sleep(0.1)
    assert busiest == 4
    assert all(stage.phase(number) is Phase.RUNNING for number in range(1, 41))


@virtual
async def test_a_grant_from_before_a_change_of_the_row_does_not_count_after_it() -> None:
    """The row changes in the moment in which the camera's turn comes: it queues again and the old turn is void."""
    stage = Stage(max_starting=1)
    stage.want(camera(1), camera(2), camera(3))
    await settle()
    assert stage.phase(1) is Phase.PROBING
    # Both happen before camera 2 looks into its mailbox: first its row changes, then camera 1 gives its slot back.
    stage.want(camera(1), camera(2, channel=5), camera(3))
    stage.admission.release("1")
    await settle()
    starting = [number for number in (2, 3) if stage.phase(number) is Phase.PROBING]
    assert len(starting) == 1


# -- ending and reloading ----------------------------------------------------------------------------------------------


@virtual
async def test_drain_stops_all_cameras_in_parallel() -> None:
    stage = await running(*range(1, 21))
    stage.publisher.stop_takes_s = 3
    began = now()
    await stage.supervisor.drain()
    assert now() - began < 4
    assert not stage.publisher.live
    assert not stage.supervisor.statuses
    stage.want(camera(1))
    await asyncio.sleep(5)
    assert not stage.publisher.starts
    assert len(asyncio.all_tasks()) == 1


@virtual
async def test_drain_leaves_behind_what_does_not_end(caplog: pytest.LogCaptureFixture) -> None:
    stage = await running(1, 2)
    stage.publisher.stop_takes_s = 60
    began = now()
    await stage.supervisor.drain(20)
    assert now() - began == pytest.approx(20)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "2 cameras have not ended within 20 s and are left behind: 1, 2"
    ]


@virtual
async def test_drain_ends_cameras_in_every_phase() -> None:
    stage = Stage(max_starting=3)
    stage.prober.answers |= {
        "10.0.0.1": WRONG_PASSWORD,
        "10.0.0.2": ProbeFailure(Cause.REFUSED, "Connection refused"),
        "10.0.0.3": None,
    }
    stage.want(*(camera(number) for number in range(1, 5)))
    await asyncio.sleep(4)
    assert [stage.phase(number) for number in range(1, 5)] == [
        Phase.HELD,
        Phase.BACKOFF,
        Phase.PROBING,
        Phase.RUNNING,
    ]
    stage.want(*(camera(number) for number in range(1, 6)))
    await stage.supervisor.drain()
    assert not stage.supervisor.statuses
    assert len(asyncio.all_tasks()) == 1


@virtual
async def test_new_settings_restart_only_cameras_whose_command_changes() -> None:
    stage = await running(1, 2)
    slower = replace(stage.settings, restart=RestartPolicy(jitter=0.0, base_s=7))
    stage.supervisor.adopt(slower, StartLimits(8, 8, 8))
    await asyncio.sleep(5)
    assert not stage.publisher.starts
    elsewhere = replace(stage.settings, targets={DEFAULT_SERVER: Target("rtsp://10.9.9.9:8554")})
    stage.supervisor.adopt(elsewhere, StartLimits(8, 8, 8))
    await asyncio.sleep(8)
    assert [plan.invocation.argv[-1] for plan in stage.publisher.starts] == [
        "rtsp://10.9.9.9:8554/cam1",
        "rtsp://10.9.9.9:8554/cam2",
    ]


@virtual
async def test_another_login_of_publishers_is_for_their_next_start() -> None:
    stage = await running(1, 2)
    for password in ("second", "third"):
        target = Target(user="publisher", password=Secret(password))
        rotated = replace(stage.settings, targets={DEFAULT_SERVER: target})
        stage.supervisor.adopt(rotated, StartLimits(8, 8, 8))
        await asyncio.sleep(5)
    assert not stage.publisher.starts
    stage.want(camera(1, login="other"), camera(2))
    await asyncio.sleep(8)
    assert [plan.invocation.argv[-1] for plan in stage.publisher.starts] == [
        "rtsp://publisher:third@127.0.0.1:8554/cam1"
    ]


@virtual
async def test_a_camera_that_is_new_knows_what_its_server_has_shown() -> None:
    """It may be refused before the next sweep."""
    stage = Stage()
    always = {"cam1": PathObservation("cam1", True, online=False)}
    stage.supervisor.observed(DEFAULT_SERVER, ServerPicture().swept(ServerView("v1.20.1", None, always), now()))
    stage.want(camera(1))
    await asyncio.sleep(1)
    stage.publisher.of("1").end(
        "[error] Could not write header for output file #0 (incorrect codec parameters ?): "
        "Invalid data found when processing input",
        exit_code=1,
    )
    await settle()
    assert stage.cause(1) is Cause.CODEC_UNSUPPORTED
