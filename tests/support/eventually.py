"""Waiting for something to become true, instead of sleeping and hoping."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class HopelessError(AssertionError):
    """What is waited for cannot come any more."""


async def eventually(predicate: Callable[[], T | Awaitable[T]], timeout_s: float, what: str = "") -> T:
    """The first true value of `predicate` (a function or coroutine function); AssertionError after `timeout_s`.

    An AssertionError inside the predicate counts as "not yet" and is shown when time runs out; a HopelessError ends it.
    """
    deadline = asyncio.get_running_loop().time() + timeout_s
    last: object = None
    while True:
        try:
            result = predicate()
            value = await result if inspect.isawaitable(result) else result
            if value:
                return value
            last = value
        except HopelessError:
            raise
        except AssertionError as error:
            last = error
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what or predicate}; last: {last}")
        await asyncio.sleep(0.05)
