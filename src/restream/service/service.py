"""Puts the parts together: the only module that knows them all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from restream import __version__
from restream.adapters.host_meter import PsutilHostMeter
from restream.adapters.pressure_stall import ProcPressure
from restream.adapters.systemd import SystemdNotifier
from restream.config.settings import FIXED, ConfigError, Settings
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.status import Subject
from restream.domain.life.lifecycle import Phase
from restream.domain.news.event import Event
from restream.interfaces.documents.events import event
from restream.interfaces.documents.rendering import Rendering
from restream.logs import TransitionLog, mask_in_logs
from restream.ports.outlets import Outlet
from restream.service.engine_resources import EngineResources
from restream.service.from_settings import (
    allowed_hosts,
    camera_table,
    failover_policy,
    observed_server,
    row_reader,
    stream_directories,
    stream_settings,
    with_same_servers,
)
from restream.service.handover import Manifest
from restream.service.http_application import Web
from restream.service.interpreter import collect_rarely
from restream.service.listening_port import Ports, listening
from restream.service.outlets import outlets
from restream.service.pulling import PlaceReasons
from restream.service.report_schedule import ReportSchedule
from restream.service.sampling import Sampling
from restream.service.secrets_in_use import SecretsInUse, lasting
from restream.service.sharing import Sharing
from restream.service.succession import Succession
from restream.supervisor.cameras.admission import Admission
from restream.supervisor.cameras.failover_keeper import FailoverKeeper
from restream.supervisor.cameras.fleet import Fleet
from restream.supervisor.cameras.pressure_watch import PressureWatch
from restream.supervisor.cameras.registry import Registry
from restream.supervisor.components import Components
from restream.supervisor.loops import Loops
from restream.supervisor.picture.assessor import Assessor
from restream.supervisor.picture.cycle import Cycle, Scene
from restream.supervisor.picture.history import History
from restream.supervisor.picture.host_watch import HostWatch
from restream.supervisor.picture.observers import Observers
from restream.supervisor.picture.pulse import Pulse
from restream.supervisor.picture.visionaire_poller import VisionairePoller

logger = logging.getLogger(__name__)

_STATUS_INTERVAL_S = 10.0
# A sweep that is slow, or hangs, delays a cycle by this many intervals at most.
_LATE = 1.5
# What ending all publishers may take beyond their grace; what is left then is left to the system.
_DRAIN_MARGIN_S = 12.0

_Load = Callable[[], Settings]
_Outlets = Sequence[Outlet[Rendering]]


class Service:
    """The running service: everything wired, from configuration to the listening port.

    `before` is what an earlier life of it has left, in this process.
    """

    def __init__(
        self, settings: Settings, reload: _Load, others: _Outlets = (), before: Manifest | None = None
    ) -> None:
        self._settings, self._secrets, self._reload = settings, SecretsInUse(settings), reload
        self._history = History(partial(event, node=settings.node_name))
        self._log, self._reasons, self._components = TransitionLog(), PlaceReasons(), Components(self)
        self._resources = EngineResources(settings, self._secrets, self._why_not_fetched)
        interval_s, thresholds = settings.mediamtx.interval_s, settings.thresholds()
        longest_s = _LATE * interval_s
        servers = {key: observed_server(key, each, self._resources) for key, each in settings.servers.items()}
        self._observers = Observers(servers, self._components, self, interval_s=interval_s)
        self._before, self._ports = before, Ports(before.ports if before else None)
        self._sharing = Sharing(settings, self._secrets, self._components, before.share if before else None)
        admission, streams = self._admission(settings), stream_settings(settings, self._resources)
        self._pressure, self._notifier = PressureWatch(ProcPressure(), admission), SystemdNotifier()
        self._fleet = Fleet(streams, admission=admission, servers=self._observers, listener=self)
        self._assessor = Assessor(thresholds, self, longest_s=longest_s, plans=lambda: self._outlets.maintenance)
        self._host = HostWatch(PsutilHostMeter(), self._pids, settings.host.interval_s)
        follower = self._sharing.follower(self._fleet, self._observers, self._host, self._latest)
        self._failover = FailoverKeeper(failover_policy(settings), follower)
        table, reader, poll_s = camera_table(settings, self._secrets), row_reader(settings), settings.database.poll_s
        self._registry = Registry(table, reader, self._components, self._failover, poll_s=poll_s)
        directories, interval = stream_directories(settings), settings.visionaire.interval_s
        self._poller = VisionairePoller(directories, self._components, interval_s=interval)
        self._sampling = Sampling(settings, self._secrets, self._components, self._resources, self._latest)
        self._outlets = outlets(
            settings,
            self._secrets,
            self._components,
            self._history,
            restore=self._assessor.restore,
            pictures=lambda: self._poller.pictures,
            sharing=self._sharing,
            others=others,
            sampling=self._sampling,
        )
        self._pulse = Pulse(interval_s, self._components, self._outlets.alerts.without_cycle)
        self._cycle = Cycle(
            self._look,
            self._assessor,
            self._outlets.broadcast.publish,
            self._completed,
            servers=len(settings.servers),
            longest_s=longest_s,
        )
        self._observers.follow(self._fleet, self._failover, self._cycle)
        self._web = Web(
            lambda: self._settings,
            self._fleet,
            self._assessor,
            self._history,
            self._outlets,
            self._sampling,
            self._poller,
            self._components,
            self._pulse,
            self._sharing,
            self._secrets,
            self._registry,
        )

    def _admission(self, settings: Settings) -> Admission:
        return Admission(settings.start_limits(), self._sharing.permits)

    # -- what happens --------------------------------------------------------------------------------------------------

    def happened(self, event: Event) -> None:
        """Everybody who listens hears it."""
        self._log.happened(event)
        self._history.happened(event)
        self._cycle.happened(event)

    def _why_not_fetched(self, place: str) -> str:
        return self._reasons.of(place, self._latest())

    def _latest(self) -> Snapshot:
        return self._outlets.renderer.latest.snapshot

    # -- one cycle -----------------------------------------------------------------------------------------------------

    def _look(self) -> Scene:
        self._history.settle(time.time())
        statuses = self._fleet.statuses
        self._history.keep_only(statuses)
        subjects: dict[str, Subject] = {**self._registry.rejected, **self._registry.disabled, **self._sharing.unowned}
        return Scene(
            subjects={**subjects, **statuses},
            table_read=self._registry.was_read,
            components=self._components.all,
            servers=self._observers.pictures,
            host=self._host.sample,
            node=self._settings.node_name,
            starts=self._fleet.starts,
            standing=self._sharing.standing(draining=self._fleet.draining),
            seen=self._sampling.seen,
        )

    def _completed(self, took_s: float) -> None:
        self._outlets.exporter.took(took_s)
        self._pulse.completed(took_s)

    def _pids(self) -> Mapping[str, int]:
        statuses = self._fleet.statuses
        return {camera_id: status.pid for camera_id, status in statuses.items() if status.pid is not None}

    # -- life ----------------------------------------------------------------------------------------------------------

    @property
    def _succession(self) -> Succession:
        environment = self._notifier.environment
        return Succession(self._fleet, self._registry, self._resources, self._sharing, self._ports, environment)

    async def run(self, stop: asyncio.Event, replaced: Callable[[], bool] = lambda: False) -> Manifest | None:
        """Serve until `stop` is set, then end every publisher; where `replaced` is true by then, leave what flows to
        the next program in this process, which is to be given the result. Raises ConfigError when a port cannot be had.
        """
        http, application = self._settings.http, self._web.application()
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(
                listening(application, http.host, http.port, "http.port", ports=self._ports)
            )
            metrics = self._settings.metrics
            if metrics.port is not None:
                exporter = self._outlets.exporter.application(allowed_hosts(self._settings, metrics.host))
                port = listening(exporter, metrics.host, metrics.port, "metrics.port", ports=self._ports)
                await stack.enter_async_context(port)
            await self._succession.begin(self._before)
            self._before = None
            observing = await stack.enter_async_context(Loops())
            observing.start("cycle", self._cycle.run)
            observing.start("garbage collector", collect_rarely)
            if self._outlets.media is not None:
                self._fleet.know(await self._outlets.media.recall())
            async with Loops() as services:
                for name, run in self._loops().items():
                    services.start(name, run)
                self._outlets.broadcast.start(services)
                self._notifier.ready()
                logger.info("restream %s is up: http://%s:%d", __version__, http.host, http.port)
                await stop.wait()
            limit_s = self._settings.ffmpeg.stop_grace_s + _DRAIN_MARGIN_S
            if replaced():
                # Nobody is to see a fleet without the cameras that are left.
                await observing.stop()
                manifest = await self._succession.leave(limit_s)
            else:
                self._notifier.stopping()
                logger.info("stopping %d cameras", len(self._fleet.statuses))
                manifest = None
                await self._fleet.drain(limit_s)
            await self._outlets.stills.close()
        await (self._sharing.leave() if manifest is None else self._sharing.close())
        await self._resources.close()
        await self._observers.close()
        logger.info("all publishers have ended" if manifest is None else "the next version is executed")
        return manifest

    def _loops(self) -> Mapping[str, Callable[[], Awaitable[object]]]:
        """Everything that runs beside the cycle, by name."""
        return {
            **self._observers.loops(),
            "camera table": self._registry.run,
            "failover": self._failover.run,
            "service manager": self._report,
            "host": self._host.run,
            "pressure": self._pressure.run,
            "visionaire": self._poller.run,
            "pulse": self._pulse.run,
            "reports": ReportSchedule(lambda: self._settings, self._secrets, self._components, self._sharing.leads).run,
            **self._sharing.loops(),
            **self._sampling.loops(),
        }

    def reload(self) -> None:
        """SIGHUP: re-read what can be re-read; a bad configuration changes nothing."""
        self._notifier.reloading()
        try:
            settings = with_same_servers(self._reload(), self._settings)
            reader = row_reader(settings)
        except ConfigError as error:
            self._outlets.audit.reloaded(str(error))
        else:
            self._adopt(settings)
            self._registry.adopt(reader, settings.database.poll_s)
            self._outlets.audit.reloaded()
        self._notifier.ready()

    def _adopt(self, settings: Settings) -> None:
        for section, keys in FIXED.items():
            old, new = lasting(getattr(self._settings, section)), lasting(getattr(settings, section))
            if any(old[key] != new[key] for key in (old if keys is None else keys)):
                logger.warning("%s: the change takes effect at the next restart of the service", section)
        mask_in_logs(settings.secrets())
        self._secrets.adopt(settings)
        # Where the directory listens is what media servers must be led to.
        token = settings.pull.token if self._settings.pull.token else None
        pull = self._settings.pull.model_copy(update={"token": token or self._settings.pull.token})
        settings = settings.model_copy(update={"pull": pull})
        for server, found in settings.servers.items():
            if found != self._settings.servers[server]:
                self._observers.adopt(server, observed_server(server, found, self._resources))
        self._outlets.adopt(self._settings, settings)
        self._settings = settings
        self._assessor.adopt(settings.thresholds())
        self._sampling.adopt(settings)
        self._failover.adopt(failover_policy(settings))
        self._fleet.adopt(stream_settings(settings, self._resources), settings.start_limits())

    async def _report(self) -> None:
        """Keep systemd informed: a sign of life as long as cycles complete, and one line of status."""
        watchdog_s = self._notifier.watchdog_interval_s
        interval_s = min(watchdog_s or _STATUS_INTERVAL_S, _STATUS_INTERVAL_S)
        while True:
            statuses = self._fleet.statuses.values()
            running = sum(status.state.phase is Phase.RUNNING for status in statuses)
            if self._pulse.silent_s is None:
                self._notifier.alive()
            self._notifier.status(f"{running} of {len(statuses)} cameras running")
            await asyncio.sleep(interval_s)
