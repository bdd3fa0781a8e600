"""Puts the parts together: the only module that knows them all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from restream import __version__
from restream.adapters.ffmpeg import FfmpegPublisher
from restream.adapters.ffprobe import FfprobeProber
from restream.adapters.systemd import SystemdNotifier
from restream.config import ConfigError, Settings
from restream.domain.flow import ServerPicture
from restream.domain.lifecycle import Phase
from restream.domain.secret import Secret
from restream.domain.snapshot import Snapshot, Transition
from restream.interfaces import render
from restream.interfaces.http.api import ApiContext, build_app
from restream.logs import TransitionLog
from restream.ports import Documents, ServiceManager
from restream.supervisor.admission import Admission
from restream.supervisor.components import Components
from restream.supervisor.history import History
from restream.supervisor.observer import Observer
from restream.supervisor.publisher import SinkWriter
from restream.supervisor.registry import Registry
from restream.supervisor.services import Services
from restream.supervisor.supervisor import Supervisor
from restream.wiring import (
    camera_table,
    media_server,
    public_bases,
    require_programs,
    row_reader,
    stream_settings,
    stream_sinks,
)

logger = logging.getLogger(__name__)

_STATUS_INTERVAL_S = 10.0


class Service:
    """The running service: everything wired, from configuration to the listening port."""

    def __init__(self, settings: Settings, reload: Callable[[], Settings]) -> None:
        self._settings = settings
        self._reload = reload
        self._started_at = time.time()
        self._components = Components()
        self._history = History()
        self._log = TransitionLog()
        self._server = media_server(settings)
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
            interval_s=settings.mediamtx.interval_s,
        )
        self._registry = Registry(
            camera_table(settings),
            row_reader(settings),
            self._components,
            self._supervisor.want,
            poll_s=settings.database.poll_s,
        )
        self._writers = [SinkWriter(sink, self._documents, self._components) for sink in stream_sinks(settings)]
        self._rendered: Documents | None = None
        self._notifier: ServiceManager = SystemdNotifier()

    def _suspect_server(self) -> None:
        self._observer.suspect()

    def _transition(self, transition: Transition) -> None:
        self._log(transition)
        self._history.record(transition)

    def _events(self, since: int, camera_id: str | None, limit: int) -> list[render.Document]:
        return [render.event(each.id, each.transition) for each in self._history.after(since, camera_id, limit)]

    def _swept(self, picture: ServerPicture) -> None:
        self._supervisor.observed(picture)
        self._rendered = None
        for writer in self._writers:
            writer.tick()

    def _documents(self) -> Documents:
        if self._rendered is None:
            self._rendered = render.documents(self.snapshot())
        return self._rendered

    def snapshot(self) -> Snapshot:
        """What is known now."""
        return Snapshot(
            taken_at=time.time(),
            now=asyncio.get_running_loop().time(),
            cameras=self._supervisor.statuses,
            disabled=self._registry.disabled,
            rejected=self._registry.rejected,
            components=self._components.all,
            idle_since=self._registry.idle_since,
            server=self._observer.picture,
            start_queue_length=self._supervisor.start_queue_length,
            draining=self._supervisor.draining,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then end every publisher. Raises ConfigError when a port cannot be had."""
        async with self._listening(), Services() as services:
            services.start("media server", self._observer.run)
            services.start("camera table", self._registry.run)
            services.start("service manager", self._report)
            for writer in self._writers:
                services.start(f"sink {writer.name}", writer.run)
            self._notifier.ready()
            logger.info(
                "restream %s is up: http://%s:%d", __version__, self._settings.http.host, self._settings.http.port
            )
            await stop.wait()
            self._notifier.stopping()
            logger.info("stopping %d cameras", len(self._supervisor.statuses))
            await services.stop()
            await self._supervisor.drain()
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
        for key in ("http", "redis", "json_file", "database", "mediamtx"):
            old, new = getattr(self._settings, key), getattr(settings, key)
            if key == "database":
                old, new = old.dsn, new.dsn
            elif key == "mediamtx":
                old, new = (old.api_url, old.interval_s), (new.api_url, new.interval_s)
            if old != new:
                logger.warning("%s: the change takes effect at the next restart of the service", key)
        self._settings = settings
        admission = settings.admission
        self._supervisor.adopt(stream_settings(settings), settings.max_starting, admission.max_starting_per_host)

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        http = self._settings.http
        context = ApiContext(
            snapshot=self.snapshot,
            stderr_tail=self._supervisor.stderr_tail,
            bases=lambda: public_bases(self._settings),
            events=self._events,
            node=socket.gethostname(),
            version=__version__,
            started_at=self._started_at,
        )
        token = Secret(http.token.get_secret_value()) if http.token and http.auth == "token" else None
        runner = web.AppRunner(build_app(context, token), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, http.host, http.port).start()
        except OSError as error:
            await runner.cleanup()
            reason = error.strerror or str(error)
            raise ConfigError(f"http.port: cannot listen on {http.host}:{http.port}: {reason}") from None
        try:
            yield
        finally:
            await runner.cleanup()

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
