"""What one cycle of a large fleet costs: sweep, judgement, rendering, stores, clients. No ffmpeg takes part."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from aiohttp import web
from redis.asyncio import Redis

from bench.audience import ask, listeners
from bench.machine import MIB
from bench.scripted_api import scripted_api
from bench.scripted_fleet import ScriptedFleet
from bench.scripted_peers import PeerScript, peer_cameras, scripted_peers
from bench.stages import Rounds, Stages, loop_lag, shares
from restream import __version__
from restream.adapters.server import mediamtx_lists
from restream.adapters.server.mediamtx_http import MediamtxServer
from restream.adapters.server.mediamtx_lists import ListKind
from restream.adapters.stores.json_file import JsonFileSink
from restream.adapters.stores.redis_archive import RedisArchive
from restream.adapters.stores.redis_peers import RedisPeers
from restream.adapters.stores.redis_sink import RedisSink
from restream.demo.embedded import embedded_redis, free_port
from restream.domain.camera.secret import Secret
from restream.domain.fleet.node import FleetNode, NodeName
from restream.domain.judgement.flaws import Thresholds
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.news.event import Event
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import DEFAULT_SERVER, ServerId
from restream.interfaces.documents.camera_details import details
from restream.interfaces.documents.elsewhere import Elsewhere
from restream.interfaces.documents.events import EventDocument, event
from restream.interfaces.documents.players import PublicBases
from restream.interfaces.documents.rendering import Renderer, Rendering
from restream.interfaces.documents.status import ServiceFacts
from restream.interfaces.documents.visionaire import VisionaireDocument
from restream.interfaces.http import live
from restream.interfaces.http.api import Api, ApiContext
from restream.interfaces.http.app import build_app
from restream.interfaces.http.auth import Access
from restream.interfaces.http.exporter import Exporter
from restream.interfaces.http.live import Live
from restream.ports.nodes import Peers
from restream.ports.outlets import Outlet, StreamSink
from restream.service.interpreter import COLLECTOR, raise_file_limit
from restream.service.listening_port import listening
from restream.supervisor.components import Components
from restream.supervisor.loops import Loops
from restream.supervisor.nodes.peer_watch import PeerWatch
from restream.supervisor.outlets.alert_watch import AlertWatch
from restream.supervisor.outlets.archivist import Archivist
from restream.supervisor.outlets.broadcast import Broadcast
from restream.supervisor.outlets.sink_writer import Encoding, SinkWriter
from restream.supervisor.picture.assessor import Assessor
from restream.supervisor.picture.cycle import Cycle, Scene
from restream.supervisor.picture.history import History
from restream.supervisor.picture.observer import Observer

_INTERVAL_S = 2.0
_WARM_UP_ROUNDS = 4
_ME = NodeName("bench")


def add_arguments(commands: Any) -> None:
    parser = commands.add_parser("cycle", help=__doc__)
    parser.add_argument("--cameras", type=int, nargs="+", default=[100, 1000, 5000])
    parser.add_argument("--seconds", type=float, default=30.0, metavar="S", help="how long to measure each part")
    parser.add_argument("--clients", type=int, default=500, help="WebSocket clients; 0: without this part")
    parser.add_argument("--nodes", type=int, default=1, help="that share the cameras; this is one of them")
    parser.add_argument("--changing", type=float, default=2.0, metavar="PERCENT", help="cameras whose phase changes")
    parser.add_argument(
        "--collector",
        type=int,
        nargs=3,
        default=COLLECTOR,
        metavar="N",
        help="thresholds of the garbage collector (default: the service's; the interpreter's are 700 10 10)",
    )
    parser.set_defaults(measure=measure)


class Parts:
    """The service without its supervisor, database and processes, put together as service/service.py does."""

    def __init__(self, options: argparse.Namespace, api_url: str, redis_url: str, directory: str) -> None:
        self.history = History(event)
        self.components = Components(self)
        server = MediamtxServer(api_url, "rtsp://127.0.0.1:1")
        self.observer = Observer(DEFAULT_SERVER, server, self.components, (self,), self, interval_s=_INTERVAL_S)
        self.assessor = Assessor(Thresholds(), self)
        self.cycle = Cycle(self._look, self.assessor, self._publish, self._took, servers=1, longest_s=_INTERVAL_S)
        self._others = [NodeName(f"node{number}") for number in range(2, options.nodes + 1)]
        facts = ServiceFacts(_ME, __version__, "0", time.monotonic(), _INTERVAL_S, shares=bool(self._others))
        self.renderer = Renderer(facts, self._peers)
        self.live = Live(lambda: self.renderer.latest, lambda after, limit: self.history.after(after, limit=limit))
        secret = Secret(redis_url)
        sinks: list[StreamSink] = [
            JsonFileSink(Path(directory) / "streams.json"),
            RedisSink(secret, "", _ME, expire_s=5 * _INTERVAL_S),
        ]
        encoding = Encoding()
        outlets: list[Outlet[Rendering]] = [
            self.live,
            AlertWatch([], self.components),
            *(SinkWriter(sink, encoding, self.components) for sink in sinks),
            Archivist(RedisArchive(secret, "", _ME, EventDocument), self.history, self.assessor.restore),
        ]
        self._broadcast = Broadcast(self._render, outlets, self.components)
        self._watch = PeerWatch(RedisPeers(secret, ""), lambda: self._others, _INTERVAL_S)
        self.fleet = ScriptedFleet(options.cameras[0] // options.nodes, options.changing / 100, self)
        self.assessor.restore(self.fleet.timelines(), time.time())
        self.rounds: Rounds | None = None
        self.cycles_s: list[float] = []
        self.published_at: dict[int, float] = {}
        self.turned = asyncio.Event()

    def _peers(self) -> Peers | None:
        if not self._others:
            return None
        nodes = {name: FleetNode(name, name, 9.0) for name in (_ME, *self._others)}
        return Peers(_ME, frozenset(self.fleet.subjects), nodes, time.monotonic(), self._watch.pictures)

    def peer_script(self, options: argparse.Namespace, redis_url: str) -> PeerScript:
        """What the others tell: the rest of the cameras, like ours."""
        shown = self.renderer.latest.cameras.values()
        templates = [next(each for each in shown if each.phase == phase) for phase in ("running", "backoff")]
        count = len(self.fleet.subjects)
        cameras = {
            name: peer_cameras(templates, name, range(1 + count * place, 1 + count * (place + 1)))
            for place, name in enumerate(self._others, 1)
        }
        return PeerScript(redis_url, _INTERVAL_S, options.changing / 100, cameras)

    def happened(self, event: Event) -> None:
        self.history.happened(event)
        self.cycle.happened(event)

    def server_changed(self, server: ServerId, up: bool) -> None:
        """The component says it."""

    def observed(self, server: ServerId, picture: ServerPicture) -> None:
        if self.rounds is not None:
            self.rounds.mark()
        self.fleet.advance()
        self.cycle.observed(server, picture)
        self.turned.set()

    def _look(self) -> Scene:
        self.history.settle(time.time())
        return Scene(dict(self.fleet.subjects), self.components.all, {DEFAULT_SERVER: self.observer.picture})

    async def _publish(self, snapshot: Snapshot) -> None:
        await self._broadcast.publish(snapshot)

    async def _render(self, snapshot: Snapshot) -> Rendering:
        rendering = await self.renderer.render(snapshot)
        self.published_at[snapshot.generation] = time.monotonic()
        return rendering

    def _took(self, seconds: float) -> None:
        self.cycles_s.append(seconds)

    @contextlib.asynccontextmanager
    async def running(self, port: int) -> AsyncIterator[None]:
        context = ApiContext(
            rendering=lambda: self.renderer.latest,
            status=lambda: self.renderer.latest.status,
            started=lambda: True,
            silent_s=lambda: None,
            details=lambda key: details(self.renderer.latest.snapshot, key, {DEFAULT_SERVER: PublicBases()}),
            events=self.history.after,
            act=lambda *_: None,
            visionaire=lambda: VisionaireDocument(60.0, ()),
        )
        exporter = Exporter(
            lambda: self.renderer.latest.snapshot,
            dict,
            dict,
            lambda: self.live.clients,
            node="bench",
            version=__version__,
        )
        app = build_app(Access(), [*Api(context).routes(), *self.live.routes(), *exporter.routes()])
        loops = [
            lambda: self.fleet.progress(_INTERVAL_S),
            self.observer.run,
            self.cycle.run,
            *([self._watch.run] if self._others else []),
        ]
        async with listening(app, "127.0.0.1", port, "http.port"), Loops() as services:
            for run in loops:
                services.start("part", run)
            self._broadcast.start(services)
            yield
            self.live.close()

    async def turns(self, count: int) -> None:
        """Wait until so many sweeps are complete."""
        for _ in range(count):
            self.turned.clear()
            await self.turned.wait()


def _instrument(stages: Stages) -> None:
    places: Sequence[tuple[Any, str, str]] = (
        (MediamtxServer, "_get", "sweep: fetch"),
        (mediamtx_lists, "_PATHS", "sweep: decode"),
        (mediamtx_lists, "_CONNECTIONS", "sweep: decode"),
        (ListKind, "read_long", "sweep: parse"),
        (ListKind, "read", "sweep: parse"),
        (Observer, "_swept", "sweep: join"),
        (ScriptedFleet, "advance", "bench itself"),
        (ScriptedFleet, "progress_of", "bench itself"),
        (Cycle, "_take", "assess"),
        (Renderer, "render", "render"),
        (Elsewhere, "joined", "render: elsewhere"),
        (RedisPeers, "look", "peers"),
        (Live, "publish", "live: publish"),
        (live, "_delta", "live: encode"),
        (web.WebSocketResponse, "send_frame", "live: send"),
        (AlertWatch, "publish", "alerts"),
        (Rendering, "documents", "documents"),
        (RedisSink, "write", "redis"),
        (Archivist, "_save", "redis archive"),
        (JsonFileSink, "write", "json file"),
        (JsonFileSink, "_replace", "json file"),
    )
    for owner, attribute, name in places:
        stages.wrap(owner, attribute, name)
    stages.watch_collector()


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Each size in a process of its own, so that memory and collector begin anew."""
    sizes = options.cameras
    if len(sizes) > 1:
        found = {str(size): await _in_a_process(options, size) for size in sizes}
    else:
        found = {str(sizes[0]): await _measure(options)}
        if options.json is not None and options.json.name == _PART:
            return found
    _show(found)
    return found


