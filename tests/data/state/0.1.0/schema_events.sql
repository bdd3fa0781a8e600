-- Optional: where this table exists in the cameras' database, every event is added to it. The service needs INSERT on
-- it, and deletes nothing: prune it as you like, e.g. DELETE FROM restream_event WHERE at < now() - interval '90 days'.

CREATE TABLE IF NOT EXISTS restream_event (
    id      bigint NOT NULL,             -- milliseconds of Unix time, made unique within a node
    at      timestamptz NOT NULL,
    kind    text NOT NULL,               -- camera, health, component
    camera  text,                        -- id of the camera, if any
    name    text,                        -- of the camera or component
    before  text,
    after   text,
    cause   text,
    side    text,                        -- where it broke: camera, network, publisher, media_server, config, none
    detail  text,
    node    text,                        -- where it happened; a table without this column is filled all the same
    UNIQUE (id, node)
);

CREATE INDEX IF NOT EXISTS restream_event_camera_at ON restream_event (camera, at);
CREATE INDEX IF NOT EXISTS restream_event_at ON restream_event (at);
