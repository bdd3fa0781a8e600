"""Nodes that share cameras, without leases in a database: each renders, writes to one Redis, and reads the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from restream.adapters.stores.redis_peers import RedisPeers
from restream.adapters.stores.redis_sink import RedisSink
from restream.domain.camera.camera import Camera
from restream.domain.camera.secret import Secret
from restream.domain.fleet.node import FleetNode, NodeName, NodeTraits
from restream.domain.fleet.vacancy import Vacancy
from restream.domain.judgement.quality import Quality
from restream.domain.judgement.snapshot import Report, Snapshot
from restream.domain.judgement.status import CameraStatus, Subject, Unowned
from restream.domain.judgement.verdict import Health, Verdict, judge_row
from restream.domain.life.cause import Side
from restream.domain.life.lifecycle import Phase, State
from restream.interfaces.documents.rendering import Renderer, Rendering
from restream.interfaces.documents.status import ServiceFacts
from restream.ports.nodes import PeerPicture, Peers

HEALTHY = Verdict(Health.HEALTHY, Side.NONE)


def fleet_node(name: str, expires_in_s: float = 9.0, *, draining: bool = False, **facts: object) -> FleetNode:
    traits = NodeTraits(cameras=2, version="1", facts=facts)
    return FleetNode(NodeName(name), "life", expires_in_s, draining=draining, traits=traits)


def supervised(camera: Camera, bitrate_bps: float | None = None, verdict: Verdict = HEALTHY) -> Report:
    status = CameraStatus(camera, State(Phase.RUNNING, 5.0), None, None)
    return Report(status, verdict, 7.0, quality=Quality(bitrate_bps))


def without_node(camera: Camera) -> Report:
    subject: Subject = Unowned(camera, Vacancy.LOST, silent=True)
    return Report(subject, judge_row(subject), 7.0)


@dataclass
class PeerNode:
    """`cycle` takes a snapshot of these reports; `write` and `look` are its two ways to Redis."""

    name: str
    nodes: Callable[[], Collection[FleetNode]]
    mine: set[str] = field(default_factory=set)
    life: str = "first"
    generation: int = 0
    pictures: Mapping[NodeName, PeerPicture] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.renderer = Renderer(ServiceFacts(self.name, "1", self.life, 0.0, 2.0, shares=True), self.peers)
        self.sink: RedisSink | None = None
        self.reader: RedisPeers | None = None

    def connect(self, url: str, expire_s: float = 60.0) -> None:
        self.sink = RedisSink(Secret(url), "", self.name, expire_s)
        self.reader = RedisPeers(Secret(url), "")

    def peers(self) -> Peers:
        nodes = {node.name: node for node in self.nodes()}
        return Peers(NodeName(self.name), frozenset(self.mine), nodes, float(self.generation), self.pictures)

    async def cycle(self, reports: Mapping[str, Report]) -> Rendering:
        self.generation += 1
        now = float(self.generation)
        taken = Snapshot(self.generation, 1000.0 + now, now, reports, node=self.name)
        return await self.renderer.render(taken)

    async def write(self) -> None:
        assert self.sink is not None
        await self.sink.write(self.renderer.latest.documents())

    async def look(self) -> Mapping[NodeName, PeerPicture]:
        assert self.reader is not None
        self.pictures = await self.reader.look([node.name for node in self.nodes() if node.name != self.name])
        return self.pictures

    async def close(self) -> None:
        for each in (self.sink, self.reader):
            if each is not None:
                await each.close()
