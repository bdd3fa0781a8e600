"""Puts the parts together: the only module that knows them all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping

from aiohttp import web

from restream import __version__
from restream.adapters.ffmpeg import FfmpegPublisher
from restream.adapters.ffprobe import FfprobeProber
from restream.adapters.stills import FfmpegStills
from restream.adapters.systemd import SystemdNotifier
from restream.config import ConfigError, Settings
from restream.domain.event import Event, Transition
from restream.domain.flow import ServerPicture
from restream.domain.lifecycle import HoldAsked, Phase, ProbeAsked, Released, Request, RestartAsked
from restream.domain.snapshot import Snapshot
from restream.domain.status import CameraStatus, Subject
from restream.interfaces import cameras
from restream.interfaces.events import event
from restream.interfaces.http import page, stills
from restream.interfaces.http.api import Action, Api, ApiContext
from restream.interfaces.http.app import build_app
from restream.interfaces.http.live import Live
from restream.interfaces.http.session import Sessions
from restream.interfaces.render import Document
from restream.interfaces.rendering import Renderer, ServiceFacts
from restream.listening import listening
from restream.logs import TransitionLog
from restream.ports import Documents, ServiceManager, StillError
from restream.supervisor.admission import Admission
from restream.supervisor.archive import Archivist
from restream.supervisor.assessor import Assessor
from restream.supervisor.components import Components
from restream.supervisor.cycle import Cycle, Scene
from restream.supervisor.history import History
from restream.supervisor.observer import Observer
from restream.supervisor.publisher import SinkWriter
from restream.supervisor.registry import Registry
from restream.supervisor.services import Services
from restream.supervisor.stills import Stills
from restream.supervisor.supervisor import Supervisor
from restream.wiring import (
    access,
    archives,
    camera_table,
    media_server,
    public_bases,
    require_programs,
    row_reader,
    still_command,
    stream_settings,
    stream_sinks,
)

logger = logging.getLogger(__name__)

_STATUS_INTERVAL_S = 10.0
_REQUESTS: Mapping[Action, Request] = {
    "restart": RestartAsked(),
    "probe": ProbeAsked(),
    "hold": HoldAsked(),
    "release": Released(),
}
# Changes of these act only at the next start of the service; of some sections, only these keys.
_FIXED: Mapping[str, tuple[str, ...] | None] = {
    "http": None,
    "metrics": None,
    "redis": None,
    "json_file": None,
    "host": None,
    "database": ("dsn", "query", "notify_channel"),
    "mediamtx": ("api_url", "api_user", "api_password", "interval_s"),
}


class Service:
    """The running service: everything wired, from configuration to the listening port."""

    def __init__(self, settings: Settings, reload: Callable[[], Settings]) -> None:
        self._settings = settings
        self._reload = reload
        self._history = History(event)
        self._log = TransitionLog()
        self._components = Components(self._happened)
        self._server = media_server(settings)
        interval_s = settings.mediamtx.interval_s
        self._supervisor = Supervisor(
            stream_settings(settings),
            prober=FfprobeProber(),
            publisher=FfmpegPublisher(settings.ffmpeg.stop_grace_s),
            admission=Admission(settings.max_starting, settings.admission.max_starting_per_host),
            check_server=self._suspect_server,
            on_transition=self._transition,
        )
        self._observer = Observer(
            self._server,
            self._components,
            self._supervisor.server_changed,
            self._swept,
            self._happened,
            interval_s=interval_s,
        )
        self._registry = Registry(
            camera_table(settings),
            row_reader(settings),
            self._components,
            self._supervisor.want,
            poll_s=settings.database.poll_s,
        )
        self._assessor = Assessor(settings.thresholds(), self._happened)
        self._cycle = Cycle(self._look, self._assessor, self._publish, lambda _: None, longest_s=interval_s)
        facts = ServiceFacts(socket.gethostname(), __version__, secrets.token_hex(4), time.time(), interval_s)
        self._renderer = Renderer(facts)
        self._live = Live(lambda: self._renderer.latest, lambda after, limit: self._history.after(after, limit=limit))
        self._writers = [SinkWriter(sink, self._documents, self._components) for sink in stream_sinks(settings)]
        self._archivists = [Archivist(archive, self._history, self._assessor.restore) for archive in archives(settings)]
        self._stills = Stills(FfmpegStills(settings.ffmpeg.probe_timeout_s))
        self._documents_of: tuple[int, Documents] | None = None
        self._notifier: ServiceManager = SystemdNotifier()

    # -- what happens --------------------------------------------------------------------------------------------------

    def _suspect_server(self) -> None:
        self._observer.suspect()

    def _transition(self, transition: Transition) -> None:
        self._log(transition)
        self._happened(transition)

    def _happened(self, happened: Event) -> None:
        self._history.record(happened)
        self._cycle.changed()

    def _swept(self, picture: ServerPicture) -> None:
        self._supervisor.observed(picture)
        self._cycle.swept()

    # -- one cycle -----------------------------------------------------------------------------------------------------

    def _look(self) -> Scene:
        self._history.settle(time.time())
        subjects: dict[str, Subject] = {**self._registry.rejected, **self._registry.disabled}
        return Scene(
            subjects={**subjects, **self._supervisor.statuses},
            components=self._components.all,
            server=self._observer.picture,
            start_queue_length=self._supervisor.start_queue_length,
            draining=self._supervisor.draining,
        )

    async def _publish(self, snapshot: Snapshot) -> None:
        await self._renderer.render(snapshot)
        self._live.publish()
        for writer in self._writers:
            writer.tick()
        for archivist in self._archivists:
            archivist.tick(snapshot)

    def _documents(self) -> Documents:
        """Encoded once for all who store a cycle."""
        rendering = self._renderer.latest
        if self._documents_of is None or self._documents_of[0] != rendering.generation:
            self._documents_of = (rendering.generation, rendering.documents())
        return self._documents_of[1]

    # -- what the API asks ---------------------------------------------------------------------------------------------

    def _details(self, camera_id: str) -> Document | None:
        snapshot = self._renderer.latest.snapshot
        document = cameras.details(snapshot, camera_id, public_bases(self._settings))
        if document is None:
            return None
        habits = self._assessor.habits(camera_id)
        tail = list(self._supervisor.stderr_tail(camera_id))
        return document | {"history": habits and cameras.history(habits, snapshot), "stderr_tail": tail}

    def _act(self, camera_id: str, action: Action) -> str | None:
        refusal = self._supervisor.ask(camera_id, _REQUESTS[action])
        if refusal is None and camera_id in self._renderer.latest.cameras:
            return "it is not supervised: its row is disabled or not understood"
        return refusal

    async def _still(self, camera_id: str) -> bytes | None:
        report = self._renderer.latest.snapshot.reports.get(camera_id)
        if report is None:
            return None
        if report.stream is None or not report.stream.path.available or not isinstance(report.subject, CameraStatus):
            reasons = "; ".join(reason.text for reason in report.verdict.reasons)
            raise StillError(f"nothing to see: {reasons}")
        path = report.subject.camera.path
        return await self._stills.take(path, still_command(self._settings, path))

    def _app(self) -> web.Application:
        context = ApiContext(
            rendering=lambda: self._renderer.latest,
            details=self._details,
            events=self._history.after,
            act=self._act,
            visionaire=lambda: {"interval_s": self._settings.visionaire.interval_s, "hosts": []},
        )
        rules = access(self._settings)
        routes = (*Api(context).routes(), *stills.routes(self._still), *Sessions(rules).routes(), *self._live.routes())
        app = build_app(rules, [*routes, *page.routes()])
        app.on_shutdown.append(self._end_live)
        return app

    async def _end_live(self, _: web.Application) -> None:
        self._live.close()

    # -- life ----------------------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then end every publisher. Raises ConfigError when a port cannot be had."""
        http = self._settings.http
        async with listening(self._app(), http.host, http.port, "http.port"), Services() as observing:
            observing.start("cycle", self._cycle.run)
            async with Services() as services:
                services.start("media server", self._observer.run)
                services.start("camera table", self._registry.run)
                services.start("service manager", self._report)
                for writer in self._writers:
                    services.start(f"sink {writer.name}", writer.run)
                for archivist in self._archivists:
                    services.start(f"archive {archivist.name}", archivist.run)
                self._notifier.ready()
                logger.info("restream %s is up: http://%s:%d", __version__, http.host, http.port)
                await stop.wait()
                self._notifier.stopping()
                logger.info("stopping %d cameras", len(self._supervisor.statuses))
            await asyncio.gather(self._supervisor.drain(), self._stills.close())
        await self._server.close()
        logger.info("all publishers have ended")

    def reload(self) -> None:
        """SIGHUP: re-read what can be re-read; a bad configuration changes nothing."""
        self._notifier.reloading()
        try:
            settings = self._reload()
            reader = row_reader(settings)
        except ConfigError as error:
            logger.error("configuration not re-read, the old one stays in force: %s", error)
        else:
            self._adopt(settings)
            self._registry.adopt(reader, settings.database.poll_s)
            logger.info("configuration re-read")
        self._notifier.ready()

    def _adopt(self, settings: Settings) -> None:
        for section, keys in _FIXED.items():
            old, new = getattr(self._settings, section), getattr(settings, section)
            if (old != new) if keys is None else any(getattr(old, key) != getattr(new, key) for key in keys):
                logger.warning("%s: the change takes effect at the next restart of the service", section)
        self._settings = settings
        self._assessor.adopt(settings.thresholds())
        admission = settings.admission
        self._supervisor.adopt(stream_settings(settings), settings.max_starting, admission.max_starting_per_host)

    async def _report(self) -> None:
        """Keep systemd informed: a sign of life from this loop, and one line of status."""
        watchdog_s = self._notifier.watchdog_interval_s
        interval_s = min(watchdog_s or _STATUS_INTERVAL_S, _STATUS_INTERVAL_S)
        while True:
            statuses = self._supervisor.statuses.values()
            running = sum(status.state.phase is Phase.RUNNING for status in statuses)
            self._notifier.alive()
            self._notifier.status(f"{running} of {len(statuses)} cameras running")
            await asyncio.sleep(interval_s)


def install_child_watcher() -> None:
    """On Python 3.11 the default watcher starts a thread per child; a pidfd costs nothing (3.12 does this itself)."""
    if sys.version_info < (3, 12) and hasattr(os, "pidfd_open"):
        asyncio.set_child_watcher(asyncio.PidfdChildWatcher())


def raise_file_limit() -> None:
    """Every camera takes three descriptors; the usual soft limit of 1024 ends at about 330 cameras."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def serve(settings: Settings, reload: Callable[[], Settings]) -> None:
    """Run the service until SIGTERM or SIGINT. Raises ConfigError, DependencyError."""
    require_programs(settings)
    raise_file_limit()
    service = Service(settings, reload)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, service.reload)
    await service.run(stop)
