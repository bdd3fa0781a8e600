-- Optional: where this table exists in the cameras' database, everything that somebody does, or tries to, is added to
-- it. The service needs INSERT and SELECT on it, and changes and deletes nothing: prune it as you like, e.g.
-- DELETE FROM restream_audit WHERE at < now() - interval '1 year'.

CREATE TABLE IF NOT EXISTS restream_audit (
    id        bigint NOT NULL,                     -- milliseconds of Unix time, made unique within a node
    at        timestamptz NOT NULL,                -- by the node's clock
    stored_at timestamptz NOT NULL DEFAULT now(),  -- by the database's clock
    node      text NOT NULL,                       -- which service was asked
    who       text NOT NULL,                       -- empty: nobody who is known
    role      text NOT NULL,
    address   text NOT NULL,
    action    text NOT NULL,                       -- cameras/restart, login, reload, …
    target    text NOT NULL,                       -- id of what it was done to
    result    text NOT NULL,                       -- done, refused, failed
    detail    text NOT NULL,
    UNIQUE (id, node)
);

CREATE INDEX IF NOT EXISTS restream_audit_who_id ON restream_audit (who, id);
