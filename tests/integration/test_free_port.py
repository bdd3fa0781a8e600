"""Ports that servers of the demo and of the tests will listen on."""

from __future__ import annotations

import subprocess
import sys

import pytest

from restream.demo import embedded
from restream.demo.embedded import free_port

_HERE = range(17_900, 17_904)
_ELSEWHERE = f"""
from restream.demo import embedded
embedded._OWN_PORTS = range({_HERE.start}, {_HERE.stop})
print(embedded.free_port(), embedded.free_port(), flush=True)
input()
"""


def test_a_port_is_given_once_though_nobody_listens_on_it_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process and in all others: the server that it is for starts later."""
    monkeypatch.setattr(embedded, "_OWN_PORTS", _HERE)
    with subprocess.Popen(
        [sys.executable, "-c", _ELSEWHERE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        given = {int(port) for port in other.stdout.readline().split()}
        given |= {free_port(), free_port()}
        assert given == set(_HERE)
        other.communicate("\n")


def test_a_wanted_port_is_given_again() -> None:
    port = free_port()
    assert free_port(port) == port
