"""Roles and sites, against the door of the service on a real port: what each caller is told, and may do."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer

from restream.domain.access.accounts import Account, AccountKind, Accounts
from restream.domain.access.caller import Caller, Role
from restream.domain.camera.secret import Secret
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.status import CameraStatus
from restream.domain.judgement.verdict import Health
from restream.domain.news.event import HealthChange, ServerRestart
from restream.interfaces.documents.answers import Action
from restream.interfaces.documents.camera_details import details
from restream.interfaces.documents.events import EventDocument, event
from restream.interfaces.documents.nodes import nodes_document
from restream.interfaces.documents.players import PublicBases
from restream.interfaces.documents.rendering import Renderer
from restream.interfaces.documents.status import ServiceFacts
from restream.interfaces.http.api import Api, ApiContext
from restream.interfaces.http.app import build_app
from restream.interfaces.http.auth import COOKIE, Access
from restream.interfaces.http.live import Live
from restream.interfaces.http.rights import ASKING
from restream.interfaces.http.session import Sessions
from tests.integration.test_live import BROKEN, RUNNING, report
from tests.unit.fakes import camera as row

HOLDER = "the token of http.token"
SITES = {"1": "North", "2": "South", "3": "North", "4": ""}


def account(name: str, role: Role, *sites: str, expires_at: float | None = None) -> Account:
    return Account(AccountKind.TOKEN, name, role, Secret(f"token of {name}"), frozenset(sites) or None, expires_at)


ACCOUNTS = (
    account("anna", Role.OPERATE, "North"),
    account("wall", Role.SEE),
    account("eve", Role.SEE, "South"),
    account("root", Role.CONFIGURE),
    account("gone", Role.CONFIGURE, expires_at=1.0),
)


class House:
    """The service's HTTP interface over four cameras of two sites; `acted` is what was done."""

    def __init__(self, **rules: Any) -> None:
        self.accounts = Accounts.of(ACCOUNTS)
        self.access = Access(Secret(HOLDER), accounts=lambda: self.accounts, closed=True, **rules)
        self.renderer = Renderer(ServiceFacts("node", "1", "this life", 0.0, 2.0))
        self.sites = dict(SITES)
        self.events: list[EventDocument] = []
        self.acted: list[tuple[str, str]] = []
        self.generation = 0
        self.live = Live(lambda: self.renderer.latest, self.after)
        self.client: TestClient[Any, Any]

    def after(self, after: int, limit: int = 10_000, **_: object) -> list[EventDocument]:
        return [each for each in self.events if each.id > after][-limit:]

    async def cycle(self, down: tuple[str, ...] = ()) -> None:
        self.generation += 1
        reports = {}
        for key, site in self.sites.items():
            known = report(int(key), down=key in down)
            state = BROKEN if key in down else RUNNING
            reports[key] = known._replace(subject=CameraStatus(row(int(key), site=site), state, None, None))
        at = float(self.generation)
        self.live.publish(await self.renderer.render(Snapshot(self.generation, 1000.0 + at, at, reports)))

    def app(self) -> web.Application:
        latest: Callable[[], Any] = lambda: self.renderer.latest  # noqa: E731

        def act(camera_id: str, action: Action) -> str | None:
            self.acted.append((camera_id, action))
            return ""

        async def unlisted(_: web.Request) -> web.Response:
            return web.json_response({})

        context = ApiContext(
            rendering=latest,
            status=lambda: latest().status,
            started=lambda: True,
            silent_s=lambda: None,
            details=lambda key: details(latest().snapshot, key, {"default": PublicBases("rtsp://media")}),  # type: ignore[dict-item]
            events=self.after,
            act=act,
            visionaire=lambda: None,  # type: ignore[arg-type, return-value]
            nodes=lambda: nodes_document(None, latest().cameras.values(), latest().status, 3.0, 1003.0),
        )
        routes = [*Api(context).routes(), *self.live.routes(), *Sessions(self.access).routes()]
        site_of = lambda key: getattr(latest().cameras.get(key), "site", None)  # noqa: E731
        return build_app(self.access, [*routes, web.get("/api/unlisted", unlisted)], site_of)

    async def ask(self, who: str | None, path: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
        token = HOLDER if who == "holder" else f"token of {who}"
        given = {"Authorization": f"Bearer {token}", **headers} if who else headers
        async with self.client.request(method, path, headers=given) as answer:
            body = await answer.read()
            return answer.status, json.loads(body) if body else None


@asynccontextmanager
async def house(**rules: Any) -> AsyncIterator[House]:
    it = House(**rules)
    async with TestClient(TestServer(it.app())) as it.client:
        await it.cycle()
        yield it
        it.live.close()


# -- roles -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "see", "operate", "unlisted"),
    [
        (None, 401, 401, 401),
        ("nobody", 401, 401, 401),
        ("gone", 401, 401, 401),
        ("wall", 200, 403, 403),
        ("eve", 200, 403, 403),
        ("anna", 200, 202, 403),
        ("root", 200, 202, 200),
        ("holder", 200, 202, 200),
    ],
)
async def test_what_each_role_may(who: str | None, see: int, operate: int, unlisted: int) -> None:
    async with house() as it:
        assert (await it.ask(who, "/api/status"))[0] == see
        status, answer = await it.ask(who, "/api/cameras/1/restart", "POST")
        assert status == (404 if who == "eve" and operate != 403 else operate)
        assert (await it.ask(who, "/api/unlisted"))[0] == unlisted
        assert bool(it.acted) == (operate == 202)
        if operate == 403:
            assert answer == {"error": f"this needs the role operate: {who} has see"}


