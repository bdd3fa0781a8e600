"""One run over several nodes."""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
from collections.abc import Mapping, Sequence
from enum import StrEnum

import psutil

from tests.chaos.campaign import LOOK_S, PATIENCE_S, Campaign
from tests.chaos.invariants import (
    ALWAYS,
    AT_REST,
    Weight,
    is_flat,
    log_is_clean,
    moments_are_past,
    nothing_is_given_away,
)
from tests.chaos.node import HEARTBEAT_S, TTL_S, ChaosNode
from tests.chaos.nodes_invariants import FLEET_AT_REST, OVERLAP_S, OVERLAPS, FleetSight, Lasting, alone, own_cameras
from tests.chaos.nodes_onlooker import FleetOnlooker
from tests.chaos.nodes_world import NODES, NodesWorld
from tests.chaos.onlooker import UNANSWERED

# PostgreSQL is away for longer than any lease lasts, and a heartbeat tells that it is back.
SHORT_OUTAGE_S = 2 * TTL_S + 2 * HEARTBEAT_S


_WEIGHINGS = 5


class Loss(StrEnum):
    """How a node is lost."""

    KILLED = "it is killed"
    SUSPENDED = "its host is suspended"


# A third of the cameras starts at once, on two cores that the whole fleet shares.
_START_S = 15.0
# A lease, two heartbeats, and a start; a host that stands still says no goodbye, and its paths are silent after 12 s.
_RETURN_S = {Loss.KILLED: TTL_S + 2 * HEARTBEAT_S + _START_S, Loss.SUSPENDED: 12.0 + 2 * HEARTBEAT_S + _START_S}


