CREATE TABLE IF NOT EXISTS items (
    id           text PRIMARY KEY,
    ts           timestamptz NOT NULL,
    value        double precision NOT NULL,
    value_scaled double precision NOT NULL,
    fetched_at   timestamptz NOT NULL,
    source       text NOT NULL
);
CREATE INDEX IF NOT EXISTS items_ts ON items (ts);
