"""All keys in Redis. `redis.prefix` stands before every one of them.

The names that front ends know hold what all nodes on this Redis have together; a node's own keys are what they are made
of. Keys of the picture expire, so that a dead service never looks alive; events and availability stay.
"""

from __future__ import annotations

STREAMS_KEY = "mediamtx:streams:latest"
"""The classic JSON array."""
SNAPSHOT_KEY = "restream:snapshot"
"""JSON: components and all cameras of one cycle."""
CAMERAS_KEY = "restream:cameras"
"""Hash: camera id → JSON."""
HOST_KEY = "restream:host:latest"
"""JSON: the newest sample of a host; whose, is the last writer's."""
CHANGES_CHANNEL = "restream:changes"
"""A JSON array of the camera ids that changed in a cycle."""
EVENTS_KEY = "restream:events"
"""Stream: field `event`, the JSON of `GET /api/events`."""
AVAILABILITY_KEY = "restream:availability"
"""Hash: camera id → JSON of its last 24 h."""
WATCHED_KEY = "restream:watched_until"
"""Unix time (s) of the last cycle that was archived, by whichever node."""
INCIDENTS_KEY = "restream:incidents"
"""Hash: id → JSON of an incident; only where PostgreSQL has no tables for them."""
INCIDENT_ENTRIES_KEY = "restream:incident_entries"
"""Hash, likewise: id → JSON of what was done about an incident."""
MAINTENANCE_KEY = "restream:maintenance"
"""Hash, likewise: id → JSON of a maintenance window."""

PICTURE_KEYS = "restream:picture:"
"""Before the id of a camera: JSON of what is known of its pictures; stays for a month, for whichever node has it."""

NODES_KEY = "restream:nodes"
"""Sorted set: node → until when its keys live (Unix time of Redis, ms)."""
NODE_KEYS = "restream:node:"
"""Before the name of a node, a colon and one of these."""
OWN_CAMERAS = "cameras"
"""Hash: camera id → JSON."""
OWN_JOINED = "joined"
"""The same with commas between; only while there are other nodes."""
OWN_STREAMS = "streams"
"""Hash: run of a media server, empty where it does not tell → what is inside of its JSON array; `*`: what stands in the
common one."""
OWN_HOST = "host"
"""JSON: the newest sample of its host."""
OWN_WATCHED = "watched_until"
"""Unix time (s) of the last cycle that it archived; stays."""
OWN_ABOUT = "about"
"""JSON of what it tells the nodes that share its table of cameras: format, instance, generation, …"""
OWN_CHANGED = "changed"
"""Sorted set, likewise: camera id → generation of that instance in which its JSON was written."""
OWN_MEDIA = "media"
"""Hash: camera id → JSON of what it sends and what it was asked for; stays for a week."""


def own_key(prefix: str, node: str, what: str) -> str:
    """A key of one node."""
    return f"{prefix}{NODE_KEYS}{node}:{what}"
