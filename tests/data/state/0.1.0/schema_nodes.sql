-- Only for several services (nodes) that share one table of cameras: who lives, and who has which camera. They may stand
-- in the cameras' database or in another (nodes.dsn). All times are this database's. Every statement may be repeated.
--
-- The service needs these rights and no others, under a role of its own:
--     CREATE ROLE restream_nodes LOGIN PASSWORD '…';
--     GRANT SELECT, INSERT, UPDATE, DELETE ON restream_node, restream_assignment, restream_duty TO restream_nodes;
--     GRANT USAGE ON SEQUENCE restream_epoch TO restream_nodes;

-- A row a node; `restream nodes` shows them. One that has no cameras and has been dead for a week is removed.
CREATE TABLE IF NOT EXISTS restream_node (
    name       text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_.-]{1,64}$'),  -- node.name of its configuration
    instance   text NOT NULL CHECK (length(instance) <= 64),  -- one life of its service: another one under this name has another
    expires_at timestamptz NOT NULL,            -- past: it is dead, was ended, or does not reach this database
    ttl_s      double precision NOT NULL CHECK (ttl_s > 0 AND ttl_s <= 3600),  -- how long it counts on a renewal
    renewals   bigint NOT NULL,                 -- of its lease; stands still: nothing is heard of it, whatever clocks say
    draining   boolean NOT NULL DEFAULT false,  -- `restream drain NAME`: gives its cameras away, also after a restart
    traits     jsonb NOT NULL DEFAULT '{}'      -- what it tells of itself: cameras, room, weight, sites, version, facts
);

-- Every owner of a camera gets the next number.
CREATE SEQUENCE IF NOT EXISTS restream_epoch;

-- A row a camera that some node has, or had. A node that has cameras cannot be deleted: drain it.
CREATE TABLE IF NOT EXISTS restream_assignment (
    camera_id text PRIMARY KEY,                       -- as in the cameras table, as text
    node      text REFERENCES restream_node (name),   -- null: nobody, it was given back
    epoch     bigint NOT NULL,                        -- higher with every owner
    since     timestamptz NOT NULL                    -- that it is so
);

CREATE INDEX IF NOT EXISTS restream_assignment_node ON restream_assignment (node);

-- What one node does for all; `lead` tells of lost nodes, and of cameras that nobody has.
CREATE TABLE IF NOT EXISTS restream_duty (
    name  text PRIMARY KEY,
    node  text NOT NULL,    -- who has it, until its lease has expired and another takes it
    epoch bigint NOT NULL   -- one more with every owner
);
