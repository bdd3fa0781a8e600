"""Who is told of a cycle: browsers, stores, archives, receivers of alerts, Prometheus, InfluxDB, the terminal."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping

from restream import __version__
from restream.config.settings import Settings
from restream.domain.judgement.availability import Timeline
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.visionaire import HostPicture
from restream.interfaces.documents.cameras import with_processes
from restream.interfaces.documents.rendering import Renderer, Rendering
from restream.interfaces.documents.status import ServiceFacts
from restream.interfaces.http.exporter import Exporter
from restream.interfaces.http.live import Live
from restream.interfaces.series import line_protocol
from restream.ports import Documents
from restream.service.from_settings import alert_receivers, alert_rules, archives, line_store, stream_sinks
from restream.supervisor.components import Components
from restream.supervisor.outlets.alert_watch import AlertWatch
from restream.supervisor.outlets.archivist import Archivist
from restream.supervisor.outlets.line_writer import LineWriter
from restream.supervisor.outlets.sink_writer import SinkWriter
from restream.supervisor.picture.history import History


class Outlets:
    """`publish` is awaited with every snapshot; `loops` run beside it. None of them asks the supervisor anything."""

    def __init__(
        self,
        settings: Settings,
        components: Components,
        history: History,
        *,
        restore: Callable[[Mapping[str, Timeline], float], None],
        pictures: Callable[[], Mapping[str, HostPicture]],
        show: Callable[[Rendering], None],
    ) -> None:
        self._node = node = socket.gethostname()
        facts = ServiceFacts(node, __version__, secrets.token_hex(4), time.monotonic(), settings.mediamtx.interval_s)
        self._history = history
        self._show = show
        self.renderer = Renderer(facts)
        self.live = Live(lambda: self.renderer.latest, lambda after, limit: history.after(after, limit=limit))
        self._writers = [SinkWriter(sink, self._documents, components) for sink in stream_sinks(settings)]
        self._documents_of: tuple[int, asyncio.Future[Documents]] | None = None
        self._archivists = [Archivist(archive, history, restore) for archive in archives(settings)]
        self._alerts = AlertWatch(alert_receivers(settings, node), components, alert_rules(settings))
        store = line_store(settings)
        interval_s = settings.influx.interval_s
        self._lines_to = None if store is None else LineWriter(store, self._lines, components, interval_s=interval_s)
        self.exporter = Exporter(
            lambda: self.renderer.latest.snapshot,
            pictures,
            self._counts,
            lambda: self.live.clients,
            node=node,
            version=__version__,
        )

    def adopt(self, before: Settings, settings: Settings) -> None:
        """What is told of outages, and to whom, changes while the service runs; the rest at its next start."""
        same = settings.alerts.webhooks == before.alerts.webhooks
        self._alerts.adopt(alert_rules(settings), None if same else alert_receivers(settings, self._node))

    async def publish(self, snapshot: Snapshot) -> None:
        """Render it once, and tell everybody; nobody is waited for."""
        self._show(await self.renderer.render(snapshot))
        self.live.publish()
        # Of a large fleet each of these takes a while: whoever waits for the event loop comes between.
        await asyncio.sleep(0)
        self._alerts.follow(snapshot)
        for writer in self._writers:
            writer.tick()
        for archivist in self._archivists:
            archivist.tick(snapshot)

    def loops(self) -> Mapping[str, Callable[[], Awaitable[object]]]:
        """What has to run, by name."""
        loops: dict[str, Callable[[], Awaitable[object]]] = {"alerts": self._alerts.run}
        loops |= {f"sink {writer.name}": writer.run for writer in self._writers}
        loops |= {f"archive {archivist.name}": archivist.run for archivist in self._archivists}
        return loops if self._lines_to is None else loops | {self._lines_to.name: self._lines_to.run}

    async def _documents(self) -> Documents:
        """Encoded once for all who store a cycle; beside the event loop, since of a large fleet it takes a while."""
        rendering = self.renderer.latest
        if self._documents_of is None or self._documents_of[0] != rendering.generation:
            encoding = asyncio.ensure_future(asyncio.to_thread(rendering.documents))
            self._documents_of = (rendering.generation, encoding)
        return await asyncio.shield(self._documents_of[1])

    def _lines(self) -> Iterator[str]:
        """The history of one moment, for InfluxDB; drawn slowly, from frozen documents."""
        rendering = self.renderer.latest
        at_s = rendering.snapshot.taken_at
        yield from line_protocol.cameras(with_processes(rendering.snapshot, rendering.cameras), at_s)
        yield from line_protocol.fleet(rendering.status, at_s)
        if rendering.host is not None:
            yield from line_protocol.host(rendering.host, rendering.status.node, at_s)

    def _counts(self) -> Mapping[str, Mapping[str, float]]:
        counts: dict[str, Mapping[str, float]] = {"events": self._history.recorded, "alerts": self._alerts.outcomes}
        if self._lines_to is not None:
            lines = self._lines_to
            counts["lines"] = {"written": lines.written_total, "dropped": lines.dropped_total}
        return counts
