"""What is told, and what is not, of what nobody waits for."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import pytest

from restream.service.interpreter import keep_quiet_about_lost_connections


def _left_future(loop: asyncio.AbstractEventLoop, error: Exception) -> None:
    loop.create_future().set_exception(error)


def _left_task(loop: asyncio.AbstractEventLoop, error: Exception) -> None:
    async def fail() -> None:
        raise error

    task = loop.create_task(fail())
    loop.run_until_complete(asyncio.wait([task]))


@pytest.mark.parametrize(
    ("leave", "error", "told"),
    [
        (_left_future, ConnectionError("unexpected connection_lost() call"), False),
        (_left_future, ValueError("a defect"), True),
        (_left_task, ConnectionError("in a task of ours"), True),
    ],
)
def test_only_a_connection_that_nobody_waits_for_is_no_error(
    leave: Callable[[asyncio.AbstractEventLoop, Exception], None],
    error: Exception,
    told: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = asyncio.new_event_loop()
    try:
        keep_quiet_about_lost_connections(loop)
        leave(loop, error)
        gc.collect()
    finally:
        loop.close()
    assert bool([record for record in caplog.records if record.levelname == "ERROR"]) is told
