"""`/metrics`, on the port of the API and on one of its own: one rendering per cycle, made when somebody scrapes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

from aiohttp import web
from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics, generate_latest

from restream.domain.fleet.node import FleetNode
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.news.incident import Incident
from restream.domain.visionaire import HostPicture
from restream.interfaces.http.host_names import named
from restream.interfaces.metrics.exposition import CONTENT_TYPE, Family, labels, text
from restream.interfaces.metrics.families import (
    CameraFamilies,
    classic_families,
    fleet_families,
    incident_family,
    node_families,
)

# When a histogram was made is a series nobody asked for.
disable_created_metrics()  # type: ignore[no-untyped-call]

_BATCH = 200
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

Counts = Callable[[], Mapping[str, Mapping[str, float]]]
"""Counters by name, and in it by the value of their label."""

_COUNTS: Mapping[str, tuple[str, str]] = {
    "events": ("kind", "Events since the start of the service."),
    "alerts": ("outcome", "Alerts handed to webhooks."),
    "lines": ("outcome", "Lines for the time-series database."),
    "pictures": ("outcome", "Key frames of cameras that were to be looked at."),
    "picture_decode_seconds": ("outcome", "Time that decoding them took, one after the other."),
}


class Exporter:
    """Renders the latest snapshot once, for however many scrapes come until the next one."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        pictures: Callable[[], Mapping[str, HostPicture]],
        counts: Counts,
        clients: Callable[[], int],
        *,
        node: str,
        version: str,
        nodes: Callable[[], Collection[FleetNode]] = tuple,
        incidents: Callable[[], Collection[Incident]] = tuple,
    ) -> None:
        self._snapshot = snapshot
        self._pictures = pictures
        self._counts = counts
        self._clients = clients
        self._node = node
        self._version = version
        self._nodes = nodes
        self._incidents = incidents
        self._registry = CollectorRegistry()
        self._cycles = Histogram(
            "restream_cycle_seconds", "Duration of a cycle.", registry=self._registry, buckets=_BUCKETS_S
        )
        self._rendering = asyncio.Lock()
        self._rendered: tuple[int, bytes] | None = None

    def took(self, seconds: float) -> None:
        """A cycle is complete."""
        self._cycles.observe(seconds)

    def application(self, hosts: Collection[str] | None = None) -> web.Application:
        """The exporter's own port: `/metrics`, and nothing else. `hosts` as in `Access`."""
        app = web.Application(middlewares=[named(hosts)])
        app.add_routes(self.routes())
        return app

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/metrics", self.scrape)]

    async def scrape(self, _: web.Request) -> web.Response:
        response = web.Response(body=await self.render(), headers={"Content-Type": CONTENT_TYPE})
        response.enable_compression()
        return response

    async def render(self) -> bytes:
        """The exposition of the latest snapshot."""
        async with self._rendering:
            snapshot = self._snapshot()
            if self._rendered is None or self._rendered[0] != snapshot.generation:
                self._rendered = (snapshot.generation, await self._render(snapshot))
            return self._rendered[1]

    async def _render(self, snapshot: Snapshot) -> bytes:
        cameras = CameraFamilies(snapshot.host, snapshot.taken_at)
        for count, (camera_id, report) in enumerate(snapshot.reports.items()):
            cameras.add(camera_id, report)
            if count % _BATCH == 0:
                await asyncio.sleep(0)
        parts = [text([family]).encode() for family in cameras]
        await asyncio.sleep(0)
        parts.append(text(classic_families(snapshot, self._pictures(), self._node)).encode())
        await asyncio.sleep(0)
        told = [*fleet_families(snapshot), *node_families(self._nodes()), incident_family(self._incidents())]
        parts.append(text([*told, *self._own_families()]).encode())
        parts.append(generate_latest(self._registry))
        return b"".join(parts)

    def _own_families(self) -> list[Family]:
        build = Family("restream_build_info", "gauge", "The version of the service, and its node.")
        build.add(labels(version=self._version, node=self._node), 1)
        clients = Family("restream_websocket_clients", "gauge", "Clients that are connected to /ws.")
        clients.add("", self._clients())
        tasks = Family("restream_tasks", "gauge", "Tasks of the service: flat unless something leaks.")
        tasks.add("", len(asyncio.all_tasks()))
        families = [build, clients, tasks]
        for name, values in self._counts().items():
            label, help_text = _COUNTS[name]
            family = Family(f"restream_{name}_total", "counter", help_text)
            for value, count in values.items():
                family.add(labels(**{label: value}), count)
            families.append(family)
        return families
