"""Benchmarks: `python -m bench fleet --cameras 200`. Each prints what it measured and can write it as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from bench import (
    cold_start,
    comparison,
    console,
    crowd,
    cycle,
    decisions,
    engines,
    fleet,
    fleet_life,
    handover,
    history,
    pictures,
    recovery,
    soak,
)
from bench.machine import describe_machine
from restream.service.interpreter import install_child_watcher

_BENCHMARKS = (
    cold_start,
    comparison,
    console,
    crowd,
    cycle,
    decisions,
    engines,
    fleet,
    fleet_life,
    handover,
    history,
    pictures,
    recovery,
    soak,
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results here")
    commands = parser.add_subparsers(dest="benchmark", required=True)
    for benchmark in _BENCHMARKS:
        benchmark.add_arguments(commands)
    options = parser.parse_args()
    install_child_watcher()
    machine = describe_machine()
    sys.stdout.write(f"{machine}\n")
    results = asyncio.run(options.measure(options))
    if options.json:
        document = {"machine": machine, "benchmark": options.benchmark, "results": results}
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
