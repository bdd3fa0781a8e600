"""PostgreSQL and Redis over TLS: the right authority, a wrong one, another host's certificate, an expired one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from aiohttp import web

from restream.adapters.postgres import PostgresCameraTable
from restream.adapters.processes.child_process import ChildProcess
from restream.adapters.reachability import redis_version
from restream.adapters.stores.influx import InfluxStore
from restream.adapters.stores.redis_sink import RedisSink
from restream.adapters.stores.webhook import Webhook
from restream.demo.embedded import free_port, postgres_binaries, postgres_files, redis_binary, serving
from restream.domain.camera.secret import ReplaceableSecret, Secret
from restream.domain.ffmpeg.invocation import Invocation
from restream.domain.line_buffer import Unavailable, Written
from restream.domain.news.alert import AlertError
from restream.domain.server.trust import SYSTEM, UNCHECKED, Trust
from restream.ports.cameras import DatabaseError
from restream.ports.outlets import Documents, SinkError
from tests.conftest import needs
from tests.contract.test_webhook import ALERT
from tests.support.authority import ELSEWHERE, Authority, Pair

pytestmark = pytest.mark.program("openssl")

PASSWORD = "p@ss/w#rd%1"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def other(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "other", "another authority")


TROUBLES = {
    "wrong authority": "TLS: its certificate is of an authority that is not trusted here",
    "wrong host": "TLS: its certificate is for another",
    "expired": "TLS: its certificate has expired",
}


def pair_of(authority: Authority, case: str) -> Pair:
    names = {"names": ELSEWHERE} if case == "wrong host" else {}
    return authority.issue("server", days=-1 if case == "expired" else 2, **names)


# -- PostgreSQL --------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def postgres_with(pair: Pair | None) -> AsyncIterator[str]:
    """Host, port and database of one that speaks TLS; the role `tls` must, by password."""
    async with postgres_files() as files:
        data = files.data
        rules = "hostssl all tls 127.0.0.1/32 scram-sha-256\nhostnossl all tls 127.0.0.1/32 reject\n"
        hba = data / "pg_hba.conf"
        hba.write_text(rules + hba.read_text(encoding="utf-8"), encoding="utf-8")
        if pair is not None:
            for source, name in ((pair.certificate, "server.crt"), (pair.key, "server.key")):
                shutil.copy(source, data / name)
                (data / name).chmod(0o600)
                if files.user is not None:
                    account = pwd.getpwnam(files.user)
                    os.chown(data / name, account.pw_uid, account.pw_gid)
            with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
                file.write("\nssl = on\n")
        port = free_port()
        async with serving(files, port) as dsn:
            admin = await asyncpg.connect(dsn.reveal())
            await admin.execute(f"CREATE ROLE tls LOGIN PASSWORD '{PASSWORD}'; CREATE TABLE cameras (id int)")
            await admin.execute("GRANT SELECT ON cameras TO tls")
            try:
                yield f"127.0.0.1:{port}/postgres"
            finally:
                await admin.close()


async def postgres_trouble(dsn: str) -> str:
    """Empty: the table could be read."""
    table = PostgresCameraTable(Secret(dsn))
    try:
        await table.connect(lambda: None)
        await table.read()
        return ""
    except DatabaseError as error:
        assert PASSWORD not in str(error) and "p%40ss" not in str(error) and "\n" not in str(error)
        return str(error)
    finally:
        await table.close()


LOGIN = "tls:p%40ss%2Fw%23rd%251"


@pytest.mark.parametrize("case", ["fits", *TROUBLES])
async def test_postgres_over_tls(
    request: pytest.FixtureRequest, authority: Authority, other: Authority, case: str
) -> None:
    needs(request.config, postgres_binaries(), "PostgreSQL")
    async with postgres_with(pair_of(authority, case)) as place:
        ca = other.ca if case == "wrong authority" else authority.ca
        dsn = f"postgresql://{LOGIN}@{place}?sslmode=verify-full&sslrootcert={ca}"
        trouble = await postgres_trouble(dsn)
        if case != "fits":
            assert trouble.startswith(TROUBLES[case]) and "sslrootcert" in trouble, trouble
            assert await postgres_trouble(f"postgresql://{LOGIN}@{place}?sslmode=require") == ""
            return
        assert trouble == ""
        refused = await postgres_trouble(f"postgresql://{LOGIN}@{place}?sslmode=disable")
        assert "the server wants TLS: set sslmode=verify-full" in refused, refused
        missing = await postgres_trouble(f"postgresql://{LOGIN}@{place}?sslmode=verify-full&sslrootcert=/missing.pem")
        assert missing.startswith("TLS: a file of the DSN cannot be read: No such file"), missing
        wrong = await postgres_trouble(f"postgresql://tls:100%@{place}?sslmode=require")
        assert wrong.endswith("a % in its password must be written as %25"), wrong


async def test_postgres_without_tls(request: pytest.FixtureRequest) -> None:
    needs(request.config, postgres_binaries(), "PostgreSQL")
    async with postgres_with(None) as place:
        trouble = await postgres_trouble(f"postgresql://restream@{place}?sslmode=require")
        assert trouble.startswith("TLS: the server does not speak it (127.0.0.1:"), trouble
        assert await postgres_trouble(f"postgresql://restream@{place}") == ""


async def test_a_password_of_postgres_is_replaced_and_connections_are_left_alone(
    request: pytest.FixtureRequest, authority: Authority
) -> None:
    needs(request.config, postgres_binaries(), "PostgreSQL")
    async with postgres_with(pair_of(authority, "fits")) as place:
        dsn = ReplaceableSecret(f"postgresql://{LOGIN}@{place}?sslmode=verify-full&sslrootcert={authority.ca}")
        table = PostgresCameraTable(dsn)
        try:
            await table.connect(lambda: None)
            admin = await asyncpg.connect(f"postgresql://restream@{place}")
            await admin.execute("ALTER ROLE tls PASSWORD 'second'")
            await admin.close()
            await table.read()
            with pytest.raises(DatabaseError, match="password authentication failed"):
                await table.connect(lambda: None)
            dsn.replace(dsn.reveal().replace(LOGIN, "tls:second"))
            await table.connect(lambda: None)
            assert await table.read() == []
        finally:
            await table.close()


# -- Redis -------------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def redis_with(pair: Pair | None) -> AsyncIterator[int]:
    """The port of one that speaks TLS, or not, and nothing else."""
    binary, port = redis_binary(), free_port()
    assert binary is not None
    ports: tuple[str, ...] = ("--port", str(port))
    if pair is not None:
        files = ("--tls-cert-file", str(pair.certificate), "--tls-key-file", str(pair.key))
        ports = ("--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no", *files)
    common = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "/", "--requirepass", "first")
    server = ChildProcess.spawn(Invocation((binary, *common, *ports)), lambda _: None)
    try:
        while server.running:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            await asyncio.sleep(0.02)
        if not server.running:
            pytest.skip("this Redis is built without TLS")
        yield port
    finally:
        await asyncio.shield(server.stop(3.0))
        await server.ended()


async def redis_trouble(url: str, trust: Trust = SYSTEM) -> str:
    try:
        assert await redis_version(Secret(url), trust)
    except SinkError as error:
        assert "first" not in str(error) and "\n" not in str(error)
        return str(error)
    return ""


@pytest.mark.parametrize("case", ["fits", *TROUBLES])
async def test_redis_over_tls(
    request: pytest.FixtureRequest, authority: Authority, other: Authority, case: str
) -> None:
    needs(request.config, redis_binary(), "Redis")
    async with redis_with(pair_of(authority, case)) as port:
        url = f"rediss://:first@127.0.0.1:{port}/0"
        ca = other.ca if case == "wrong authority" else authority.ca
        trouble = await redis_trouble(url, Trust(str(ca)))
        if case != "fits":
            assert trouble.startswith(TROUBLES[case]), trouble
            assert await redis_trouble(url, UNCHECKED) == ""
            return
        assert trouble == ""
        assert (await redis_trouble(url)).startswith(TROUBLES["wrong authority"])
        plain = await redis_trouble(url.replace("rediss", "redis"))
        assert plain.endswith("; if it speaks TLS, redis.url must begin with rediss"), plain


async def test_redis_without_tls(request: pytest.FixtureRequest) -> None:
    needs(request.config, redis_binary(), "Redis")
    async with redis_with(None) as port:
        trouble = await redis_trouble(f"rediss://:first@127.0.0.1:{port}/0")
        assert trouble == "no answer within 5 s; if it does not speak TLS, redis.url must begin with redis"


async def test_a_password_of_redis_is_replaced_and_the_connection_is_left_alone(request: pytest.FixtureRequest) -> None:
    needs(request.config, redis_binary(), "Redis")
    async with redis_with(None) as port:
        url = ReplaceableSecret(f"redis://:first@127.0.0.1:{port}/0")
        sink, documents = RedisSink(url, "", "a", 10), Documents(b"[]")
        try:
            await sink.write(documents)
            await sink._connection.redis.config_set("requirepass", "second")
            await sink.write(documents)
            url.replace(url.reveal().replace("first", "second"))
            await sink.write(documents)
            await sink._connection.redis.connection_pool.disconnect()
            await sink.write(documents)
            url.replace(url.reveal().replace("second", "third"))
            await sink._connection.redis.connection_pool.disconnect()
            with pytest.raises(SinkError, match="invalid username-password pair"):
                await sink.write(documents)
        finally:
            await sink.close()


# -- what takes HTTP ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["fits", *TROUBLES])
async def test_influxdb_and_webhooks_over_tls(authority: Authority, other: Authority, case: str) -> None:
    pair, port = pair_of(authority, case), free_port()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)

    async def take(_: web.Request) -> web.Response:
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    url, ca = f"https://127.0.0.1:{port}", other.ca if case == "wrong authority" else authority.ca
    try:
        for trust, trouble in ((Trust(str(ca)), TROUBLES.get(case, "")), (UNCHECKED, ""), (SYSTEM, "TLS: ")):
            store = InfluxStore(url, token=None, org=None, bucket="b", precision="ms", trust=trust)
            webhook = Webhook(Secret(f"{url}/hook"), trust=trust)
            try:
                told = await store.write(["m v=1"])
                if trouble:
                    assert isinstance(told, Unavailable) and told.detail.startswith(trouble)
                    with pytest.raises(AlertError, match=trouble):
                        await webhook.send(ALERT, "1")
                else:
                    assert isinstance(told, Written)
                    await webhook.send(ALERT, "1")
            finally:
                await store.close()
                await webhook.close()
    finally:
        await runner.cleanup()
