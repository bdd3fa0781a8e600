"""Redis: the latest picture of all nodes that share it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
from redis.asyncio.client import Pipeline

from restream.adapters.stores import redis_keys as keys
from restream.adapters.stores.redis_connection import Connection, hold_types, script, tell_replaced
from restream.domain.camera.secret import Secret
from restream.domain.server.trust import SYSTEM, Trust
from restream.ports.outlets import Documents

_CYCLE = script("redis_cycle")
_CAMERAS_OF_A_SNAPSHOT = b'"cameras":['


class RedisSink:
    """Writes each cycle of this node in one MULTI; a node's keys live for `expire_s` seconds.

    Nodes that share a Redis do not know one another. Each writes its own keys; a script at the end of the same MULTI
    joins the own keys of all that live into the common ones. Nothing of another node comes between, so no two writers
    can disagree, and whichever comes last leaves what all have. What went wrong between two cycles is seen in the next:

    - A node that stopped writing is in the list of nodes with a moment that has passed. The next script of any other
      takes it off and makes the common hash anew, without it; a camera that another node has too is that one's then.
    - A node whose keys expired while it was suspended, or whose Redis was restarted empty, is told so, and sends
      everything.
    - Whoever sends everything has the common hash made anew: an earlier run of the same name may have had the last word
      on a camera that another node has.
    - The common hash is changed camera by camera, and the last writer of a camera wins. Where its size cannot be right
      (somebody deleted it) it is made anew.
    - A common key that became one of another type fails one cycle, and makes room in the next. What another node has
      under its own keys is left out where it is of another type.
    - A node that was alone writes the common array and snapshot itself, which spares the script a copy of them. Where
      it finds that it is not alone any more, that same script joins them: nobody reads what stood there in between.

    Two nodes of the same name would tell each other all the time that everything is to be sent.
    """

    name = "redis"

    def __init__(self, url: Secret, prefix: str, node: str, expire_s: float, trust: Trust = SYSTEM) -> None:
        self._connection = Connection(url, trust)
        self._expire_ms = int(expire_s * 1000)
        self._streams, self._snapshot = prefix + keys.STREAMS_KEY, prefix + keys.SNAPSHOT_KEY
        self._cameras, self._host = prefix + keys.CAMERAS_KEY, prefix + keys.HOST_KEY
        self._changes = prefix + keys.CHANGES_CHANNEL
        own = (keys.OWN_STREAMS, keys.OWN_CAMERAS, keys.OWN_JOINED, keys.OWN_HOST)
        self._own_streams, self._own_cameras, self._own_joined, self._own_host = (
            keys.own_key(prefix, node, what) for what in own
        )
        self._own_about, self._own_changed = (
            keys.own_key(prefix, node, what) for what in (keys.OWN_ABOUT, keys.OWN_CHANGED)
        )
        self._script_keys = (prefix + keys.NODES_KEY, self._cameras, self._streams, self._snapshot)
        self._types = dict(zip(self._script_keys, ("zset", "hash", "string", "string"), strict=True))
        self._who = (prefix + keys.NODE_KEYS, node, self._changes, self._expire_ms)
        self._written: Mapping[str, bytes] | None = None
        """What this node's hash of cameras holds; None: that is not known."""
        self._alone = False

    async def write(self, documents: Documents) -> None:
        written, self._written = self._written, None
        living = await self._replace(documents, written)
        if not living:
            # It was lost: Redis restarted, or it expired while this process was stopped.
            living = await self._replace(documents, None)
        self._written = dict(documents.cameras)
        self._alone = living == 1

    async def _replace(self, documents: Documents, written: Mapping[str, bytes] | None) -> int:
        """Store what differs from `written`; how many nodes live, 0 when this node's cameras are not whole."""
        alone = self._alone and written is not None and documents.snapshot is not None
        head, mine = b"", -1
        removed: Collection[str] = ()
        async with self._connection.transaction() as pipe:
            if written is None:
                tell_replaced(await hold_types(self._connection.redis, self._types))
            self._add_streams(pipe, documents, alone)
            if documents.host is not None:
                pipe.set(self._own_host, documents.host, px=self._expire_ms)
                pipe.set(self._host, documents.host, px=self._expire_ms)
            if documents.snapshot is not None:
                head, mine = self._add_snapshot(pipe, documents.snapshot, alone), len(documents.cameras)
                changed, removed = self._add_cameras(pipe, documents.cameras, written)
                if documents.about is not None:
                    self._add_news(pipe, documents.about, documents.generation, changed, removed, written is None)
            whole = int(written is None and mine >= 0)
            pipe.eval(_CYCLE, 4, *self._script_keys, *self._who, whole, mine, head, *removed)
            *_, living = await pipe.execute()
        return int(living)

    def _add_streams(self, pipe: Pipeline, documents: Documents, alone: bool) -> None:
        servers = documents.servers or {"": documents.streams}
        own = {run: streams[1:-1] for run, streams in servers.items()}
        if alone:
            pipe.set(self._streams, documents.streams, px=self._expire_ms)
            own = own if len(own) > 1 else dict.fromkeys(own, b"*")
        pipe.delete(self._own_streams)
        pipe.hset(self._own_streams, mapping=own)  # type: ignore[arg-type]
        pipe.pexpire(self._own_streams, self._expire_ms)

    def _add_snapshot(self, pipe: Pipeline, snapshot: bytes, alone: bool) -> bytes:
        """Returns what stands before the cameras, for the script to join; nothing where all of it is written."""
        if alone:
            pipe.set(self._snapshot, snapshot, px=self._expire_ms)
            pipe.delete(self._own_joined)
            return b""
        # In a text before it this name would have its quotes escaped.
        start = snapshot.index(_CAMERAS_OF_A_SNAPSHOT) + len(_CAMERAS_OF_A_SNAPSHOT)
        pipe.set(self._own_joined, snapshot[start:-2], px=self._expire_ms)
        return snapshot[:start]

    def _add_cameras(
        self, pipe: Pipeline, cameras: Mapping[str, bytes], written: Mapping[str, bytes] | None
    ) -> tuple[Collection[str], Collection[str]]:
        """Returns the ids of those that changed, and of those that went: whether these leave the common hash is not
        this node's to say."""
        known = written or {}
        changed = {key: body for key, body in cameras.items() if known.get(key) != body}
        removed = [key for key in known if key not in cameras]
        if written is None:
            pipe.delete(self._own_cameras)
        for key in (self._own_cameras, self._cameras) if changed else ():
            pipe.hset(key, mapping=changed)  # type: ignore[arg-type]
        if removed:
            pipe.hdel(self._own_cameras, *removed)
        pipe.pexpire(self._own_cameras, self._expire_ms)
        if changed or removed:
            pipe.publish(self._changes, msgspec.json.encode([*changed, *removed]))
        return changed, removed

    def _add_news(
        self,
        pipe: Pipeline,
        about: bytes,
        generation: int,
        changed: Collection[str],
        removed: Collection[str],
        whole: bool,
    ) -> None:
        """For the nodes that share the table: what is new, so that none has to read everything (redis_peers.py)."""
        if whole:
            pipe.delete(self._own_changed)
        if removed:
            pipe.zrem(self._own_changed, *removed)
        if changed:
            pipe.zadd(self._own_changed, dict.fromkeys(changed, generation))
        pipe.pexpire(self._own_changed, self._expire_ms)
        pipe.set(self._own_about, about, px=self._expire_ms)

    async def close(self) -> None:
        await self._connection.close()
