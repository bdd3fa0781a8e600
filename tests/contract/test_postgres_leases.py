"""Leases in PostgreSQL: moments that only locks decide, losses, rights, and rows that another program wrote."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator

import asyncpg
import pytest

from restream.adapters import lease_queries as queries
from restream.adapters.postgres_leases import PostgresLeases
from restream.demo.embedded import embedded_postgres, postgres_binaries
from restream.domain.camera.secret import Secret
from restream.domain.fleet.node import NOBODY, NodeName, NodeTraits, Sighting
from restream.domain.fleet.share import Decision
from restream.ports.cameras import DatabaseError
from tests.conftest import needs
from tests.contract.test_lease_table import SCHEMA, A, B, Node
from tests.support.eventually import eventually

Connection = asyncpg.Connection
SHORT_S = 2.0


@pytest.fixture
async def admin(dsn: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(dsn)
    await connection.execute(SCHEMA)
    yield connection
    await connection.close()


@contextlib.asynccontextmanager
async def joined(dsn: str, *names: NodeName, timeout_s: float = 4.0) -> AsyncIterator[list[Node]]:
    """Nodes that have beaten."""
    nodes = [Node(PostgresLeases(Secret(dsn), timeout_s=timeout_s), name) for name in names]
    try:
        for node in nodes:
            await node.beat()
        yield nodes
    finally:
        await asyncio.gather(*(node.table.close() for node in nodes))


async def expired(admin: Connection, watcher: Node, name: NodeName) -> frozenset[Sighting]:
    """A node's lease has ended, and `watcher` has seen it."""
    await admin.execute("UPDATE restream_node SET expires_at = now() - interval '1 s' WHERE name = $1", name)
    return frozenset({(await watcher.beat()).nodes[name].sighting})


async def test_columns_that_a_later_release_has_added_are_left_alone(dsn: str, admin: Connection) -> None:
    """During an upgrade both releases use the same tables."""
    for table in ("restream_node", "restream_assignment", "restream_duty"):
        await admin.execute(f"ALTER TABLE {table} ADD COLUMN later text NOT NULL DEFAULT 'as ever'")
    async with joined(dsn, A, B) as (a, b):
        await a.take("1")
        assert (await a.beat()).mine == {"1"}
        assert await b.take("1", lost=await expired(admin, b, A)) == {"1"}
        assert await admin.fetchval("SELECT later FROM restream_assignment") == "as ever"


# -- moments -----------------------------------------------------------------------------------------------------------


async def test_a_renewal_that_is_under_way_keeps_everything(dsn: str, admin: Connection) -> None:
    async with joined(dsn, A, B) as (a, b):
        await a.take("1")
        seen = await expired(admin, b, A)
        async with admin.transaction():
            await admin.fetch(queries.RENEW_LEASE, A, "1", 30.0, "{}", False)
            assert await b.take("1", lost=seen) == frozenset()
        assert (await a.beat()).mine == {"1"}


async def test_a_renewal_waits_for_a_takeover_and_sees_what_it_has_lost(dsn: str, admin: Connection) -> None:
    async with joined(dsn, A, B) as (a, b):
        await a.take("1", "2")
        (seen,) = await expired(admin, b, A)
        async with admin.transaction():
            assert await admin.fetch(queries.TAKE_OVER, B, "1", ["1"], [A], ["1"], [seen.renewals])
            renewal = asyncio.create_task(a.beat())
            done, _ = await asyncio.wait([renewal], timeout=0.3)
            assert not done, "it waits"
        assert (await renewal).mine == {"2"}


async def test_takers_of_one_node_do_not_exclude_one_another(dsn: str, admin: Connection) -> None:
    async with joined(dsn, A, B) as (a, b):
        await a.take("1", "2")
        seen = await expired(admin, b, A)
        async with admin.transaction():
            await admin.fetch("SELECT FROM restream_node WHERE name = $1 FOR SHARE", A)
            await admin.execute("UPDATE restream_assignment SET epoch = epoch WHERE camera_id = '1'")
            assert await b.take("1", "2", lost=seen) == {"2"}, "what another is at, is left to it, and not waited for"


async def test_of_renewal_and_takeover_at_one_moment_one_wins_all(dsn: str, admin: Connection) -> None:
    cameras = tuple(f"{number}" for number in range(30))
    async with joined(dsn, A, B) as (a, b):
        for _ in range(25):
            await a.take(*cameras)
            seen = await expired(admin, b, A)
            view, taken = await asyncio.gather(a.beat(), b.take(*cameras, lost=seen))
            assert (view.mine, taken) in ((frozenset(cameras), frozenset()), (frozenset(), frozenset(cameras)))
            await b.settle(Decision(give_back=tuple((await b.beat()).holdings.values())))


