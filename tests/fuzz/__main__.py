"""Coverage-guided fuzzing: `python -m tests.fuzz TARGET [--seconds 60]`, with the extra `fuzz` installed.

What it finds is written to tests/fuzz/corpus/TARGET/crash-…; keep it there, and the replay test keeps it repaired.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["restream"]):
    from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    chosen = parser.parse_args()
    seeds = CORPUS / chosen.target
    seeds.mkdir(exist_ok=True)
    # What it learns goes to the first directory; the seeds stay few.
    with tempfile.TemporaryDirectory() as learnt:
        limits = [f"-max_total_time={chosen.seconds}", "-timeout=5", "-rss_limit_mb=1024", "-max_len=8192"]
        prefix = f"-artifact_prefix={seeds}/"
        atheris.Setup([sys.argv[0], *limits, prefix, learnt, str(seeds)], TARGETS[chosen.target])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
