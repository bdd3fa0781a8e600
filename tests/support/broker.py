"""A real broker (mosquitto), and a client that sees what stands there."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt

from restream.demo.embedded import free_port
from tests.support.authority import Pair
from tests.support.eventually import eventually

LOGIN = ("ops", "hunter22")


@dataclass
class Broker:
    port: int
    folder: Path
    configuration: str
    process: asyncio.subprocess.Process | None = None
    standing: dict[str, bytes] = field(default_factory=dict)
    """What stands there now, by topic, while somebody is `watching`."""

    async def start(self) -> None:
        file = self.folder / "mosquitto.conf"
        file.write_text(self.configuration, encoding="utf-8")
        self.process = await asyncio.create_subprocess_exec(
            "mosquitto", "-c", str(file), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )

        async def listens() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                return False
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            return True

        await eventually(listens, 20)

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[dict[str, bytes]]:
        self.standing.clear()

        async def watch() -> None:
            async with aiomqtt.Client("127.0.0.1", self.port) as client:
                await client.subscribe("#")
                async for message in client.messages:
                    assert isinstance(message.payload, bytes)
                    self.standing.pop(message.topic.value, None)
                    if message.payload:
                        self.standing[message.topic.value] = message.payload

        task = asyncio.create_task(watch())
        try:
            yield self.standing
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def broker(folder: Path, pair: Pair | None = None, *, login: bool = False) -> AsyncIterator[Broker]:
    """On loopback; everything it keeps is lost with it."""
    port = free_port()
    lines = [f"listener {port} 127.0.0.1", f"allow_anonymous {'false' if login else 'true'}", "persistence false"]
    if login:
        passwords = folder / "mosquitto.passwords"
        subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), *LOGIN], check=True, capture_output=True)
        passwords.chmod(0o644)
        lines.append(f"password_file {passwords}")
    if pair is not None:
        lines += [f"certfile {pair.certificate}", f"keyfile {pair.key}"]
    # It gives up root's rights, and then reads its files.
    it = Broker(port, folder, "\n".join([*lines, "user root", ""]))
    await it.start()
    try:
        yield it
    finally:
        await it.stop()