async def test_where_reading_is_open_acting_still_needs_the_role() -> None:
    async with house(auth="none") as it:
        assert (await it.ask(None, "/api/status"))[0] == 200
        assert (await it.ask(None, "/api/cameras/1/restart", "POST"))[0] == 401
        assert (await it.ask("wall", "/api/cameras/1/restart", "POST"))[0] == 403
        # Who says who he is gets what he may see, and not what anybody may.
        assert len((await it.ask("eve", "/api/cameras"))[1]) == 1
        assert it.acted == []


async def test_without_any_account_everybody_may_as_before() -> None:
    async with house() as it:
        open_house = House()
        open_house.access = Access()
        async with TestClient(TestServer(open_house.app())) as open_house.client:
            await open_house.cycle()
            assert (await open_house.ask(None, "/api/cameras/2/hold", "POST"))[0] == 202
            _, session = await open_house.ask(None, "/api/session")
        assert session["may_write"] and not session["authenticated"] and not session["token_required"]
        # The last account that goes opens nothing.
        it.access = Access(accounts=lambda: it.accounts, closed=True)
        it.accounts = Accounts()
        async with TestClient(TestServer(it.app())) as it.client:
            assert (await it.ask(None, "/api/status"))[0] == 401


async def test_the_session_says_who_one_is() -> None:
    async with house() as it:
        _, found = await it.ask("anna", "/api/session")
        assert (found["name"], found["role"], found["sites"], found["may_write"]) == (
            "anna",
            "operate",
            ["North"],
            True,
        )
        _, found = await it.ask("wall", "/api/session")
        assert (found["sites"], found["may_write"], found["authenticated"]) == (None, False, True)
        _, found = await it.ask(None, "/api/session")
        assert (found["name"], found["role"], found["may_write"]) == ("", None, False)


async def test_a_browser_exchanges_any_token_for_a_session_that_ends_with_it() -> None:
    async with house() as it:
        body = {"token": "token of anna"}
        async with it.client.post("/api/login", json=body) as answer:
            assert answer.status == 204
            cookie = f"{COOKIE}={answer.cookies[COOKIE].value}"
        assert "token of anna" not in cookie
        it.client.session.cookie_jar.clear()
        assert (await it.ask(None, "/api/session", Cookie=cookie))[1]["name"] == "anna"
        it.accounts = Accounts.of([replace_role(each) for each in ACCOUNTS])
        assert (await it.ask(None, "/api/session", Cookie=cookie))[1]["role"] == "see"
        it.accounts = Accounts.of([each for each in ACCOUNTS if each.name != "anna"])
        assert (await it.ask(None, "/api/status", Cookie=cookie))[0] == 401


def replace_role(each: Account) -> Account:
    return Account(each.kind, each.name, Role.SEE, each.proof, each.sites, each.expires_at)


async def test_a_pass_for_another_node_says_in_whose_name_it_is() -> None:
    async with house() as it:
        asked = ASKING.set(Caller("anna", Role.OPERATE))
        cookie = it.access.pass_for(60.0)[COOKIE]
        ASKING.reset(asked)
        _, session = await it.ask(None, "/api/session", Cookie=f"{COOKIE}={cookie}")
        assert (session["name"], session["role"], session["sites"]) == ("anna", "configure", None)
        assert it.access.pass_for(60.0)[COOKIE].count(".") == 1, "without a name it is what earlier versions read"
        # Nobody else can write one.
        expires, signature, _ = cookie.split(".")
        forged = [f"{expires}.{signature}.{packed}" for packed in ("bm9kZTpiZXJ0", "dXNlcjphbm5h", "bm9kZTo")]
        assert {(await it.ask(None, "/api/status", Cookie=f"{COOKIE}={each}"))[0] for each in forged} == {401}


# -- sites -------------------------------------------------------------------------------------------------------------


async def test_lists_and_counts_are_those_of_the_callers_sites() -> None:
    async with house() as it:
        await it.cycle(down=("2",))
        _, cameras = await it.ask("anna", "/api/cameras")
        assert [each["id"] for each in cameras] == ["1", "3"]
        _, status = await it.ask("anna", "/api/status")
        assert (status["cameras"], status["health"]) == (2, {"healthy": 2})
        assert (await it.ask("eve", "/api/status"))[1]["health"] == {"down": 1}
        assert len((await it.ask("wall", "/api/cameras"))[1]) == 4
        for path in ("/api/streams", "/api/streams/latest", "/api/nodes", "/api/events"):
            assert (await it.ask("anna", path))[0] == 200
        status_code, answer = await it.ask("anna", "/api/visionaire")
        assert (status_code, answer["error"]) == (403, "this is of the whole fleet: anna sees North alone")