_PART = "cycle-part.json"


async def _in_a_process(options: argparse.Namespace, size: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="restream-bench-") as directory:
        part = Path(directory) / _PART
        flags = {"cameras": size, "seconds": options.seconds, "clients": options.clients, "changing": options.changing}
        flags |= {"nodes": options.nodes}
        collector = (str(each) for each in options.collector)
        arguments = ["--collector", *collector]
        arguments += [text for name, value in flags.items() for text in (f"--{name}", str(value))]
        command = (sys.executable, "-m", "bench", "--json", str(part), "cycle", *arguments)
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        if await process.wait():
            raise RuntimeError(f"{size} cameras could not be measured")
        document = json.loads(part.read_text(encoding="utf-8"))
        return dict(document["results"][str(size)])


async def _measure(options: argparse.Namespace) -> dict[str, Any]:
    raise_file_limit()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*options.collector)
    stages = Stages()
    async with contextlib.AsyncExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="restream-bench-"))
        api_url = await stack.enter_async_context(scripted_api(options.cameras[0]))
        redis_url = await stack.enter_async_context(embedded_redis())
        redis = await stack.enter_async_context(Redis.from_url(redis_url))
        sizes = {f"{name}_bytes": await _size(f"{api_url}/v3/{name}/list") for name in ("paths", "srtconns")}
        parts = Parts(options, api_url, redis_url, directory)
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        await stack.enter_async_context(parts.running(port))
        await parts.turns(_WARM_UP_ROUNDS)
        parts.fleet.remember(parts.assessor.habits)
        if options.nodes > 1:
            await stack.enter_async_context(scripted_peers(parts.peer_script(options, redis_url)))
        await parts.turns(_WARM_UP_ROUNDS)
        lag = await _lag(parts, options.seconds)
        _instrument(stages)
        costs = await _costs(parts, stages, options.seconds, redis)
        found = {**sizes, "cycle": lag | costs, "http": await _http(base, options.cameras[0])}
        return found | {"live": await _live(parts, stages, base, options)} if options.clients else found


