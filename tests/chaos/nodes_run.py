"""One run over several nodes."""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
from collections.abc import Mapping, Sequence

import psutil

from tests.chaos.campaign import LOOK_S, PATIENCE_S, Campaign
from tests.chaos.invariants import ALWAYS, AT_REST, Weight, is_flat, log_is_clean, nothing_is_given_away
from tests.chaos.node import HEARTBEAT_S, TTL_S, ChaosNode
from tests.chaos.nodes_invariants import FLEET_AT_REST, OVERLAP_S, OVERLAPS, Lasting, own_cameras
from tests.chaos.nodes_onlooker import FleetOnlooker
from tests.chaos.nodes_world import NODES, NodesWorld
from tests.chaos.onlooker import UNANSWERED

_START_S = 15.0
"""A third of the cameras starts at once, on two cores that the whole fleet shares."""
_RETURN_S = TTL_S + 2 * HEARTBEAT_S + _START_S
_OUTAGE_S = 2 * TTL_S + 2 * HEARTBEAT_S


class NodesRun(Campaign):
    """A fleet of services under fire."""

    def __init__(self, world: NodesWorld, onlooker: FleetOnlooker) -> None:
        super().__init__(world)
        self.world = world
        self.onlooker = onlooker
        self._first: dict[int, Weight] = {}
        self._overlaps = Lasting(OVERLAP_S)
        self.measured: list[str] = []

    async def watch(self) -> None:
        silent_since: dict[str, float] = {}
        while True:
            await asyncio.sleep(LOOK_S)
            self._note_the_dead()
            sight, silent = await self.onlooker.look()
            now = time.monotonic()
            silent_since = {name: silent_since.get(name, now) for name in silent}
            for name, since in silent_since.items():
                if now - since > PATIENCE_S and self.world.nodes[name].answers:
                    self.note("every node answers", [f"{name}: {silent[name]!r}"])
            for name, each in sight.nodes.items():
                for invariant in ALWAYS:
                    self.note(invariant.__name__, (f"{name}: {problem}" for problem in invariant(each)))
            found = itertools.chain.from_iterable(overlap(sight) for overlap in OVERLAPS)
            self.note("nothing overlaps for long", self._overlaps.look(found, now))

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
        alone = {invariant.__name__: list(invariant(rest.together)) for invariant in AT_REST}
        return alone | {invariant.__name__: list(invariant(rest)) for invariant in FLEET_AT_REST}

    async def conclude(self) -> None:
        await self.world.revive()

    async def weigh(self) -> None:
        for node in self.world.living:
            assert node.service is not None
            weight = await self.onlooker.weigh(node)
            self.weights.append(weight)
            first = self._first.setdefault(node.service.process.pid, weight)
            self.note(is_flat.__name__, (f"{node.name}: {each}" for each in is_flat(first, weight)))

    def search(self) -> None:
        secrets = tuple(self.world.secrets)
        for node in self.world.nodes.values():
            console = node.console()
            self.note(log_is_clean.__name__, (f"{node.name}: {each}" for each in log_is_clean(console)))
            for told in (console, node.logs()):
                self.note(nothing_is_given_away.__name__, nothing_is_given_away(told, secrets))
        for told in self.onlooker.told:
            self.note(nothing_is_given_away.__name__, nothing_is_given_away(told, secrets))
        self.onlooker.told.clear()

    # -- what is measured before the first round -------------------------------------------------------------------

    async def prepare(self) -> None:
        await self.outage()
        for whole in (False, True):
            await self.loss(self.world.nodes[NODES[0]], whole=whole)
            self.search()

    async def outage(self) -> None:
        """PostgreSQL is away for all, for longer than any lease: no stream may end."""
        # Moves that have begun come to their end before.
        await asyncio.sleep(2 * HEARTBEAT_S)
        self.write("PostgreSQL is away for everybody")
        for node in self.world.nodes.values():
            await node.to_database.shut()
        before = self._sessions()
        await asyncio.sleep(_OUTAGE_S)
        for node in self.world.nodes.values():
            await node.to_database.open()
        ended = sorted(number for number, sessions in self._sessions().items() if sessions != before[number])
        if ended:
            self.note("an outage of the database stops no stream", [f"cameras {ended}"])
        self.write("  over: PostgreSQL is away for everybody")
        await self.settle()

    def _sessions(self) -> dict[int, int]:
        return {number: camera.connections_total for number, camera in self.world.cameras.items()}

    async def loss(self, node: ChaosNode, *, whole: bool) -> None:
        """A node is lost: how long until each of its cameras flows again, elsewhere."""
        what = "its host is suspended" if whole else "it is killed"
        for side in ("publisher", "camera", "media_server"):
            self.world.suspect(side)
        sight, _ = await self.onlooker.look()
        cameras = own_cameras(node.name, sight.nodes[node.name].picture)
        before = await self._sources()
        waited = {f"{each['media_server']} {each['path']}" for each in cameras}
        self.write(f"{node.name} is lost: {what}")
        stopped = node.suspend(whole=True) if whole else []
        lost_at = time.monotonic()
        if not whole:
            await node.end(signal.SIGKILL)
        returned: dict[str, float] = {}
        # A server lets go of a publisher that stands still after 10 s, and a witness waits 12.
        limit_s = _RETURN_S + (12.0 if whole else 0.0)
        while waited - returned.keys() and time.monotonic() - lost_at < limit_s:
            await asyncio.sleep(LOOK_S)
            now = await self._sources()
            for path in waited - returned.keys():
                if path in now and now[path] != before.get(path):
                    returned[path] = time.monotonic() - lost_at
        if waited - returned.keys():
            self.note("what a lost node had returns", [f"{sorted(waited - returned.keys())} not within {limit_s:g} s"])
        self._measure(f"{node.name} is lost, {what}: its {len(waited)} cameras flow again", list(returned.values()))
        if whole:
            await self._thaw(node, stopped)
        else:
            await node.start()
        await self.settle()

    async def _thaw(self, node: ChaosNode, stopped: list[psutil.Process]) -> None:
        node.resume(stopped)
        node.answers = True
        woken_at = time.monotonic()
        # What still overlaps after that is noted by who watches.
        while time.monotonic() - woken_at < 2 * OVERLAP_S and (
            self.world.surplus_now() or self.world.twice_published()
        ):
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
