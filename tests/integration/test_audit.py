"""Who did what: recorded by the door, kept in memory, in a file and in a table, told to those who may configure."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from restream.adapters.postgres import execute_script
from restream.adapters.stores.audit_file import AuditFile
from restream.adapters.stores.postgres_audit import PostgresAudit
from restream.config.places import ROOT
from restream.domain.access.accounts import Account, AccountKind, Accounts
from restream.domain.access.audit import AuditEntry, AuditQuery, AuditResult
from restream.domain.access.caller import Role
from restream.domain.camera.secret import Secret
from restream.domain.life.backoff import RestartPolicy
from restream.interfaces.http import audit
from restream.interfaces.http.app import build_app
from restream.interfaces.http.auth import Access
from restream.interfaces.http.session import Sessions
from restream.ports.outlets import SinkError
from restream.supervisor.outlets.audit_keeper import AuditKeeper
from tests.integration.test_sign_in import ANNA, PASSWORD, Counted
from tests.support.eventually import eventually

ROOT_ACCOUNT = Account(AccountKind.TOKEN, "root", Role.CONFIGURE, Secret("token of root"))
WALL = Account(AccountKind.TOKEN, "wall", Role.SEE, Secret("token of wall"))


class Office:
    """A door whose log tests read."""

    def __init__(self, *accounts: Account) -> None:
        self.keeper = AuditKeeper(node="north")
        known = Accounts.of(accounts)
        self.access = Access(accounts=lambda: known, closed=bool(accounts), key=Secret("k" * 32))
        self.client: TestClient[Any, Any]

    def app(self) -> web.Application:
        async def act(request: web.Request) -> web.Response:
            if request.match_info["id"] == "9":
                raise web.HTTPConflict(reason="it is held already")
            if request.match_info["id"] == "8":
                raise RuntimeError("surprise")
            audit.note(request, detail="as asked")
            return web.json_response({}, status=202)

        routes = [web.post("/api/cameras/{id}/restart", act), *Sessions(self.access, Counted()).routes()]
        routes += audit.routes(self.keeper.find)
        return build_app(self.access, routes, lambda _: "North", self.keeper.record)

    async def ask(self, method: str, path: str, token: str = "", **more: Any) -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.client.request(method, path, headers=headers, **more) as answer:
            self.client.session.cookie_jar.clear()
            return answer.status

    def told(self) -> list[tuple[str, str, str, str, str]]:
        found = self.keeper.latest(AuditQuery())
        return [(each.who, each.action, each.target, each.result, each.detail) for each in found]


@asynccontextmanager
async def office(*accounts: Account) -> AsyncIterator[Office]:
    it = Office(*accounts)
    async with TestClient(TestServer(it.app())) as it.client:
        yield it


async def test_actions_are_recorded_with_who_and_what_came_of_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with office(ROOT_ACCOUNT, WALL) as it:
        assert await it.ask("POST", "/api/cameras/1/restart", "token of root") == 202
        assert await it.ask("POST", "/api/cameras/9/restart", "token of root") == 409
        assert await it.ask("POST", "/api/cameras/8/restart", "token of root") == 500
        assert await it.ask("POST", "/api/cameras/1/restart", "token of wall") == 403
        # Of strangers nothing is kept, and nothing of what only looks.
        assert await it.ask("POST", "/api/cameras/1/restart") == 401
        assert await it.ask("POST", "/api/nothing", "token of root") == 404
        assert await it.ask("GET", "/api/audit", "token of root") == 200
        assert it.told() == [
            ("root", "cameras/restart", "1", "done", "as asked"),
            ("root", "cameras/restart", "9", "refused", "it is held already"),
            ("root", "cameras/restart", "8", "failed", ""),
            ("wall", "cameras/restart", "1", "refused", ""),
        ]
        (first, *_) = it.keeper.latest(AuditQuery())
        assert (first.role, first.address, first.node) == ("configure", "127.0.0.1", "north")
        assert "audit: cameras/restart 1 by root done: as asked" in caplog.messages


async def test_logins_are_recorded_and_no_password_is(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with office(ANNA, ROOT_ACCOUNT) as it:
        for body in (
            {"user": "anna", "password": PASSWORD},
            {"user": "anna", "password": "secret one"},
            {"user": "my secret two", "password": "secret three"},
            {"token": "token of root"},
            {"token": "secret four"},
        ):
            await it.ask("POST", "/api/login", json=body)
        for number in range(20):
            await it.ask("POST", "/api/login", json={"token": f"secret {number}"})
        await it.ask("POST", "/api/login", data=b"{}")
        told = it.told()
        assert told[:5] == [
            ("anna", "login", "", "done", "with a password"),
            ("anna", "login", "", "refused", "user or password is wrong"),
            ("", "login", "", "refused", "user or password is wrong"),
            ("root", "login", "", "done", "with a token"),
            ("", "login", "", "refused", "this is not the token"),
        ]
        assert len(told) == 5 + 7, "who has to wait fills no log"
        assert "secret" not in f"{told} {caplog.messages}"


async def test_where_everybody_may_act_it_is_recorded_from_where() -> None:
    async with office() as it:
        assert await it.ask("POST", "/api/cameras/1/restart") == 202
        assert it.told() == [("", "cameras/restart", "1", "done", "as asked")]
        assert it.keeper.latest(AuditQuery())[0].address == "127.0.0.1"


async def test_who_may_configure_reads_the_log_and_nobody_else() -> None:
    async with office(ROOT_ACCOUNT, WALL, ANNA) as it:
        for number in range(5):
            await it.ask("POST", f"/api/cameras/{number}/restart", "token of root")
        assert await it.ask("GET", "/api/audit", "token of wall") == 403
        assert await it.ask("GET", "/api/audit") == 401
        headers = {"Authorization": "Bearer token of root"}
        async with it.client.get("/api/audit?limit=2&who=root", headers=headers) as answer:
            found = await answer.json()
        assert [each["target"] for each in found] == ["3", "4"]
        for query, count in (("target=2", 1), ("who=anna", 0), ("action=login", 0), (f"since={found[0]['id']}", 1)):
            async with it.client.get(f"/api/audit?{query}", headers=headers) as answer:
                assert len(await answer.json()) == count
        for query in ("limit=-1", "limit=99999999", "what=x", "since=x"):
            assert await it.ask("GET", f"/api/audit?{query}", "token of root") == 400


async def test_what_is_sent_stays_one_line() -> None:
    async with office() as it:
        await it.ask("POST", "/api/cameras/%0d%0aX%1b[31m%E2%80%AE/restart")
        (entry,) = it.keeper.latest(AuditQuery())
        assert entry.target.isprintable() and "\n" not in entry.target


# -- where it is kept --------------------------------------------------------------------------------------------------


def entry(number: int, **more: Any) -> AuditEntry:
    return AuditEntry(1_800_000_000.0 + number, "login", AuditResult.DONE, who="anna", **more)


async def test_a_file_is_added_to_and_nobody_else_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    keeper = AuditKeeper([AuditFile(path)], node="north")
    writing = asyncio.create_task(keeper.run())
    keeper.record(entry(1, detail="a\nb"))
    keeper.record(entry(1))
    await eventually(lambda: path.exists() and path.read_text().count("\n") == 2, 20)
    path.rename(tmp_path / "rotated")
    keeper.record(entry(2))
    await eventually(lambda: path.exists() and path.read_text().count("\n") == 1, 20)
    writing.cancel()
    (first, second) = map(json.loads, (tmp_path / "rotated").read_text().splitlines())
    assert (first["who"], first["at"], first["detail"]) == ("anna", "2027-01-15T08:00:01.000+00:00", "a b")
    assert second["id"] == first["id"] + 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


class Flaky:
    """A store that is away for a while."""

    name = "flaky"

    def __init__(self) -> None:
        self.away = True
        self.kept: list[AuditEntry] = []

    async def save(self, entries: Sequence[AuditEntry]) -> None:
        if self.away:
            raise SinkError("away")
        self.kept.extend(entries)

    async def find(self, query: AuditQuery) -> Sequence[AuditEntry] | None:
        if self.away:
            raise SinkError("away")
        return self.kept

    async def close(self) -> None:
        pass


async def test_a_store_that_is_away_gets_what_it_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restream.supervisor.outlets.audit_keeper._RETRY", RestartPolicy(base_s=0.01, max_s=0.05))
    store = Flaky()
    keeper = AuditKeeper([store])
    writing = asyncio.create_task(keeper.run())
    for number in range(700):
        keeper.record(entry(number))
    await asyncio.sleep(0.05)
    assert len(await keeper.find(AuditQuery(limit=1000))) == 700
    store.away = False
    await eventually(lambda: len(store.kept) == 700, 20)
    writing.cancel()
    assert [each.id for each in store.kept] == sorted({each.id for each in store.kept})


async def test_the_table_has_the_entries_of_all_nodes(dsn: str) -> None:
    database = Secret(dsn)
    without = PostgresAudit(database)
    await without.save([entry(1)])
    assert await without.find(AuditQuery()) is None
    await without.close()
    await execute_script(database, (ROOT / "etc" / "schema_audit.sql").read_text())
    await execute_script(database, (ROOT / "etc" / "schema_audit.sql").read_text())
    keepers = [AuditKeeper([PostgresAudit(database)], node=name) for name in ("north", "south")]
    writing = [asyncio.create_task(each.run()) for each in keepers]
    for number, keeper in enumerate(keepers):
        keeper.record(entry(number, target="7", detail="x' OR 1=1 --"))
    reader = PostgresAudit(database)
    for _ in range(200):
        found = await reader.find(AuditQuery(target="7"))
        if found is not None and len(found) == 2:
            break
        await asyncio.sleep(0.05)
    assert found is not None and [each.node for each in found] == ["north", "south"]
    assert found[0] == keepers[0].latest(AuditQuery())[0]
    assert len(await keepers[0].find(AuditQuery())) == 2, "of the other node too"
    assert await reader.find(AuditQuery(who="bert")) == []
    await reader.close()
    for each in writing:
        each.cancel()
    await asyncio.gather(*writing, return_exceptions=True)