async def test_a_service_that_is_suspended_in_the_middle_holds_no_lock(dsn: str, admin: Connection) -> None:
    """Between the two halves of a query no timeout of PostgreSQL counts."""
    async with joined(dsn, A, B) as (a, b):
        await a.take("1")
        seen = await expired(admin, b, A)
        suspended = await asyncpg.connect(dsn, statement_cache_size=0)
        # As the table asks; the second half never comes.
        await suspended.prepare(queries.RENEW_LEASE, name="")
        state = "SELECT state FROM pg_stat_activity WHERE pid = $1"
        assert await admin.fetchval(state, suspended.get_server_pid()) == "active"
        assert await b.take("1", lost=seen) == {"1"}
        suspended.terminate()


async def test_a_table_opens_no_transaction_that_outlives_a_statement(dsn: str, admin: Connection) -> None:
    async with joined(dsn, A, B) as (a, b):
        await a.take("1")
        seen, told = await expired(admin, b, A), set()

        async def watch() -> None:
            while True:
                rows = await admin.fetch("SELECT state FROM pg_stat_activity WHERE application_name = 'restream nodes'")
                told.update(row["state"] for row in rows)

        watching = asyncio.create_task(watch())
        for _ in range(20):
            await b.beat()
            await b.take("1", lost=seen)
        watching.cancel()
        await asyncio.wait({watching})
        assert "idle in transaction" not in told and told


async def test_a_lock_that_does_not_end_is_an_error_in_time_and_nothing_stays_behind(
    dsn: str, admin: Connection
) -> None:
    async with joined(dsn, A, timeout_s=SHORT_S) as (a,):
        async with admin.transaction():
            await admin.execute("SELECT FROM restream_node FOR UPDATE")
            with pytest.raises(DatabaseError, match=r"no answer within|statement timeout"):
                async with asyncio.timeout(20):
                    await a.beat()
        assert (await a.beat()).nodes[A].alive


async def test_a_cancelled_verb_leaves_no_transaction_behind(dsn: str, admin: Connection) -> None:
    async with joined(dsn, A) as (a,):
        async with admin.transaction():
            await admin.execute("SELECT FROM restream_node FOR UPDATE")
            beat = asyncio.create_task(a.beat())
            await asyncio.wait([beat], timeout=0.2)
            beat.cancel()
            with pytest.raises(asyncio.CancelledError):
                await beat
        assert (await a.beat()).nodes[A].alive


async def test_verbs_of_one_table_at_once_take_turns(dsn: str, admin: Connection) -> None:
    async with joined(dsn, A) as (a,):
        cameras = [f"{number}" for number in range(8)]
        views = asyncio.gather(*(a.beat() for _ in range(5)))
        taken = await asyncio.gather(*(a.take(key) for key in cameras))
        assert frozenset().union(*taken) == set(cameras) and len(await views) == 5


# -- losses ------------------------------------------------------------------------------------------------------------


async def test_a_connection_that_was_lost_is_made_again(dsn: str, admin: Connection) -> None:
    async with joined(dsn, A) as (a,):
        await a.take("1")
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        assert await admin.fetch(f"SELECT pg_terminate_backend(pid) {others}")

        async def beats() -> bool:
            with contextlib.suppress(DatabaseError):
                return (await a.beat()).mine == {"1"}
            return False

        await eventually(beats, 10)


async def test_a_database_that_crashes_comes_back_with_everything_that_was_told(
    request: pytest.FixtureRequest,
) -> None:
    needs(request.config, postgres_binaries(), "PostgreSQL")
    async with embedded_postgres() as secret:
        dsn = secret.reveal()
        admin = await asyncpg.connect(dsn)
        await admin.execute(SCHEMA)
        async with joined(dsn, A, B) as (a, b):
            assert await a.take("1") == {"1"} and await b.take("2") == {"2"}
            # A backend that is killed makes PostgreSQL end all others, and recover from its log.
            os.kill(admin.get_server_pid(), signal.SIGKILL)

            async def both() -> bool:
                with contextlib.suppress(DatabaseError):
                    return ((await a.beat()).mine, (await b.beat()).mine) == ({"1"}, {"2"})
                return False

            await eventually(both, 30)
            assert await b.take("1", "3") == {"3"}
        admin.terminate()


@pytest.mark.parametrize("password", ["hunter22"])
async def test_an_error_names_the_place_and_hides_the_password(password: str) -> None:
    table = PostgresLeases(Secret(f"postgresql://restream:{password}@127.0.0.1:1/db"))
    for verb in (table.beat(A, "1", NodeTraits(), 9.0), table.roster(), table.drain(A, draining=True)):
        with pytest.raises(DatabaseError, match=r"Connection refused \(127.0.0.1:1\)") as caught:
            await verb
        assert password not in repr(caught.value) and caught.value.__suppress_context__
    await table.close()


# -- rights and tables -------------------------------------------------------------------------------------------------


async def test_without_the_tables_it_says_what_to_do(dsn: str) -> None:
    table = PostgresLeases(Secret(dsn))
    with pytest.raises(DatabaseError, match="run `restream init-db --nodes`"):
        await table.beat(A, "1", NodeTraits(), 9.0)
    await table.close()


async def test_tables_of_another_release_are_told_as_that(dsn: str, admin: Connection) -> None:
    await admin.execute("ALTER TABLE restream_node DROP COLUMN renewals")
    table = PostgresLeases(Secret(dsn))
    with pytest.raises(DatabaseError, match=r"compare them with etc/schema_nodes\.sql"):
        await table.beat(A, "1", NodeTraits(), 9.0)
    await table.close()