async def _size(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return len(await response.read())


async def _lag(parts: Parts, seconds: float) -> dict[str, Any]:
    """Nothing is wrapped yet: the loop as it is in service."""
    lags_ms: list[float] = []
    parts.cycles_s.clear()
    async with loop_lag(lags_ms):
        await asyncio.sleep(seconds)
    return {
        "loop_lag_ms": shares(lags_ms),
        "lasts_ms": shares([1000 * each for each in parts.cycles_s]),
        "cycles_per_sweep": round(len(parts.cycles_s) * _INTERVAL_S / seconds, 2),
        "rss_mib": round(psutil.Process().memory_info().rss / MIB, 1),
    }


async def _rounds(parts: Parts, stages: Stages, seconds: float) -> Rounds:
    """What so many seconds of sweeps cost, each with its cycle."""
    parts.rounds = rounds = Rounds(stages)
    await parts.turns(max(2, round(seconds / _INTERVAL_S)))
    parts.rounds = None
    return rounds


async def _costs(parts: Parts, stages: Stages, seconds: float, redis: Redis) -> dict[str, Any]:
    await parts.turns(1)
    before = await redis.info("stats")
    stages.longest_collection_s = 0.0
    began, cpu_s = time.monotonic(), time.process_time()
    rounds = await _rounds(parts, stages, seconds)
    busy = (time.process_time() - cpu_s) / (time.monotonic() - began)
    after = await redis.info("stats")
    written = after["total_net_input_bytes"] - before["total_net_input_bytes"]
    return {
        "cpu_percent_of_a_core_with_the_bench": round(100 * busy, 1),
        "cpu_ms": rounds.medians_ms(),
        "longest_collection_ms": round(1000 * stages.longest_collection_s, 1),
        "redis_bytes": round(written / len(rounds.rounds)),
    }


async def _http(base: str, cameras: int) -> dict[str, Any]:
    plain: dict[str, str] = {"Accept-Encoding": "identity"}
    questions = {
        "all": ("/api/cameras", plain),
        "all, gzip": ("/api/cameras", {"Accept-Encoding": "gzip"}),
        "all, unchanged": ("/api/cameras", {**plain, "If-None-Match": "LAST"}),
        "page": (f"/api/cameras?health=down,degraded&site=Site%203&q=gate&limit={min(100, cameras)}", plain),
        "streams": ("/api/streams", plain),
        "metrics": ("/metrics", plain),
    }
    found = {}
    for name, (path, headers) in questions.items():
        answer = await ask(base + path, 31, headers)
        if answer["status"] != 404:
            took = shares(answer["took_ms"])
            found[name] = {"status": answer["status"], "bytes": answer["bytes"], "took_ms": took}
    return found


async def _live(parts: Parts, stages: Stages, base: str, options: argparse.Namespace) -> dict[str, Any]:
    lags_ms: list[float] = []
    connecting = time.monotonic()
    async with listeners(f"{base}/ws", options.clients) as seen:
        connected_s = time.monotonic() - connecting
        await parts.turns(2)
        first = parts.renderer.latest.generation + 1
        stages.calls.clear()
        rounds = await _rounds(parts, stages, options.seconds)
        encoded, published = stages.calls["live: encode"], stages.calls["live: publish"]
        async with loop_lag(lags_ms):
            await asyncio.sleep(options.seconds / 2)
        last = parts.renderer.latest.generation - 1
        rss_mib = psutil.Process().memory_info().rss / MIB
        await parts.turns(1)
    arrivals = {int(each): found for each, found in seen["arrivals"].items() if first <= int(each) <= last}
    behind_ms = [1000 * (at - parts.published_at[each]) for each, (_, at) in arrivals.items()]
    return {
        "clients": options.clients,
        "connected_s": round(connected_s, 1),
        "deltas": len(arrivals),
        "deltas_complete": sum(count == options.clients for count, _ in arrivals.values()),
        "clients_lost": seen["lost"],
        "bytes_each": round(seen["bytes"] / max(1, seen["messages"])),
        "encodings_per_delta": round(encoded / max(1, published), 2),
        "last_client_ms": shares(behind_ms),
        "cpu_ms": rounds.medians_ms(),
        "loop_lag_ms": shares(lags_ms),
        "rss_mib": round(rss_mib, 1),
    }


def _show(found: dict[str, Any]) -> None:
    """One line per figure, one column per size."""
    rows: dict[str, list[str]] = {}
    for column, result in enumerate(found.values()):
        for name, value in _flat(result):
            rows.setdefault(name, [""] * len(found))[column] = value
    sys.stdout.write(f"{'cameras':44}" + "".join(f"{size:>22}" for size in found) + "\n")
    for name, values in rows.items():
        sys.stdout.write(f"{name:44}" + "".join(f"{value:>22}" for value in values) + "\n")


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    if not isinstance(value, dict):
        return [(name, str(value))]
    if set(value) == {"p50", "p99", "max"}:
        return [(f"{name} p50 / p99 / max", " / ".join(str(each) for each in value.values()))]
    return [line for key, each in value.items() for line in _flat(each, f"{name} {key}".strip())]
