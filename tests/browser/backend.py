"""The service as the page sees it, with cameras that tests change at will.

`python -m tests.browser.backend --cameras 5000` serves it for a look by hand.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from restream.adapters.calendar import checked, occurrence
from restream.domain.camera.row_changes import RowTable
from restream.interfaces.documents.pictures import PicturesDocument, pictures_document
from restream.interfaces.http import page
from restream.interfaces.http.incidents import Incidents
from restream.interfaces.http.maintenance import Maintenance
from restream.interfaces.http.rows import RowFiles
from restream.supervisor.maintenance_keeper import MaintenanceKeeper
from tests.browser import fleet
from tests.browser.fleet import Document
from tests.browser.incidents import IncidentMemory

COOKIE = "session"
_PIXEL = b'<svg xmlns="http://www.w3.org/2000/svg" width="32" height="18"><rect width="9" height="9"/></svg>'
_OPEN = ("/api/session", "/api/login", "/api/logout")


class Backend:
    """Everything is public: tests read and change it, then call `publish`."""

    def __init__(self, cameras: dict[str, Document], interval_s: float = 0.5) -> None:
        self.address = ""
        self.cameras = cameras
        self.interval_s = interval_s
        self.instance = "first"
        self.generation = 1
        self.changed: dict[str, int] = {}
        self.removed: dict[str, int] = {}
        self.events: list[Document] = []
        self.host: Document | None = fleet.host()
        self.streams: list[Document] = []
        self.visionaire: list[Document] = []
        self.nodes: list[Document] = []
        self.alerts: Document = {"receivers": [], "deliveries": []}
        self.tested: list[str | None] = []
        """Receivers that were sent a test message; those called `mute` take none."""
        self.maintenance = MaintenanceKeeper((), occurrence, str)
        self.incidents = IncidentMemory(lambda: self.cameras)
        self.report: Document | None = None
        self.reports_asked: list[dict[str, str]] = []
        self.stopping = False
        self.start_queue = 0
        self.components = {
            name: {"state": "up", "since": fleet.ago(4000), "detail": ""}
            for name in ("database", "mediamtx", "redis", "json_file")
        }
        self.details_changes: Document = {}
        self.players_of: Callable[[str], Document] | None = None
        """Addresses of the players of a path, where they are no fiction."""
        self.pictures: dict[str, PicturesDocument] = {}
        self.accepted: list[str] = []
        self.still: tuple[int, bytes | str] = (404, "nothing is published")
        self.token: str | None = None
        self.users: dict[str, str] = {}
        """Passwords by name; where there are any, they come before the token."""
        self.may_write = True
        self.players: list[str] = []
        self.role: str | None = None
        self.sites: list[str] | None = None
        self.audit: list[Document] = []
        self.rows: RowTable | None = None
        self.conflict: str | None = None
        self.actions: list[tuple[str, str]] = []
        self.exports: list[dict[str, str]] = []
        self.sockets: set[web.WebSocketResponse] = set()
        self.connects: list[dict[str, str]] = []
        self.requests: Counter[str] = Counter()
        self.refuse_sockets = False
        self.refuse_all = False
        self.silent = False

    # What tests do.

    def put(self, *cameras: Document) -> None:
        self.generation += 1
        for camera in cameras:
            self.cameras[camera["id"]] = camera
            self.changed[camera["id"]] = self.generation

    def change(self, camera_id: str, **fields: Any) -> None:
        self.put(self.cameras[camera_id] | fields)

    def remove(self, camera_id: str) -> None:
        self.generation += 1
        del self.cameras[camera_id]
        self.changed.pop(camera_id, None)
        self.removed[camera_id] = self.generation

    def happened(self, **fields: Any) -> None:
        nothing = {"name": "", "before": "healthy", "after": "down", "cause": None, "side": "none", "detail": ""}
        self.events.append(
            {"id": len(self.events) + 1, "at": fleet.ago(0), "kind": "health", "camera": None, "hint": ""}
            | nothing
            | {"retry_in_s": None}
            | fields
        )

    async def publish(self, since: int | None = None) -> None:
        """One delta to everybody: what changed after `since`, by default in the latest generation."""
        message = json.dumps(self.delta(self.generation - 1 if since is None else since))
        for socket in list(self.sockets):
            with contextlib.suppress(ConnectionError):
                await socket.send_str(message)

    async def drop_sockets(self) -> None:
        for socket in list(self.sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    # What the page asks.

    def status(self) -> Document:
        verdicts = [camera["verdict"] for camera in self.cameras.values()]
        return {
            "node": "node-1",
            "version": "0.1.0",
            "instance": self.instance,
            "generation": self.generation,
            "time": fleet.ago(0),
            "uptime_s": 4000.0,
            "interval_s": self.interval_s,
            "stopping": self.stopping,
            "cameras": len(self.cameras),
            "health": Counter(each["health"] for each in verdicts),
            "phase": Counter(camera["phase"] for camera in self.cameras.values()),
            "fault": Counter(each["fault"] for each in verdicts),
            "start_queue": self.start_queue,
            "start_window": {"window": 8, "starting": 0, "slowed_hosts": 0},
            "components": self.components,
            "servers": {},
            "observed": fleet.ago(1),
            **({"nodes": {node["name"]: node["state"] for node in self.nodes}} if self.nodes else {}),
        }

    def _head(self, kind: str) -> Document:
        facts = {"instance": self.instance, "generation": self.generation, "time": fleet.ago(0)}
        incidents = self.incidents.documents()
        return {"type": kind, "interval_s": self.interval_s, "status": self.status(), "incidents": incidents, **facts}

    def snapshot(self) -> Document:
        cameras = list(self.cameras.values())
        return self._head("snapshot") | {"cameras": cameras, "events": self.events[-100:], "host": self.host}

    def delta(self, since: int) -> Document:
        changed = [self.cameras[key] for key, at in self.changed.items() if at > since]
        removed = [key for key, at in self.removed.items() if at > since]
        return self._head("delta") | {"cameras": changed, "removed": removed, "events": self.events[-20:]}

    async def _test_alerts(self, request: web.Request) -> web.Response:
        self.tested.append(wanted := request.query.get("receiver"))
        names = [each["name"] for each in self.alerts["receivers"] if wanted in (None, each["name"])]
        error = {"mute": "no such user (550)"}
        return web.json_response(
            [{"receiver": name, "taken": name not in error, "error": error.get(name, "")} for name in names]
        )

    def app(self, prefix: str = "") -> web.Application:
        inner = web.Application(middlewares=[self._door])
        inner.add_routes(page.routes(lambda: self.players))
        inner.add_routes(
            [
                web.get("/ws", self._socket),
                web.get("/api/session", self._session),
                web.post("/api/login", self._login),
                web.post("/api/logout", self._logout),
                web.get("/api/status", self._answer(self.status)),
                web.get("/api/cameras.csv", self._csv),
                web.post("/api/actions", self._act_on_many),
                web.get("/api/cameras", self._answer(lambda: list(self.cameras.values()))),
                web.get("/api/host", self._answer(lambda: self.host)),
                web.get("/api/streams", self._answer(self._streams)),
                web.get("/api/visionaire", self._answer(lambda: {"interval_s": 60, "hosts": self.visionaire})),
                web.get("/api/report", self._report),
                web.get("/api/nodes", self._answer(lambda: {"observed": fleet.ago(1), "nodes": self.nodes})),
                web.get("/api/alerts", self._answer(lambda: self.alerts)),
                web.post("/api/alerts/test", self._test_alerts),
                web.get("/api/events", self._events),
                *RowFiles(lambda: self.rows, lambda: None).routes(),
                web.get("/api/audit", self._answer(lambda: self.audit)),
                web.get("/api/cameras/{id}", self._camera),
                web.get("/api/cameras/{id}/snapshot.jpg", self._still),
                web.get("/api/cameras/{id}/pictures", self._pictures),
                web.get("/api/cameras/{id}/pictures/{picture}.jpg", self._picture),
                web.post("/api/cameras/{id}/pictures/accept", self._pictures),
                web.post("/api/cameras/{id}/{action}", self._act),
            ]
        )
        inner.add_routes(Incidents(lambda: self.incidents).routes())
        inner.add_routes(Maintenance(lambda: self.maintenance, checked).routes())
        if not prefix:
            return inner
        outer = web.Application()
        outer.add_subapp(prefix, inner)
        return outer

    def _answer(self, document: Any) -> Any:
        async def handler(_: web.Request) -> web.Response:
            return web.json_response(document())

        return handler

    def _streams(self) -> Document:
        return {"fresh": True, "observed": fleet.ago(1), "streams": self.streams}

    def _known(self, request: web.Request) -> bool:
        return self.token is None or request.cookies.get(COOKIE) == "valid"

    async def _report(self, request: web.Request) -> web.Response:
        self.reports_asked.append(dict(request.query))
        if self.report is None:
            return web.json_response({"error": "no history is kept: `restream init-db --history`"}, status=404)
        return web.json_response(self.report)

    @web.middleware
    async def _door(self, request: web.Request, handler: Any) -> web.StreamResponse:
        path = request.match_info.route.resource.canonical if request.match_info.route.resource else request.path
        self.requests[path] += 1
        guarded = "/api/" in path or path.endswith("/ws")
        if self.refuse_all and guarded:
            return web.json_response({"error": "away"}, status=502)
        if guarded and not path.endswith(_OPEN) and not self._known(request):
            return web.json_response({"error": "a token is needed"}, status=401)
        return await handler(request)

    async def _session(self, request: web.Request) -> web.Response:
        known = self._known(request)
        required = self.token is not None
        who = {"name": "anna" if required and known else "", "role": self.role, "sites": self.sites}
        ways = {"sign_in": [*["password"] * bool(self.users), "token"]}
        rights = {
            "token_required": required,
            "authenticated": required and known,
            "may_write": known and self.may_write,
        }
        return web.json_response(rights | who | ways)

    async def _login(self, request: web.Request) -> web.Response:
        shown = await request.json()
        right = shown["token"] == self.token if "token" in shown else self.users.get(shown["user"]) == shown["password"]
        if not right:
            return web.json_response({"error": "this is not the token"}, status=401)
        response = web.Response(status=204)
        response.set_cookie(COOKIE, "valid", httponly=True, samesite="Strict")
        return response

    async def _logout(self, _: web.Request) -> web.Response:
        response = web.Response(status=204)
        response.del_cookie(COOKIE, httponly=True, samesite="Strict")
        return response

    async def _events(self, request: web.Request) -> web.Response:
        since, camera = int(request.query.get("since", 0)), request.query.get("camera")
        found = [each for each in self.events if each["id"] > since and camera in (None, each["camera"])]
        return web.json_response(found[-int(request.query.get("limit", 100)) :])

    async def _camera(self, request: web.Request) -> web.Response:
        camera = self.cameras.get(request.match_info["id"])
        if camera is None:
            return web.json_response({"error": "there is no such camera"}, status=404)
        players = {"players": self.players_of(camera["path"])} if self.players_of else {}
        return web.json_response(fleet.details(camera) | players | self.details_changes)

    async def _still(self, _: web.Request) -> web.Response:
        status, content = self.still
        if isinstance(content, str):
            return web.json_response({"error": content}, status=status)
        return web.Response(body=content, content_type="image/jpeg")

    async def _pictures(self, request: web.Request) -> web.Response:
        camera_id = request.match_info["id"]
        if request.method == "POST":
            self.accepted.append(camera_id)
        document = self.pictures.get(camera_id) or pictures_document(camera_id, None, enabled=False)
        return web.json_response(msgspec.to_builtins(document))

    async def _picture(self, _: web.Request) -> web.Response:
        return web.Response(body=_PIXEL, content_type="image/svg+xml")

    async def _act(self, request: web.Request) -> web.Response:
        camera_id, action = request.match_info["id"], request.match_info["action"]
        if self.conflict:
            return web.json_response({"error": self.conflict}, status=409)
        self.actions.append((camera_id, action))
        return web.json_response({"id": camera_id, "action": action}, status=202)

    async def _act_on_many(self, request: web.Request) -> web.Response:
        asked = await request.json()
        outcomes = []
        for camera_id in asked["cameras"]:
            held = self.cameras[camera_id]["phase"] == "held"
            refused = {"outcome": "refused", "detail": "it is on hold: release it first"}
            answer = refused if held and asked["action"] != "release" else {"outcome": "accepted", "detail": ""}
            outcomes.append({"id": camera_id, "name": self.cameras[camera_id]["name"]} | answer)
        accepted = [each["id"] for each in outcomes if each["outcome"] == "accepted"]
        if not asked["dry_run"]:
            self.actions += [(camera_id, asked["action"]) for camera_id in accepted]
        told = {"action": asked["action"], "dry_run": asked["dry_run"], "cameras": len(outcomes)}
        return web.json_response(told | {"accepted": len(accepted), "outcomes": outcomes})

    async def _csv(self, request: web.Request) -> web.Response:
        self.exports.append(dict(request.query))
        return web.Response(text="id,name\r\n", content_type="text/csv")

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if self.refuse_sockets:
            return web.json_response({"error": "no"}, status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connects.append(dict(request.query))
        resumes = request.query.get("instance") == self.instance
        first = self.delta(int(request.query["generation"])) if resumes else self.snapshot()
        await socket.send_str(json.dumps(first))
        self.sockets.add(socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
        finally:
            self.sockets.discard(socket)
        return socket

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.interval_s)
            if not self.silent:
                await self.publish(self.generation)

    @contextlib.asynccontextmanager
    async def serve(self, port: int = 0, prefix: str = "") -> AsyncIterator[str]:
        """Runs; gives the address of the page."""
        runner = web.AppRunner(self.app(prefix), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        beat = asyncio.create_task(self._beat())
        server = site._server
        assert isinstance(server, asyncio.Server)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{prefix}/"
        finally:
            beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beat
            await self.drop_sockets()
            await runner.cleanup()


async def _live(backend: Backend) -> None:
    """Something always happens."""
    troubled: list[str] = []
    healthy = [key for key, each in backend.cameras.items() if each["verdict"]["health"] == "healthy"]
    for number in range(1_000_000):
        await asyncio.sleep(2)
        some: Iterable[str] = random.sample(healthy, min(30, len(healthy)))
        backend.put(*(backend.cameras[key] | {"bitrate_bps": random.randint(10**6, 5 * 10**6)} for key in some))
        if number % 4 == 0 and healthy:
            key = random.choice(healthy)
            backend.put(fleet.down(int(key), fleet.Cause.STALLED, 0))
            backend.happened(camera=key, name=backend.cameras[key]["name"], cause="stalled", side="camera")
            troubled.append(key)
        if len(troubled) > 3:
            backend.put(fleet.camera(int(troubled.pop(0))))
        await backend.publish(backend.generation - 3)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=500)
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--token")
    parser.add_argument("--still", action="store_true", help="nothing changes")
    options = parser.parse_args()
    backend = Backend(fleet.fleet(options.cameras), interval_s=2)
    backend.token = options.token
    print(f"http://127.0.0.1:{options.port}/")
    async with backend.serve(options.port):
        await (asyncio.Event().wait() if options.still else _live(backend))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