@pytest.fixture
async def role(admin: Connection) -> AsyncIterator[str]:
    """A user that may do nothing."""
    await admin.execute("CREATE ROLE restream_nodes LOGIN")
    yield "restream_nodes"
    await admin.execute("DROP OWNED BY restream_nodes; DROP ROLE restream_nodes")


async def test_the_rights_that_the_schema_names_are_enough_and_needed(dsn: str, admin: Connection, role: str) -> None:
    own = dsn.replace("//restream@", f"//{role}@")
    table = PostgresLeases(Secret(own))
    with pytest.raises(DatabaseError, match=r"grant this user what etc/schema_nodes\.sql says"):
        await table.beat(A, "1", NodeTraits(), 9.0)
    await table.close()
    grants = re.findall(r"^--\s+(GRANT .*;)$", SCHEMA, re.MULTILINE)
    assert len(grants) == 2
    await admin.execute("\n".join(grants))
    async with joined(own, A, B) as (a, b):
        await a.take("1", "2")
        seen = await expired(admin, b, A)
        assert await b.take("1", lost=seen) == {"1"}
        had = (await b.beat()).holdings["1"]
        await b.settle(Decision((), (), (had,)))
        await admin.execute("INSERT INTO restream_node VALUES ('old', '1', '2001-01-01', 9, 1)")
        assert NodeName("old") in (await b.beat()).nodes and NodeName("old") not in (await b.beat()).nodes
        await b.leave()


async def test_the_schema_may_be_repeated_and_keeps_what_there_is(dsn: str, admin: Connection) -> None:
    async with joined(dsn, A) as (a,):
        await a.take("1")
        await admin.execute(SCHEMA)
        assert (await a.beat()).mine == {"1"}
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await admin.execute("DELETE FROM restream_node")


# -- rows that another program wrote -----------------------------------------------------------------------------------


async def test_nodes_that_are_long_dead_go_unless_they_have_cameras(dsn: str, admin: Connection) -> None:
    """By a clock that was set forward, the living have been dead for a week too."""
    c = NodeName("c")
    async with joined(dsn, A, B, c) as (a, b, _):
        await b.take("1")
        await admin.execute("UPDATE restream_node SET expires_at = now() - interval '8 days' WHERE name <> 'a'")
        await a.beat()
        assert (await a.beat()).nodes.keys() == {A, B}
        assert (await b.beat()).mine == {"1"}


async def test_whatever_another_node_tells_of_itself_the_others_go_on(dsn: str, admin: Connection) -> None:
    rows = {
        "array": "[1]",
        "later": '{"format": 2, "weight": 7}',
        "types": '{"format": 1, "weight": "9", "room": -1, "cameras": 9e99, "sites": {"a": 1}, "facts": 3, "new": []}',
        "large": '{"format": 1, "weight": 3, "version": "' + "x" * 100_000 + '"}',
        "deep": '{"format": 1, "weight": 3, "facts": {"a": ' + "[" * 3000 + "]" * 3000 + "}}",
    }
    moments = ("infinity", "-infinity", "2001-01-01", "2999-01-01", "now")
    for (name, traits), moment in zip(rows.items(), moments, strict=True):
        await admin.execute(
            f"INSERT INTO restream_node VALUES ($1, '1', '{moment}', 9, 1, false, $2)",
            name,
            traits,
        )
    await admin.execute(
        "INSERT INTO restream_assignment VALUES ('1', 'array', 7, 'infinity'), ('2', NULL, 8, '-infinity')"
    )
    await admin.execute("INSERT INTO restream_duty VALUES ('lead', 'unheard of', 5)")
    async with joined(dsn, A) as (a,):
        view = await a.beat()
        assert view.leads and view.holdings["2"].node == NOBODY
        assert all(view.nodes[NodeName(name)].traits == NodeTraits() for name in rows if NodeName(name) in view.nodes)
        assert view.nodes[NodeName("array")].expires_in_s <= 9
        assert await a.take("2", "3") == {"2", "3"}
        roster = await a.table.roster() if isinstance(a.table, PostgresLeases) else None
        assert roster is not None and roster.cameras == {A: 2, NodeName("array"): 1}


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "ä", "a;b", "\x00"])
async def test_a_name_that_no_node_could_have_is_refused(dsn: str, admin: Connection, name: str) -> None:
    table = PostgresLeases(Secret(dsn))
    with pytest.raises(DatabaseError):
        await table.beat(NodeName(name), "1", NodeTraits(), 9.0)
    await table.close()
    assert await admin.fetchval("SELECT count(*) FROM restream_node") == 0


@pytest.mark.parametrize("camera", ["", "a" * 2000, "'; DROP TABLE restream_node; --", "\u202e", "ünï"])
async def test_any_text_is_a_camera(dsn: str, admin: Connection, camera: str) -> None:
    async with joined(dsn, A) as (a,):
        assert await a.take(camera) == {camera}
        assert (await a.beat()).mine == {camera}
