"""The port `CameraTable`: what the supervisor relies on, by the fake of the unit tests and by PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from restream.adapters.postgres import PostgresCameraTable
from restream.domain.camera.secret import Secret
from restream.ports.cameras import CameraTable, DatabaseError
from tests.support.eventually import eventually
from tests.unit.fakes import FakeTable


@dataclass
class Case:
    """A table and what a test does to it from the other side."""

    table: CameraTable
    insert: Callable[[int], Awaitable[None]]
    lose: Callable[[], Awaitable[None]]
    restore: Callable[[], Awaitable[None]]


async def _fake() -> AsyncIterator[Case]:
    table = FakeTable()

    async def insert(number: int) -> None:
        table.rows = [*table.rows, {"id": number}]
        table.notify()

    async def lose() -> None:
        table.error = DatabaseError("gone")

    async def restore() -> None:
        table.error = None

    yield Case(table, insert, lose, restore)


async def _real(dsn: str, postgres: str) -> AsyncIterator[Case]:
    name = dsn.rpartition("/")[2]
    admin = await asyncpg.connect(postgres)

    async def insert(number: int) -> None:
        connection = await asyncpg.connect(dsn)
        await connection.execute("INSERT INTO cameras (id) VALUES ($1)", number)
        await connection.close()

    async def lose() -> None:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)

    async def restore() -> None:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    table = PostgresCameraTable(Secret(dsn))
    yield Case(table, insert, lose, restore)
    await table.close()
    await admin.close()


@pytest.fixture(params=["fake", "postgres"])
def case(request: pytest.FixtureRequest) -> Case:
    found = request.getfixturevalue("fake_table" if request.param == "fake" else "real_table")
    assert isinstance(found, Case)
    return found


@pytest.fixture
async def fake_table() -> AsyncIterator[Case]:
    async for each in _fake():
        yield each


@pytest.fixture
async def real_table(dsn: str, postgres: str, database: object) -> AsyncIterator[Case]:
    async for each in _real(dsn, postgres):
        yield each


async def test_an_empty_table_reads_as_no_rows_and_a_change_is_heard(case: Case) -> None:
    changed = asyncio.Event()
    await case.table.connect(changed.set)
    assert list(await case.table.read()) == []
    await case.insert(7)
    await asyncio.wait_for(changed.wait(), 10)
    assert [row["id"] for row in await case.table.read()] == [7]


async def test_a_lost_database_is_an_error_and_never_an_empty_table(case: Case) -> None:
    await case.table.connect(lambda: None)
    await case.insert(1)
    await case.lose()

    async def raises() -> bool:
        try:
            await case.table.read()
        except DatabaseError:
            return True
        return False

    await eventually(raises, 10)
    with pytest.raises(DatabaseError):
        await case.table.connect(lambda: None)
    await case.restore()
    await case.table.connect(lambda: None)
    assert [row["id"] for row in await case.table.read()] == [1]


async def test_closing_twice_is_harmless(case: Case) -> None:
    await case.table.connect(lambda: None)
    await case.table.close()
    await case.table.close()


async def test_errors_of_postgres_say_what_to_do_and_hide_the_password(dsn: str, database: object) -> None:
    where = dsn.partition("@")[2]
    cases = {
        f"postgresql://nobody:hunter22@{where}": "does not exist",
        f"postgresql://restream:hunter22@{where}missing": "check the database name",
        "postgresql://restream:hunter22@127.0.0.1:1/db": r"Connection refused \(127.0.0.1:1\)",
    }
    for bad, expected in cases.items():
        with pytest.raises(DatabaseError, match=expected) as caught:
            await PostgresCameraTable(Secret(bad)).connect(lambda: None)
        assert "hunter22" not in str(caught.value)


async def test_a_query_of_the_user_only_reads(dsn: str, database: asyncpg.Connection[asyncpg.Record]) -> None:
    table = PostgresCameraTable(Secret(dsn), query="DELETE FROM cameras RETURNING *")
    await table.connect(lambda: None)
    with pytest.raises(DatabaseError, match="must only read"):
        await table.read()
    await table.close()


async def test_a_loss_in_the_middle_of_a_reading_is_told_as_a_loss(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncpg says things like "cannot call Transaction.__aexit__(): the underlying connection is closed"."""
    table = PostgresCameraTable(Secret(dsn), query="SELECT 1 AS id")
    await table.connect(lambda: None)
    prepare = asyncpg.Connection.prepare

    async def prepare_and_lose(connection: Any, *args: Any, **named: Any) -> Any:
        found = await prepare(connection, *args, **named)
        connection.terminate()
        return found

    monkeypatch.setattr(asyncpg.Connection, "prepare", prepare_and_lose)
    with pytest.raises(DatabaseError, match=r"^the connection to the database is lost$"):
        await table.read()
    await table.close()


async def test_values_come_as_their_types_mean_them(dsn: str) -> None:
    """The blanks that fill a CHAR are no part of it; those at the end of a VARCHAR may be a password's."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        """CREATE DOMAIN short_text AS char(16);
        CREATE TYPE brand AS ENUM ('DAHUA', 'AXIS');
        CREATE TABLE cameras (id char(8), login char(16), password char(16), name short_text, site char(4)[],
            kept varchar, kept_too text, camera_type brand, kind "char", channel double precision, single real,
            number numeric(8, 2), flag bit(1), mask bit varying, nothing char(9), spaces char(5));
        INSERT INTO cameras VALUES ('7', 'admin', ' p w', 'Gate', '{a}', 'end  ', 'end  ', 'AXIS', 'c', 101, 101.1,
            101.00, B'1', B'10101', NULL, '')"""
    )
    await connection.close()
    table = PostgresCameraTable(Secret(dsn))
    await table.connect(lambda: None)
    try:
        (row,) = await table.read()
        assert (await table.read()) == [row]
    finally:
        await table.close()
    assert row["site"] == ["a   "]
    expected = {"id": "7", "login": "admin", "password": " p w", "name": "Gate", "kept": "end  ", "kept_too": "end  "}
    expected |= {"camera_type": "AXIS", "kind": "c", "nothing": None, "spaces": ""}
    assert {key: row[key] for key in expected} == expected
    assert (row["channel"], row["single"], str(row["number"])) == (101.0, 101.1, "101.00")
    assert (row["flag"], row["mask"]) == ("1", "1010 1")
