"""Leases in PostgreSQL: the tables of etc/schema_nodes.sql, through asyncpg or a pooler in transaction mode."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import NamedTuple

import asyncpg

from restream.adapters import lease_queries as queries
from restream.adapters.node_document import node_document, read_traits
from restream.adapters.postgres import CONNECTION_ERRORS, HINTS, translated
from restream.domain.camera.secret import Secret
from restream.domain.fleet.node import FleetNode, Holding, NodeName, NodeTraits, Sighting
from restream.domain.fleet.share import Decision, View

LEAD = "lead"
"""The duty to tell of lost nodes, and of cameras that nobody has."""

_CLOSE_TIMEOUT_S = 2.0
_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (asyncpg.UndefinedTableError, "run `restream init-db --nodes`"),
    (
        asyncpg.UndefinedColumnError,
        "the tables are of another release: run `restream init-db --nodes` of the newest, else compare them with "
        "etc/schema_nodes.sql",
    ),
    (asyncpg.InsufficientPrivilegeError, "grant this user what etc/schema_nodes.sql says"),
    (asyncpg.ReadOnlySQLTransactionError, "nodes.dsn must lead to the primary, not to a replica"),
    *HINTS,
)


class Roster(NamedTuple):
    """All nodes, for whoever looks."""

    nodes: tuple[FleetNode, ...]
    cameras: Mapping[NodeName, int]
    """How many each has; of NOBODY: how many were given back and not taken."""


class PostgresLeases:
    """A `LeaseTable`. One connection, made when it is needed and given up after every error; one verb at a time.

    `timeout_s` bounds every verb. Each of its statements is a transaction (`lease_queries`).
    """

    def __init__(self, dsn: Secret, *, timeout_s: float = 4.0) -> None:
        self._dsn = dsn
        self._timeout_s = timeout_s
        self._turn = asyncio.Lock()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._known_as: tuple[NodeName, str] | None = None
        """Name and instance that have beaten: from then on the name is not taken over any more."""

    async def beat(self, me: NodeName, instance: str, traits: NodeTraits, ttl_s: float) -> View | None:
        """Renew our lease, and look around; None: the name is another instance's. Raises DatabaseError."""
        first = self._known_as != (me, instance)
        async with self._asking() as session:
            renewed = await session.ask(queries.RENEW_LEASE, me, instance, ttl_s, node_document(traits), first)
            if not renewed:
                return None
            await session.ask(queries.SHORTEN_LEASES)
            nodes = {node.name: node for node in await session.nodes()}
            leads = await session.leads(me, nodes)
            if leads:
                await session.ask(queries.REMOVE_LONG_DEAD_NODES)
            looked_at = [me, *(name for name, node in nodes.items() if not node.alive)]
            holdings = await session.ask(queries.LIST_HOLDINGS, looked_at)
        self._known_as = (me, instance)
        return View(
            me,
            nodes,
            {row["camera_id"]: Holding(row["camera_id"], row["node"], row["epoch"], row["age_s"]) for row in holdings},
            leads,
        )

    async def settle(self, me: NodeName, instance: str, decision: Decision) -> frozenset[str]:
        """Carry out a decision; tells which cameras were taken. Raises DatabaseError."""
        async with self._asking() as session:
            for query, holdings in ((queries.GIVE_BACK, decision.give_back), (queries.FORGET, decision.forget)):
                if holdings:
                    seen = [each.camera_id for each in holdings], [each.epoch for each in holdings]
                    await session.ask(query, me, instance, *seen)
            if not decision.take:
                return frozenset()
            new = await session.ask(queries.TAKE_NEW, me, instance, decision.take)
            over = await session.ask(queries.TAKE_OVER, me, instance, decision.take, *_columns(decision.lost))
        return frozenset(row["camera_id"] for row in (*new, *over))

    async def leave(self, me: NodeName, instance: str) -> None:
        """Give everything back, and end our lease. Raises DatabaseError."""
        async with self._asking() as session:
            await session.ask(queries.GIVE_EVERYTHING_BACK, me, instance)
            await session.ask(queries.END_LEASE, me, instance)

    async def drain(self, name: NodeName, *, draining: bool) -> bool:
        """Have a node give its cameras away, or no longer; False: there is no such node. Raises DatabaseError."""
        async with self._asking() as session:
            return bool(await session.ask(queries.MARK_DRAINING, name, draining))

    async def roster(self) -> Roster:
        """All nodes, by name. Raises DatabaseError."""
        async with self._asking() as session:
            nodes = await session.nodes()
            counts = await session.ask(queries.COUNT_HOLDINGS)
        return Roster(nodes, {NodeName(row["node"]): row["cameras"] for row in counts})

    async def close(self) -> None:
        """Let go of connections; never raises."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with contextlib.suppress(*CONNECTION_ERRORS):
            await connection.close(timeout=_CLOSE_TIMEOUT_S)
        connection.terminate()

    @contextlib.asynccontextmanager
    async def _asking(self) -> AsyncIterator[_Session]:
        """One verb at a time. The connection outlives it only when it ended well."""
        ended_well = False
        try:
            async with asyncio.timeout(self._timeout_s), self._turn:
                try:
                    connection = await self._connected()
                    yield _Session(connection)
                    ended_well = True
                finally:
                    if not ended_well:
                        self._drop()
        except (*CONNECTION_ERRORS, ValueError) as error:
            raise translated(error, self._dsn, _HINTS, self._timeout_s) from None

    async def _connected(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._dsn.reveal(),
                timeout=self._timeout_s,
                # Poolers in transaction mode hand every transaction to another session.
                statement_cache_size=0,
                server_settings={"application_name": "restream nodes"},
            )
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


class _Session(NamedTuple):
    """A connection that is ours for the while."""

    connection: asyncpg.Connection[asyncpg.Record]

    async def ask(self, query: str, *values: object) -> Sequence[asyncpg.Record]:
        # Without a name: poolers in transaction mode would meet a named one again in other sessions. asyncpg sends no
        # Sync between the two halves, so no pooler parts them.
        statement = await self.connection.prepare(query, name="")
        return await statement.fetch(*values)

    async def nodes(self) -> tuple[FleetNode, ...]:
        return tuple(
            FleetNode(
                row["name"],
                row["instance"],
                row["expires_in_s"],
                row["draining"],
                read_traits(row["traits"]),
                row["renewals"],
                row["ttl_s"],
            )
            for row in await self.ask(queries.LIST_NODES)
        )

    async def leads(self, me: NodeName, nodes: Mapping[NodeName, FleetNode]) -> bool:
        """Whether the duty is ours, or has become so because its owner does not live."""
        found = await self.ask(queries.FIND_DUTY, LEAD)
        owner = nodes.get(found[0]["node"]) if found else None
        if owner is not None and owner.alive:
            return owner.name == me
        return bool(await self.ask(queries.TAKE_DUTY, LEAD, me, found[0]["epoch"] if found else 0))


def _columns(lost: Collection[Sighting]) -> tuple[list[str], list[str], list[int]]:
    return [each.node for each in lost], [each.instance for each in lost], [each.renewals for each in lost]
