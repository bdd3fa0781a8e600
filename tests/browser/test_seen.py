"""What a camera has shown: found in its pictures, compared, accepted."""

from __future__ import annotations

import re
import time

import pytest

from restream.domain.pictures.album import PictureKind, PictureStamp
from restream.domain.pictures.finding import PictureFinding, PictureFlaw
from restream.domain.pictures.seen import Seen
from restream.interfaces.documents.pictures import PicturesDocument, pictures_document
from tests.browser.backend import Backend
from tests.browser.conftest import OpenPage, expect
from tests.browser.test_look import violations
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="package")

KINDS = [PictureKind.SAMPLE, PictureKind.SAMPLE, PictureKind.BEFORE, PictureKind.SAMPLE, PictureKind.AFTER]


def frozen(camera_id: str) -> PicturesDocument:
    now = time.time()
    stamps = [PictureStamp(now - 60 * (5 - number), 9, kind) for number, kind in enumerate(KINDS)]
    findings = (PictureFinding(PictureFlaw.FROZEN, now - 200, {"stir": 0.0}),)
    return pictures_document(camera_id, Seen(now - 30, 0.5, width=1920, height=1080, findings=findings), stamps)


async def test_what_was_found_is_shown_compared_and_accepted(backend: Backend, open_page: OpenPage) -> None:
    backend.pictures["3"] = frozen("3")
    page = await open_page("#camera=3")
    seen = page.locator(".details.pictures")
    await expect(seen.locator(".pictures-found li")).to_contain_text("Frozen picture")
    await expect(seen.locator(".pictures-taken time")).to_have_text(re.compile(r"^\d+s ago$"))
    thumbs = seen.locator(".strip button")
    await expect(thumbs).to_have_count(5)
    await expect(thumbs.nth(2)).to_have_attribute("aria-pressed", "true")
    await expect(thumbs.nth(2)).to_contain_text("before")
    await thumbs.nth(0).click()
    await expect(thumbs.nth(0)).to_have_attribute("aria-pressed", "true")
    old = seen.locator(".compare .old")
    await expect(old).to_have_attribute("src", f"{backend.address}api/cameras/3/pictures/{pictures_of(backend)[0]}.jpg")
    await seen.get_by_role("slider").fill("20")
    await expect(seen.locator(".compare-pane")).to_have_attribute("style", "--shown: 20%;")
    assert await violations(page) == []
    await seen.get_by_role("button", name="This is right").click()
    await expect(seen.locator(".accept-result")).to_have_text("Accepted: this is the new reference.")
    assert backend.accepted == ["3"]


def pictures_of(backend: Backend) -> list[int]:
    return [each.picture for each in backend.pictures["3"].pictures]


async def test_without_pictures_there_is_nothing_of_it(backend: Backend, open_page: OpenPage) -> None:
    page = await open_page("#camera=3")
    await eventually(lambda: backend.requests["/api/cameras/{id}/pictures"], 8, "they were asked for")
    await expect(page.locator(".details.pictures")).to_be_hidden()


async def test_who_may_not_act_cannot_accept(backend: Backend, open_page: OpenPage) -> None:
    backend.pictures["3"], backend.may_write = frozen("3"), False
    page = await open_page("#camera=3")
    await expect(page.get_by_role("button", name="This is right")).to_be_disabled()
