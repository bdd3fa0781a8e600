"""Children that a life of the service has left and not told of."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import subprocess, time, psutil
from restream.service.handover import end_strays
kept, stray, over = (subprocess.Popen(words) for words in (["sleep", "60"], ["sleep", "60"], ["true"]))
while psutil.Process(over.pid).status() != psutil.STATUS_ZOMBIE:
    time.sleep(0.01)
end_strays({kept.pid})
print([child.pid == kept.pid for child in psutil.Process().children()])
kept.kill()
"""


def test_they_are_ended_and_reaped_and_those_that_are_known_are_not() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[True]\n"
    (line,) = done.stderr.splitlines()
    assert "(sleep) was left by the version before and is ended" in line
