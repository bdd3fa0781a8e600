"""What the service answers over HTTP, put together from what it knows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from aiohttp import web
from msgspec.structs import replace

from restream import __version__
from restream.adapters.calendar import checked
from restream.adapters.node_http import HttpNodes
from restream.adapters.passwords import Argon2Passwords
from restream.config.settings import Settings
from restream.domain.engine import Media
from restream.domain.engine_choice import EngineChoice
from restream.domain.judgement.status import CameraStatus
from restream.domain.life.lifecycle import HoldAsked, ProbeAsked, Released, Request, RestartAsked
from restream.domain.news.event import ActionAsked
from restream.interfaces.documents.alerts import AlertsDocument, alerts_document
from restream.interfaces.documents.answers import Action
from restream.interfaces.documents.camera_details import CameraDetailsDocument, details
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.nodes import NodesDocument, nodes_document
from restream.interfaces.documents.rendering import Rendering
from restream.interfaces.documents.status import StatusDocument, components_document
from restream.interfaces.documents.visionaire import VisionaireDocument, visionaire
from restream.interfaces.http import alerts, audit, bulk, page, pictures
from restream.interfaces.http import still as stills
from restream.interfaces.http.api import Api, ApiContext
from restream.interfaces.http.app import build_app
from restream.interfaces.http.elsewhere import Owners
from restream.interfaces.http.incidents import Incidents
from restream.interfaces.http.maintenance import Maintenance
from restream.interfaces.http.openapi import document as openapi
from restream.interfaces.http.provider_sign_in import ProviderSignIn
from restream.interfaces.http.reports import Reports
from restream.interfaces.http.rights import ASKING
from restream.interfaces.http.rows import RowFiles
from restream.interfaces.http.session import Sessions
from restream.ports.cameras import StillError
from restream.ports.nodes import Peers
from restream.service.from_settings import access, public_bases, still_of
from restream.service.incidents import page_address
from restream.service.outlets import Outlets
from restream.service.reporting import NO_HISTORY, make_report
from restream.service.sampling import Sampling
from restream.service.secrets_in_use import SecretsInUse
from restream.service.sharing import Sharing
from restream.service.signing_in import ProviderInForce
from restream.supervisor.cameras.fleet import Fleet
from restream.supervisor.cameras.paced_requests import PacedRequests
from restream.supervisor.cameras.registry import Registry
from restream.supervisor.components import Components
from restream.supervisor.picture.assessor import Assessor
from restream.supervisor.picture.history import History
from restream.supervisor.picture.pulse import Pulse
from restream.supervisor.picture.visionaire_poller import VisionairePoller

# A pass for other nodes lasts as long as a call, and clocks may differ by this.
_CALL_S = 60.0

_REQUESTS: Mapping[Action, Request] = {
    Action.RESTART: RestartAsked(),
    Action.PROBE: ProbeAsked(),
    Action.HOLD: HoldAsked(),
    Action.RELEASE: Released(),
}


@dataclass(frozen=True, slots=True)
class Web:
    """The parts that answers are made of; `settings` are those in force."""

    settings: Callable[[], Settings]
    fleet: Fleet
    assessor: Assessor
    history: History
    outlets: Outlets
    sampling: Sampling
    poller: VisionairePoller
    components: Components
    pulse: Pulse
    sharing: Sharing
    secrets: SecretsInUse
    registry: Registry

    def application(self) -> web.Application:
        """Everything that listens on `http.port`."""
        rules = access(self.settings(), self.secrets, lambda: self.settings().api.accounts)
        passwords, provider = Argon2Passwords(), ProviderInForce(self.settings)
        caller = HttpNodes(self.settings().node_name, lambda: rules.pass_for(_CALL_S))
        context = ApiContext(
            rendering=self._rendering,
            status=self._status,
            started=lambda: self.pulse.started,
            silent_s=lambda: self.pulse.silent_s,
            details=self._details,
            events=self.history.after,
            act=self._act,
            visionaire=self._visionaire,
            nodes=self._nodes,
            peers=self._peers,
            caller=caller,
        )
        owners = Owners(self._rendering, self._peers, caller)
        routes: tuple[Iterable[web.AbstractRouteDef], ...] = (
            Api(context).routes(),
            bulk.routes(self._rendering, partial(self._act_on_many, PacedRequests(self.fleet)), owners),
            stills.routes(self._still, owners),
            Incidents(lambda: self.outlets.incidents, page_address(self.settings()), self._cameras).routes(),
            pictures.routes(lambda: self.sampling.answers, owners),
            alerts.routes(self._alerts, self._test_alerts),
            Maintenance(lambda: self.outlets.maintenance, checked, self._cameras).routes(),
            Reports(lambda asked, sites: make_report(self.settings(), self.secrets, asked, sites), NO_HISTORY).routes(),
            Sessions(rules, passwords).routes(),
            ProviderSignIn(rules, provider, lambda: page_address(self.settings()), self.outlets.audit.record).routes(),
            self.outlets.live.routes(),
            self.outlets.exporter.routes(),
            RowFiles(lambda: self.registry.table, lambda: self.settings().database.query).routes(),
            audit.routes(self.outlets.audit.find),
            page.routes(self._players),
            openapi.routes(rules, __version__),
        )
        app = build_app(rules, [route for room in routes for route in room], self._site_of, self.outlets.audit.record)
        app.on_shutdown.append(self._end_live)
        app.on_cleanup.append(lambda _: caller.close())
        app.on_cleanup.append(lambda _: provider.close())
        app.on_cleanup.append(lambda _: asyncio.to_thread(passwords.close))
        return app

    def _rendering(self) -> Rendering:
        return self.outlets.renderer.latest

    def _cameras(self) -> Mapping[str, CameraDocument]:
        return self._rendering().cameras

    def _players(self) -> Iterable[str]:
        bases = (public_bases(section) for section in self.settings().servers.values())
        return [address for each in bases for address in (each.hls, each.webrtc) if address]

    def _peers(self) -> Peers | None:
        return self.sharing.peers()

    def _site_of(self, camera_id: str) -> str | None:
        camera = self._rendering().cameras.get(camera_id)
        return camera.site if camera is not None else None

    def _nodes(self) -> NodesDocument:
        latest, now = self.outlets.renderer.latest, asyncio.get_running_loop().time()
        return nodes_document(self._peers(), latest.cameras.values(), latest.status, now, time.time())

    def _status(self) -> StatusDocument:
        latest = self.outlets.renderer.latest
        if self.pulse.silent_s is None:
            return latest.status
        # The latest cycle cannot tell that it was the last.
        return replace(latest.status, components=components_document(latest.snapshot, self.components.all))

    def _choices(self, camera_id: str) -> tuple[EngineChoice, ...]:
        report, look = self.outlets.renderer.latest.snapshot.reports.get(camera_id), self.fleet.look(camera_id)
        if report is None or not isinstance(report.subject, CameraStatus):
            return ()
        media = report.subject.state.media or (look.outcome if look is not None else None)
        if not isinstance(media, Media):
            return ()
        return self.fleet.settings.choices(report.subject.camera, media, report.subject.plan)

    def _details(self, camera_id: str) -> CameraDetailsDocument | None:
        return details(
            self.outlets.renderer.latest.snapshot,
            camera_id,
            {server: public_bases(section) for server, section in self.settings().servers.items()},
            habits=self.assessor.habits(camera_id),
            stderr_tail=self.fleet.log(camera_id),
            look=self.fleet.look(camera_id),
            probing=self.fleet.probing(camera_id),
            choices=self._choices(camera_id),
        )

    def _act(self, camera_id: str, action: Action) -> str | None:
        return self._asked(camera_id, action, self.fleet.ask(camera_id, _REQUESTS[action]))

    def _act_on_many(self, paced: PacedRequests, camera_id: str, action: Action, dry_run: bool) -> str | None:
        if dry_run:
            return self._refusal(camera_id, self.fleet.refusal(camera_id, _REQUESTS[action]))
        return self._asked(camera_id, action, paced.ask(camera_id, _REQUESTS[action]))

    def _asked(self, camera_id: str, action: Action, refusal: str | None) -> str | None:
        """It was asked of a camera: events tell by whom."""
        if refusal == "":
            camera = self._rendering().cameras.get(camera_id)
            name = camera.name if camera is not None else ""
            self.history.happened(ActionAsked(time.time(), camera_id, name, action, ASKING.get().name))
        return self._refusal(camera_id, refusal)

    def _refusal(self, camera_id: str, refusal: str | None) -> str | None:
        if refusal is None and camera_id in self.outlets.renderer.latest.cameras:
            return "it is not supervised: its row is disabled or not understood"
        return refusal

    async def _still(self, camera_id: str) -> bytes | None:
        report = self.outlets.renderer.latest.snapshot.reports.get(camera_id)
        if report is None:
            return None
        if report.stream is None or not report.stream.path.live or not isinstance(report.subject, CameraStatus):
            reasons = "; ".join(reason.text for reason in report.verdict.reasons)
            raise StillError(f"nothing to see: {reasons}")
        return await self.outlets.stills.take(*still_of(self.settings(), report.subject.camera))

    async def _alerts(self, limit: int) -> AlertsDocument:
        return alerts_document(self.outlets.alerts.receivers, await self.outlets.deliveries.latest(limit), limit)

    async def _test_alerts(self, receiver: str | None) -> Mapping[str, str]:
        return await self.outlets.alerts.test(receiver)

    def _visionaire(self) -> VisionaireDocument:
        poller, now = self.poller, asyncio.get_running_loop().time()
        return visionaire(poller.pictures, now=now, taken_at=time.time(), interval_s=poller.interval_s)

    async def _end_live(self, _: web.Application) -> None:
        self.outlets.live.close()