async def test_a_camera_of_another_site_is_none() -> None:
    async with house() as it:
        there = await it.ask("anna", "/api/cameras/1")
        assert there[0] == 200
        nowhere = await it.ask("anna", "/api/cameras/99")
        for path, method in (("/api/cameras/2", "GET"), ("/api/cameras/4", "GET"), ("/api/cameras/2/restart", "POST")):
            assert await it.ask("anna", path, method) == nowhere
        assert (await it.ask("anna", "/api/cameras?site=South"))[1] == []
        assert it.acted == []


async def test_one_callers_answer_is_never_anothers() -> None:
    async with house() as it:
        # The same question, again and again: the cache and the browser know whose answer it was.
        sizes = [len((await it.ask(who, "/api/cameras"))[1]) for who in ("wall", "anna", "eve", "wall", "anna")]
        assert sizes == [4, 2, 1, 4, 2]
        async with it.client.get("/api/cameras", headers={"Authorization": "Bearer token of wall"}) as answer:
            etag = answer.headers["ETag"]
        assert (await it.ask("wall", "/api/cameras", **{"If-None-Match": etag}))[0] == 304
        assert (await it.ask("anna", "/api/cameras", **{"If-None-Match": etag}))[0] == 200


def happened(number: int, camera_id: str | None) -> EventDocument:
    if camera_id is None:
        return event(number, ServerRestart(1.0, "text"))
    verdict = report(int(camera_id), down=True).verdict
    return event(number, HealthChange(1.0, camera_id, "name", Health.HEALTHY, verdict))


async def test_events_of_other_sites_are_left_out_however_many() -> None:
    async with house() as it:
        it.events = [happened(1, "1"), happened(2, None), *(happened(number, "2") for number in range(3, 500))]
        it.events.append(happened(600, "99"))
        _, found = await it.ask("anna", "/api/events?limit=2")
        assert [each["id"] for each in found] == [1, 2]
        assert len((await it.ask("wall", "/api/events?limit=3"))[1]) == 3


# -- live --------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def listening(it: House, who: str, query: str = "") -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    headers = {"Authorization": f"Bearer token of {who}"}
    async with it.client.ws_connect(f"/ws?topics=cameras,status,events,streams{query}", headers=headers) as socket:
        yield socket


async def test_who_listens_hears_of_his_sites_alone() -> None:
    async with house() as it:
        it.events = [happened(1, "1"), happened(2, "2")]
        async with listening(it, "anna") as anna, listening(it, "wall") as wall:
            first = await anna.receive_json()
            assert [each["id"] for each in first["cameras"]] == ["1", "3"]
            assert first["status"]["cameras"] == 2 and [each["id"] for each in first["events"]] == [1]
            assert len((await wall.receive_json())["cameras"]) == 4
            it.events = [happened(3, "2"), happened(4, "3")]
            await it.cycle(down=("1", "2"))
            delta = await anna.receive_json()
            assert [each["id"] for each in delta["cameras"]] == ["1"] and delta["removed"] == []
            assert [each["id"] for each in delta["events"]] == [4]
            assert {each["id"] for each in (await wall.receive_json())["cameras"]} == {"1", "2"}
            # One moves to another site, one goes, one of another site goes.
            it.sites = {"1": "South", "4": "North"}
            await it.cycle(down=("1",))
            delta = await anna.receive_json()
            assert [each["id"] for each in delta["cameras"]] == ["4"] and delta["removed"] == ["1", "3"]
            assert set((await wall.receive_json())["removed"]) == {"2", "3"}


async def test_who_comes_back_is_told_everything_of_his_sites_and_no_other() -> None:
    async with house() as it:
        await it.cycle()
        async with listening(it, "anna", "&instance=this%20life&generation=1") as anna:
            first = await anna.receive_json()
            assert first["type"] == "snapshot" and [each["id"] for each in first["cameras"]] == ["1", "3"]


@pytest.mark.parametrize("how", ["removed", "expired", "other sites"])
async def test_who_may_not_listen_any_more_is_told_so(how: str) -> None:
    async with house() as it, listening(it, "anna") as anna, listening(it, "wall") as wall:
        await anna.receive_json()
        await wall.receive_json()
        others = [each for each in ACCOUNTS if each.name != "anna"]
        changed = {
            "removed": [],
            "expired": [account("anna", Role.OPERATE, "North", expires_at=time.time() - 1)],
            "other sites": [account("anna", Role.OPERATE, "South")],
        }
        it.accounts = Accounts.of([*others, *changed[how]])
        await it.cycle()
        message = await anna.receive()
        assert (message.type, message.data) == (WSMsgType.CLOSE, aiohttp.WSCloseCode.POLICY_VIOLATION)
        assert (await wall.receive_json())["type"] == "delta"
