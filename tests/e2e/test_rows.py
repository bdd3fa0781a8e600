"""`restream rows` against a real table: out as a file, back with a dry run, and changed by whoever may."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import asyncpg
import pytest

from tests.support.service import command

Database = asyncpg.Connection
SECRETS = ("pässword", "hid'den")


async def fill(database: Database) -> None:  # type: ignore[type-arg]
    await database.executemany(
        "INSERT INTO cameras (id, name, site, camera_type, link, login, password, channel, options) "
        "VALUES ($1, $2, 'North', 'DAHUA', $3, 'admin', $4, 1, $5)",
        [
            (1, "Gate; front", "192.0.2.1", SECRETS[0], '{"priority": 1}'),
            (2, "=1+1", "192.0.2.2", SECRETS[1], None),
            (3, "Yard", "192.0.2.3", "x", None),
        ],
    )


async def test_rows_go_out_and_come_back(tmp_path: Path, dsn: str, database: Database) -> None:  # type: ignore[type-arg]
    await fill(database)
    await database.execute("CREATE ROLE rows_reader LOGIN PASSWORD 'reader'; GRANT SELECT ON cameras TO rows_reader")
    head, _, place = dsn.rpartition("@")
    reader = {"PG_DSN": f"{head.partition('://')[0]}://rows_reader:reader@{place}"}
    file = tmp_path / "rows.csv"
    try:
        code, output, errors = await command("rows", "export", "--file", str(file), overrides=reader)
        assert (code, output, errors) == (0, "", "")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert not any(secret in file.read_text() for secret in SECRETS)
        code, output, _ = await command("rows", "import", str(file), "--dry-run", overrides=reader)
        assert (code, output.strip()) == (0, "0 new, 0 changed, 3 unchanged, 0 refused")

        # As Excel saves it, with one row changed, one new, one gone.
        lines = file.read_text("utf-8-sig").replace("192.0.2.1,", "192.0.2.10,").splitlines()[:3]
        text = "\r\n".join([*lines, "4,DAHUA,192.0.2.4,admin,pw-4,2,New,,true,South,"])
        file.write_text(text, "utf-8-sig")
        code, output, _ = await command("rows", "import", str(file), "--json", overrides=reader)
        found = json.loads(output)
        assert (code, found["counts"]) == (0, {"new": 1, "changed": 1, "unchanged": 1, "refused": 0, "missing": 1})
        assert found["rows"][0]["cells"] == [{"column": "link", "old": "192.0.2.1", "new": "192.0.2.10"}]
        assert "pw-4" not in output

        before = await database.fetch("SELECT * FROM cameras ORDER BY id")
        code, _, errors = await command("rows", "import", str(file), "--apply", overrides=reader)
        assert code == 1 and "permission denied" in errors and "--dsn" in errors
        assert await database.fetch("SELECT * FROM cameras ORDER BY id") == before
        code, _, errors = await command(
            *("rows", "import", str(file), "--apply", "--dsn", "-", "--delete-missing"), overrides=reader, stdin=dsn
        )
        assert code == 1 and "1 rows of the table would be deleted: repeat it with --yes" in errors
        assert await database.fetch("SELECT * FROM cameras ORDER BY id") == before
        code, output, errors = await command(
            *("rows", "import", str(file), "--apply", "--dsn", "-", "--delete-missing", "--yes"),
            overrides=reader,
            stdin=dsn,
        )
        assert code == 0, errors
        after = await database.fetch("SELECT id, link, password, name FROM cameras ORDER BY id")
        assert [tuple(row) for row in after] == [
            (1, "192.0.2.10", SECRETS[0], "Gate; front"),
            (2, "192.0.2.2", SECRETS[1], "=1+1"),
            (4, "192.0.2.4", "pw-4", "New"),
        ]
    finally:
        await database.execute("REVOKE SELECT ON cameras FROM rows_reader; DROP ROLE rows_reader")


async def test_statements_make_the_same_table_elsewhere(tmp_path: Path, dsn: str, database: Database) -> None:  # type: ignore[type-arg]
    await fill(database)
    await database.execute("UPDATE cameras SET name = $1 WHERE id = 3", "O'Brien \\' -- x")
    settings, before = {"PG_DSN": dsn}, await database.fetch("SELECT * FROM cameras ORDER BY id")
    code, script, errors = await command("rows", "export", "--format=sql", "--with-passwords", overrides=settings)
    assert code == 0 and "in clear" in errors
    await database.execute("TRUNCATE cameras")
    await database.execute(script)
    assert await database.fetch("SELECT * FROM cameras ORDER BY id") == before

    code, output, _ = await command("rows", "export", "--with-passwords", overrides=settings)
    file, statements = tmp_path / "rows.csv", tmp_path / "rows.sql"
    file.write_text(output.replace("Yard", "Court").replace("192.0.2.3", "192.0.2.30"))
    code, _, errors = await command("rows", "import", str(file), "--sql", str(statements), overrides=settings)
    assert code == 0 and "1 statements" in errors, errors
    assert stat.S_IMODE(statements.stat().st_mode) == 0o600
    await database.execute(statements.read_text())
    assert await database.fetchval("SELECT link FROM cameras WHERE id = 3") == "192.0.2.30"


@pytest.mark.parametrize(
    ("body", "code", "word"),
    [
        (b"id,link\n1,\n", 1, "line 2     refused   1"),
        (b"id,link\n1,M\xfcller\n", 2, "line 2 is not UTF-8 (Latin-1, perhaps)"),
        (b"id,lnik\n", 2, "there is no column 'lnik'"),
    ],
)
async def test_what_cannot_be_taken_is_told_and_nothing_is_written(
    tmp_path: Path,
    dsn: str,
    database: Database,
    body: bytes,
    code: int,
    word: str,  # type: ignore[type-arg]
) -> None:
    await fill(database)
    file = tmp_path / "rows.csv"
    file.write_bytes(body)
    before = await database.fetch("SELECT * FROM cameras ORDER BY id")
    found, output, errors = await command("rows", "import", str(file), "--apply", overrides={"PG_DSN": dsn})
    assert (found, word in output + errors) == (code, True), output + errors
    assert await database.fetch("SELECT * FROM cameras ORDER BY id") == before
