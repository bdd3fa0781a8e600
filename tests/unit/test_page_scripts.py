"""The page's scripts that need no browser, tested by node's own runner."""

from __future__ import annotations

import subprocess

import pytest

from restream.config.places import ROOT

FILES = sorted((ROOT / "tests" / "javascript" / "unit").glob("*.test.js"))


@pytest.mark.program("node")
@pytest.mark.parametrize("file", [path.name for path in FILES])
def test_the_tests_of_a_script_pass(file: str) -> None:
    command = ["node", "--test", f"tests/javascript/unit/{file}"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "# pass 0" not in ran.stdout, "no test was run"
