"""What a benchmark of several ways can be asked for, by name."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from bench.alternative import Alternative
from bench.bare import Respawn, ShellLoops, SystemdUnits
from bench.peers import AskedServer, Datarhei, FetchingServer, Go2rtc
from bench.restreams import PullingRestream, RelayingRestream, RestartedRestream, Restream


def alternatives(names: Iterable[str], directory: str, settings: Mapping[str, str] = {}) -> list[Alternative]:
    """Those that can run here, in this order, the others are told; `settings` are the service's."""
    known: dict[str, Alternative] = {
        "restream": Restream(directory, settings),
        "restarted": RestartedRestream(directory, settings),
        "relay": RelayingRestream(directory, settings),
        "pull": PullingRestream(directory, settings),
        "server": FetchingServer(),
        "asked": AskedServer(),
        "go2rtc": Go2rtc(),
        "datarhei": Datarhei(),
        "loops": ShellLoops(),
        "respawn": Respawn(),
        "systemd": SystemdUnits(),
    }
    found: list[Alternative] = []
    for each in (known[name] for name in names):
        if missing := each.missing():
            sys.stdout.write(f"{each.name} is left out: {missing}\n")
        else:
            found.append(each)
    return found
