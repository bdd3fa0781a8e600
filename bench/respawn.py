"""Keeps commands running as process supervisors do: all at once, each again after a delay. A JSON list on stdin."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import NoReturn

DELAY_S = 5.0


async def _keep(command: Sequence[str]) -> NoReturn:
    quiet = {"stdin": asyncio.subprocess.DEVNULL, "stdout": asyncio.subprocess.DEVNULL}
    while True:
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL, **quiet)
        await process.wait()
        await asyncio.sleep(DELAY_S)


async def _keep_all(commands: Sequence[Sequence[str]]) -> None:
    await asyncio.gather(*map(_keep, commands))


if __name__ == "__main__":
    asyncio.run(_keep_all(json.load(sys.stdin)))
