"""A `systemctl` for tests of the installation: runs the one unit of a scratch root, as far as ordinary users can.

It honours Type=notify, WorkingDirectory, EnvironmentFile, ExecStartPre, ExecStart, LogsDirectory, StateDirectory and
TimeoutStopSec; users and sandboxing it does not. SCRATCH names the root; the unit's absolute paths are looked for below
it.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import psutil

START_LIMIT_S = 60.0


def unit(scratch: Path) -> dict[str, list[str]]:
    """What the unit says, key by key, its paths in the scratch root."""
    found: dict[str, list[str]] = defaultdict(list)
    text = (scratch / "etc/systemd/system/restream.service").read_text(encoding="utf-8")
    for line in text.splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            # A unit of a wheel is written where the program is: in the scratch root.
            found[key].append(re.sub(r"(?<![\w./])/(?=(opt|etc)/)", f"{scratch}/", value))
    return found


def environment(scratch: Path, settings: dict[str, list[str]]) -> dict[str, str]:
    """Only what systemd would give."""
    found = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    for file in settings["EnvironmentFile"]:
        for line in Path(file.removeprefix("-")).read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith(("#", ";")):
                key, _, value = line.partition("=")
                found[key] = "".join(shlex.split(value))
    for key, place in (("Logs", "var/log"), ("State", "var/lib")):
        directory = scratch / place / settings[f"{key}Directory"][0]
        directory.mkdir(parents=True, exist_ok=True)
        found[f"{key.upper()}_DIRECTORY"] = str(directory)
    return found


def start(scratch: Path) -> int:
    settings = unit(scratch)
    variables, directory = environment(scratch, settings), settings["WorkingDirectory"][0]
    notify = scratch / "notify"
    with (scratch / "journal").open("ab") as journal, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        for before in settings["ExecStartPre"]:
            done = subprocess.run(
                shlex.split(before.lstrip("-")),
                cwd=directory,
                env=variables,
                stdout=journal,
                stderr=journal,
                check=False,
            )
            if done.returncode and not before.startswith("-"):
                return done.returncode
        notify.unlink(missing_ok=True)
        manager.bind(str(notify))
        manager.settimeout(START_LIMIT_S)
        process = subprocess.Popen(
            shlex.split(settings["ExecStart"][0]),
            cwd=directory,
            env=variables | {"NOTIFY_SOCKET": str(notify)},
            stdin=subprocess.DEVNULL,
            stdout=journal,
            stderr=journal,
            start_new_session=True,
        )
        (scratch / "pid").write_text(str(process.pid), encoding="utf-8")
        assert settings["Type"] == ["notify"]
        while process.poll() is None:
            if b"READY=1" in manager.recv(4096):
                return 0
    return process.returncode or 1


def running(scratch: Path) -> psutil.Process | None:
    """The main process, while it lives."""
    try:
        process = psutil.Process(int((scratch / "pid").read_text(encoding="utf-8")))
        return process if process.status() != psutil.STATUS_ZOMBIE else None
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None


def stop(scratch: Path) -> int:
    """As `KillMode=mixed` and `TimeoutStopSec` say."""
    process = running(scratch)
    if process is not None:
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + float(unit(scratch)["TimeoutStopSec"][0])
        # Not a wait: a zombie has ended, whether or not whoever inherited it has noticed.
        while running(scratch) is not None:
            if time.monotonic() > deadline:
                process.kill()
                return 1
            time.sleep(0.05)
    (scratch / "pid").unlink(missing_ok=True)
    return 0


def main(scratch: Path, arguments: list[str]) -> int:
    verb, now = next(word for word in arguments if not word.startswith("-")), "--now" in arguments
    if verb == "start" or (verb == "enable" and now):
        return start(scratch)
    if verb == "stop" or (verb == "disable" and now):
        return stop(scratch)
    if verb == "status":
        return 0 if running(scratch) else 3
    assert verb == "daemon-reload", f"what is {arguments}?"
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(os.environ["SCRATCH"]), sys.argv[1:]))
