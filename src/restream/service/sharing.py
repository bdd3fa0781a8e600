"""This service among others that share the cameras (`nodes.dsn`), or alone."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping

from restream import __version__
from restream.config.settings import Settings
from restream.domain.camera.camera import Camera
from restream.domain.fleet.lease import KeptShare
from restream.domain.fleet.node import NodeName, NodeTraits
from restream.domain.fleet.share import Pace, calm
from restream.domain.host_sample import HostSample
from restream.domain.judgement.sight import ServiceStanding
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.status import Unowned
from restream.domain.pull.plan import ENGINE as PULL
from restream.ports.nodes import Peers
from restream.service.from_settings import lease_table
from restream.service.secrets_in_use import SecretsInUse
from restream.service.stores import peer_reader
from restream.supervisor.cameras.fleet import Fleet
from restream.supervisor.components import Components
from restream.supervisor.journeys import CameraFollower
from restream.supervisor.nodes.peer_watch import PeerWatch
from restream.supervisor.nodes.share_keeper import ShareKeeper
from restream.supervisor.nodes.witness import PathWatch
from restream.supervisor.picture.host_watch import HostWatch
from restream.supervisor.picture.observers import Observers

_STALE_SWEEPS = 3
# MediaMTX's `readTimeout`: how long it keeps a publisher whose host is gone.
_READ_TIMEOUT_S = 10.0


class Sharing:
    """`permits` and `follower` stand between the table and the fleet; alone they change nothing."""

    def __init__(
        self, settings: Settings, secrets_in_use: SecretsInUse, components: Components, kept: KeptShare | None = None
    ) -> None:
        self._settings = settings
        self._kept = kept
        self._secrets = secrets_in_use
        self._components = components
        self._interval_s = settings.mediamtx.interval_s
        self._keeper: ShareKeeper | None = None
        self._peers: PeerWatch | None = None

    def permits(self, camera_id: str) -> bool:
        """Whether this camera may be started here now."""
        return self._keeper is None or self._keeper.may_start(camera_id)

    def standing(self, *, draining: bool) -> ServiceStanding:
        """How this service stands; `draining`: it is being stopped."""
        return ServiceStanding(draining, self._keeper is None or self._keeper.leased)

    def follower(
        self, fleet: Fleet, observers: Observers, host: HostWatch, latest: Callable[[], Snapshot]
    ) -> CameraFollower:
        """Who hears the readings of the table: the fleet, or who hands it our share."""
        section = self._settings.nodes
        if section.dsn is None:
            return fleet
        self._keeper = ShareKeeper(
            lease_table(self._settings, self._secrets),
            NodeName(self._settings.node_name),
            self._kept.instance if self._kept is not None else secrets.token_hex(8),
            fleet,
            self._components,
            paths=PathWatch(lambda: observers.pictures, self._silent_s, _STALE_SWEEPS * self._interval_s),
            traits=lambda cameras: self._traits(cameras, host.sample),
            calm=lambda: calm([report.verdict.health for report in latest().reports.values()]),
            fetches=lambda camera: (camera.options.engine or self._settings.cameras.engine) == PULL,
            heartbeat_s=section.heartbeat_s,
            ttl_s=section.ttl_s,
            fence=section.fence,
            stopping_s=self._settings.ffmpeg.stopping_s,
            pace=Pace(moves_per_minute=section.moves_per_minute),
        )
        if self._kept is not None:
            self._keeper.resume(self._kept)
        reader = peer_reader(self._settings, self._secrets)
        if reader is not None:
            self._peers = PeerWatch(reader, self._others, self._interval_s)
        return self._keeper

    def _silent_s(self, camera: Camera) -> float:
        """When a path on which nothing comes has been left by whoever had the camera: a sweep later than that ends."""
        stalled_s = camera.options.stall_timeout_s or self._settings.ffmpeg.stall_timeout_s
        return max(stalled_s, _READ_TIMEOUT_S) + self._interval_s

    def _others(self) -> Collection[NodeName]:
        view = self._keeper.view if self._keeper is not None else None
        return [name for name in view.nodes if name != view.me] if view is not None else ()

    def peers(self) -> Peers | None:
        """The nodes that share the cameras, and what they tell; None: this one has all, or has not seen any yet."""
        view = self._keeper.view if self._keeper is not None else None
        if self._keeper is None or view is None:
            return None
        pictures = self._peers.pictures if self._peers is not None else {}
        return Peers(view.me, self._keeper.mine, view.nodes, self._keeper.seen_at, pictures, view.leads)

    def _traits(self, cameras: int, host: HostSample | None) -> NodeTraits:
        section = self._settings.nodes
        room = None if section.capacity is None else max(0, section.capacity - cameras)
        busy = host is not None and host.cpu_percent > section.max_cpu_percent
        facts: dict[str, object] = {"url": section.url} if section.url else {}
        if host is not None:
            facts |= {"cpu_percent": host.cpu_percent, "memory_percent": host.memory.percent}
        return NodeTraits(
            cameras=cameras,
            room=room,
            busy=busy,
            weight=section.weight,
            sites=frozenset(section.sites),
            version=__version__,
            facts=facts,
        )

    def leads(self) -> bool:
        """Whether this node does what one does for all."""
        view = self._keeper.view if self._keeper is not None else None
        return self._keeper is None or (view is not None and view.leads)

    @property
    def unowned(self) -> Mapping[str, Unowned]:
        """Cameras that no node has; for the one node that tells of them."""
        peers = self.peers()
        if self._keeper is None or peers is None:
            return {}
        alive = [name for name, node in peers.nodes.items() if node.alive and name != peers.me]
        if any(name not in peers.pictures or peers.pictures[name].problem for name in alive):
            return self._keeper.unowned(None)
        return self._keeper.unowned({key for name in alive for key in peers.pictures[name].cameras})

    def loops(self) -> Mapping[str, Callable[[], Awaitable[object]]]:
        """What has to run, by name."""
        found: dict[str, Callable[[], Awaitable[object]]] = {}
        if self._keeper is not None:
            found["nodes"] = self._keeper.run
        if self._peers is not None:
            found["cameras of other nodes"] = self._peers.run
        return found

    @property
    def kept(self) -> KeptShare | None:
        """What the next life goes on with; None: it is alone."""
        return self._keeper.kept() if self._keeper is not None else None

    async def close(self) -> None:
        """Another life goes on with the cameras."""
        if self._keeper is not None:
            await self._keeper.close()

    async def leave(self) -> None:
        """All publishers have ended: others may have the cameras at once."""
        if self._keeper is not None:
            await self._keeper.leave()
