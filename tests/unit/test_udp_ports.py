"""Ports for media over UDP, where the system has few of them: pairs, or a reason, and nothing that stays open."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

import pytest

from restream.adapters.rtsp import datagrams
from restream.adapters.rtsp.connection import Ends
from restream.adapters.rtsp.datagrams import Datagrams
from restream.domain.rtsp.events import PortPair

ENDS = Ends(socket.AF_INET, ("10.0.0.1", 40_000), ("10.0.0.9", 554))


class System:
    """Gives sockets as `ports` come (0 asked for), those in `taken` to nobody, and at most `descriptors`."""

    def __init__(self, ports: list[int], taken: set[int], descriptors: int = 100) -> None:
        self.free: Iterator[int] = iter(ports)
        self.taken, self.descriptors = taken, descriptors
        self.open: list[Socket] = []

    def socket(self, *_: object) -> Socket:
        if len(self.open) >= self.descriptors:
            raise OSError(errno.EMFILE, "Too many open files")
        made = Socket(self)
        self.open.append(made)
        return made


class Socket:
    def __init__(self, system: System) -> None:
        self._system = system
        self.address = ("", 0)

    def setblocking(self, _: bool) -> None: ...

    def setsockopt(self, *_: object) -> None: ...

    def bind(self, address: tuple[str, int]) -> None:
        host, port = address
        if port in self._system.taken:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        self.address = host, port or next(self._system.free)

    def getsockname(self) -> tuple[str, int]:
        return self.address

    def fileno(self) -> int:
        return 1_000_000

    def close(self) -> None:
        self._system.open.remove(self)


async def opened(monkeypatch: pytest.MonkeyPatch, system: System, ends: Ends | None = ENDS) -> Datagrams:
    monkeypatch.setattr(datagrams.socket, "socket", system.socket)
    monkeypatch.setattr(datagrams, "_close", lambda track: (track.rtp.close(), track.rtcp.close()))
    return Datagrams(lambda: ends, lambda data, at: None, lambda: None)


async def test_a_pair_begins_with_an_even_port_at_the_address_that_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System([5000, 5003], set())
    found = await opened(monkeypatch, system)
    assert [found.ports(0), found.ports(1)] == [PortPair(5000, 5001), PortPair(5002, 5003)]
    assert {each.address[0] for each in system.open} == {"10.0.0.1"}
    found.close()
    assert not system.open


async def test_a_port_whose_neighbour_is_taken_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System([5000, 5005, 5006], {5001, 5004})
    found = await opened(monkeypatch, system)
    assert found.ports(0) == PortPair(5006, 5007)
    assert len(system.open) == 2


async def test_to_be_asked_again_gives_others(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System([5000, 5002, 5004], set())
    found = await opened(monkeypatch, system)
    assert [found.ports(place) for place in (0, 1, 0)] == [(5000, 5001), (5002, 5003), (5004, 5005)]
    assert len(system.open) == 2


@pytest.mark.parametrize("descriptors", [0, 1])
async def test_without_descriptors_there_is_a_reason_and_nothing_stays(
    monkeypatch: pytest.MonkeyPatch, descriptors: int
) -> None:
    system = System([5000] * 99, set(), descriptors)
    assert (await opened(monkeypatch, system)).ports(0) == "Too many open files"
    assert not system.open


async def test_without_ports_there_is_a_reason_and_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System([5000] * 99, {5001})
    assert (await opened(monkeypatch, system)).ports(0) == "Address already in use"
    assert not system.open


async def test_without_a_connection_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System([], set())
    assert (await opened(monkeypatch, system, None)).ports(0) == "Transport endpoint is not connected"
