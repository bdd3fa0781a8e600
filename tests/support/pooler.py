"""A pgbouncer in transaction mode before a database."""

from __future__ import annotations

import contextlib
import os
import pwd
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from restream.adapters.processes.child_process import ChildProcess
from restream.demo.embedded import free_port
from restream.domain.ffmpeg.invocation import Invocation
from tests.support.eventually import eventually

_SETTINGS = """\
[databases]
{name} = host=127.0.0.1 port={server_port} dbname={name} user=restream
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
"""


@contextlib.asynccontextmanager
async def pooled(dsn: str) -> AsyncIterator[str]:
    """DSN of the same database behind a pooler: each transaction may come to another session."""
    parts, port = urlsplit(dsn), free_port()
    name = parts.path.lstrip("/")
    # It refuses to run as root.
    user = "nobody" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="restream-pooler-") as directory:
        settings = Path(directory) / "pgbouncer.ini"
        settings.write_text(_SETTINGS.format(name=name, server_port=parts.port, port=port), encoding="utf-8")
        if user is not None:
            os.chown(directory, pwd.getpwnam(user).pw_uid, -1)
        process = ChildProcess.spawn(Invocation(("pgbouncer", str(settings))), lambda _: None, user=user)
        try:
            through = f"postgresql://restream@127.0.0.1:{port}/{name}"
            await eventually(lambda: _answers(through, process), 10, "pgbouncer does not start")
            yield through
        finally:
            await process.stop(2)
            await process.ended()


async def _answers(dsn: str, process: ChildProcess) -> bool:
    assert process.running, process.stderr_tail
    try:
        await (await asyncpg.connect(dsn, timeout=2)).close()
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    return True
