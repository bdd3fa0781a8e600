"""One camera in detail, its picture, and what an operator may do to it."""

from __future__ import annotations

import base64
import re

import pytest

from restream.demo.embedded import free_port
from tests.browser import fleet
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, choose, expect
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="package")

# Any picture that browsers decode will do: one red GIF pixel.
PICTURE = base64.b64decode("R0lGODlhAQABAIAAAP8AAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==")


async def test_drawer_tells_where_it_broke_why_and_what_to_do(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#sort=id")
    await page.locator('.row.camera[data-camera="3"]').click()
    drawer = page.locator(".drawer")
    await expect(drawer.locator("h2")).to_have_text(backend.cameras["3"]["name"])
    await expect(page).to_have_url(backend.address + "#sort=id&camera=3")
    verdict = drawer.locator(".verdict")
    await expect(verdict).to_contain_text("Down")
    await expect(verdict).to_contain_text("Where it broke: Configuration")
    await expect(verdict).to_contain_text("The camera refuses the login or password")
    await expect(verdict).to_contain_text("What to do: Check login and password")
    await expect(drawer.locator(".day .span[data-health=down]")).to_have_count(2)
    await expect(drawer.locator(".availability")).to_contain_text("87.1%")
    await expect(drawer.locator(".stderr pre")).to_contain_text("401 Unauthorized")
    await page.go_back()
    await expect(drawer).to_be_hidden()


async def test_drawer_of_a_running_camera(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#camera=1")
    drawer = page.locator(".drawer")
    await expect(drawer.locator(".media")).to_contain_text("h264 · 1920 × 1080 · 25 fps · Main")
    await expect(drawer.locator(".players code").first).to_have_text("rtsp://127.0.0.1:8554/cam1")
    await expect(drawer.locator(".command pre").first).to_contain_text("ffmpeg -hide_banner")
    await expect(drawer.locator(".spark-box", has_text="Bitrate").locator("path")).to_have_attribute(
        "d", re.compile("^M")
    )
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await drawer.get_by_role("button", name="Copy the RTSP address").click()
    await expect(drawer.locator(".players .copied").first).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == "rtsp://127.0.0.1:8554/cam1"


async def test_drawer_tells_what_a_camera_hangs_on_and_when_it_is_expected(
    backend: Backend, open_page: OpenPage
) -> None:
    hours = {"hours": ["06:00-12:00", "13:00-20:00"], "weekdays": ["mon", "tue", "wed", "fri"]}
    options = {"parent": "switch-north", "schedule": hours | {"time_zone": "Europe/Berlin"}, "priority": 5}
    backend.put(fleet.camera(1, parent="switch-north"))
    backend.details_changes = {"row": fleet.details(backend.cameras["1"])["row"] | {"options": options}}
    page = await open_page("#camera=1", locale="de-DE")
    facts = page.locator(".drawer .media .facts > div")
    await expect(facts.filter(has_text="Hängt an").locator("dd")).to_have_text("switch-north")
    expected = "06:00–12:00, 13:00–20:00 · Mo–Mi, Fr · Europe/Berlin"
    await expect(facts.filter(has_text="Erwartet").locator("dd")).to_have_text(expected)
    await expect(facts.filter(has_text="Optionen").locator("dd")).to_have_text('{"priority":5}')


async def test_unknown_reason_is_shown_in_the_words_of_the_service(backend: Backend, open_page: OpenPage) -> None:
    verdict = fleet.verdict("degraded", "camera", "lens_dirty", 5, text="the lens is dirty") | {"hint": "Wipe it."}
    backend.put(fleet.camera(1, verdict=verdict))
    page = await open_page("#camera=1", locale="de-DE")
    await expect(page.locator(".verdict")).to_contain_text("the lens is dirty")
    await expect(page.locator(".verdict")).to_contain_text("Wipe it.")


async def test_drawer_follows_the_camera(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#camera=1", expected=("404",))
    await expect(page.locator(".verdict-health")).to_have_text("Healthy")
    backend.happened(camera="1", name="x", cause="timeout", side="camera")
    backend.put(fleet.down(1, fleet.Cause.TIMEOUT, 0))
    await backend.publish()
    await expect(page.locator(".verdict-health")).to_have_text("Down")
    await expect(page.locator(".drawer .events")).to_contain_text("No answer in time")
    backend.remove("1")
    await backend.publish()
    await expect(page.locator(".drawer .error").first).to_contain_text("not in the table")


async def test_actions_ask_first_and_say_what_came_of_it(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#camera=1", expected=("409",))
    dialog, result = page.locator("dialog"), page.locator(".action-result")
    name = backend.cameras["1"]["name"]

    async def ask(action: str) -> None:
        await page.locator(f'.drawer [data-action="{action}"]').click()
        await expect(dialog).to_contain_text(name)

    await ask("restart")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(page.locator(".drawer")).to_be_visible()
    assert backend.actions == []
    await expect(page.locator('[data-action="release"]')).to_be_hidden()
    for action, said in (("restart", "restarted"), ("probe", "probed"), ("hold", "held")):
        await ask(action)
        await dialog.locator("button.primary").click()
        await expect(result).to_have_text(f"“{name}” is {'' if action == 'hold' else 'being '}{said}.")
    backend.put(fleet.camera(1, phase="held", verdict=fleet.verdict("disabled", "none", "held_by_operator")))
    await backend.publish()
    await expect(page.locator('[data-action="hold"]')).to_be_hidden()
    await expect(page.locator('[data-action="restart"]')).to_be_disabled()
    backend.conflict = "the service is stopping"
    await ask("release")
    await dialog.locator("button.primary").click()
    await expect(result).to_have_text("Not done: the service is stopping")
    assert backend.actions == [("1", "restart"), ("1", "probe"), ("1", "hold")]


async def test_the_last_look_and_the_next_one(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#camera=1")
    look = page.locator(".drawer .look")
    await expect(look.locator(".look-head")).to_have_text("2m ago · asked by the service itself · took 31 ms")
    await expect(look.locator(".look-steps li")).to_have_text(
        ["DESCRIBERTSP/1.0 401 Unauthorized12 ms", "DESCRIBERTSP/1.0 200 OK12 ms"]
    )
    await expect(look.locator(".look-choice li")).to_have_count(2)
    await expect(look.locator(".facts")).to_have_text(
        "Login offeredSHA-256, MD5SoftwareCamera 1.0Clock1h behind this service"
    )
    await expect(look.locator(".look-busy")).to_be_hidden()
    backend.details_changes = {"probing": True}
    await page.locator('.drawer [data-action="probe"]').click()
    await expect(page.locator("dialog")).to_contain_text("a running stream goes on")
    await page.locator("dialog button.primary").click()
    await expect(look.locator(".look-busy")).to_have_text("The camera is being asked …")
    said = "<b>453</b> Not Enough Bandwidth"
    steps = [{"stage": "describe", "request": "DESCRIBE", "answer": "", "took_s": 0.4}]
    failed = fleet.look(at=fleet.ago(1), cause="busy", detail=said, steps=steps, choice=[], login=[], software="")
    backend.details_changes = {"probing": False, "probe": failed | {"clock_offset_s": 1.0}}
    await expect(look.locator(".look-failure")).to_contain_text(said)
    await expect(look.locator(".look-steps li")).to_contain_text("no answer")
    await expect(look.locator(".look-busy")).to_be_hidden()
    await expect(look.locator(".facts")).to_have_count(0)


async def test_what_the_packets_of_a_camera_tell(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#camera=1")
    packets = page.locator(".drawer .packets")
    await expect(page.locator(".drawer .media")).to_be_visible()
    await expect(packets).to_be_hidden()
    track = {"lost": 12, "jitter_s": 0.0024, "fps": 24.98, "key_frame_interval_s": 2.0, "bitrate_bps": 2_100_000}
    video = track | {"clock_offset_s": 3605.0}
    stream = {"loss_ratio_10s": 0.0123, "loss_ratio_60s": 0.0, "video": video, "audio": None}
    backend.details_changes = {"stream": stream}
    backend.put(fleet.camera(1, readers=99))
    await backend.publish()
    await expect(packets.locator(".facts")).to_have_text(
        "Loss, 10 s1.23%Packets lost12Jitter2.4 msFrames25 fpsKey frame every2 sVideo2.1 Mb/s"
        "Clock1h ahead of this service"
    )


async def test_what_packets_told_in_the_last_hour(backend: Backend, open_page: OpenPage) -> None:
    known = fleet.details(fleet.camera(1))["history"]
    told = {"camera_loss_ratio": [0.0, 0.02, 0.0123], "jitter_s": [0.0012, None, 0.0024], "fps": [25.0, 12.5]}
    backend.details_changes = {"history": known | told}
    page = await open_page("#camera=1")
    boxes = page.locator(".drawer .spark-box:visible")
    await expect(boxes).to_have_count(5)
    await expect(boxes.locator(".spark-head")).to_have_text(
        [re.compile("Bitrate"), re.compile("Readers"), "Loss, 10 s1.23%", "Jitter2.4 ms", "Frames12.5"]
    )


async def test_a_camera_that_nobody_has_looked_at(backend: Backend, open_page: OpenPage) -> None:
    backend.details_changes = {"probe": None}
    page = await open_page("#camera=1", locale="ru-RU")
    await expect(page.locator(".drawer .media")).to_be_visible()
    await expect(page.locator(".drawer .look")).to_be_hidden()
    backend.details_changes = {"probe": None, "probing": True}
    await page.locator('.drawer [data-action="probe"]').click()
    await page.locator("dialog button.primary").click()
    await expect(page.locator(".drawer .look")).to_contain_text("Камера опрашивается")
    backend.details_changes = {"probe": fleet.look(by="ffprobe", steps=[])}
    await expect(page.locator(".drawer .look")).to_contain_text("опрошена через ffprobe")
    await expect(page.locator(".drawer .look")).to_contain_text("отстают от службы на 1 ч")


async def test_without_the_right_to_act_the_page_says_so(backend: Backend, open_page: OpenPage) -> None:
    backend.may_write = False
    page = await open_page("#camera=1")
    await expect(page.locator(".actions .note")).to_have_text("Log in to act on cameras.")
    await expect(page.locator('[data-action="restart"]')).to_be_disabled()
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_label("Token")).to_be_focused()
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.locator(".row.camera").first).to_be_visible()


async def test_who_is_logged_in_and_may_only_see_is_told_so(backend: Backend, open_page: OpenPage) -> None:
    backend.token, backend.may_write = "sesame", False
    page = await open_page("#camera=1", locale="de-DE", expected=("401",), wait=False)
    await page.get_by_label("Token").fill("sesame")
    await page.get_by_role("button", name="Anmelden").click()
    await expect(page.locator(".actions .note")).to_contain_text("Ihre Rolle ist „see“")
    await expect(page.locator('[data-action="restart"]')).to_be_disabled()


async def test_still_picture_and_its_errors(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#camera=1", expected=("404", "503", "504"))
    assert not any("snapshot" in path for path in backend.requests), "pictures only on demand"
    still = page.get_by_role("button", name="Still picture")
    for status, words in ((404, "nothing is published"), (503, "right now"), (504, "in time")):
        backend.still = (status, "the service's words")
        await still.click()
        await expect(page.locator(".preview .caption")).to_contain_text(words)
        await expect(page.locator(".preview .caption")).to_contain_text("the service's words")
    backend.still = (200, PICTURE)
    await still.click()
    picture = page.locator(".preview img")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    await page.get_by_role("button", name="Close picture").click()
    await expect(picture).to_have_count(0)


async def test_live_player_starts_on_demand_and_ends(backend: Backend, open_page: OpenPage) -> None:
    address = f"http://127.0.0.1:{free_port()}/cam1/"
    players = {"webrtc": None, "hls": address + "index.m3u8", "rtsp": None, "srt": None}
    backend.details_changes = {"players": players}
    page = await open_page("#camera=1", expected=("ERR_CONNECTION_REFUSED", "ERR_BLOCKED"), player=address)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await expect(page.get_by_role("button", name="Live (HLS)")).to_be_visible()
    await expect(page.get_by_role("button", name="Live (WebRTC)")).to_be_hidden()
    assert await page.locator("iframe").count() == 0
    await page.get_by_role("button", name="Live (HLS)").click()
    await expect(page.locator("iframe")).to_have_attribute("src", address)
    await eventually(lambda: address in asked, 5, "the frame is fetched")
    backend.details_changes = {}
    await page.keyboard.press("Escape")
    await expect(page.locator("iframe")).to_have_count(0)


async def test_pictures_in_the_list_on_demand_and_only_of_visible_rows(backend: Backend, open_page: OpenPage) -> None:
    backend.still = (200, PICTURE)
    page = await open_page("#sort=id")
    assert backend.requests["/api/cameras/{id}/snapshot.jpg"] == 0
    await page.get_by_role("button", name="Pictures").click()
    await expect(page.locator(".row.camera .still img").first).to_be_visible()
    rows = await page.locator(".row.camera").count()
    sending = sum(backend.cameras[str(number)]["phase"] == "running" for number in range(1, rows + 1))
    await eventually(lambda: backend.requests["/api/cameras/{id}/snapshot.jpg"] == sending, 8, "one for each row")
    assert rows < len(backend.cameras) / 2


async def test_other_tabs(backend: Backend, open_page: OpenPage) -> None:
    backend.happened(camera="3", name="Stairs 1", cause="auth_failed", side="config")
    backend.happened(kind="component", name="redis", before="up", after="down", detail="refused")
    backend.streams = [
        {
            "name": "old/script",
            "available": True,
            "source_type": "rtspSession",
            "tracks": ["H264"],
            "inbound_bytes": 10**9,
            "readers": 2,
            "camera": None,
            "managed": False,
            "bitrate_bps": 2_000_000,
            "moved": fleet.ago(2),
            "publisher": {"remote_address": "10.0.0.9:5000"},
            "srt": None,
        },
        {"name": "cam1", "managed": True},
    ]
    backend.visionaire = [
        {
            "host": "10.1.1.1",
            "url": "http://10.1.1.1:4004",
            "fresh": True,
            "observed": fleet.ago(9),
            "age_s": 9.0,
            "response_time_s": 0.02,
            "errors_total": 0,
            "error": "",
            "streams": [
                {
                    "stream_id": "7",
                    "name": "Hall",
                    "node_num": 1,
                    "state": "RUNNING",
                    "active": True,
                    "up": True,
                    "fps": 25.0,
                    "width": 1920,
                    "height": 1080,
                    "error": "",
                }
            ],
        }
    ]
    page = await open_page()
    await choose(page, "events")
    events = page.locator(".panel.events .event")
    await page.locator(".panel.events").get_by_role("button", name="All").click()
    await expect(events).to_have_count(2)
    await expect(events.first).to_contain_text("Redis")
    backend.happened(camera="1", name="Entrance", cause="timeout", side="camera")
    await expect(events.first).to_contain_text("No answer in time")
    await choose(page, "unmanaged")
    paths = page.locator(".panel.unmanaged tbody tr")
    await expect(paths).to_have_count(1)
    await expect(paths).to_contain_text("old/script")
    await expect(paths).to_contain_text("10.0.0.9:5000")
    await choose(page, "visionaire")
    await expect(page.locator(".panel.visionaire tbody tr")).to_contain_text("Hall")
    await choose(page, "host")
    await expect(page.locator(".panel.host")).to_contain_text("/archive")
    await expect(page).to_have_url(backend.address + "#tab=host")


async def test_nodes_that_share_the_cameras(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page()
    await expect(page.get_by_role("tab", name="Cameras")).to_be_visible()
    await expect(page.locator("#tab-nodes")).to_have_attribute("hidden", "")
    backend.nodes = [fleet.node("north", url="http://10.0.0.5:8000"), fleet.node("south", state="lost", url="x:y")]
    backend.change("1", node="south")
    await backend.publish()
    await choose(page, "nodes")
    rows = page.locator(".panel.nodes tbody tr")
    await expect(rows).to_have_count(2)
    await expect(rows.first.locator("a")).to_have_attribute("href", "http://10.0.0.5:8000")
    await expect(rows.nth(1).locator("a")).to_have_count(0)
    await expect(rows.nth(1)).to_contain_text("lost")
    await expect(rows.first).to_contain_text("not up: Redis")
    await rows.nth(1).get_by_role("button").click()
    await expect(page).to_have_url(backend.address + "#node=south")
    await expect(page.locator(".summary")).to_have_text("1 of 60 cameras")


async def test_of_a_camera_of_a_node_that_cannot_be_asked_the_list_is_shown(
    backend: Backend, open_page: OpenPage
) -> None:
    backend.details_changes = {"elsewhere": "camera 1 is of node south: it is lost"}
    page = await open_page("#camera=1")
    await expect(page.locator(".drawer .error")).to_contain_text("of node south: it is lost")


async def test_events_are_changes_of_health_unless_more_is_asked_for(backend: Backend, open_page: OpenPage) -> None:
    backend.happened(camera="3", name="Stairs 1", cause="auth_failed", side="config")
    backend.happened(kind="camera", camera="3", name="Stairs 1", before="running", after="backoff")
    backend.happened(kind="component", name="redis", before="up", after="down", detail="refused")
    page = await open_page("#tab=events", wait=False)
    events = page.locator(".panel.events .event")
    await expect(events).to_have_count(1)
    await expect(events).to_have_attribute("data-kind", "health")
    await page.locator(".panel.events").get_by_role("button", name="All").click()
    await expect(events).to_have_count(3)
    await expect(page).to_have_url(backend.address + "#tab=events&kind=all")
    await page.go_back()
    await expect(events).to_have_count(1)
    await choose(page, "host")
    await expect(page).to_have_url(backend.address + "#tab=host")
