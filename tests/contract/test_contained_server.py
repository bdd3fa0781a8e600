"""The container's state beside the server's own words."""

from __future__ import annotations

from restream.adapters.server.docker_engine import ContainerState
from restream.adapters.server.mediamtx_in_docker import ContainedServer
from restream.ports.servers import ServerStatus
from tests.unit.fakes import FakeServer, virtual


class _Engine:
    def __init__(self) -> None:
        self.asked = 0

    async def container(self, name: str) -> ContainerState:
        assert name == "mtx"
        self.asked += 1
        return ContainerState("running", "healthy", restarts=2)


@virtual
async def test_the_detail_tells_of_the_container_and_the_engine_is_asked_rarely() -> None:
    engine, inner = _Engine(), FakeServer()
    server = ContainedServer(inner, engine, "mtx")  # type: ignore[arg-type]
    for _ in range(5):
        status = await server.observe()
    assert status.detail == "MediaMTX v1.20.1; container mtx: running, healthy, restarted 2 times"
    assert engine.asked == 1
    inner.status = ServerStatus(False, "no answer")
    await server.observe()
    await server.observe()
    assert engine.asked == 3
