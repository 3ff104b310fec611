CREATE TABLE IF NOT EXISTS events (
    id          text PRIMARY KEY,
    ts          timestamptz NOT NULL,
    value       double precision NOT NULL,
    source_file text NOT NULL
);
CREATE INDEX IF NOT EXISTS events_ts ON events (ts);
