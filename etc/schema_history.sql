-- Optional: where these tables exist in the cameras' database, the service keeps what each camera was like, and
-- `restream report` tells of it. `restream init-db --history` makes them. The service needs
--
--     GRANT SELECT, INSERT, UPDATE, DELETE ON restream_span, restream_watch TO restream;
--
-- and deletes what has ended longer ago than `history.keep_days`. All times are of this database's clock.

CREATE TABLE IF NOT EXISTS restream_span (
    node    text NOT NULL,               -- who saw it
    id      bigint NOT NULL,             -- rises within a node
    camera  text NOT NULL,               -- id of the camera
    began   timestamptz NOT NULL,
    ended   timestamptz,                 -- null: it goes on, until restream_watch.seen of its node
    state   text NOT NULL,               -- healthy, degraded, down, unknown, disabled
    cause   text NOT NULL DEFAULT '',    -- code of the reason
    side    text NOT NULL DEFAULT 'none',-- where it broke: camera, network, publisher, media_server, config, none
    site    text NOT NULL DEFAULT '',
    name    text NOT NULL DEFAULT '',
    planned boolean NOT NULL DEFAULT false, -- in announced maintenance
    PRIMARY KEY (node, id)
);

CREATE INDEX IF NOT EXISTS restream_span_ended ON restream_span (ended);
CREATE INDEX IF NOT EXISTS restream_span_open ON restream_span (node) WHERE ended IS NULL;

-- Until when each node has watched: what comes after is not known, whatever went on then.
CREATE TABLE IF NOT EXISTS restream_watch (
    node text PRIMARY KEY,
    seen timestamptz NOT NULL
);
