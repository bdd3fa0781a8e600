-- Optional: where this table exists in the cameras' database, it is kept which messages were sent to whom and what became
-- of them, beyond restarts and for all nodes. `restream init-db --deliveries` makes it. The service needs
--
--     GRANT SELECT, INSERT, UPDATE, DELETE ON restream_delivery TO restream;
--
-- and deletes what was sent longer ago than `alerts.keep_days`. All times are of the clock of the node that sent.

CREATE TABLE IF NOT EXISTS restream_delivery (
    id        text NOT NULL,                     -- the same in all tries, and for all receivers of one message
    receiver  text NOT NULL,                     -- as configured; webhooks are webhooks.1 and so on
    node      text NOT NULL,                     -- who sent it
    route     text NOT NULL DEFAULT '',          -- empty: it was told without one
    kind      text NOT NULL,                     -- down, recovered, component_down, component_up, test
    telling   text NOT NULL DEFAULT 'news',      -- news, reminder, escalation
    scope     text NOT NULL,                     -- camera, host, site, parent, server, node, fleet, component
    total     integer NOT NULL DEFAULT 0,        -- cameras that are meant
    text      text NOT NULL DEFAULT '',          -- one line
    incident  text NOT NULL DEFAULT '',          -- id of the one that it is about
    at        timestamptz NOT NULL,              -- when it was put on its way
    state     text NOT NULL,                     -- waiting, sent, failed, dropped
    tries     integer NOT NULL DEFAULT 0,
    error     text NOT NULL DEFAULT '',          -- what went wrong last
    done      timestamptz,                       -- when it was taken, given up or dropped
    stored_at timestamptz NOT NULL DEFAULT now(),-- by the database's clock
    PRIMARY KEY (id, receiver)
);

CREATE INDEX IF NOT EXISTS restream_delivery_at ON restream_delivery (at);
