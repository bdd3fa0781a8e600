"""What is asked of the tables of etc/schema_nodes.sql, by name.

Each statement is a transaction of its own. A service that is suspended between two messages of one open transaction
would keep its locks: no timeout of PostgreSQL counts while it waits for the second half of a query (seen with 15).
Each sees what was committed before it began, so what has to see the end of a wait for a lock is a statement of its own
after it: holdings are read after the renewal. Nobody waits in a circle: a node waits for its own row alone; rows of
other nodes, and what others have, it locks only where nobody else is at them (SKIP LOCKED), and new rows it adds in the
order of ids.
"""

from __future__ import annotations

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

# ruff: noqa: S608 - all parts are constants of this file
_ME = """
WITH me AS (
    SELECT name FROM restream_node WHERE name = $1 AND instance = $2 {alive} FOR SHARE
)
"""
# A name that is another instance's now has nothing to give and takes nothing.
_OURS = _ME.format(alive="")
_ALIVE = _ME.format(alive="AND expires_at > clock_timestamp()")

GIVE_BACK = f"""{_OURS}
UPDATE restream_assignment AS held SET node = NULL, since = clock_timestamp()
FROM unnest($3::text[], $4::bigint[]) AS seen (camera_id, epoch), me
WHERE held.node = me.name AND held.camera_id = seen.camera_id AND held.epoch = seen.epoch
"""
"""node, instance, cameras, their epochs"""

FORGET = f"""{_OURS}
DELETE FROM restream_assignment AS held
USING unnest($3::text[], $4::bigint[]) AS seen (camera_id, epoch), me
WHERE held.node = me.name AND held.camera_id = seen.camera_id AND held.epoch = seen.epoch
"""
"""node, instance, cameras, their epochs"""

TAKE_NEW = f"""{_ALIVE}
INSERT INTO restream_assignment (camera_id, node, epoch, since)
SELECT camera_id, me.name, nextval('restream_epoch'), clock_timestamp()
FROM unnest($3::text[]) AS wanted (camera_id), me
WHERE NOT EXISTS (SELECT FROM restream_assignment AS known WHERE known.camera_id = wanted.camera_id)
ORDER BY camera_id
ON CONFLICT DO NOTHING
RETURNING camera_id
"""
"""node, instance, cameras"""

TAKE_OVER = f"""{_ALIVE}
, lost AS (
    SELECT node.name FROM restream_node AS node
    JOIN unnest($4::text[], $5::text[], $6::bigint[]) AS seen (name, instance, renewals)
        ON (node.name, node.instance, node.renewals) = (seen.name, seen.instance, seen.renewals)
    WHERE node.name <> $1
    FOR SHARE OF node SKIP LOCKED
)
, free AS (
    SELECT camera_id FROM restream_assignment
    WHERE camera_id = ANY($3::text[]) AND (node IS NULL OR node IN (SELECT name FROM lost))
    FOR UPDATE SKIP LOCKED
)
UPDATE restream_assignment AS held SET node = me.name, epoch = nextval('restream_epoch'), since = clock_timestamp()
FROM free, me
WHERE held.camera_id = free.camera_id
RETURNING held.camera_id
"""
"""node, instance, cameras; names, instances and renewals of those who are lost. Until our end none of them can renew,
and one that has since, or is renewing now, is not lost. Takers do not exclude one another: FOR SHARE."""

GIVE_EVERYTHING_BACK = f"""{_OURS}
UPDATE restream_assignment AS held SET node = NULL, since = clock_timestamp() FROM me WHERE held.node = me.name
"""
"""node, instance"""

END_LEASE = "UPDATE restream_node SET expires_at = clock_timestamp() WHERE name = $1 AND instance = $2"
"""node, instance"""

MARK_DRAINING = "UPDATE restream_node SET draining = $2 WHERE name = $1 RETURNING name"
"""node, draining"""
