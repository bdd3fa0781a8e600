"""Several services that share the cameras: can this one be a node of theirs, and will its cameras be seen?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from restream.adapters.postgres_leases import PostgresLeases
from restream.adapters.pull.engine import PullEngine
from restream.adapters.reachability import LeaseAccess, lease_access
from restream.config.outlet_sections import is_loopback
from restream.config.settings import ConfigError, Settings
from restream.domain.fleet.fencing import Fence
from restream.domain.fleet.node import FleetNode, NodeName
from restream.domain.server.identity import ServerId
from restream.interfaces.console.findings import CheckState, Finding
from restream.ports.cameras import DatabaseError
from restream.preflight.host import runs_here
from restream.service.from_settings import lease_table, lease_timeout_s, media_servers, require_nodes_dsn

# A lease lasts at least two of them.
_BEATS = 1.5
_LONGEST_LOOK_S = 20.0


async def check_sharing(settings: Settings) -> list[Finding]:
    """Tables, rights, our name, clocks, what the fence needs, and what others see of us; nothing for a service that is
    alone."""
    if settings.nodes.dsn is None:
        return []
    database, fence = await asyncio.gather(_database(settings), _fence(settings))
    redis = settings.redis.url.get_secret_value() if settings.redis.url else ""
    return [*database, *fence, judge_view(redis, settings.nodes.url, settings.cameras.engine)]


async def _database(settings: Settings) -> list[Finding]:
    table = None
    try:
        access = await lease_access(require_nodes_dsn(settings))
        findings = judge_access(access)
        if any(finding.state is CheckState.FAIL for finding in findings):
            return findings
        table = lease_table(settings)
        return [*findings, await _name(settings, table)]
    except (DatabaseError, ConfigError) as error:
        text, _, todo = str(error).partition("; ")
        return [Finding("nodes", CheckState.FAIL, text, todo or "start PostgreSQL, or correct nodes.dsn")]
    finally:
        if table is not None:
            await table.close()


def judge_access(access: LeaseAccess) -> list[Finding]:
    """What the database of the leases lets us do."""
    side = "ahead of" if access.ahead_s > 0 else "behind"
    clocks = f"the database's is {abs(access.ahead_s):.1f} s {side} this host's; leases do not depend on it"
    findings = [Finding("clocks", CheckState.OK, clocks)]
    if not access.writable:
        text = "this is a replica: nothing can be written there"
        return [Finding("nodes", CheckState.FAIL, text, "have nodes.dsn lead to the primary"), *findings]
    if access.refused:
        text = f"not there, or not granted to this user: {', '.join(access.refused)}"
        todo = "run `restream init-db --nodes` as the owner, then the GRANTs of etc/schema_nodes.sql"
        return [Finding("nodes", CheckState.FAIL, text, todo), *findings]
    return [Finding("nodes", CheckState.OK, "the tables are there, with all rights"), *findings]


async def _name(settings: Settings, table: PostgresLeases) -> Finding:
    name = NodeName(settings.node_name)
    before = _named((await table.roster()).nodes, name)
    after = before
    if before is not None and before.alive and not await runs_here(settings):
        # A former life of ours may have ended just now: only a lease that is renewed has somebody who renews it.
        await asyncio.sleep(min(_LONGEST_LOOK_S, _BEATS * before.ttl_s / 2))
        after = _named((await table.roster()).nodes, name)
    return judge_name(name, before, after)


def _named(nodes: Sequence[FleetNode], name: NodeName) -> FleetNode | None:
    return next((node for node in nodes if node.name == name), None)


def judge_name(name: NodeName, before: FleetNode | None, after: FleetNode | None) -> Finding:
    """Whether another service has our name, by two looks between which a living one has renewed its lease."""
    if before is None or after is None:
        return Finding("node name", CheckState.OK, f"{name}, which is new")
    if before.sighting != after.sighting:
        text = f"another service calls itself {name}, and is alive"
        return Finding("node name", CheckState.FAIL, text, "set node.name, to something else on every node")
    state = "draining: it takes no cameras" if after.draining else "alive" if after.alive else "known, not alive"
    finding = Finding("node name", CheckState.OK, f"{name}, {state}")
    todo = f"`restream drain {name} --undo` once it may work again"
    return replace(finding, state=CheckState.WARN, todo=todo) if after.draining else finding


async def _fence(settings: Settings) -> list[Finding]:
    if settings.nodes.fence is Fence.TIME:
        return [judge_lease(settings.nodes.heartbeat_s, settings.nodes.ttl_s, settings.ffmpeg.stopping_s)]
    servers = media_servers(settings)
    try:
        seen = await asyncio.gather(*(server.observe() for server in servers.values()))
    finally:
        await asyncio.gather(*(server.close() for server in servers.values()))
    unseen = [name for name, status in zip(servers, seen, strict=True) if status.view is None]
    return [judge_fence(unseen, _only_here(settings))]


def _only_here(settings: Settings) -> list[ServerId]:
    return [
        server
        for server, section in settings.servers.items()
        if any(is_loopback(urlsplit(url).hostname or "") for url in (section.api_url, section.rtsp_url))
    ]


def judge_fence(unseen: Sequence[ServerId], only_here: Sequence[ServerId]) -> Finding:
    """Whether the media servers can be asked who publishes; `only_here`: their addresses mean this host."""
    if unseen:
        text = f"server: the control API of {', '.join(unseen)} tells this node nothing: it takes over no camera there"
        todo = "have the API answer every node (`api: yes`, authInternalUsers), or set nodes.fence: time on all"
        return Finding("fence", CheckState.FAIL, text, todo)
    if only_here:
        text = f"server: {', '.join(only_here)} has a loopback address, which is another server on every host"
        todo = "give the address that all nodes reach; with a media server a node set nodes.fence: time on all"
        return Finding("fence", CheckState.WARN, text, todo)
    return Finding("fence", CheckState.OK, "server: all media servers tell this node who publishes")


def judge_lease(heartbeat_s: float, ttl_s: float, stopping_s: float) -> Finding:
    """Whether a lease outlives one lost heartbeat under `fence: time`, where all publishers end before it does."""
    if ttl_s >= heartbeat_s + lease_timeout_s(ttl_s) + stopping_s:
        return Finding("fence", CheckState.OK, "time: no media server is asked")
    text = f"time: one lost heartbeat ends all publishers of this node, for a lease lasts {ttl_s:g} s"
    enough_s = 2 * (heartbeat_s + stopping_s)
    return Finding("fence", CheckState.WARN, text, f"set nodes.ttl_s to {enough_s:g} or more, on all nodes")


def judge_view(redis: str, page: str | None, engine: str) -> Finding:
    """What other nodes know of the cameras of this one: `redis` is the URL of what nodes share, empty where there is
    none, `page` where the others ask for details."""
    host = urlsplit(redis).hostname
    findings = {
        "each node shows its own cameras alone: they tell one another through Redis": (
            not redis,
            "set redis.url to the same Redis on all nodes",
        ),
        "redis.url is a loopback address, which is another Redis on every host": (
            bool(redis) and (host is None or is_loopback(host)),
            "set redis.url to the same Redis on all nodes",
        ),
        "a media server is led to one node's directory, which knows that node's cameras alone": (
            engine == PullEngine.name,
            "give each node a media server of its own (nodes.fence: time), or use another engine",
        ),
        "pages of other nodes can neither show details of this one's cameras nor restart them": (
            page is None,
            "set nodes.url to where they reach this one",
        ),
    }
    for text, (holds, todo) in findings.items():
        if holds:
            return Finding("one view", CheckState.WARN, text, todo)
    return Finding("one view", CheckState.OK, "other nodes can show this one's cameras")
