"""Where the CPU of a cycle goes: stages of the product, counted from outside by wrapping what they are made of."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from statistics import median, quantiles
from typing import Any

_SAMPLE_S = 0.005


class _Steps:
    """Awaits a coroutine, counting the steps it makes but not the time between them."""

    def __init__(self, stages: Stages, name: str, awaited: Awaitable[Any]) -> None:
        self._stages, self._name, self._awaited = stages, name, awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._awaited.__await__()
        resume: Callable[[], Any] = functools.partial(next, steps)
        while True:
            try:
                yielded = self._stages.count(self._name, resume)
            except StopIteration as ended:
                return ended.value
            try:
                sent = yield yielded
            except BaseException as error:
                resume = functools.partial(_throw, steps, error)
            else:
                resume = functools.partial(_send, steps, sent)


class Stages:
    """CPU seconds by stage, of the thread that works; a stage within another counts only for itself."""

    def __init__(self) -> None:
        self.cpu_s: defaultdict[str, float] = defaultdict(float)
        self.calls: defaultdict[str, int] = defaultdict(int)
        self._inner = threading.local()
        self._collecting = 0.0, 0.0
        self.longest_collection_s = 0.0

    def count(self, name: str, work: Callable[[], Any]) -> Any:
        outer, self._inner.s = getattr(self._inner, "s", 0.0), 0.0
        began = time.thread_time()
        try:
            return work()
        finally:
            spent = time.thread_time() - began
            self.cpu_s[name] += spent - self._inner.s
            self._inner.s = outer + spent

    def wrap(self, owner: Any, attribute: str, name: str) -> None:
        """Count what a function, a method or a coroutine function costs from now on."""
        wrapped = getattr(owner, attribute)

        @functools.wraps(wrapped)
        def work(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            return self.count(name, functools.partial(wrapped, *args, **kwargs))

        @functools.wraps(wrapped)
        async def steps(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            return await _Steps(self, name, wrapped(*args, **kwargs))

        setattr(owner, attribute, steps if asyncio.iscoroutinefunction(wrapped) else work)

    def watch_collector(self) -> None:
        """Garbage collections happen in the middle of any stage: they are one of their own."""
        gc.callbacks.append(self._collection)

    def _collection(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._collecting = time.thread_time(), time.perf_counter()
            return
        spent = time.thread_time() - self._collecting[0]
        self.cpu_s["garbage collector"] += spent
        self._inner.s = getattr(self._inner, "s", 0.0) + spent
        self.longest_collection_s = max(self.longest_collection_s, time.perf_counter() - self._collecting[1])


class Rounds:
    """What each round cost: `mark` ends one."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self.rounds: list[dict[str, float]] = []
        self._begin()

    def _begin(self) -> None:
        self._before, self._process_s = dict(self._stages.cpu_s), time.process_time()

    def mark(self) -> None:
        spent = {name: total - self._before.get(name, 0.0) for name, total in self._stages.cpu_s.items()}
        own = spent.pop("bench itself", 0.0)
        total = time.process_time() - self._process_s - own
        self.rounds.append({**spent, "rest": total - sum(spent.values()), "total": total, "(bench itself)": own})
        self._begin()

    def medians_ms(self) -> dict[str, float]:
        """By stage; the collector's is the mean, since most rounds have no great collection."""
        names = {name for each in self.rounds for name in each}
        values = {name: [1000 * each.get(name, 0.0) for each in self.rounds] for name in names}
        typical = {name: median(each) for name, each in values.items()}
        collector = values.get("garbage collector", [0.0])
        typical["garbage collector"] = sum(collector) / len(collector)
        return {name: round(spent, 1) for name, spent in sorted(typical.items())}


def shares(values: list[float]) -> dict[str, float]:
    """Median, 99th percentile and largest."""
    return {
        "p50": round(median(values), 1),
        "p99": round(quantiles(values, n=100, method="inclusive")[98], 1) if len(values) > 1 else round(values[0], 1),
        "max": round(max(values), 1),
    }


@contextlib.asynccontextmanager
async def _cancelled(task: asyncio.Task[None]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def loop_lag(lags_ms: list[float]) -> AsyncIterator[None]:
    """How late the event loop comes to a timer of 5 ms. A delay counts for all the timers that it has held up."""

    async def sample() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_SAMPLE_S)
            lag_s = time.perf_counter() - began - _SAMPLE_S
            while lag_s > 0:
                lags_ms.append(1000 * lag_s)
                lag_s -= _SAMPLE_S

    async with _cancelled(asyncio.create_task(sample())):
        yield


def _send(steps: Generator[Any, Any, Any], value: Any) -> Any:
    return steps.send(value)


def _throw(steps: Generator[Any, Any, Any], error: BaseException) -> Any:
    return steps.throw(error)
