"""A camera of another node, asked for here: its owner answers, or it is said whose it is and where."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from restream.adapters.node_http import HttpNodes
from restream.domain.camera.secret import Secret
from restream.interfaces.documents.answers import Action
from restream.interfaces.documents.camera_details import details
from restream.interfaces.documents.nodes import nodes_document
from restream.interfaces.documents.players import PublicBases
from restream.interfaces.http import bulk
from restream.interfaces.http import still as stills
from restream.interfaces.http.api import Api, ApiContext
from restream.interfaces.http.app import build_app
from restream.interfaces.http.auth import COOKIE, Access
from restream.interfaces.http.elsewhere import Owners
from restream.ports.nodes import PeerPicture
from tests.support.peer_nodes import PeerNode, fleet_node, supervised, without_node
from tests.unit.fakes import camera

TOKEN = "a-token-of-all-nodes"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
JPEG = b"\xff\xd8\xff picture"


def service(node: PeerNode, access: Access, done: list[tuple[str, str]]) -> tuple[web.Application, HttpNodes]:
    """As `service/http_application.py` puts it together."""
    caller = HttpNodes(node.name, lambda: access.pass_for(60.0))

    def act(camera_id: str, action: Action) -> str | None:
        if camera_id not in node.renderer.latest.snapshot.reports:
            return None
        done.append((camera_id, action))
        return "it is held already" if action is Action.HOLD else ""

    async def still(camera_id: str) -> bytes | None:
        return JPEG if camera_id in node.renderer.latest.snapshot.reports else None

    latest = lambda: node.renderer.latest  # noqa: E731
    context = ApiContext(
        rendering=latest,
        status=lambda: latest().status,
        started=lambda: True,
        silent_s=lambda: None,
        details=lambda key: details(latest().snapshot, key, {"default": PublicBases("rtsp://media")}),  # type: ignore[dict-item]
        events=lambda *_, **__: [],
        act=act,
        visionaire=lambda: None,  # type: ignore[arg-type, return-value]
        nodes=lambda: nodes_document(node.peers(), latest().cameras.values(), latest().status, 3.0, 1003.0),
        peers=node.peers,
        caller=caller,
    )
    owners = Owners(latest, node.peers, caller)

    def act_on_many(camera_id: str, action: Action, dry_run: bool) -> str | None:
        known = camera_id in node.renderer.latest.snapshot.reports
        return ("" if known else None) if dry_run else act(camera_id, action)

    many = bulk.routes(latest, act_on_many, owners)
    return build_app(access, [*Api(context).routes(), *many, *stills.routes(still, owners)]), caller


@dataclass
class Pair:
    north: PeerNode
    client: TestClient[Any, Any]
    done: list[tuple[str, str]]
    """What south was asked to do."""

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.client.get(path, headers=BEARER) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, body: object = None) -> tuple[int, Any]:
        async with self.client.post(path, headers=BEARER, json=body) as answer:
            return answer.status, await answer.json()


@contextlib.asynccontextmanager
async def pair(
    south_app: web.Application | None = None, *, token: str = TOKEN, south_alive: bool = True, url: bool = True
) -> AsyncIterator[Pair]:
    """North is asked; south has camera 2 and, where nothing else stands for it, is a service of its own."""
    nodes = [fleet_node("north"), fleet_node("south")]
    north, south = (PeerNode(name, lambda: nodes) for name in ("north", "south"))
    done: list[tuple[str, str]] = []
    callers = []
    if south_app is None:
        south_app, caller = service(south, Access(Secret(token)), done)
        callers.append(caller)
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(TestServer(south_app))
        facts = {"url": str(server.make_url("/"))} if url else {}
        nodes[1] = fleet_node("south", 9.0 if south_alive else -3.0, **facts)
        south.mine = {"2"}
        seen = await south.cycle({"2": supervised(camera(2))})
        picture = PeerPicture("first", 1, b"{}", seen.documents().cameras)
        north.pictures = {nodes[1].name: picture}
        north.mine = {"1"}
        await north.cycle({"1": supervised(camera(1)), "9": without_node(camera(9))})
        app, caller = service(north, Access(Secret(TOKEN)), [])
        callers.append(caller)
        client = await stack.enter_async_context(TestClient(TestServer(app)))
        yield Pair(north, client, done)
        for each in callers:
            await each.close()


async def test_its_owner_tells_everything() -> None:
    async with pair() as site:
        status, found = await site.get("/api/cameras/2")
        assert (status, found["id"], found["node"]) == (200, "2", "south")
        assert (
            found["players"]["rtsp"] == "rtsp://media/cam2" and found["row"]["id"] == "2" and "elsewhere" not in found
        )
        status, own = await site.get("/api/cameras/1")
        assert (status, own["node"]) == (200, "north")
        assert (await site.get("/api/cameras/77"))[0] == 404
        async with site.client.get("/api/cameras/2/snapshot.jpg", headers=BEARER) as answer:
            assert (answer.status, await answer.read(), answer.content_type) == (200, JPEG, "image/jpeg")


async def test_its_owner_does_what_is_asked() -> None:
    async with pair() as site:
        assert await site.post("/api/cameras/2/restart") == (202, {"id": "2", "action": "restart"})
        assert site.done == [("2", "restart")]
        status, told = await site.post("/api/cameras/2/hold")
        assert status == 409 and "node south (http://127.0.0.1:" in told["error"] and "held already" in told["error"]


async def test_who_may_not_act_here_does_not_act_there() -> None:
    async with pair() as site, site.client.post("/api/cameras/2/restart") as answer:
        assert answer.status == 401
        assert site.done == []


async def test_without_an_address_it_is_said_whose_it_is() -> None:
    async with pair(url=False) as site:
        status, found = await site.get("/api/cameras/2")
        assert (status, found["name"], found["row"], found["timeline"]) == (200, "camera 2", None, [])
        assert "node south" in found["elsewhere"] and "nodes.url" in found["elsewhere"]
        status, told = await site.post("/api/cameras/2/probe")
        assert status == 409 and "nodes.url" in told["error"]


async def test_a_node_that_is_lost_is_not_asked() -> None:
    async with pair(south_alive=False) as site:
        assert "it is lost" in (await site.get("/api/cameras/2"))[1]["elsewhere"]
        assert (await site.post("/api/cameras/2/restart"))[0] == 409
        assert site.done == []


async def test_a_camera_that_no_node_has() -> None:
    async with pair() as site:
        status, found = await site.get("/api/cameras/9")
        assert (status, found["node"], found["phase"]) == (200, "", "waiting")
        assert found["verdict"]["reasons"][0]["code"] == "no_node"


async def test_nodes_with_different_tokens_say_so() -> None:
    async with pair(token="another") as site:
        assert "http.token must be the same" in (await site.get("/api/cameras/2"))[1]["elsewhere"]
        status, told = await site.post("/api/cameras/2/restart")
        assert status == 502 and "http.token must be the same" in told["error"]


async def test_what_a_node_asks_is_not_passed_on() -> None:
    async with pair() as site:
        headers = {**BEARER, "X-Restream-Node": "west"}
        async with site.client.post("/api/cameras/2/restart", headers=headers) as answer:
            assert answer.status == 409
        assert site.done == []


def answering(answer: Callable[[web.Request], Any]) -> web.Application:
    async def handler(request: web.Request) -> web.StreamResponse:
        found = answer(request)
        return await found if asyncio.iscoroutine(found) else found  # type: ignore[no-any-return]

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", handler)
    return app


HOSTILE: dict[str, Callable[[web.Request], Any]] = {
    "no JSON": lambda _: web.Response(body=b"\x00\xff" * 100),
    "deep": lambda _: web.Response(body=b"[" * 100_000),
    "of another kind": lambda _: web.json_response([1]),
    "another camera": lambda _: web.json_response({"id": "1"}),
    "endless": lambda _: web.Response(body=b" " * 3_000_000),
    "an error page": lambda _: web.Response(status=500, text="<h1>\r\nSet-Cookie: x</h1>"),
    "words with line ends": lambda _: web.json_response({"error": "a\r\nSet-Cookie: x" + "y" * 9000}, status=409),
    "a redirect": lambda _: web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    "accepted": lambda _: web.Response(status=202, body=b"{"),
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE.keys())
async def test_an_answer_that_is_none(answer: Callable[[web.Request], Any]) -> None:
    async with pair(answering(answer)) as site:
        status, found = await site.get("/api/cameras/2")
        assert (status, found["id"]) == (200, "2")
        assert "node south" in found["elsewhere"] and len(found["elsewhere"]) < 500
        status, _ = await site.post("/api/cameras/2/restart")
        assert status in (202, 409, 502)
        assert "Set-Cookie" not in (await site.client.get("/api/cameras/2", headers=BEARER)).headers
        async with site.client.get("/api/cameras/2/snapshot.jpg", headers=BEARER) as picture:
            assert picture.status == 503


async def test_the_token_itself_goes_nowhere() -> None:
    seen: list[Any] = []

    def answer(request: web.Request) -> web.Response:
        seen.append((dict(request.cookies), dict(request.headers)))
        return web.Response(status=401)

    async with pair(answering(answer)) as site:
        await site.get("/api/cameras/2")
    ((cookies, headers),) = seen
    assert set(cookies) == {COOKIE} and TOKEN not in str(headers)


async def test_the_nodes() -> None:
    async with pair() as site:
        _, found = await site.get("/api/nodes")
        north, south = found["nodes"]
        assert found["observed"] == "1970-01-01T00:16:41.000Z"
        assert (north["name"], north["state"], north["cameras"], north["shown"]) == ("north", "alive", 1, 1)
        assert (south["state"], south["health"], south["problem"]) == ("alive", {"healthy": 1}, "")
        assert south["url"].startswith("http://127.0.0.1:")
        # It was seen 2 s ago.
        assert (south["lease_s"], south["heard"]) == (7.0, "1970-01-01T00:16:41.000Z")
