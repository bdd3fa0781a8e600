"""What is asked of the tables of etc/schema_nodes.sql, by name.

Each statement sees what was committed before it began, so what has to see the end of a wait for a lock is a statement
of its own after it. Nobody waits in a circle: a node locks its own row first and waits for it, other nodes' rows and
what others have it locks only where nobody else is at them (SKIP LOCKED), and new rows it adds in the order of ids.
"""

from __future__ import annotations

BEGIN = """
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL statement_timeout = {limit_ms};
SET LOCAL idle_in_transaction_session_timeout = {limit_ms}
"""
"""`limit_ms`: a service that freezes in the middle must not hold its locks for longer."""

COMMIT = "COMMIT"

RENEW_LEASE = """
INSERT INTO restream_node AS node (name, instance, expires_at, ttl_s, renewals, traits)
VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3), $3, 1, $4)
ON CONFLICT (name) DO UPDATE
SET instance = excluded.instance, expires_at = clock_timestamp() + make_interval(secs => $3), ttl_s = excluded.ttl_s,
    renewals = node.renewals + 1, traits = excluded.traits
WHERE node.instance = excluded.instance OR $5
RETURNING node.name
"""
"""name, instance, ttl_s, traits, whether it takes the name over. No row: another instance has the name."""

# After a clock that was set back: a lease would end in an hour, and its owner be missed as late.
SHORTEN_LEASES = """
WITH long AS (
    SELECT name FROM restream_node WHERE expires_at > clock_timestamp() + make_interval(secs => ttl_s)
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE restream_node AS node SET expires_at = clock_timestamp() + make_interval(secs => ttl_s)
FROM long
WHERE node.name = long.name
"""

FIND_DUTY = "SELECT node, epoch FROM restream_duty WHERE name = $1"
"""duty"""

TAKE_DUTY = """
INSERT INTO restream_duty AS duty (name, node, epoch) VALUES ($1, $2, $3 + 1)
ON CONFLICT (name) DO UPDATE SET node = excluded.node, epoch = excluded.epoch WHERE duty.epoch = $3
RETURNING epoch
"""
"""duty, node, epoch of the last owner, or 0. No row: somebody else was first."""

# With cameras it stays: by a clock that was set forward, the living have been dead for a week too.
REMOVE_LONG_DEAD_NODES = """
WITH dead AS (
    SELECT name FROM restream_node AS node
    WHERE expires_at < clock_timestamp() - interval '7 days'
        AND NOT EXISTS (SELECT FROM restream_assignment AS held WHERE held.node = node.name)
    FOR UPDATE SKIP LOCKED
)
DELETE FROM restream_node WHERE name IN (SELECT name FROM dead)
"""

# Numbers, not intervals: a row that somebody set to 'infinity' must not fail the reading of all others.
LIST_NODES = """
SELECT name, instance, draining, ttl_s, renewals,
    (extract(epoch FROM expires_at) - extract(epoch FROM clock_timestamp()))::float8 AS expires_in_s,
    CASE WHEN octet_length(traits::text) <= 65536 THEN traits::text END AS traits
FROM restream_node
ORDER BY name
"""

LIST_HOLDINGS = """
SELECT camera_id, coalesce(node, '') AS node, epoch,
    (extract(epoch FROM clock_timestamp()) - extract(epoch FROM since))::float8 AS age_s
FROM restream_assignment
WHERE node = ANY($1::text[]) OR node IS NULL
"""
"""nodes"""

COUNT_HOLDINGS = "SELECT coalesce(node, '') AS node, count(*) AS cameras FROM restream_assignment GROUP BY node"

LOCK_OWN_NODE = "SELECT FROM restream_node WHERE name = $1 AND instance = $2 FOR NO KEY UPDATE"
"""name, instance. No row: the name is another's now."""

GIVE_BACK = """
UPDATE restream_assignment AS held SET node = NULL, since = clock_timestamp()
FROM unnest($2::text[], $3::bigint[]) AS seen (camera_id, epoch)
WHERE held.node = $1 AND held.camera_id = seen.camera_id AND held.epoch = seen.epoch
"""
"""node, cameras, their epochs"""

FORGET = """
DELETE FROM restream_assignment AS held
USING unnest($2::text[], $3::bigint[]) AS seen (camera_id, epoch)
WHERE held.node = $1 AND held.camera_id = seen.camera_id AND held.epoch = seen.epoch
"""
"""node, cameras, their epochs"""

TAKE_NEW = """
INSERT INTO restream_assignment (camera_id, node, epoch, since)
SELECT camera_id, $1, nextval('restream_epoch'), clock_timestamp() FROM unnest($2::text[]) AS wanted (camera_id)
WHERE NOT EXISTS (SELECT FROM restream_assignment AS known WHERE known.camera_id = wanted.camera_id)
    AND EXISTS (SELECT FROM restream_node WHERE name = $1 AND expires_at > clock_timestamp())
ORDER BY camera_id
ON CONFLICT DO NOTHING
RETURNING camera_id
"""
"""node, cameras"""

LOCK_LOST_NODES = """
SELECT node.name FROM restream_node AS node
JOIN unnest($2::text[], $3::text[], $4::bigint[]) AS lost (name, instance, renewals)
    ON (node.name, node.instance, node.renewals) = (lost.name, lost.instance, lost.renewals)
WHERE node.name <> $1
FOR SHARE OF node SKIP LOCKED
"""
"""node; names, instances and renewals of those who are lost. Until our end none of them can renew, and one that has
since, or is renewing now, is not lost. Takers do not exclude one another: FOR SHARE."""

TAKE_OVER = """
WITH free AS (
    SELECT camera_id FROM restream_assignment
    WHERE camera_id = ANY($2::text[]) AND (node IS NULL OR node = ANY($3::text[]))
    FOR UPDATE SKIP LOCKED
)
UPDATE restream_assignment AS held SET node = $1, epoch = nextval('restream_epoch'), since = clock_timestamp()
FROM free
WHERE held.camera_id = free.camera_id
    AND EXISTS (SELECT FROM restream_node WHERE name = $1 AND expires_at > clock_timestamp())
RETURNING held.camera_id
"""
"""node, cameras, nodes that are lost"""

GIVE_EVERYTHING_BACK = "UPDATE restream_assignment SET node = NULL, since = clock_timestamp() WHERE node = $1"
"""node"""

END_LEASE = "UPDATE restream_node SET expires_at = clock_timestamp(), instance = '' WHERE name = $1"
"""node"""

MARK_DRAINING = "UPDATE restream_node SET draining = $2 WHERE name = $1 RETURNING name"
"""node, draining"""