class NodesRun(Campaign):
    """A fleet of services under fire."""

    def __init__(self, world: NodesWorld, onlooker: FleetOnlooker, losses: Sequence[Loss], outage_s: float) -> None:
        super().__init__(world)
        self.world = world
        self.onlooker = onlooker
        self._losses, self._outage_s = losses, outage_s
        """What is measured before the first round."""
        self._first: dict[tuple[int, int], Weight] = {}
        self._overlaps = Lasting(OVERLAP_S)
        self.measured: list[str] = []

    async def watch(self) -> None:
        silent_since: dict[str, float] = {}
        sight: FleetSight | None = None
        while True:
            await asyncio.sleep(LOOK_S)
            self._note_the_dead()
            sight, silent = await self.onlooker.look(sight)
            now = time.monotonic()
            silent_since = {name: silent_since.get(name, now) for name in silent}
            for name, since in silent_since.items():
                if now - since > PATIENCE_S and self.world.nodes[name].answers:
                    self.note("every node answers", [f"{name}: {silent[name]!r}"])
            for name, each in sight.nodes.items():
                for invariant in ALWAYS:
                    # Moments of others are those of their clocks.
                    seen = alone(name, each) if invariant is moments_are_past else each
                    self.note(invariant.__name__, (f"{name}: {problem}" for problem in invariant(seen)))
            found = itertools.chain.from_iterable(overlap(sight) for overlap in OVERLAPS)
            lasting = list(self._overlaps.look(found, now))
            self.note("nothing overlaps for long", lasting)
            if lasting:
                self.write("\n".join(self.world.clients_of(sight.surplus)))
            # At once: the cameras are in this process, and would stand still while minutes of it are searched.
            self._search_what_was_told()

    def _note_the_dead(self) -> None:
        for node in self.world.living:
            code = node.service.process.returncode if node.service is not None else None
            if code is not None and node.answers:
                self.note("every node runs", [f"{node.name} has ended with {code}"])

    async def problems(self) -> Mapping[str, Sequence[str]]:
        try:
            rest = await self.onlooker.rest()
        except UNANSWERED as error:
            return {"every node answers": [f"{error!r}"]}
        together = {invariant.__name__: list(invariant(rest.together)) for invariant in AT_REST}
        return together | {invariant.__name__: list(invariant(rest)) for invariant in FLEET_AT_REST}

    async def conclude(self) -> None:
        await self.world.revive()

    async def weigh(self) -> None:
        for node in self.world.living:
            assert node.service is not None
            weight, grown = await self._weighed(node)
            self.weights.append(weight)
            self.note(is_flat.__name__, (f"{node.name}: {each}" for each in grown))

    async def _weighed(self, node: ChaosNode) -> tuple[Weight, list[str]]:
        """What a node holds, and what of it has grown: what is only on its way is gone after a few seconds."""
        assert node.service is not None
        for _ in range(_WEIGHINGS):
            weight = await self.onlooker.weigh(node)
            first = self._first.setdefault((node.service.process.pid, node.replacements), weight)
            grown = list(is_flat(first, weight))
            if not grown:
                break
            await asyncio.sleep(HEARTBEAT_S)
        return weight, grown

    def search(self) -> None:
        secrets = tuple(self.world.secrets)
        for node in self.world.nodes.values():
            console = node.console()
            self.note(log_is_clean.__name__, (f"{node.name}: {each}" for each in log_is_clean(console)))
            for told in (console, node.logs()):
                self.note(nothing_is_given_away.__name__, nothing_is_given_away(told, secrets))
        self._search_what_was_told()

    def _search_what_was_told(self) -> None:
        secrets = tuple(self.world.secrets)
        for told in self.onlooker.told:
            self.note(nothing_is_given_away.__name__, nothing_is_given_away(told, secrets))
        self.onlooker.told.clear()

    # -- what is measured before the first round -----------------------------------------------------------------------

    async def prepare(self) -> None:
        await self.outage()
        for loss in self._losses:
            if not self.found:
                await self.lose(self.world.nodes[NODES[0]], loss)
        self.search()

    async def outage(self) -> None:
        """PostgreSQL is away for everybody: no stream may end."""
        await self.world.balanced()
        self.write(f"PostgreSQL is away for everybody, for {self._outage_s:g} s")
        for node in self.world.nodes.values():
            await node.to_database.shut()
        before = self._connections()
        await asyncio.sleep(self._outage_s)
        after = self._connections()
        for node in self.world.nodes.values():
            await node.to_database.open()
        ended = [number for number, connections in after.items() if connections != before[number]]
        if ended:
            self.note("an outage of the database stops no stream", [f"cameras {ended} were connected to anew"])
        self.write("  over: PostgreSQL is away for everybody")
        await self.settle()

    def _connections(self) -> dict[int, int]:
        return {number: camera.connections_total for number, camera in self.world.cameras.items()}

    async def lose(self, node: ChaosNode, loss: Loss) -> None:
        """A node is lost: how long until each of its cameras flows again, elsewhere."""
        for side in ("publisher", "camera", "media_server"):
            self.world.suspect(side)
        assert node.service is not None
        picture = (await self.onlooker.look())[0].nodes[node.name].picture
        waited = {f"{each['media_server']} {each['path']}" for each in own_cameras(node.name, picture)}
        before = await self._sources()
        self.write(f"{node.name} is lost: {loss}")
        lost_at = time.monotonic()
        stopped = node.suspend(whole=True) if loss is Loss.SUSPENDED else []
        if loss is Loss.KILLED:
            await node.end(signal.SIGKILL)
        returned: dict[str, float] = {}
        while (away := waited - returned.keys()) and time.monotonic() - lost_at < _RETURN_S[loss]:
            await asyncio.sleep(LOOK_S)
            now = await self._sources()
            took_s = time.monotonic() - lost_at
            returned |= {path: took_s for path in away if now.get(path) not in (None, before.get(path))}
        if away:
            self.note("what a lost node had returns", [f"{sorted(away)} not within {_RETURN_S[loss]:g} s"])
        self._measure(f"{node.name} is lost, {loss}: its {len(waited)} cameras flow again", list(returned.values()))
        await (self._thaw(node, stopped) if loss is Loss.SUSPENDED else node.start())
        await self.settle()

    async def _thaw(self, node: ChaosNode, stopped: list[psutil.Process]) -> None:
        node.resume(stopped)
        node.answers = True
        woken_at = time.monotonic()
        # What still overlaps after that is noted by who watches.
        while time.monotonic() - woken_at < 2 * OVERLAP_S and self.world.overlaps():
            await asyncio.sleep(0.05)
        self._measure(f"{node.name} thaws, and lets go of what others have", [time.monotonic() - woken_at])

    async def _sources(self) -> dict[str, str]:
        """Of each path that flows, who publishes there."""
        found = {}
        for server in self.world.servers:
            for name, path in (await self.onlooker.paths(server)).items():
                if path["ready"] and path["source"] and path["bytesReceived"]:
                    found[f"{server} {name}"] = path["source"]["id"]
        return found

    def _measure(self, what: str, took_s: Sequence[float]) -> None:
        if took_s:
            ordered = sorted(took_s)
            words = f"{what} after {ordered[len(ordered) // 2]:.1f} s (median), {ordered[-1]:.1f} s (last)"
            self.measured.append(words)
            self.write(words)

    @property
    def summary(self) -> str:
        lines = [*self.measured, f"two publishers seen for {self._overlaps.longest_s:.1f} s at most", super().summary]
        return "\n".join(lines)
