"""What pictures of simulated cameras are accused of, and what looking at pictures costs."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from bench.pictures.corpus import SceneResult, Trial, run_scene
from bench.pictures.kinds import KINDS
from bench.pictures.real import agreement, cost
from bench.pictures.weather import MINUTES
from restream.domain.pictures.finding import PictureFlaw


def add_arguments(commands: Any) -> None:
    parser = commands.add_parser("pictures", help=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--scenes", type=int, default=len(KINDS), help=f"of {len(KINDS)}")
    parser.add_argument("--only", type=int, nargs="+", metavar="N", help="these scenes, from 0")
    parser.add_argument("--times", type=int, default=2, help="how often each fault is tried at each hour")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--every", type=int, default=1, metavar="MINUTES", help="how often a picture is taken")
    parser.add_argument(
        "--measures", type=Path, metavar="FOLDER", help="keep what is measured there (3 GB), for other rules"
    )
    parser.add_argument(
        "--flaws", type=PictureFlaw, nargs="+", default=list(PictureFlaw), metavar="FLAW", help="only these faults"
    )
    parser.add_argument("--decode", action="store_true", help="instead: what 1,000 cameras of 720p each minute cost")
    parser.add_argument("--cameras", type=int, default=1000, help="with --decode")
    parser.add_argument("--agreement", action="store_true", help="instead: what a real encoder makes of the pictures")
    parser.set_defaults(measure=measure)


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All scenes, one after the other or beside each other."""
    if options.decode:
        return await cost(options.cameras, 60.0)
    numbers = options.only or range(options.scenes)
    if options.agreement:
        return await agreement(numbers)
    loop, begin = asyncio.get_running_loop(), time.monotonic()
    results: list[SceneResult] = []
    trial = Trial(options.days, options.times, options.every, flaws=frozenset(options.flaws), measures=options.measures)
    with ProcessPoolExecutor(options.jobs) as pool:
        runs = [loop.run_in_executor(pool, run_scene, each, trial) for each in numbers]
        for run in asyncio.as_completed(runs):
            result = await run
            results.append(result)
            sys.stdout.write(_line(result) + "\n")
            sys.stdout.flush()
    table = summary(results)
    sys.stdout.write(as_table(table) + "\n")
    pictures = sum(each.pictures for each in results)
    sys.stdout.write(f"{pictures} pictures in {time.monotonic() - begin:.0f} s\n")
    missed = [
        {"scene": each.name, "flaw": one.injection.flaw, "minute": one.injection.minute, "told": one.told}
        for each in results
        for one in each.outcomes
        if one.applicable and not one.found
    ]
    for each in missed:
        day, of_day = divmod(each["minute"], MINUTES)
        moment = f"day {day + 1}, {of_day // 60:02d}:{of_day % 60:02d}"
        told = ", ".join(each["told"]) or "nothing"
        sys.stdout.write(f"missed: {each['flaw']} at {each['scene']}, {moment}, told {told}\n")
    return {"pictures": pictures, "flaws": table, "missed": missed}


def summary(results: list[SceneResult]) -> dict[str, dict[str, int]]:
    """By flaw."""
    alarms = Counter(flaw for each in results for _, flaw, _ in each.alarms)
    suspicions: Counter[PictureFlaw] = Counter()
    for each in results:
        suspicions.update(each.suspicions)
    table = {}
    for flaw in PictureFlaw:
        tried = [one for each in results for one in each.outcomes if one.injection.flaw is flaw]
        able = [one for one in tried if one.applicable]
        found = sum(one.found for one in able)
        table[flaw.value] = {
            "injected": len(able),
            "found": found,
            "missed": len(able) - found,
            "in the dark": len(tried) - len(able),
            "false alarms": alarms[flaw],
            "suspected": suspicions[flaw],
        }
    return table


def as_table(table: dict[str, dict[str, int]]) -> str:
    """For a page."""
    columns = list(next(iter(table.values())))
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    lines += [f"| `{flaw}` | " + " | ".join(str(row[each]) for each in columns) + " |" for flaw, row in table.items()]
    total = {each: sum(row[each] for row in table.values()) for each in columns}
    return "\n".join([*lines, "| **all** | " + " | ".join(f"**{total[each]}**" for each in columns) + " |"])


def _line(result: SceneResult) -> str:
    able = [each for each in result.outcomes if each.applicable]
    found = sum(each.found for each in able)
    alarms = ", ".join(
        f"{flaw} on day {minute // MINUTES + 1} at {minute % MINUTES // 60:02d}:{minute % 60:02d} {dict(numbers)}"
        for minute, flaw, numbers in result.alarms[:8]
    )
    return f"{result.name}: {found} of {len(able)} found, {len(result.alarms)} false alarms {alarms}"
