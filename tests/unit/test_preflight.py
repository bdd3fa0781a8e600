"""The preflight check: what its parts conclude. The servers themselves are asked in tests/e2e/test_check.py."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import resource
import time
from collections.abc import Sequence

import pytest
from rich.console import Console

from restream.adapters.reachability import LeaseAccess
from restream.adapters.server.docker_engine import parse_container
from restream.config.settings import Settings
from restream.domain.fleet.node import FleetNode, NodeName
from restream.domain.server.identity import ServerId
from restream.interfaces.console.findings import CheckState, Finding, failed, findings_json, print_findings
from restream.preflight import bounded
from restream.preflight.host import clock, open_files
from restream.preflight.messages import check_messages
from restream.preflight.programs import check_programs, judge_version, missing_parts, names_in
from restream.preflight.services import judge_version as judge_server
from restream.preflight.sharing import (
    check_sharing,
    judge_access,
    judge_fence,
    judge_lease,
    judge_name,
    judge_view,
)
from restream.service.from_settings import DependencyError, require_programs

FINDINGS = [
    Finding("redis", CheckState.WARN, "no answer", "start [redis]"),
    Finding("python", CheckState.OK, "3.11.2"),
]


@pytest.mark.parametrize(
    ("first_line", "state"),
    [
        ("ffmpeg version 5.1.6-0+deb12u1 Copyright (c) 2000-2024", CheckState.OK),
        ("ffmpeg version n8.0 Copyright", CheckState.OK),
        ("ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright", CheckState.WARN),
        ("ffmpeg version 4.3.7 Copyright", CheckState.FAIL),
        ("ffmpeg version N-115000-gdeadbeef Copyright", CheckState.OK),
        ("error while loading shared libraries: libx264.so", CheckState.FAIL),
        ("", CheckState.FAIL),
    ],
)
def test_versions_of_ffmpeg(first_line: str, state: CheckState) -> None:
    finding = judge_version("ffmpeg", first_line, "install it")
    assert finding.state is state
    assert bool(finding.todo) == (state is not CheckState.OK)


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("v1.20.1", CheckState.OK),
        ("v1.17.0", CheckState.OK),
        ("v1.16.3", CheckState.WARN),
        ("v0.23.8", CheckState.FAIL),
        (None, CheckState.WARN),
    ],
)
def test_versions_of_the_media_server(version: str | None, state: CheckState) -> None:
    assert judge_server(version).state is state


def test_a_listing_of_ffmpeg_is_read() -> None:
    listing = "Demuxers:\n D  = Demuxing\n --\n D  mov,mp4,m4a  QuickTime\n DE rtsp   RTSP\nInput:\n"
    listing += "  pipe\n A....D aac  AAC\n"
    assert names_in(listing) >= {"mov", "mp4", "rtsp", "pipe", "aac"}


def test_a_lean_build_lacks_only_what_is_asked_of_it() -> None:
    lean = {
        "protocol": frozenset({"pipe", "tcp", "udp", "rtp"}),
        "demuxer": frozenset({"rtsp"}),
        "muxer": frozenset({"rtsp"}),
        "encoder": frozenset({"aac"}),
    }
    assert missing_parts(lean, stdin=False, srt=False) == []
    assert missing_parts(lean, stdin=True, srt=False) == ["demuxer concat"]
    assert missing_parts(lean, stdin=False, srt=True) == ["protocol srt", "muxer mpegts"]


def test_open_files_are_turned_into_cameras() -> None:
    assert open_files(1024).state is CheckState.WARN
    assert "274 cameras" in open_files(1024).text
    assert open_files(65_536).state is CheckState.OK
    assert open_files(resource.RLIM_INFINITY).state is CheckState.OK


def test_a_clock_before_the_installation_is_wrong() -> None:
    assert clock(0).state is CheckState.WARN
    assert clock(time.time()).state is CheckState.OK


async def test_a_check_that_hangs_is_a_finding() -> None:
    async def hangs() -> Sequence[Finding]:
        await asyncio.Event().wait()
        return []

    (finding,) = await bounded("redis", hangs, 0.01)
    assert finding.state is CheckState.FAIL


def test_output_for_people_and_programs() -> None:
    shown = io.StringIO()
    print_findings(Console(file=shown, width=100), FINDINGS)
    assert "→ start [redis]" in shown.getvalue()
    assert "1 ok, 1 warn" in shown.getvalue()
    document = json.loads(findings_json(FINDINGS))
    assert document["ok"] is True
    assert document["checks"][0] == {"name": "redis", "state": "warn", "text": "no answer", "todo": "start [redis]"}
    assert failed([*FINDINGS, Finding("x", CheckState.FAIL, "")])


def test_a_path_that_is_no_text_is_shown_all_the_same() -> None:
    findings = [Finding("configuration", CheckState.FAIL, "/srv/\udcff.yml", "correct /srv/\udcff.yml")]
    (shown,) = json.loads(findings_json(findings))["checks"]
    assert (shown["text"], shown["todo"]) == ("/srv/\ufffd.yml", "correct /srv/\ufffd.yml")


@pytest.mark.parametrize(
    ("document", "up", "text"),
    [
        ({"State": {"Status": "running"}}, True, "running"),
        ({"State": {"Status": "running", "Health": {"Status": "unhealthy"}}}, False, "running, unhealthy"),
        (
            {"State": {"Status": "running", "Health": {"Status": "none"}}, "RestartCount": 1},
            True,
            "running, restarted once",
        ),
        (
            {"State": {"Status": "exited", "ExitCode": 137, "OOMKilled": True}, "RestartCount": 3},
            False,
            "exited, exit code 137, killed for its memory, restarted 3 times",
        ),
        ({"State": None}, False, "the Docker Engine's answer has no state"),
        ([], False, "the Docker Engine's answer has no state"),
    ],
)
def test_a_container_is_described(document: object, up: bool, text: str) -> None:
    state = parse_container(document)
    assert (state.up, state.text) == (up, text)


def without_ffmpeg(engine: str) -> Settings:
    nowhere = {"binary": "/nonexistent/ffmpeg", "probe_binary": "/nonexistent/ffprobe"}
    return Settings.model_validate({"ffmpeg": nowhere, "cameras": {"engine": engine}})


@pytest.mark.parametrize(("engine", "needed"), [("ffmpeg", True), ("auto", True), ("relay", False), ("pull", False)])
async def test_ffmpeg_is_needed_where_cameras_are_published_by_it(
    engine: str, needed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    settings = without_ffmpeg(engine)
    found = {each.name: each for each in await check_programs(settings)}
    assert found["ffmpeg"].state is found["ffprobe"].state is (CheckState.FAIL if needed else CheckState.WARN)
    assert ("still pictures" in found["ffmpeg"].todo) is not needed
    with pytest.raises(DependencyError) if needed else contextlib.nullcontext():
        require_programs(settings)
    assert ("still needed for still pictures" in caplog.text) is not needed


# -- several nodes -----------------------------------------------------------------------------------------------------

NODE = NodeName("a")


async def test_a_service_that_is_alone_is_asked_nothing_about_nodes() -> None:
    assert await check_sharing(Settings()) == []


@pytest.mark.parametrize(
    ("access", "state", "words"),
    [
        (LeaseAccess((), True, 0.2), CheckState.OK, "all rights"),
        (LeaseAccess((), False, 0.2), CheckState.FAIL, "replica"),
        (LeaseAccess(("INSERT on restream_node",), True, 0.2), CheckState.FAIL, "INSERT on restream_node"),
    ],
)
def test_what_the_database_of_leases_lets_us_do(access: LeaseAccess, state: CheckState, words: str) -> None:
    found = {finding.name: finding for finding in judge_access(access)}
    assert (found["nodes"].state, found["clocks"].state) == (state, CheckState.OK)
    assert words in found["nodes"].text
    assert "0.2 s ahead of this host's" in found["clocks"].text


def node(renewals: int, expires_in_s: float = 5.0, *, draining: bool = False, instance: str = "x") -> FleetNode:
    return FleetNode(NODE, instance, expires_in_s, draining, renewals=renewals)


@pytest.mark.parametrize(
    ("before", "after", "state", "words"),
    [
        (None, None, CheckState.OK, "new"),
        (node(7), node(7), CheckState.OK, "alive"),
        (node(7), node(7, -1.0), CheckState.OK, "not alive"),
        (node(7), node(8), CheckState.FAIL, "another service"),
        (node(7), node(7, instance="y"), CheckState.FAIL, "another service"),
        (node(7, -1.0, draining=True), node(7, -1.0, draining=True), CheckState.WARN, "draining"),
        (node(7), None, CheckState.OK, "new"),
    ],
)
def test_a_name_has_one_service(
    before: FleetNode | None, after: FleetNode | None, state: CheckState, words: str
) -> None:
    finding = judge_name(NODE, before, after)
    assert finding.state is state
    assert words in finding.text
    assert bool(finding.todo) == (state is not CheckState.OK)


@pytest.mark.parametrize(
    ("unseen", "only_here", "state"),
    [((), (), CheckState.OK), (("west",), (), CheckState.FAIL), ((), ("default",), CheckState.WARN)],
)
def test_a_fence_needs_media_servers_that_all_nodes_can_ask(
    unseen: tuple[str, ...], only_here: tuple[str, ...], state: CheckState
) -> None:
    finding = judge_fence([ServerId(each) for each in unseen], [ServerId(each) for each in only_here])
    assert finding.state is state
    assert all(name in finding.text for name in (*unseen, *only_here))


@pytest.mark.parametrize(("ttl_s", "state"), [(9, CheckState.WARN), (13, CheckState.WARN), (14, CheckState.OK)])
def test_a_lease_outlives_a_lost_heartbeat(ttl_s: float, state: CheckState) -> None:
    finding = judge_lease(3, ttl_s, 4)
    assert finding.state is state
    assert ("to 14 or" in finding.todo) == (state is CheckState.WARN)


@pytest.mark.parametrize(
    ("redis", "page", "engine", "words"),
    [
        ("redis://10.0.0.5/0", "http://10.0.0.6:8000", "relay", ""),
        ("", "http://10.0.0.6:8000", "relay", "through Redis"),
        ("redis://127.0.0.1:6379/0", "http://10.0.0.6:8000", "relay", "loopback"),
        ("unix:///run/redis.sock", "http://10.0.0.6:8000", "relay", "loopback"),
        ("redis://10.0.0.5/0", None, "relay", "details"),
        ("redis://10.0.0.5/0", "http://10.0.0.6:8000", "pull", "directory"),
    ],
)
def test_what_other_nodes_see_of_this_one(redis: str, page: str | None, engine: str, words: str) -> None:
    finding = judge_view(redis, page, engine)
    assert words in finding.text
    assert (finding.state, bool(finding.todo)) == ((CheckState.WARN, True) if words else (CheckState.OK, False))


HOOK = {"webhook": "http://127.0.0.1:9/"}


@pytest.mark.parametrize(
    ("alerts", "state", "told"),
    [
        ({"receivers": {"a": HOOK}}, CheckState.OK, "1 receivers, 1 routes"),
        ({"receivers": {"a": HOOK, "b": HOOK}, "routes": {"r": {"receivers": "a"}}}, CheckState.WARN, "nobody tells b"),
        (
            {"receivers": {"a": HOOK}, "routes": {"r": {"receivers": "a", "sites": "North"}}},
            CheckState.WARN,
            "every route is about certain cameras",
        ),
        (
            {"receivers": {"a": HOOK}, "routes": {"r": {"receivers": "a", "sites": "North", "components": True}}},
            CheckState.OK,
            "1 receivers, 1 routes",
        ),
    ],
)
async def test_who_is_told_of_nothing_is_found(alerts: dict[str, object], state: CheckState, told: str) -> None:
    (finding,) = await check_messages(Settings.model_validate({"alerts": alerts}))
    assert (finding.state, told in finding.text) == (state, True)


async def test_without_receivers_nothing_is_said_of_them() -> None:
    assert await check_messages(Settings()) == []
