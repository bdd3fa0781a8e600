-- Optional: where these tables exist in the cameras' database, incidents, what was done about them, and maintenance
-- windows are kept in them, beyond restarts and for all nodes. The service needs SELECT, INSERT and UPDATE on them, and
-- deletes nothing: prune them as you like, e.g. DELETE FROM restream_incident WHERE ended < now() - interval '2 years'.

CREATE TABLE IF NOT EXISTS restream_incident (
    id          text PRIMARY KEY,
    began       timestamptz NOT NULL,
    ended       timestamptz,                 -- null: it is open
    scope       text NOT NULL,               -- server, node, fleet, parent, site, host, camera
    place       text NOT NULL,               -- name of the server, node, parent, site or host, id of the camera
    kind        text NOT NULL DEFAULT '',    -- which causes make it
    cause       text NOT NULL DEFAULT '',    -- the commonest of its cameras
    side        text NOT NULL DEFAULT '',    -- where it broke: camera, network, publisher, media_server, config, none
    most        integer NOT NULL DEFAULT 0,  -- at most so many cameras at one time
    times       integer NOT NULL DEFAULT 1,  -- how often it came back soon, and the first time
    members     text[] NOT NULL DEFAULT '{}',  -- ids of the cameras that belong to it now
    affected    text[] NOT NULL DEFAULT '{}',  -- of all that ever did
    merged_into text NOT NULL DEFAULT ''     -- the wider incident that it turned out to be part of
);

CREATE INDEX IF NOT EXISTS restream_incident_began ON restream_incident (began);
CREATE INDEX IF NOT EXISTS restream_incident_open ON restream_incident (began) WHERE ended IS NULL;

CREATE TABLE IF NOT EXISTS restream_incident_entry (
    id        text PRIMARY KEY,
    incident  text NOT NULL,
    at        timestamptz NOT NULL,
    who       text NOT NULL,
    deed      text NOT NULL,                 -- acknowledge, withdraw, note, snooze
    text      text NOT NULL DEFAULT '',
    until     timestamptz                    -- of snooze
);

CREATE INDEX IF NOT EXISTS restream_incident_entry_incident ON restream_incident_entry (incident, at);

CREATE TABLE IF NOT EXISTS restream_maintenance (
    id         text PRIMARY KEY,
    title      text NOT NULL DEFAULT '',
    begins     timestamptz NOT NULL,
    ends       timestamptz,                      -- null: a calendar without an end
    cron       text,                             -- null: once, between these moments
    duration_s double precision,                 -- of each occurrence of a calendar
    zone       text,                             -- of a calendar: Europe/Berlin
    cameras    text[] NOT NULL DEFAULT '{}',     -- ids; with sites and servers all empty: every camera
    sites      text[] NOT NULL DEFAULT '{}',
    servers    text[] NOT NULL DEFAULT '{}',
    who        text NOT NULL DEFAULT '',
    made       timestamptz NOT NULL,
    ended      timestamptz                       -- before its time, by somebody
);
