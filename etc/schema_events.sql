-- Optional: where this table exists in the cameras' database, every event is added to it. The service needs INSERT on
-- it, and deletes nothing: prune it as you like, e.g. DELETE FROM restream_event WHERE at < now() - interval '90 days'.

CREATE TABLE IF NOT EXISTS restream_event (
    id      bigint NOT NULL,             -- milliseconds of Unix time, made unique within a node
    at      timestamptz NOT NULL,
    kind    text NOT NULL,               -- camera, health, component, action, incident
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

-- Of a table from before nodes had names, in which an id was enough, also without a name for what made it so.
ALTER TABLE restream_event ADD COLUMN IF NOT EXISTS node text;
DO $$
DECLARE
    old name;
BEGIN
    FOR old IN
        SELECT conname FROM pg_constraint
        WHERE conrelid = 'restream_event'::regclass AND contype IN ('p', 'u')
          AND conkey = (SELECT array_agg(attnum) FROM pg_attribute WHERE attrelid = conrelid AND attname = 'id')
    LOOP
        EXECUTE format('ALTER TABLE restream_event DROP CONSTRAINT %I', old);
    END LOOP;
    IF NOT EXISTS (
        SELECT FROM pg_constraint
        WHERE conrelid = 'restream_event'::regclass AND contype IN ('p', 'u') AND cardinality(conkey) = 2
    ) THEN
        ALTER TABLE restream_event ADD UNIQUE (id, node);
    END IF;
END
$$;

CREATE INDEX IF NOT EXISTS restream_event_camera_at ON restream_event (camera, at);
CREATE INDEX IF NOT EXISTS restream_event_at ON restream_event (at);
